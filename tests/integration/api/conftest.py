"""The API over a real store, filled the way the service fills it; no thread and no socket."""

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.test import TestResponse

from schedsync.api.app import Backend, create_app
from schedsync.api.places import PLACES
from schedsync.api.problems import PLAIN, Kind
from schedsync.control import Control
from schedsync.plan.diff import diff
from schedsync.plan.state import Located, PruneGuard
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run, RunState, new_run_id
from schedsync.status.vitals import Vitals
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store
from schedsync.store.syncs import SyncReport
from tests.builders import run, snapshot
from tests.integration.conftest import StandingClock

TTL = timedelta(minutes=10)
PROBLEM = "application/problem+json"


class Installation:
    """A service without its loops: what they would write is written by the test."""

    def __init__(self, store: Store, clock: StandingClock) -> None:
        self.store, self.clock = store, clock
        self.vitals = Vitals()
        self.live: dict[str, Output] = {}
        self.woken = self.ticked = 0
        self.backend = Backend(
            store=store,
            control=Control(store, clock),
            vitals=self.vitals,
            node="here",
            clock=clock,
            live_output=self.live.get,
            wake=self._wake,
            tick=self._tick,
            tick_limit=timedelta(seconds=30),
            exposed=False,
        )

    def client(self, **changes: Any) -> FlaskClient:
        return create_app(replace(self.backend, **changes)).test_client()

    def apply(self, *jobs: Located, revision: str = "r1") -> SyncReport:
        """Make exactly *jobs* live."""
        plan = diff(
            snapshot(*jobs, revision=revision),
            self.store.jobs.observe(),
            now=self.clock.now,
            guard=PruneGuard(allow=True),
        )
        report = SyncReport(
            at=self.clock.now,
            node="here",
            revision=revision,
            complete=plan.complete,
            counts=plan.counts(),
            changed=plan.changed(),
        )
        self.store.jobs.apply(plan, now=self.clock.now, report=report)
        return report

    def claim(self, job_id: str, slot: datetime | None = None, state: RunState = RunState.RUNNING) -> Run:
        claimed = run(
            id=new_run_id(self.clock.now),
            job_id=job_id,
            scheduled_at=slot or self.clock.now,
            state=state,
            reason="paused" if state is RunState.SKIPPED else None,
            node="here",
            revision="r1",
        )
        self.store.runs.claim(self.store.leases.acquire("me", TTL), [claimed], [])
        return claimed

    def end(self, claimed: Run, output: Output | None = None, *, exit_code: int = 0) -> Run:
        state = RunState.FAILED if exit_code else RunState.SUCCEEDED
        now = self.clock.now
        ended = replace(claimed, state=state, started_at=now, finished_at=now, exit_code=exit_code)
        self.store.runs.record(RunChanges(settled=[(ended, output or Output())]), None)
        return ended

    def _wake(self) -> None:
        self.woken += 1

    def _tick(self) -> None:
        self.ticked += 1


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the tables once: most tests here take less time than the migration does."""
    path = tmp_path_factory.mktemp("api") / "empty.db"
    made = Store.open(f"sqlite:///{path}")
    made.upgrade()
    made.close()
    return path


@pytest.fixture
def store(tmp_path: Path, empty_database: Path) -> Iterator[Store]:
    shutil.copy(empty_database, tmp_path / "store.db")
    opened = Store.open(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


@pytest.fixture
def here(store: Store, clock: StandingClock) -> Installation:
    return Installation(store, clock)


@pytest.fixture
def client(here: Installation) -> FlaskClient:
    return here.client()


@pytest.fixture
def get(client: FlaskClient) -> Callable[[str], Any]:
    """Get a path's JSON; anything but 200 fails."""

    def ask(path: str) -> Any:
        response = client.get(path)
        assert response.status_code == 200, response.text
        return response.json

    return ask


@pytest.fixture
def post(client: FlaskClient) -> Callable[..., Any]:
    """Post to a path and return the JSON; anything but 200 fails."""

    def ask(path: str, **body: Any) -> Any:
        response = client.post(path, json=body)
        assert response.status_code == 200, response.text
        return response.json

    return ask


@contextmanager
def slow_readers(here: Installation, client: FlaskClient) -> Iterator[None]:
    """Let as many readers as there are places ask for what the database looks for all the time."""
    engine, done = here.store.database.engine, threading.Event()
    all_ask = threading.Barrier(PLACES + 1, timeout=20)

    def held(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT") and "manual" in parameters:
            all_ask.wait()
            done.wait(20)

    event.listen(engine, "before_cursor_execute", held)
    with ThreadPoolExecutor(PLACES) as pool:
        try:
            ask = [client.application.test_client().get for _ in range(PLACES)]
            answers = [pool.submit(get, "/api/runs?cause=manual") for get in ask]
            all_ask.wait()
            yield
        finally:
            done.set()
    event.remove(engine, "before_cursor_execute", held)
    assert {answer.result().status_code for answer in answers} == {200}


def problem(response: TestResponse, status: int, kind: Kind | None = None) -> dict[str, Any]:
    """Return the problem document that *response* is, of this *kind*, or of any that has this status."""
    assert response.status_code == status, response.text
    assert response.mimetype == PROBLEM
    document = response.json
    assert isinstance(document, dict)
    assert document["status"] == status
    kinds = {known.uri: known for known in Kind}
    found = kinds.get(document["type"])
    assert found is kind or (kind is None and (found is not None or document["type"] == PLAIN))
    title = HTTP_STATUS_CODES[status] if found is None else found.title
    assert (document["title"], found and found.status) == (title, found and status)
    assert document["detail"]
    return document
