"""10,000 jobs, of which 200 start in a second, and readers who page through them: neither keeps the other waiting."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.acceptance.harness import Folder, Service
from tests.benchmarks.status_side import ANSWERED, JOBS, LATER, STARTS, measure, percentile, warm, write_jobs
from tests.browser.chromium import launch
from tests.needs import do_without

SPELLS, SPELL = 3, 10
INTERACTIVE = 1.0
"""Seconds after which the page of all jobs can be used."""

pytestmark = [
    pytest.mark.alone,
    pytest.mark.timeout(400),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]


def test_reading_is_quick_while_much_runs_and_keeps_no_start_waiting(
    service: Service, folder: Folder, tmp_path: Path
) -> None:
    write_jobs(folder)
    service.start()
    warm(service)
    figures = measure(service, tmp_path / "state.db", spells=SPELLS, spell=SPELL)
    print(figures.table())  # noqa: T201 - shown when it fails
    assert min(len(figures.quiet), len(figures.asked)) >= 0.99 * STARTS * SPELLS * SPELL, "slots were skipped"
    assert percentile(figures.latencies, 99) < ANSWERED
    assert figures.ratio <= LATER


def test_the_page_of_all_jobs_can_be_used_within_a_second_while_much_runs(service: Service, folder: Folder) -> None:
    if shutil.which("chromium") is None:
        do_without("Chromium is not installed (Debian: apt-get install chromium)")
    write_jobs(folder)
    service.start()
    warm(service)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            took = [_use(browser, service.url) for _ in range(5)]
        finally:
            browser.close()
    print("usable after", [round(seconds, 2) for seconds in took], "s")  # noqa: T201 - shown when it fails
    assert max(took) < INTERACTIVE


def _use(browser: Browser, url: str) -> float:
    """Open the page, search for one job and find it; return after how many seconds its script was ready for that.

    By the browser's clock: what drives it takes its time, too. In a context of its own: nothing is in a cache.
    """
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/jobs", wait_until="load")
    ready: float = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    field = page.get_by_role("searchbox")
    field.fill(f"side.0{JOBS // 3}")
    field.press("Enter")
    expect(page.locator("main tbody tr")).to_have_count(1)
    context.close()
    return ready / 1000
