"""A real Chromium before a real server: each page is watched, and what it does that it may not fails the test."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.browser.chromium import PATIENCE, Window, launch, open_page
from tests.browser.scene import Scene, build
from tests.needs import do_without

expect.set_options(timeout=PATIENCE)  # pages ask for news every five seconds


@dataclass(frozen=True)
class Site:
    """An installation, and where it is served."""

    scene: Scene
    url: str
    windows: list[Window] = field(default_factory=list)
    """What looks at it; closed before it is not there any more."""


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    if shutil.which("chromium") is None:
        do_without("Chromium is not installed (Debian: apt-get install chromium)")
    started = launch(playwright)
    yield started
    started.close()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("built")
    build(home)
    return home


def _serve(built: Path, home: Path) -> Iterator[Site]:
    scene = Scene.copied(built, home)
    server = scene.serve()
    site = Site(scene, server.url)
    yield site
    _close(site.windows)
    scene.stop(server)


@pytest.fixture(scope="session")
def seen(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation for all tests that only look."""
    yield from _serve(built, tmp_path_factory.mktemp("seen"))


@pytest.fixture
def site(built: Path, tmp_path: Path) -> Iterator[Site]:
    """An installation for one test, which may change it."""
    yield from _serve(built, tmp_path)


def _close(windows: list[Window]) -> None:
    for window in windows:
        window.page.context.close()


Opened = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Open a window on a site; what its pages did wrong meanwhile fails the test at its end."""
    windows: list[Window] = []

    def open_window(site: Site, path: str = "/", **options: Any) -> Page:
        window = open_page(browser, site.url, **options)
        windows.append(window)
        site.windows.append(window)
        window.page.goto(path)
        return window.page

    yield open_window
    _close(windows)
    assert [mistake for window in windows for mistake in window.mistakes] == []


@pytest.fixture
def page(opened: Opened, site: Site) -> Page:
    """A window on an installation that the test may change."""
    return opened(site)
