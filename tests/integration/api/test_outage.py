"""Readers are answered from memory while the database is away, and are told how old that is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from schedsync.api.places import PLACES, Places
from schedsync.api.problems import Kind
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run, RunState
from schedsync.status.knowledge import refresh
from schedsync.status.mirror import Mirror
from tests.builders import located
from tests.integration.api.conftest import Installation, problem, slow_readers

AS_OF = "2026-11-24T02:00:00Z"


class Remembering:
    """An installation with a mirror that has seen two jobs and two runs, an hour ago."""

    def __init__(self, here: Installation) -> None:
        self.here, self.mirror = here, Mirror()
        here.apply(located(id="a", description="first"), located(id="b"))
        self.ended = here.end(here.claim("a"), Output(b"kept", total=4))
        self.running = here.claim("b")
        refresh(self.mirror, here.store, here.clock.now, wholly=True)
        here.clock.forward(hours=1)
        self.client: FlaskClient = here.client(mirror=self.mirror)

    def away(self) -> None:
        """Say what the firing loop says when the database does not answer."""
        self.here.vitals.database(self.here.clock.now, error="no route to host")


@pytest.fixture
def remembering(here: Installation) -> Remembering:
    return Remembering(here)


@contextmanager
def without_tables(here: Installation) -> Iterator[None]:
    """Let the database fail whoever asks; the loops have not noticed."""
    names = ("jobs", "runs", "pauses")
    with here.store.database.write() as connection:
        for name in names:
            connection.exec_driver_sql(f"ALTER TABLE schedsync_{name} RENAME TO elsewhere_{name}")
    yield
    with here.store.database.write() as connection:
        for name in names:
            connection.exec_driver_sql(f"ALTER TABLE elsewhere_{name} RENAME TO schedsync_{name}")


def _paths(ended: Run) -> list[str]:
    return ["/api/status", "/api/jobs", "/api/jobs/a", "/api/runs", "/api/jobs/a/runs", f"/api/runs/{ended.id}"]


def test_answers_from_memory_are_those_of_the_store_and_say_how_old_they_are(remembering: Remembering) -> None:
    paths = _paths(remembering.ended)
    live = [remembering.client.get(path) for path in paths]
    remembering.away()
    for path, before in zip(paths, live, strict=True):
        after = remembering.client.get(path)
        assert (after.status_code, after.headers["Schedsync-As-Of"]) == (200, AS_OF), path
        assert "Schedsync-As-Of" not in before.headers
        shown: dict[str, Any] = dict(after.get_json())
        assert shown.pop("as_of") == AS_OF
        if path == "/api/status":
            shown["database"] = before.get_json()["database"]
        assert shown == before.get_json(), path


def test_the_status_says_that_the_database_is_away_and_counts_from_memory(remembering: Remembering) -> None:
    remembering.away()
    status = remembering.client.get("/api/status").get_json()
    assert status["database"] == {"ok": False, "since": "2026-11-24T03:00:00Z", "error": "no route to host"}
    assert (status["counts"]["jobs"], status["counts"]["active"], status["counts"]["running"]) == (2, 2, 1)


def test_a_reader_who_finds_the_database_away_first_is_answered_from_memory_too(remembering: Remembering) -> None:
    remembering.here.vitals.database(remembering.here.clock.now, error=None)
    with without_tables(remembering.here):
        answers = [remembering.client.get(path).get_json() for path in _paths(remembering.ended)]
    assert {answer["as_of"] for answer in answers} == {AS_OF}
    assert (answers[0]["database"]["ok"], answers[0]["database"]["since"]) == (False, AS_OF)
    assert "as_of" not in remembering.client.get("/api/status").get_json()


def test_a_database_that_is_known_to_be_away_is_not_asked(
    remembering: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembering.away()
    monkeypatch.setattr(remembering.here.store.database, "read", lambda: pytest.fail("it was asked"))
    monkeypatch.setattr(remembering.here.store.database, "write", lambda: pytest.fail("it was asked"))
    for path in _paths(remembering.ended):
        assert remembering.client.get(path).status_code == 200
    assert "no route" in problem(remembering.client.post("/api/pause"), 503)["detail"]


@pytest.mark.parametrize("path", ["/api/jobs/c", "/api/runs/unknown", "/api/jobs/c/runs", "/api/runs/unknown/log"])
def test_what_is_not_in_memory_is_for_later(remembering: Remembering, path: str) -> None:
    remembering.away()
    response = remembering.client.get(path)
    assert problem(response, 503)["detail"] == "no route to host"
    assert "Schedsync-As-Of" not in response.headers


def test_answers_from_memory_do_not_claim_to_be_all(here: Installation) -> None:
    mirror = Mirror()
    here.apply(located(id="a"), located(id="never-seen-to-run"))
    ran = here.end(here.claim("a"))
    mirror.see_jobs(here.store.jobs.observe(), here.clock.now)
    client = here.client(mirror=mirror)
    client.get("/api/runs?limit=1")  # from which it learns
    here.vitals.database(here.clock.now, error="no route to host")
    page = client.get("/api/runs").get_json()
    assert [run["id"] for run in page["runs"]] == [ran.id]
    behind = f"/api/runs?cursor={page['next_cursor']}"
    problem(client.get(behind), 503)
    problem(client.get("/api/jobs/never-seen-to-run/runs"), 503)
    failed = client.get("/api/jobs/a/runs?state=failed").get_json()
    assert failed["runs"] == []
    problem(client.get(f"/api/jobs/a/runs?state=failed&cursor={failed['next_cursor']}"), 503)
    here.vitals.database(here.clock.now, error=None)
    assert client.get(behind).get_json() == {"runs": [], "next_cursor": None}


def test_the_output_of_a_run_is_shown_as_long_as_it_is_here(remembering: Remembering) -> None:
    remembering.away()
    remembering.here.live[remembering.running.id] = Output(b"so far", total=6)
    response = remembering.client.get(f"/api/runs/{remembering.running.id}/log")
    assert (response.status_code, response.text, response.headers["Schedsync-As-Of"]) == (200, "so far", AS_OF)
    problem(remembering.client.get(f"/api/runs/{remembering.ended.id}/log"), 503)


def test_what_happens_here_meanwhile_is_shown(remembering: Remembering) -> None:
    remembering.away()
    told = remembering.mirror.run(remembering.running.id)
    remembering.mirror.learn_run(replace(told, state=RunState.SUCCEEDED))
    assert remembering.client.get(f"/api/runs/{told.id}").get_json()["state"] == "succeeded"
    assert remembering.client.get("/api/jobs/b").get_json()["last_run"]["state"] == "succeeded"
    assert remembering.client.get("/api/status").get_json()["counts"]["running"] == 0


def test_what_readers_saw_is_remembered(remembering: Remembering) -> None:
    remembering.client.post("/api/jobs/a/pause", json={"reason": "night shift"})
    remembering.away()
    job = remembering.client.get("/api/jobs/a").get_json()
    assert (job["state"], job["pause"]["reason"]) == ("paused", "night shift")


def test_an_instance_that_stands_by_learns_what_others_did(remembering: Remembering) -> None:
    here = remembering.here
    here.end(remembering.running)
    here.apply(located(id="c"))
    refresh(remembering.mirror, here.store, here.clock.now, wholly=True)
    remembering.away()
    assert remembering.client.get(f"/api/runs/{remembering.running.id}").get_json()["state"] == "succeeded"
    assert [job["id"] for job in remembering.client.get("/api/jobs").get_json()["jobs"]] == ["c"]


def test_a_run_that_is_not_open_any_more_and_not_recent_is_forgotten_and_not_shown_as_running(
    here: Installation,
) -> None:
    mirror = Mirror()
    here.apply(located(id="a"))
    claimed = here.claim("a")
    refresh(mirror, here.store, here.clock.now, wholly=True)
    with here.store.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM schedsync_runs")
    refresh(mirror, here.store, here.clock.now, wholly=True)
    assert mirror.run_counts() == {}
    assert claimed.id not in {run.id for run in mirror.runs(job_id=None, before=None, limit=10)}


def test_a_leader_learns_that_a_run_of_another_living_instance_has_ended(remembering: Remembering) -> None:
    here = remembering.here
    here.end(remembering.running)
    refresh(remembering.mirror, here.store, here.clock.now, wholly=False)
    assert remembering.mirror.run_counts() == {}
    assert remembering.mirror.run(remembering.running.id).state is RunState.SUCCEEDED


def test_a_leader_keeps_in_mind_what_it_looks_after_and_what_others_still_run(remembering: Remembering) -> None:
    here, mirror = remembering.here, remembering.mirror
    retry = replace(remembering.ended, id="has-no-row-yet", attempt=2, state=RunState.QUEUED)
    mirror.learn_run(retry)
    refresh(mirror, here.store, here.clock.now, wholly=False, held=lambda: {retry.id})
    assert {run.id for run in mirror.unsettled()} == {retry.id, remembering.running.id}


def test_a_run_that_starts_while_the_leader_looks_is_not_forgotten(remembering: Remembering) -> None:
    here, mirror = remembering.here, remembering.mirror
    waits = replace(remembering.ended, id="has-no-row-yet", attempt=2, state=RunState.QUEUED)
    mirror.learn_run(waits)
    starts = replace(waits, state=RunState.RUNNING)

    def starting(*_said: Any) -> None:
        mirror.learn_run(starts)

    event.listen(here.store.database.engine, "before_cursor_execute", starting)
    refresh(mirror, here.store, here.clock.now, wholly=False)
    event.remove(here.store.database.engine, "before_cursor_execute", starting)
    assert mirror.run(waits.id) is starts


def test_a_leader_refreshes_with_one_small_query(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    read = here.store.database.read

    def counted() -> Any:
        asked.append("read")
        return read()

    monkeypatch.setattr(here.store.database, "read", counted)
    refresh(Mirror(), here.store, here.clock.now, wholly=False)
    assert asked == ["read"]


def test_slow_readers_keep_nobody_from_changing_something(remembering: Remembering) -> None:
    with slow_readers(remembering.here, remembering.client):
        asked = {path: remembering.client.post(path) for path in ("/api/pause", "/api/resume", "/api/jobs/a/pause")}
    assert {path: answer.status_code for path, answer in asked.items()} == dict.fromkeys(asked, 200)
    assert remembering.client.get("/api/jobs/a").get_json()["state"] == "paused"


def test_a_place_that_is_kept_for_changes_is_free_again_after_each(remembering: Remembering) -> None:
    with slow_readers(remembering.here, remembering.client):
        assert [remembering.client.post("/api/sync").status_code for _ in range(3)] == [202] * 3
        assert "as_of" in remembering.client.get("/api/jobs").get_json()
    assert "as_of" not in remembering.client.get("/api/jobs").get_json()


def test_who_finds_no_place_is_told_that_the_service_is_busy(
    remembering: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedsync.api.places.PATIENCE", 0.01)
    kept = remembering.client.application.extensions["schedsync-kept-places"]
    with slow_readers(remembering.here, remembering.client):
        assert kept.take()  # somebody changes something, and the database hangs
        answer = remembering.client.post("/api/sync")
        kept.give_back()
    problem(answer, 503, Kind.BUSY)
    assert answer.headers["Retry-After"] == "5"


def test_slow_readers_are_no_outage_of_the_database(remembering: Remembering) -> None:
    remembering.here.vitals.database(remembering.here.clock.now, error=None)
    with slow_readers(remembering.here, remembering.client):
        status = remembering.client.get("/api/status").get_json()
    assert status["as_of"] == AS_OF
    assert status["database"] == {"ok": True, "since": "2026-11-24T03:00:00Z", "error": None}


def test_newcomers_do_not_wait_for_a_crowd_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedsync.api.places.PATIENCE", 0.01)
    places = Places()
    assert [places.take() for _ in range(PLACES + 1)] == [True] * PLACES + [False]
    monkeypatch.setattr("schedsync.api.places.PATIENCE", timedelta(days=1).total_seconds())
    assert not places.take()
    places.give_back()
    assert places.take()
