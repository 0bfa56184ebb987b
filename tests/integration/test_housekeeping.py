"""History is kept short, by what each job says and by defaults for jobs that are gone."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from schedsync.errors import DatabaseUnavailableError
from schedsync.housekeeping import HistoryKeeper, Periodic
from schedsync.plan.state import PruneGuard
from schedsync.reconcile import Reconciler
from schedsync.runs.run import Cause, Run, RunState, new_run_id
from schedsync.sources.folder import JobsFolder
from schedsync.store.store import Store
from tests.integration.conftest import StandingClock


def _past(store: Store, clock: StandingClock, job_id: str, state: RunState, days: range) -> None:
    runs = []
    for day in days:
        slot = clock.now - timedelta(days=day)
        runs.append(Run(new_run_id(slot), job_id, slot, 1, Cause.SCHEDULE, state))
    store.runs.claim(store.leases.acquire("me", timedelta(hours=1)), runs, [])


def _ages(store: Store, clock: StandingClock, job_id: str, state: RunState) -> list[int]:
    runs = store.runs.page(job_id=job_id, before=None, limit=1_000)
    return [(clock.now - run.scheduled_at).days for run in runs if run.state is state]


def test_each_job_keeps_what_it_says_and_a_job_that_is_gone_what_is_default(
    tmp_path: Path, store: Store, clock: StandingClock
) -> None:
    folder = tmp_path / "jobs.d"
    folder.mkdir()
    (folder / "few.yaml").write_text(
        "schedule: {every: 1d}\nrun: {shell: 'true'}\nhistory: {keep: 3, days: 30}\n",
    )
    Reconciler(JobsFolder(folder), store, PruneGuard(), node="here", clock=clock).step()
    _past(store, clock, "few", RunState.SUCCEEDED, range(1, 20, 4))
    _past(store, clock, "few", RunState.SKIPPED, range(2, 60, 10))
    _past(store, clock, "few", RunState.RUNNING, range(50, 51))
    _past(store, clock, "gone", RunState.FAILED, range(80, 100, 5))
    keeper = HistoryKeeper(store, clock)
    assert keeper.forget() == 2 + 3 + 1
    assert _ages(store, clock, "few", RunState.SUCCEEDED) == [1, 5, 9]
    assert _ages(store, clock, "few", RunState.SKIPPED) == [2, 12, 22]
    assert _ages(store, clock, "few", RunState.RUNNING) == [50]
    assert _ages(store, clock, "gone", RunState.FAILED) == [80, 85, 90]
    assert keeper.forget() == 0


def test_housekeeping_goes_on_after_a_failure_and_says_an_outage_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    calls = threading.Semaphore(0)
    failures = [*[DatabaseUnavailableError("away")] * 3, RuntimeError("unexpected")]

    def call() -> None:
        calls.release()
        if failures:
            raise failures.pop()

    keeping = Periodic("test", timedelta(milliseconds=1), call)
    keeping.start()
    for _ in range(6):
        assert calls.acquire(timeout=10)
    keeping.stop()
    assert [r.message for r in caplog.records] == [
        "test failed unexpectedly",
        "test failed, it is tried again later",
        "test succeeds again",
    ]


def test_housekeeping_may_begin_at_once() -> None:
    called = threading.Event()
    keeping = Periodic("test", timedelta(hours=1), called.set, at_once=True)
    keeping.start()
    assert called.wait(10)
    keeping.stop()
