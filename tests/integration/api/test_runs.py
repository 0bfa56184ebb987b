"""Runs and their output as the API shows them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from schedsync.runs.outcome import Output
from schedsync.runs.run import RunState
from tests.builders import located
from tests.integration.api.conftest import Installation, problem

Ask = Callable[..., Any]


def test_a_run_is_shown(here: Installation, get: Ask) -> None:
    here.apply(located(id="a"))
    run = here.end(here.claim("a"), exit_code=3)
    assert get(f"/api/runs/{run.id}") == {
        "id": run.id,
        "job_id": "a",
        "scheduled_at": "2026-11-24T02:00:00Z",
        "started_at": "2026-11-24T02:00:00Z",
        "finished_at": "2026-11-24T02:00:00Z",
        "state": "failed",
        "reason": None,
        "attempt": 1,
        "cause": "schedule",
        "exit_code": 3,
        "node": "here",
        "revision": "r1",
        "asked_by": None,
        "ask_reason": None,
        "upstream_job_id": None,
        "upstream_run_id": None,
        "upstream_state": None,
        "late": False,
        "waiting_for": None,
    }


@pytest.mark.parametrize("run_id", ["019e3a8b5a5f6c1d2e3f4a5b", "a%00b", "x" * 33])
@pytest.mark.parametrize("rest", ["", "/log"])
def test_a_run_that_is_not_there_is_named(client: FlaskClient, run_id: str, rest: str) -> None:
    assert 'no run has the id "' in problem(client.get(f"/api/runs/{run_id}{rest}"), 404)["detail"]


def test_a_history_is_newest_slot_first_and_has_skipped_slots(here: Installation, get: Ask) -> None:
    here.apply(located(id="a"), located(id="b"))
    first = here.end(here.claim("a"))
    here.clock.forward(hours=1)
    second = here.claim("a", state=RunState.SKIPPED)
    here.claim("b")
    answer = get("/api/jobs/a/runs")
    assert [(run["id"], run["state"], run["reason"]) for run in answer["runs"]] == [
        (second.id, "skipped", "paused"),
        (first.id, "succeeded", None),
    ]
    assert answer["next_cursor"] is None


def test_pages_of_a_history_have_each_run_once_although_new_ones_come(here: Installation, get: Ask) -> None:
    here.apply(located(id="a"))
    slots = [here.clock.now + timedelta(minutes=number) for number in range(5)]
    ids = [here.claim("a", slot).id for slot in slots]
    page = get("/api/jobs/a/runs?limit=2")
    here.claim("a", slots[-1] + timedelta(minutes=1))
    seen = [run["id"] for run in page["runs"]]
    while page["next_cursor"]:
        page = get(f"/api/jobs/a/runs?limit=2&cursor={page['next_cursor']}")
        seen += [run["id"] for run in page["runs"]]
    assert seen == ids[::-1]


def test_runs_of_all_jobs_are_paged_also_within_one_slot(here: Installation, get: Ask) -> None:
    ids = {here.claim(job_id).id for job_id in "abc"}
    first = get("/api/runs?limit=2")
    second = get(f"/api/runs?limit=2&cursor={first['next_cursor']}")
    assert {run["id"] for run in first["runs"] + second["runs"]} == ids
    assert second["next_cursor"] is None


def test_a_job_that_has_not_run_has_an_empty_history(here: Installation, get: Ask) -> None:
    here.apply(located(id="a"))
    assert get("/api/jobs/a/runs") == {"runs": [], "next_cursor": None}


def test_the_history_of_a_removed_job_stays(here: Installation, client: FlaskClient, get: Ask) -> None:
    here.apply(located(id="a"), located(id="b"))
    run = here.end(here.claim("a"))
    here.apply(located(id="b"))
    problem(client.get("/api/jobs/a"), 404)
    assert [shown["id"] for shown in get("/api/jobs/a/runs")["runs"]] == [run.id]


def test_the_history_of_a_job_that_never_was_is_not_found(client: FlaskClient) -> None:
    assert problem(client.get("/api/jobs/none/runs"), 404)["job_id"] == "none"


def test_a_page_behind_the_last_run_is_empty(here: Installation, client: FlaskClient, get: Ask) -> None:
    here.claim("a", here.clock.now)
    here.claim("a", here.clock.now + timedelta(minutes=1))
    cursor = get("/api/jobs/a/runs?limit=1")["next_cursor"]
    assert get(f"/api/jobs/never/runs?cursor={cursor}")["runs"] == []


def _log(client: FlaskClient, run_id: str) -> str:
    response = client.get(f"/api/runs/{run_id}/log")
    assert response.status_code == 200
    assert response.content_type == "text/plain; charset=utf-8"
    return response.get_data().decode()


def test_the_log_of_an_ended_run_comes_from_the_store(here: Installation, client: FlaskClient) -> None:
    printed = "grüße\n".encode()
    run = here.end(here.claim("a"), Output(printed, b"", len(printed)))
    assert _log(client, run.id) == "grüße\n"


def test_the_log_of_a_run_that_printed_nothing_is_empty(here: Installation, client: FlaskClient) -> None:
    assert _log(client, here.end(here.claim("a")).id) == ""


def test_the_log_of_a_skipped_slot_is_empty(here: Installation, client: FlaskClient) -> None:
    assert _log(client, here.claim("a", state=RunState.SKIPPED).id) == ""


def test_a_cut_in_a_log_is_a_line_of_its_own_that_says_how_much(here: Installation, client: FlaskClient) -> None:
    run = here.end(here.claim("a"), Output(b"first", b"last\n", 5 + 123456 + 5))
    assert _log(client, run.id).splitlines() == ["first", "[... 123456 bytes not kept ...]", "last"]


def test_the_log_of_a_running_run_is_what_it_has_printed_so_far(here: Installation, client: FlaskClient) -> None:
    run = here.claim("a")
    assert _log(client, run.id) == ""
    here.live[run.id] = Output(b"so far \xff\xc3", b"", 9)
    assert _log(client, run.id) == "so far \ufffd"  # what the last byte begins is shown when it is whole
    here.live[run.id] = Output(b"first", b"last\n", 110)
    assert _log(client, run.id).splitlines() == ["first", "[... 100 bytes not kept ...]", "last"]


@pytest.mark.parametrize("run_state", ["going on", "ended"])
def test_a_log_says_which_byte_comes_next_and_whether_it_is_all(
    here: Installation, client: FlaskClient, run_state: str
) -> None:
    run = here.claim("a")
    output = Output("grün".encode(), b"last\n", 110)
    if run_state == "ended":
        here.end(run, output)
    else:
        here.live[run.id] = output
    headers = client.get(f"/api/runs/{run.id}/log").headers
    assert (headers["Schedsync-Log-Next"], headers["Schedsync-Log-Done"]) == (
        "110",
        "true" if run_state == "ended" else "false",
    )


def test_the_log_of_a_run_that_another_instance_runs_is_empty_until_it_ends(
    here: Installation, client: FlaskClient
) -> None:
    run = here.claim("a")
    assert _log(client, run.id) == ""
    here.end(run, Output(b"done\n", b"", 5))
    assert _log(client, run.id) == "done\n"
