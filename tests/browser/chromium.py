"""Chromium, and a window of it that writes down what a page does wrong."""

import shutil
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, Response, Route

from tests.browser.scene import NOW

DESKTOP, PHONE = (1280, 900), (390, 844)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--font-render-hinting=none",
]
PATIENCE = 20_000
"""Milliseconds after which what a page should show is missing."""
GIVEN_UP = ("ERR_ABORTED", "ERR_INTERNET_DISCONNECTED")
"""Requests that ended so did not fail: the page gave them up, because one went elsewhere, or the test took it off."""
VIOLATIONS = "document.addEventListener('securitypolicyviolation', e => console.error('CSP: ' + e.violatedDirective))"


def launch(playwright: Playwright) -> Browser:
    """Start the Chromium that is installed."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), headless=True, args=ARGUMENTS)


@dataclass
class Window:
    """A page, and what it did that no page may do."""

    page: Page
    origin: str
    mistakes: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Write mistakes down from now on."""
        self.page.route("**/*", self._keep_here)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.mistakes.append(f"script failed: {error}"))
        self.page.on("response", self._answered)
        self.page.on("requestfailed", self._failed)
        self.page.add_init_script(VIOLATIONS)

    def _keep_here(self, route: Route) -> None:
        url = route.request.url
        if url.startswith((f"{self.origin}/", "data:")):
            route.continue_()
            return
        self.mistakes.append(f"a request leaves the machine: {url}")
        route.abort()

    def _heard(self, message: ConsoleMessage) -> None:
        # That a page answers 404 is what some tests are about; a file that does is noted below.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.mistakes.append(f"console {message.type}: {message.text}")

    def _answered(self, response: Response) -> None:
        if urlsplit(response.url).path.startswith("/static/") and response.status >= 400:
            self.mistakes.append(f"{response.status} for {response.url}")

    def _failed(self, request: Request) -> None:
        if request.failure and not any(given_up in request.failure for given_up in GIVEN_UP):
            self.mistakes.append(f"{request.failure} for {request.url}")


def open_page(
    browser: Browser,
    origin: str,
    *,
    scheme: Any = "light",
    size: tuple[int, int] = DESKTOP,
    script: bool = True,
    bypass_csp: bool = False,
) -> Window:
    """Open a window of its own, with a clock that shows when the installation is.

    Args:
        browser: whose window it is.
        origin: of the server, without a slash at its end.
        scheme: ``light`` or ``dark``.
        size: of the window.
        script: whether pages may run scripts.
        bypass_csp: whether the test may put scripts into pages.
    """
    context = browser.new_context(
        base_url=origin,
        color_scheme=scheme,
        viewport={"width": size[0], "height": size[1]},
        java_script_enabled=script,
        bypass_csp=bypass_csp,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(PATIENCE)
    window = Window(context.new_page(), origin)
    window.watch()
    if script:
        window.page.clock.set_fixed_time(NOW)
    return window
