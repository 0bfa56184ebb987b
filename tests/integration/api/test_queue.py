"""The queue: told by the leader from memory, by others from the rows."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from schedsync.runs.run import RunState
from schedsync.runs.waiting import Waiting, WaitsFor
from schedsync.status.knowledge import refresh
from schedsync.status.mirror import Mirror
from tests.builders import located, run
from tests.integration.api.conftest import Installation, problem

GROUP: dict[str, Any] = {"group": "erp", "overlap": "queue"}


def test_an_empty_queue(get: Callable[[str], Any]) -> None:
    assert get("/api/queue") == {"told_by": "rows", "total": 0, "queue": []}


def test_rows_tell_what_a_run_waits_for(here: Installation, get: Callable[[str], Any]) -> None:
    here.apply(located(id="a", **GROUP), located(id="b", **GROUP))
    running, queued = here.claim("a"), here.claim("b", state=RunState.QUEUED)
    (told,) = get("/api/queue")["queue"]
    assert get(f"/api/runs/{queued.id}")["waiting_for"] == told["waiting_for"]
    assert (told["id"], told["job_id"], told["state"], told["since"]) == (queued.id, "b", "queued", None)
    assert told["waiting_for"] == {
        "kind": "overlap",
        "pool": None,
        "places": None,
        "group": "erp",
        "behind": [{"run_id": running.id, "job_id": "a"}],
        "before": 0,
        "until": None,
    }


def test_what_a_run_of_a_job_that_is_gone_waits_for_is_null(here: Installation, get: Callable[[str], Any]) -> None:
    here.apply(located(id="a"))
    here.claim("a", state=RunState.QUEUED)
    here.apply()
    (told,) = get("/api/queue")["queue"]
    assert told["waiting_for"] is None


def test_the_leader_tells_what_it_knows_also_while_the_database_is_away(here: Installation) -> None:
    told = [Waiting(run(job_id=f"j{n}"), WaitsFor.CAPACITY, "processes", 250, before=n) for n in range(3)]
    client = here.client(waiting=lambda: told)
    here.vitals.database(here.clock.now, error="no route to host")
    answer = client.get("/api/queue?limit=2").get_json()
    assert (answer["told_by"], answer["total"]) == ("leader", 3)
    assert client.get(f"/api/runs/{told[1].run.id}").status_code == 503
    assert [(each["job_id"], each["waiting_for"]["places"]) for each in answer["queue"]] == [("j0", 250), ("j1", 250)]


def test_a_run_that_waits_says_what_for_as_the_leader_knows_it(here: Installation) -> None:
    here.apply(located(id="a"))
    queued = here.claim("a", state=RunState.QUEUED)
    client = here.client(waiting=lambda: [Waiting(queued, WaitsFor.CAPACITY, "processes", 250)])
    assert client.get(f"/api/runs/{queued.id}").get_json()["waiting_for"]["places"] == 250


def test_an_instance_that_stands_by_tells_it_from_memory_while_the_database_is_away(here: Installation) -> None:
    here.apply(located(id="a", **GROUP), located(id="b", **GROUP))
    running, queued = here.claim("a"), here.claim("b", state=RunState.QUEUED)
    mirror = Mirror()
    refresh(mirror, here.store, here.clock.now, wholly=True)
    here.vitals.database(here.clock.now, error="no route to host")
    answer = here.client(mirror=mirror).get("/api/queue").get_json()
    assert answer["as_of"]
    assert answer["queue"][0]["id"] == queued.id
    assert answer["queue"][0]["waiting_for"]["behind"][0]["run_id"] == running.id


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "cursor=x", "state=queued"])
def test_what_cannot_be_asked_is_said(client: FlaskClient, query: str) -> None:
    problem(client.get(f"/api/queue?{query}"), 400)
