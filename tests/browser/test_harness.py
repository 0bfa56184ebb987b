"""The watch over the pages sees what it is there for: without that, no test of a page means anything."""

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import open_page
from tests.browser.conftest import Site

MISTAKES: dict[str, tuple[str, str]] = {
    "another host, where the policy lets it": (
        "fetch('http://example.com/x').catch(() => 0)",
        "a request leaves the machine",
    ),
    "an error in the console": ("console.error('broken')", "console error: broken"),
    "a script that fails": ("queueMicrotask(() => { throw new Error('broken') })", "script failed"),
    "another host": ("fetch('http://example.com/x').catch(() => 0)", "CSP: connect-src"),
    "a style that the policy forbids": ("document.body.setAttribute('style', 'color: red')", "CSP: style-src"),
    "a file that is not there": ("fetch('/static/none.css')", "404 for"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_of_a_page_is_written_down(browser: Browser, seen: Site, what: str) -> None:
    script, said = MISTAKES[what]
    window = open_page(browser, seen.url, bypass_csp="lets" in what)
    window.page.goto("/")
    assert window.mistakes == []
    window.page.evaluate(f"() => {{ {script} }}")
    window.page.wait_for_timeout(200)
    window.page.context.close()
    assert [mistake for mistake in window.mistakes if said in mistake], window.mistakes
