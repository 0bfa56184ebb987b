"""The service as the API shows it: status, health and readiness."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from schedsync import __version__
from schedsync.clock import rfc3339
from schedsync.runs.run import RunState
from schedsync.specs.problem import Problem
from schedsync.store.syncs import Held, SyncReport
from tests.builders import located
from tests.integration.api.conftest import Installation, problem

Ask = Callable[..., Any]


def _status(client: FlaskClient, path: str) -> tuple[int, Any]:
    response = client.get(path)
    assert response.mimetype == "application/json"
    return response.status_code, response.json


def _tick(here: Installation, *, leading: bool = True, leader: str | None = "here") -> None:
    here.vitals.ticked(here.clock.now, leading=leading, leader=leader)


def test_the_status_of_a_new_service_is_empty(get: Ask) -> None:
    assert get("/api/status") == {
        "version": __version__,
        "node": "here",
        "leader": None,
        "revision": {"live": None, "attempted": None},
        "last_sync_at": None,
        "last_tick_at": None,
        "database": {"ok": False, "since": None, "error": None},
        "paused": None,
        "counts": {
            **dict.fromkeys(("jobs", "active", "paused", "suspended", "finished"), 0),
            **dict.fromkeys(("stale", "held", "running", "queued"), 0),
        },
        "notices": {"pending": 0, "failed": 0},
        "problems": [],
        "held": [],
        "blackouts": [],
    }


def test_the_status_says_what_the_loops_found(here: Installation, get: Ask) -> None:
    here.apply(located(id="a"), located(id="b", suspend=True), located(id="c", schedule={"at": "2026-01-01T00:00:00Z"}))
    here.claim("a")
    here.claim("b", state=RunState.QUEUED)
    mistake = Problem("d.yaml", 3, 1, 'unknown key "timeuot"', job_id="d", field="timeuot", since=here.clock.now)
    here.vitals.live("r0")
    here.vitals.stepped(
        SyncReport(here.clock.now, "here", "r1", False, problems=(mistake,), held=(Held("e", "e.yaml", "empty"),))
    )
    _tick(here)
    here.vitals.database(here.clock.now, error=None)
    status = get("/api/status")
    assert (status["leader"], status["last_tick_at"], status["database"]["ok"]) == (
        "here",
        "2026-11-24T02:00:00Z",
        True,
    )
    assert status["revision"] == {"live": "r0", "attempted": "r1"}
    assert {key: value for key, value in status["counts"].items() if value} == {
        "jobs": 3,
        "active": 1,
        "suspended": 1,
        "finished": 1,
        "held": 1,
        "running": 1,
        "queued": 1,
    }
    assert status["problems"] == [
        {
            "file": "d.yaml",
            "line": 3,
            "column": 1,
            "job_id": "d",
            "field": "timeuot",
            "message": 'unknown key "timeuot"',
            "found": None,
            "expected": None,
            "since": "2026-11-24T02:00:00Z",
        }
    ]
    assert status["held"] == [{"job_id": "e", "file": "e.yaml", "why": "empty", "change": "removal", "window": None}]


def test_pausing_everything_answers_the_status_and_counts_all_jobs_as_paused(
    here: Installation, post: Ask, get: Ask
) -> None:
    here.apply(located(id="a"), located(id="b"))
    status = post("/api/pause", reason="night shift", until="2h")
    assert status["paused"] == {
        "by": "api:127.0.0.1",
        "reason": "night shift",
        "until": "2026-11-24T04:00:00Z",
        "since": "2026-11-24T02:00:00Z",
    }
    assert (status["counts"]["paused"], status["counts"]["active"]) == (2, 0)
    assert get("/api/status") == status


def test_pausing_everything_again_keeps_since_when(here: Installation, post: Ask) -> None:
    post("/api/pause", reason="first", until="2h")
    here.clock.forward(minutes=1)
    paused = post("/api/pause", reason="second")["paused"]
    assert (paused["reason"], paused["until"], paused["since"]) == ("second", None, "2026-11-24T02:00:00Z")


def test_resuming_everything_answers_the_status_and_may_be_repeated(here: Installation, post: Ask) -> None:
    here.apply(located(id="a"))
    post("/api/pause")
    for _ in range(2):
        status = post("/api/resume")
        assert (status["paused"], status["counts"]["active"]) == (None, 1)


def test_a_pause_of_everything_ends_by_itself(here: Installation, post: Ask, get: Ask) -> None:
    here.apply(located(id="a"))
    post("/api/pause", until="1m")
    here.clock.forward(minutes=1)
    status = get("/api/status")
    assert (status["paused"], status["counts"]["active"]) == (None, 1)


def test_a_pause_of_everything_in_the_past_is_refused(client: FlaskClient) -> None:
    problem(client.post("/api/pause", json={"until": "2026-11-24T01:00:00Z"}), 400)


def test_sync_asks_for_one_more_step(here: Installation, client: FlaskClient) -> None:
    response = client.post("/api/sync")
    assert (response.status_code, here.woken) == (202, 1)
    assert response.json["node"] == "here"  # type: ignore[index] # it is an object


def test_a_service_whose_loop_has_not_gone_round_is_starting(client: FlaskClient) -> None:
    code, health = _status(client, "/health")
    assert (code, health["status"], health["since"]) == (503, "starting", None)
    assert health["reason"]
    assert health["database"]["status"] == "unknown"


def test_a_service_whose_loop_goes_round_is_healthy(here: Installation, client: FlaskClient) -> None:
    _tick(here)
    here.vitals.database(here.clock.now, error=None)
    here.clock.forward(seconds=30)
    assert _status(client, "/health") == (
        200,
        {
            "status": "ok",
            "reason": None,
            "since": None,
            "last_tick_at": "2026-11-24T02:00:00Z",
            "database": {"ok": True, "since": "2026-11-24T02:00:00Z", "error": None, "status": "ok"},
        },
    )


def test_a_service_whose_loop_does_not_go_round_is_stuck_and_says_since_when(
    here: Installation, client: FlaskClient
) -> None:
    _tick(here)
    here.clock.forward(seconds=31)
    code, health = _status(client, "/health")
    assert (code, health["status"], health["since"]) == (503, "stuck", "2026-11-24T02:00:00Z")
    assert health["reason"] == "the firing loop went round 31s ago; it should do so every 30s"


def test_a_database_outage_degrades_health_but_does_not_fail_it(here: Installation, client: FlaskClient) -> None:
    _tick(here)
    here.vitals.database(here.clock.now, error="no route to host")
    code, health = _status(client, "/health")
    assert (code, health["status"], health["database"]["status"]) == (200, "ok", "degraded")
    assert health["database"]["error"] == "no route to host"


def test_a_service_is_ready_once_the_folder_is_applied(here: Installation, client: FlaskClient) -> None:
    code, ready = _status(client, "/ready")
    assert (code, ready["status"], len(ready["reasons"])) == (503, "waiting", 2)
    _tick(here)
    here.vitals.database(here.clock.now, error=None)
    assert _status(client, "/ready") == (
        503,
        {"status": "waiting", "reasons": ["the folder has not been applied yet"]},
    )
    here.vitals.stepped(here.apply(located(id="a")))
    assert _status(client, "/ready") == (200, {"status": "ready", "reasons": []})


def test_an_instance_that_stands_by_is_ready_without_a_step(here: Installation, client: FlaskClient) -> None:
    _tick(here, leading=False, leader="there")
    here.vitals.database(here.clock.now, error=None)
    assert _status(client, "/ready")[0] == 200


def test_a_service_without_its_database_is_not_ready(here: Installation, client: FlaskClient) -> None:
    here.vitals.stepped(here.apply(located(id="a")))
    here.vitals.database(here.clock.now + timedelta(seconds=1), error="no route to host")
    code, ready = _status(client, "/ready")
    assert (code, ready["reasons"]) == (503, ["the database cannot be used: no route to host"])


def test_a_service_that_stops_lives_and_is_not_ready(here: Installation, client: FlaskClient) -> None:
    _tick(here)
    here.vitals.database(here.clock.now, error=None)
    here.vitals.stepped(here.apply(located(id="a")))
    here.vitals.stopping(here.clock.now)
    here.vitals.stopping(here.clock.forward(minutes=5))
    code, health = _status(client, "/health")
    assert (code, health["status"], health["since"]) == (200, "stopping", "2026-11-24T02:00:00Z")
    assert _status(client, "/ready") == (503, {"status": "waiting", "reasons": [health["reason"]]})


def test_an_instance_that_made_no_step_shows_the_last_one_that_is_recorded(here: Installation, get: Ask) -> None:
    broken, held = Problem("a.yaml", 3, 1, "is broken"), Held("b", "b.yaml", "the folder says nothing")
    here.apply(located(id="a"), revision="r1")
    recorded = SyncReport(
        at=here.clock.forward(minutes=1), node="there", revision="r2", complete=False, problems=(broken,), held=(held,)
    )
    here.store.syncs.record(recorded)
    status = get("/api/status")
    assert status["revision"] == {"live": "r1", "attempted": "r2"}
    assert status["last_sync_at"] == rfc3339(recorded.at)
    assert [each["message"] for each in status["problems"]] == ["is broken"]
    assert [each["job_id"] for each in status["held"]] == ["b"]
    assert status["counts"]["held"] == 1


@pytest.mark.parametrize(("leading", "attempted"), [(True, "own"), (False, "newer")])
def test_an_instance_that_stands_by_shows_what_the_leader_did_since(
    here: Installation, get: Ask, leading: bool, attempted: str
) -> None:
    here.vitals.stepped(here.apply(located(id="a"), revision="own"))
    here.clock.forward(minutes=1)
    here.apply(located(id="a"), located(id="b"), revision="newer")
    _tick(here, leading=leading, leader="there")
    assert get("/api/status")["revision"] == {"live": attempted, "attempted": attempted}


def test_an_instance_that_stands_by_shows_its_own_step_when_nothing_happened_since(
    here: Installation, get: Ask
) -> None:
    here.apply(located(id="a"), revision="r1")
    here.vitals.stepped(SyncReport(at=here.clock.forward(minutes=1), node="here", revision="r1", complete=True))
    _tick(here, leading=False, leader="there")
    assert get("/api/status")["last_sync_at"] == rfc3339(here.clock.now)


def test_the_front_door_names_paths_that_answer(client: FlaskClient) -> None:
    for path in client.get("/api").json["read"]:  # type: ignore[index] # an object
        assert client.get(path).status_code in {200, 503}
