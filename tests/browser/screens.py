"""Takes a picture of each page: light, dark, and as wide as a phone; and renews those that the documentation shows.

The installation stands still, so a picture changes only when a page does.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import DESKTOP, PHONE, launch, open_page
from tests.browser.places import PLACES, SHOWN
from tests.browser.scene import Scene, build

REPOSITORY = Path(__file__).parents[2]
SCREENS = REPOSITORY / "build/screens"
IMAGES = REPOSITORY / "docs/images"
HEIGHT = 640
"""Of pictures in the documentation; what is below is left out."""
LOOKS = {
    "light": ("light", DESKTOP),
    "dark": ("dark", DESKTOP),
    "phone": ("light", PHONE),
    "phone-dark": ("dark", PHONE),
}


def take(browser: Browser, scene: Scene, url: str) -> list[str]:
    """Take all pictures; return what pages did meanwhile that they may not."""
    mistakes = []
    for look, (scheme, size) in LOOKS.items():
        window = open_page(browser, url, scheme=scheme, size=size)
        for name, path in PLACES.items():
            window.page.goto(path(scene))
            window.page.wait_for_timeout(150)  # for what scripts do at once
            window.page.screenshot(path=SCREENS / f"{name}-{look}.png", full_page=True)
            if SHOWN.get(name) == look:
                clip = {"x": 0, "y": 0, "width": size[0], "height": HEIGHT}
                window.page.screenshot(path=IMAGES / f"{name}.png", clip=clip)  # type: ignore[arg-type]
        window.page.context.close()
        mistakes += window.mistakes
    return mistakes


def main() -> int:
    """Take all pictures and say where they are."""
    for folder in (SCREENS, IMAGES):
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as built, tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        build(Path(built))
        scene = Scene.copied(Path(built), Path(home))
        server = scene.serve()
        browser = launch(playwright)
        mistakes = take(browser, scene, server.url)
        browser.close()
        scene.stop(server)
    print(f"{len(LOOKS) * len(PLACES)} pictures in {SCREENS}, {len(SHOWN)} in {IMAGES}")  # noqa: T201 - a program
    for mistake in mistakes:
        print(mistake, file=sys.stderr)  # noqa: T201 - likewise
    return 1 if mistakes else 0


if __name__ == "__main__":
    raise SystemExit(main())
