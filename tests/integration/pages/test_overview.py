"""The first page: is it well, and what happens now."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from schedsync.runs.run import RunState
from schedsync.specs.problem import Problem
from schedsync.store.syncs import Held, SyncReport
from tests.builders import located
from tests.integration.api.conftest import Installation
from tests.integration.pages.conftest import BROWSER, Browse, client_of
from tests.integration.pages.reading import Page, read

Send = Callable[..., Page]


def _headline(page: Page) -> str:
    return next(text for tag, text in page.headings if tag == "h1")


def _step(here: Installation, **fields: Any) -> None:
    report = SyncReport(here.clock.now, "here", "r2", complete=False)
    here.vitals.stepped(replace(report, **fields))


def test_without_jobs_it_says_how_to_begin(browse: Browse) -> None:
    page = browse("/")
    assert _headline(page) == "All is well"
    assert "write a file into the jobs folder" in page.text
    assert page.title == "All is well · schedsync"


def test_when_all_is_well_it_says_so_and_what_runs(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a"), located(id="b"))
    here.claim("a")
    page = browse("/")
    assert _headline(page) == "All is well"
    assert "2 jobs, 1 running." in page.text
    assert page.row("running")[1] == "a"


def test_problems_come_with_file_line_and_message(here: Installation, browse: Browse) -> None:
    mistake = Problem("erp/d.yaml", 3, 7, 'unknown key "timeuot"', job_id="d", since=here.clock.now)
    _step(here, problems=(mistake, replace(mistake, line=9)))
    page = browse("/")
    assert _headline(page) == "2 problems in 1 file"
    assert 'erp/d.yaml:3:7 unknown key "timeuot"' in page.text
    assert "2 problems" in page.text.split("Skip to the content")[1][:200]  # in the head of the page, too


def test_held_removals_say_why_and_what_to_do(here: Installation, browse: Browse) -> None:
    _step(here, held=(Held("old", "old.yaml", "its spec says prune: confirm"),))
    page = browse("/")
    assert _headline(page) == "1 removal held back"
    assert "its spec says prune: confirm" in page.text
    assert "schedsync apply --allow-prune" in page.text


def test_a_job_that_failed_last_is_told_until_it_succeeds(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a"))
    here.end(here.claim("a"), exit_code=3)
    page = browse("/")
    assert _headline(page) == "a fails"
    assert page.row("failed")[1:3] == ["a", "02:00:00 now"]
    here.vitals.ticked(here.clock.forward(minutes=5), leading=True, leader="here")
    here.end(here.claim("a"))
    page = browse("/")
    assert _headline(page) == "All is well"
    assert page.row("failed")  # it stays among those that failed today


def test_of_many_jobs_that_fail_some_are_named(here: Installation, browse: Browse) -> None:
    here.apply(*(located(id=f"job-{number}") for number in range(8)))
    for number in range(7):
        here.end(here.claim(f"job-{number}"), exit_code=3)
    page = browse("/")
    assert _headline(page) == "7 jobs fail"
    assert "job-0, job-1, job-2, job-3, job-4 and 2 more." in page.text


def test_the_worst_comes_first(here: Installation, browse: Browse) -> None:
    _step(here, held=(Held("old", "old.yaml", "why"),))
    here.clock.forward(minutes=5)
    page = browse("/")
    assert _headline(page) == "The firing loop is stuck: nothing starts"
    assert "1 removal held back" in page.text


@pytest.mark.parametrize("leader", [None, "there"])
def test_without_a_leader_nothing_is_well(here: Installation, client: FlaskClient, leader: str | None) -> None:
    here.vitals.ticked(here.clock.now, leading=False, leader=leader)
    page = read(client.get("/", headers=BROWSER).text)
    assert (_headline(page) == "All is well") is (leader is not None)


def test_what_waits_says_what_for(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a", overlap="queue"))
    here.claim("a", here.clock.now - timedelta(minutes=1))
    here.claim("a", state=RunState.QUEUED)
    assert browse("/").row("queued") == ["queued", "a", "02:00:00 now", "the end of a"]


def test_everything_can_be_paused_and_resumed(here: Installation, browse: Browse, send: Send) -> None:
    here.apply(located(id="a"))
    page = send(browse("/"), "/pause", until="2h", reason="storage <is> moved")
    assert _headline(page) == "Everything is paused"
    assert "by api:127.0.0.1, now, ends in 2 h: storage <is> moved" in page.text
    assert "Everything is paused." in page.text
    page = send(page, "/resume")
    assert _headline(page) == "All is well"


def test_the_folder_can_be_read_at_once(here: Installation, browse: Browse, send: Send) -> None:
    assert "The folder is being read." in send(browse("/"), "/sync").text
    assert here.woken == 1


def test_a_wish_that_makes_no_sense_is_explained(here: Installation, client: FlaskClient) -> None:
    response = client.post("/pause", data={"until": "soon"}, headers=BROWSER)
    assert response.status_code == 400
    page = read(response.text)
    assert _headline(page) == "The request cannot be taken as it is"
    assert '"soon"' in page.text
    assert here.store.pauses.in_force(here.clock.now) == {}


def test_a_page_that_says_more_than_it_can_is_refused(browse: Browse) -> None:
    assert "is not known here" in browse("/?dnoe=paused", 400).text


def test_revision_leader_and_database_are_told(here: Installation, browse: Browse) -> None:
    here.vitals.live("r1")
    _step(here)
    text = browse("/").text
    for words in ("Live revision\n", "r1", "Seen, not wholly live", "r2", "here this instance", "answers since"):
        assert words.strip() in text


def test_while_the_database_is_away_what_was_known_is_shown(here: Installation) -> None:
    here.apply(located(id="a"))
    here.backend.mirror.see_jobs(here.store.jobs.observe(), here.clock.now)
    here.clock.forward(minutes=3)
    here.vitals.ticked(here.clock.now, leading=True, leader="here")
    here.vitals.database(here.clock.now, error="no route to the database")
    page = read(client_of(here).get("/", headers=BROWSER).text)
    assert _headline(page) == "The database is away: nothing new starts"
    assert "no route to the database" in page.text
    assert "This is what was known 3 min ago (2026-11-24 02:00:00 UTC)" in page.text
    assert "database away" in page.text
