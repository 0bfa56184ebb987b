"""The page of a run: what it prints is seen while it prints it, up to its end."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opened, Site
from tests.browser.scene import Scene

JOB = "dwh.forecast"


def path_of(scene: Scene) -> str:
    return f"/runs/{scene.running(JOB).id}"


@pytest.fixture
def page(opened: Opened, site: Site) -> Page:
    return opened(site, path_of(site.scene))


def is_at_end(page: Page) -> bool:
    found: bool = page.evaluate(
        "(() => { const e = document.getElementById('log'); "
        "return e.scrollTop + e.clientHeight >= e.scrollHeight - 4 })()"
    )
    return found


def test_what_a_run_prints_appears_and_stays_when_it_ends(page: Page, site: Site) -> None:
    log, run = page.locator("#log"), site.scene.running(JOB)
    expect(log).to_contain_text("fit model 22 of 40")
    site.scene.print(run.id, "fit model 23 of 40: error \x1b[1m0.0385\x1b[0m\n")
    expect(log).to_contain_text("fit model 23 of 40: error 0.0385\n")
    for number in range(24, 41):
        site.scene.print(run.id, f"fit model {number} of 40\n")
    site.scene.end(run.id)
    expect(page.locator("#log-state")).to_have_text("ended")
    expect(page.get_by_role("heading", level=1)).to_contain_text("succeeded")
    text = log.text_content() or ""
    assert [line.split(" of ")[0] for line in text.splitlines()[2:]] == [f"fit model {n:2}" for n in range(1, 41)]


def test_an_escape_that_comes_in_two_parts_is_not_shown(page: Page, site: Site) -> None:
    run = site.scene.running(JOB)
    site.scene.print(run.id, "before \x1b[3")
    expect(page.locator("#log")).to_contain_text("before ")
    site.scene.print(run.id, "1mred\x1b[0m after\n")
    expect(page.locator("#log")).to_contain_text("before red after\n")


def test_output_is_text_whatever_is_in_it(page: Page, site: Site) -> None:
    site.scene.print(site.scene.running(JOB).id, "<script>document.title = 'taken'</script><img src=x>\n")
    expect(page.locator("#log")).to_contain_text("<script>document.title")
    assert page.locator("#log img").count() == 0
    assert "taken" not in page.title()


def test_a_reader_who_is_at_the_end_stays_there_and_another_one_where_he_is(page: Page, site: Site) -> None:
    log, run = page.locator("#log"), site.scene.running(JOB)
    site.scene.print(run.id, "more\n" * 200 + "first end\n")
    expect(log).to_contain_text("first end")
    assert is_at_end(page)
    page.evaluate("document.getElementById('log').scrollTop = 0")
    site.scene.print(run.id, "second end\n")
    expect(log).to_contain_text("second end")
    assert page.evaluate("document.getElementById('log').scrollTop") == 0


def test_the_output_is_there_without_scripts_and_can_be_downloaded(opened: Opened, site: Site) -> None:
    page = opened(site, path_of(site.scene), script=False)
    expect(page.locator("#log")).to_contain_text("fit model 22 of 40: error 0.0400")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == f"{JOB}-{site.scene.running(JOB).id}.log"
    assert download.value.path().read_bytes() == site.scene.printed[site.scene.running(JOB).id]


def test_runs_lead_to_the_runs_that_belong_to_them(opened: Opened, site: Site) -> None:
    runs = site.scene.store.runs
    follower = next(run for run in runs.page(job_id="backup.verify", before=None, limit=50) if run.upstream_run_id)
    page = opened(site, f"/runs/{follower.id}")
    page.locator("main dl").get_by_role("link", name="succeeded").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("backup.files")
    expect(page.locator("#followers")).to_be_visible()
    page.locator(f"#run-{follower.id}").get_by_role("link", name="succeeded").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("backup.verify")


def test_a_run_that_waits_says_what_for(opened: Opened, site: Site) -> None:
    page = opened(site, f"/runs/{site.scene.running('erp.price-import').id}")
    expect(page.locator("main")).to_contain_text("It waits for the end of erp.order-import.")
