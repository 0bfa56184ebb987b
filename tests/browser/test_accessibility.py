"""No page has a mistake that keeps people out who use a keyboard, a screen reader, or little contrast."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import DESKTOP, PHONE, Window, open_page
from tests.browser.conftest import Site
from tests.browser.places import PLACES

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RUN = "() => axe.run(document, {resultTypes: ['violations']})"
LOOKS = [("light", DESKTOP), ("dark", DESKTOP), ("light", PHONE), ("dark", PHONE)]
SIZES = [(360, 740), PHONE, (768, 1024), DESKTOP, (1920, 1080)]


@pytest.fixture(scope="module")
def windows(browser: Browser, seen: Site) -> Iterator[list[Window]]:
    """Windows into which the test may put the engine, which the policy of the pages forbids."""
    opened = [open_page(browser, seen.url, scheme=scheme, size=size, bypass_csp=True) for scheme, size in LOOKS]
    yield opened
    for window in opened:
        window.page.context.close()


@pytest.fixture(scope="module")
def window(browser: Browser, seen: Site) -> Iterator[Window]:
    opened = open_page(browser, seen.url)
    yield opened
    opened.page.context.close()


@pytest.mark.parametrize("place", PLACES)
def test_the_engine_finds_nothing_serious(windows: list[Window], seen: Site, place: str) -> None:
    found = [violation for window in windows for violation in violations(window.page, PLACES[place](seen.scene))]
    assert found == []


def violations(page: Page, path: str) -> list[str]:
    """Return what is serious or worse on a page, each with where it is."""
    page.goto(path)
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate(RUN)
    return [
        f"{each['impact']}: {each['help']} ({node['html'][:120]}; {node['failureSummary']})"
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"][:3]
    ]


def test_the_engine_finds_what_is_there(browser: Browser, seen: Site) -> None:
    window = open_page(browser, seen.url, bypass_csp=True)
    window.page.goto("/")
    window.page.evaluate("() => document.body.insertAdjacentHTML('beforeend', '<button></button>')")
    window.page.evaluate(AXE)
    found = window.page.evaluate(RUN)
    window.page.context.close()
    assert "button-name" in {violation["id"] for violation in found["violations"]}


@pytest.mark.parametrize("place", PLACES)
def test_no_page_is_wider_than_its_window(window: Window, seen: Site, place: str) -> None:
    window.page.goto(PLACES[place](seen.scene))
    wide: dict[int, int] = {}
    for width, height in SIZES:
        window.page.set_viewport_size({"width": width, "height": height})
        beyond = window.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        wide |= {width: beyond} if beyond > 0 else {}
    assert wide == {}


@pytest.mark.parametrize("place", PLACES)
def test_a_page_has_one_heading_landmarks_and_a_title_and_does_nothing_that_it_may_not(
    window: Window, seen: Site, place: str
) -> None:
    page = window.page
    page.goto(PLACES[place](seen.scene))
    assert [page.locator(name).count() for name in ("h1", "main", "header", "footer")] == [1, 1, 1, 1]
    assert page.title().endswith("· schedsync")
    assert page.locator("html").get_attribute("lang") == "en"
    page.wait_for_timeout(100)  # for what its scripts do at once
    assert window.mistakes == []
