"""The log of steps and the log of decisions over HTTP."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from schedsync.plan.ops import Changed
from schedsync.specs.problem import Problem
from schedsync.status.mirror import Mirror
from schedsync.store.syncs import Held, SyncReport
from tests.builders import located
from tests.integration.api.conftest import Installation, problem

Ask = Callable[..., Any]


def _record(here: Installation, **fields: Any) -> None:
    """Write down a step a minute after the one before."""
    here.clock.forward(minutes=1)
    here.store.syncs.record(replace(SyncReport(here.clock.now, "n", "r", complete=True), **fields))


def test_a_step_is_shown_with_what_it_changed_and_found(here: Installation, get: Ask) -> None:
    mistake = Problem("a.yaml", 1, 2, "no cron", "a", "schedule.cron", "'x'", None, since=here.clock.now)
    _record(
        here,
        complete=False,
        drift=True,
        counts={"added": 201},
        changed=Changed(("a",), ("b",), (("old", "new"),), ("c",), truncated=True),
        problems=(mistake,),
        held=(Held("d", "d.yaml", "prune: confirm"),),
    )
    (sync,) = get("/api/syncs")["syncs"]
    assert sync.pop("id")
    assert sync == {
        "at": "2026-11-24T02:01:00Z",
        "node": "n",
        "revision": "r",
        "complete": False,
        "drift": True,
        "counts": {"added": 201},
        "changes": {
            "added": ["a"],
            "updated": ["b"],
            "renamed": ["new"],
            "renamed_from": {"new": "old"},
            "removed": ["c"],
            "truncated": True,
        },
        "problems": [
            {
                "file": "a.yaml",
                "line": 1,
                "column": 2,
                "job_id": "a",
                "field": "schedule.cron",
                "message": "no cron",
                "found": "'x'",
                "expected": None,
                "since": "2026-11-24T02:00:00Z",
            }
        ],
        "held": [{"job_id": "d", "file": "d.yaml", "why": "prune: confirm", "change": "removal", "window": None}],
    }


def test_pages_of_steps_have_each_one_once_although_new_ones_come(here: Installation, get: Ask) -> None:
    for number in range(5):
        _record(here, revision=f"r{number}")
    page = get("/api/syncs?limit=2")
    _record(here, revision="newer")
    seen = [sync["revision"] for sync in page["syncs"]]
    while page["next_cursor"]:
        page = get(f"/api/syncs?limit=2&cursor={page['next_cursor']}")
        seen += [sync["revision"] for sync in page["syncs"]]
    assert seen == ["r4", "r3", "r2", "r1", "r0"]


def test_decisions_are_shown_over_all_jobs_or_one(here: Installation, get: Ask, post: Ask) -> None:
    here.apply(located(id="a"), located(id="b"))
    for path, reason in (
        ("jobs/a/pause", "close"),
        ("jobs/b/pause", None),
        ("pause", "night"),
        ("jobs/a/resume", None),
    ):
        here.clock.forward(minutes=1)
        post(f"/api/{path}", reason=reason)
    entries = get("/api/audit")["entries"]
    shown = [(entry["action"], entry["job_id"], entry["reason"]) for entry in entries]
    expected = [("resume", "a", None), ("pause", None, "night"), ("pause", "b", None), ("pause", "a", "close")]
    assert shown == expected
    assert (entries[-1]["at"], entries[-1]["actor"]) == ("2026-11-24T02:01:00Z", "api:127.0.0.1")
    first = get("/api/audit?job_id=a&limit=1")
    second = get(f"/api/audit?job_id=a&limit=1&cursor={first['next_cursor']}")
    assert [entry["action"] for entry in first["entries"] + second["entries"]] == ["resume", "pause"]
    assert second["next_cursor"] is None


def test_a_cursor_of_another_list_is_refused(here: Installation, client: FlaskClient, get: Ask, post: Ask) -> None:
    here.apply(located(id="a"))
    _record(here)
    post("/api/pause")
    here.clock.forward(minutes=1)
    post("/api/resume")
    cursor = get("/api/audit?limit=1")["next_cursor"]
    (mistake,) = problem(client.get(f"/api/syncs?cursor={cursor}"), 400)["errors"]
    assert mistake["field"] == "cursor"
    problem(client.get("/api/audit?cursor=ZGVjaXNpb24gJQ"), 400)
    problem(client.get("/api/audit?job_id=.."), 400)


@pytest.mark.parametrize("path", ["/api/syncs", "/api/audit"])
def test_neither_log_is_remembered_while_the_database_is_away(here: Installation, path: str) -> None:
    mirror = Mirror()
    client = here.client(mirror=mirror)
    mirror.see_jobs(here.store.jobs.observe(), here.clock.now - timedelta(hours=1))
    here.vitals.database(here.clock.now, error="no route to host")
    response = client.get(path)
    assert problem(response, 503)["detail"] == "no route to host"
    assert response.headers["Retry-After"]
