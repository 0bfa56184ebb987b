"""Filters, search, orders and pages of jobs and of runs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from schedsync.runs.run import RunState
from schedsync.status.knowledge import refresh
from schedsync.status.mirror import Mirror
from tests.builders import located
from tests.integration.api.conftest import Installation, problem

Ask = Callable[..., Any]


@pytest.fixture
def catalogue(here: Installation) -> Installation:
    """Four jobs, of which one is paused and one suspended; b ran an hour after a."""
    here.apply(
        located(id="a", tags=["erp", "nightly"], owner="dba", description="Dump the schema"),
        located(id="b", tags=["web"], owner="web-team", group="web", schedule={"every": "2h"}),
        located(id="c", suspend=True),
        located(id="d", schedule={"every": "30m"}),
    )
    here.backend.control.pause("d", by="me", reason=None, until=None)
    here.end(here.claim("a"))
    here.end(here.claim("b", here.clock.now + timedelta(hours=1)), exit_code=1)
    here.claim("c", here.clock.now + timedelta(hours=2), RunState.SKIPPED)
    return here


@pytest.fixture(params=["store", "memory"])
def ids(request: pytest.FixtureRequest, catalogue: Installation) -> Callable[[str], list[str]]:
    """Ask for jobs or runs, once while the database answers and once while it is away; return ids in order."""
    mirror = Mirror()
    refresh(mirror, catalogue.store, catalogue.clock.now, wholly=True)
    client = catalogue.client(mirror=mirror)
    if request.param == "memory":
        catalogue.vitals.database(catalogue.clock.now, error="no route to host")

    def ask(path: str) -> list[str]:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        assert ("as_of" in answer.get_json()) is (request.param == "memory")
        body = answer.get_json()
        return [job["id"] for job in body["jobs"]] if "jobs" in body else [run["job_id"] for run in body["runs"]]

    return ask


JOBS = {
    "": "abcd",
    "state=active": "ab",
    "state=paused": "d",
    "state=suspended": "c",
    "state=finished": "",
    "tag=erp": "a",
    "tag=er": "",
    "owner=web-team": "b",
    "group=web": "b",
    "q=SCHEMA": "a",
    "q=web": "b",
    "stale=false&state=active": "ab",
    "stale=true": "",
    "sort=id": "abcd",
    "sort=-id": "dcba",
    "sort=next_fire_at": "abcd",
    "sort=-next_fire_at": "badc",
    "sort=last_run_at": "abcd",
    "sort=-last_run_at": "badc",
    "sort=state": "abdc",
    "sort=-state": "cdba",
    "state=&tag=&q=&stale=&sort=": "abcd",
}


@pytest.mark.parametrize("query", JOBS)
def test_jobs_are_those_that_are_wanted_in_the_order_that_is_wanted(ids: Ask, query: str) -> None:
    assert "".join(ids(f"/api/jobs?{query}")) == JOBS[query]


RUNS = {
    "": "cba",
    "state=failed": "b",
    "state=skipped": "c",
    "cause=schedule": "cba",
    "cause=manual": "",
    "node=here": "cba",
    "node=there": "",
    "since=2026-11-24T03:00:00Z": "cb",
    "until=2026-11-24T03:00:00Z": "a",
    "since=2026-11-24T04:00:00%2B01:00&until=2026-11-24T03:30:00Z": "b",
    "state=&cause=&node=&since=&until=": "cba",
    "since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59.999999Z": "cba",
    "since=9999-12-31T23:59:59.999999Z": "",
    "until=0001-01-01T00:00:00Z": "",
}


@pytest.mark.parametrize("query", RUNS)
def test_runs_are_those_that_are_wanted(ids: Ask, query: str) -> None:
    assert "".join(ids(f"/api/runs?{query}")) == RUNS[query]
    assert "".join(ids(f"/api/jobs/b/runs?{query}")) == ("b" if "b" in RUNS[query] else "")


@pytest.mark.parametrize("query", [query for query in JOBS if query])
def test_pages_have_each_job_once_and_say_how_many_there_are(catalogue: Installation, get: Ask, query: str) -> None:
    seen, cursor = "", ""
    while cursor is not None:
        page = get(f"/api/jobs?{query}&limit=1{cursor}")
        assert page["total"] == len(JOBS[query])
        seen += "".join(job["id"] for job in page["jobs"])
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert seen == JOBS[query]


def test_what_another_process_did_is_in_the_next_answer(catalogue: Installation, get: Ask) -> None:
    assert [job["id"] for job in get("/api/jobs?state=paused")["jobs"]] == ["d"]
    catalogue.backend.control.pause("a", by="cli:me", reason="storage is being moved", until=None)
    assert [job["id"] for job in get("/api/jobs?state=paused")["jobs"]] == ["a", "d"]
    assert get("/api/jobs?limit=1")["jobs"][0]["pause"]["reason"] == "storage is being moved"
    catalogue.backend.control.resume("a", by="cli:me", reason=None)
    assert [job["id"] for job in get("/api/jobs?state=paused")["jobs"]] == ["d"]
    catalogue.apply(located(id="a", description="edited", schedule={"every": "5h"}))
    (job,) = get("/api/jobs")["jobs"]
    assert (job["description"], job["next_fire_at"]) == ("edited", "2026-11-24T07:00:00Z")
    ran = catalogue.claim("a", catalogue.clock.now + timedelta(hours=3))
    assert get("/api/jobs")["jobs"][0]["last_run"]["state"] == "running"
    catalogue.end(ran, exit_code=7)
    assert get("/api/jobs")["jobs"][0]["last_run"]["exit_code"] == 7


def test_a_run_becomes_late_while_it_lasts(here: Installation, get: Ask) -> None:
    here.apply(located(id="a"))
    lasting = here.claim("a")
    with here.store.database.write() as connection:
        late_at = int((here.clock.now + timedelta(minutes=1)).timestamp() * 1_000_000)
        connection.exec_driver_sql(f"UPDATE schedsync_runs SET late_at = {late_at} WHERE id = '{lasting.id}'")

    def shown() -> list[bool]:
        return [get("/api/runs")["runs"][0]["late"], get("/api/jobs")["jobs"][0]["last_run"]["late"]]

    assert shown() == [False, False]
    here.clock.forward(minutes=1)
    assert shown() == [True, True]


MISTAKES = {
    "jobs?state=running": ("state", 'expected active, paused, suspended or finished, found "running"'),
    "jobs?sort=name": ("sort", 'last_run_at, -last_run_at, state or -state, found "name"'),
    "jobs?stale=yes": ("stale", 'expected true or false, found "yes"'),
    f"jobs?q={'x' * 201}": ("q", "expected at most 200 characters, found 201"),
    "jobs?cause=manual": ("cause", "is not known here"),
    "runs?state=paused": ("state", "cancelled, lost or skipped"),
    "runs?cause=me": ("cause", 'after or manual, found "me"'),
    "runs?since=yesterday": ("since", '"yesterday" is not a time; write it like "2027-01-31T23:59:59Z"'),
    "runs?until=2026-11-24T03:00:00": ("until", "has no time zone"),
    "runs?sort=id": ("sort", "is not known here"),
}


@pytest.mark.parametrize("path", MISTAKES)
def test_a_filter_that_is_none_is_refused_with_what_to_write(client: FlaskClient, path: str) -> None:
    field, said = MISTAKES[path]
    (mistake,) = problem(client.get(f"/api/{path}"), 400)["errors"]
    assert mistake["field"] == field
    assert said in mistake["message"]


@pytest.mark.parametrize(
    ("of", "other"),
    [
        ("jobs?limit=1", "jobs?sort=-id"),
        ("jobs?limit=1&sort=state", "jobs?sort=-state"),
        ("jobs?limit=1&q=a", "jobs?q=ab"),
        ("jobs?limit=1&state=active", "jobs?state=paused"),
        ("runs?limit=1", "runs?state=failed"),
        ("runs?limit=1&since=2026-11-24T00:00:00Z", "runs?since=2026-11-24T01:00:00Z"),
    ],
)
def test_a_cursor_of_another_list_is_refused_with_a_sentence(
    catalogue: Installation, client: FlaskClient, get: Ask, of: str, other: str
) -> None:
    cursor = get(f"/api/{of}")["next_cursor"] or pytest.fail("there is no next page")
    assert client.get(f"/api/{of}&cursor={cursor}").status_code == 200
    (mistake,) = problem(client.get(f"/api/{other}&cursor={cursor}".replace("&", "?", "?" not in other)), 400)["errors"]
    assert mistake["field"] == "cursor"
    assert "other filters or in another order" in mistake["message"]


def test_one_mistake_is_not_said_twice(catalogue: Installation, client: FlaskClient, get: Ask) -> None:
    cursor = get("/api/jobs?limit=1&state=active")["next_cursor"]
    mistakes = problem(client.get(f"/api/jobs?state=activ&cursor={cursor}"), 400)["errors"]
    assert [mistake["field"] for mistake in mistakes] == ["state"]


def test_a_filter_that_no_run_of_a_job_passes_is_no_missing_job(catalogue: Installation, client: FlaskClient) -> None:
    assert client.get("/api/jobs/a/runs?state=lost").json == {"runs": [], "next_cursor": None}
    catalogue.apply(located(id="b"))
    assert client.get("/api/jobs/a/runs?state=lost").json == {"runs": [], "next_cursor": None}
    problem(client.get("/api/jobs/none/runs?state=lost"), 404)
