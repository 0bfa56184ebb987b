"""What people do on the pages, done in a browser: by mouse, by keyboard, and where scripts are forbidden."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from schedsync.access import Scope
from schedsync.runs.run import Cause, RunState
from tests.browser import files
from tests.browser.conftest import Opened, Site
from tests.browser.scene import NOW

JOB = "erp.order-import"


def state_of(site: Site, job_id: str) -> tuple[str | None, str | None]:
    """Who has paused a job, and why."""
    pause = site.scene.store.pauses.in_force(NOW).get(job_id)
    return (None, None) if pause is None else (pause.by, pause.reason)


def fill_pause(page: Page, summary: str, *, until: str, reason: str) -> None:
    page.get_by_text(summary, exact=True).click()
    form = page.locator("details[open] form")
    form.get_by_label(re.compile("^Until")).fill(until)
    form.get_by_label(re.compile("^Reason")).fill(reason)
    form.get_by_role("button", name="Pause").click()


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_a_job_is_paused_with_a_reason_and_an_end_and_resumed(opened: Opened, site: Site, script: bool) -> None:
    page = opened(site, f"/jobs/{JOB}", script=script)
    fill_pause(page, "Pause…", until="2h", reason="The shop is being moved")
    expect(page.locator("#done")).to_be_visible()
    expect(page.locator("main")).to_contain_text("The shop is being moved")
    assert state_of(site, JOB) == ("api:127.0.0.1", "The shop is being moved")
    assert site.scene.store.pauses.in_force(NOW)[JOB].until == NOW + timedelta(hours=2)
    page.get_by_text("Resume…", exact=True).click()
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_text("Pause…", exact=True)).to_be_visible()
    assert state_of(site, JOB) == (None, None)


def test_the_reason_of_a_pause_is_changed(opened: Opened, site: Site) -> None:
    page = opened(site, "/jobs/backup.mail")
    fill_pause(page, "Change pause…", until="1d", reason="It takes longer")
    expect(page.locator("main")).to_contain_text("It takes longer")
    assert state_of(site, "backup.mail") == ("api:127.0.0.1", "It takes longer")


def test_an_end_that_is_none_is_refused_in_words_and_nothing_is_paused(opened: Opened, site: Site) -> None:
    page = opened(site, f"/jobs/{JOB}")
    fill_pause(page, "Pause…", until="soon", reason="")
    expect(page.locator("h1")).to_contain_text("cannot be taken")
    expect(page.locator("main")).to_contain_text("soon")
    assert state_of(site, JOB) == (None, None)


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_a_run_is_asked_for_after_a_confirmation(opened: Opened, site: Site, script: bool) -> None:
    page = opened(site, f"/jobs/{JOB}", script=script)
    page.get_by_text("Run now…", exact=True).click()
    assert site.scene.store.runs.unowned() == []
    page.locator("details[open]").get_by_label(re.compile("^Reason")).fill("Orders were late")
    page.get_by_role("button", name="Run now", exact=True).click()
    expect(page.locator("#done")).to_be_visible()
    (asked,) = site.scene.store.runs.unowned()
    assert (asked.job_id, asked.cause, asked.ask_reason) == (JOB, Cause.MANUAL, "Orders were late")
    assert site.scene.ticks == 1
    page.goto(f"/runs/{asked.id}")
    expect(page.locator("main")).to_contain_text("Orders were late")


def test_everything_is_paused_and_resumed(opened: Opened, site: Site) -> None:
    page = opened(site)
    fill_pause(page, "Pause everything…", until="", reason="The network is being moved")
    expect(page.locator("main")).to_contain_text("Everything is paused")
    assert state_of(site, "*") == ("api:127.0.0.1", "The network is being moved")
    page.get_by_text("Resume everything…", exact=True).click()
    page.get_by_role("button", name="Resume everything", exact=True).click()
    expect(page.locator("main")).not_to_contain_text("Everything is paused")
    assert state_of(site, "*") == (None, None)


def test_the_folder_is_read_when_somebody_asks_for_that(opened: Opened, site: Site) -> None:
    page = opened(site)
    expect(page.get_by_role("heading", name="Problems in the folder")).to_be_visible()
    site.scene.write("reports.yaml", files.REPORTS)
    page.get_by_text("Read the folder…", exact=True).click()
    page.get_by_role("button", name="Read it now").click()
    expect(page.locator("#done")).to_be_visible()
    expect(page.get_by_role("heading", name="Problems in the folder")).to_have_count(0)


def test_a_panel_is_closed_by_escape_and_by_a_click_elsewhere(opened: Opened, site: Site) -> None:
    page = opened(site, f"/jobs/{JOB}")
    panel = page.locator("details.panel", has_text="Pause…").first
    page.get_by_text("Pause…", exact=True).click()
    expect(panel).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(panel).not_to_have_attribute("open", "")
    expect(page.get_by_text("Pause…", exact=True)).to_be_focused()
    page.get_by_text("Pause…", exact=True).click()
    page.get_by_role("heading", level=1).click()
    expect(panel).not_to_have_attribute("open", "")


def test_a_job_is_paused_with_the_keyboard_alone(opened: Opened, site: Site) -> None:
    page = opened(site, f"/jobs/{JOB}")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "Pause…")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("30m")
    page.keyboard.press("Tab")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.locator("#done")).to_be_visible()
    assert state_of(site, JOB) == ("api:127.0.0.1", "By keyboard")


def tab_to(page: Page, text: str) -> None:
    """Press Tab until what has the focus has this text."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == text:
            return
    raise AssertionError(f"Tab does not lead to {text}")


def test_one_logs_in_controls_and_logs_out(opened: Opened, site: Site) -> None:
    secret = site.scene.token(Scope.CONTROL)
    page = opened(site, f"/jobs/{JOB}")
    expect(page.get_by_text("Pause…", exact=True)).to_have_count(0)
    page.locator("main").get_by_role("link", name="log in").click()
    page.get_by_label("Token").fill(secret)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{site.url}/jobs/{JOB}")
    fill_pause(page, "Pause…", until="", reason="As somebody who is known")
    expect(page.locator("#done")).to_be_visible()
    assert state_of(site, JOB) == ("token:browser-control", "As somebody who is known")
    page.get_by_role("button", name="Log out").click()
    page.goto(f"/jobs/{JOB}")
    expect(page.get_by_text("Resume…", exact=True)).to_have_count(0)


def test_a_token_that_is_none_is_refused_in_words(opened: Opened, site: Site) -> None:
    site.scene.token(Scope.CONTROL)
    page = opened(site, "/login")
    page.get_by_label("Token").fill("sst_nobody_knows")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("main")).to_contain_text("token")
    page.goto(f"/jobs/{JOB}")
    expect(page.get_by_text("Pause…", exact=True)).to_have_count(0)


def test_who_may_only_read_is_shown_no_controls(opened: Opened, site: Site) -> None:
    secret = site.scene.token(Scope.READ)
    page = opened(site, "/login")
    page.get_by_label("Token").fill(secret)
    page.get_by_role("button", name="Log in").click()
    for path in ("/", f"/jobs/{JOB}"):
        page.goto(path)
        expect(page.get_by_text("browser-read")).to_be_visible()
        expect(page.locator("form[method=post]")).to_have_count(1)  # logging out


def test_the_theme_is_chosen_and_remembered(opened: Opened, site: Site) -> None:
    page = opened(site, scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    switch = page.get_by_role("button", name=re.compile("^Theme"))
    switch.click()
    assert page.evaluate(ground) == light
    switch.click()
    expect(switch).to_have_text("Theme: dark")
    dark = page.evaluate(ground)
    assert dark != light
    page.goto("/jobs")
    assert page.evaluate(ground) == dark


def test_a_page_shows_what_happens_without_being_loaded_again(opened: Opened, site: Site) -> None:
    page = opened(site, f"/jobs/{JOB}")
    page.evaluate("window.isTheSamePage = true")
    run = site.scene.running(JOB)
    line = page.locator(f"#run-{run.id}")
    expect(line).to_contain_text("running")
    page.get_by_text("Pause…", exact=True).click()
    page.locator("details[open]").get_by_label(re.compile("^Reason")).fill("Being typed")
    site.scene.end(run.id, exit_code=3)
    expect(line).to_contain_text("failed")
    expect(page.locator("details[open]").get_by_label(re.compile("^Reason"))).to_have_value("Being typed")
    assert page.evaluate("window.isTheSamePage") is True
    assert site.scene.store.runs.get(run.id).state is RunState.FAILED


def test_a_page_that_cannot_reach_the_service_says_so(opened: Opened, site: Site) -> None:
    page = opened(site)
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()
