"""A step on real files and a real store."""

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from schedsync.errors import DatabaseUnavailableError
from schedsync.plan.state import PruneGuard
from schedsync.reconcile import ReconcileLoop, Reconciler
from schedsync.sources.folder import JobsFolder
from schedsync.store.store import Store
from tests.integration.conftest import StandingClock

HOURLY = "schedule: {every: 1h}\nrun: {shell: echo hello}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.d"
    path.mkdir()
    return path


@pytest.fixture
def reconciler(folder: Path, store: Store, clock: StandingClock) -> Reconciler:
    return Reconciler(JobsFolder(folder), store, PruneGuard(), node="here", clock=clock)


def _ids(store: Store) -> set[str]:
    return set(store.jobs.observe().jobs)


def test_a_second_step_has_nothing_to_do(reconciler: Reconciler, folder: Path, store: Store) -> None:
    (folder / "a.yaml").write_text(HOURLY)
    assert reconciler.step().counts["added"] == 1
    assert not reconciler.plan().writes
    assert reconciler.step().counts["unchanged"] == 1
    assert _ids(store) == {"a"}


def test_an_edit_keeps_the_next_fire_time_unless_the_schedule_changed(
    reconciler: Reconciler, folder: Path, store: Store, clock: StandingClock
) -> None:
    (folder / "a.yaml").write_text(HOURLY)
    reconciler.step()
    first = store.jobs.observe().jobs["a"].next_fire_at
    clock.forward(minutes=20)
    (folder / "a.yaml").write_text(f"description: new\n{HOURLY}")
    reconciler.step()
    assert store.jobs.observe().jobs["a"].next_fire_at == first
    (folder / "a.yaml").write_text(HOURLY.replace("1h", "15m"))
    reconciler.step()
    assert first is not None
    assert store.jobs.observe().jobs["a"].next_fire_at == first - timedelta(minutes=30)


def test_an_edit_does_not_undo_a_claim_that_was_made_meanwhile(
    reconciler: Reconciler, folder: Path, store: Store
) -> None:
    (folder / "a.yaml").write_text(HOURLY)
    report = reconciler.step()
    (folder / "a.yaml").write_text(f"description: new\n{HOURLY}")
    plan = reconciler.plan()
    with store.database.write() as connection:
        connection.execute(text("UPDATE schedsync_jobs SET next_fire_at = next_fire_at + 3600000000"))
    moved = store.jobs.observe().jobs["a"].next_fire_at
    store.jobs.apply(plan, now=reconciler.clock(), report=replace(report, revision="next"))
    assert store.jobs.observe().jobs["a"].next_fire_at == moved


def test_a_change_by_another_hand_is_healed_and_reported_as_drift(
    reconciler: Reconciler, folder: Path, store: Store
) -> None:
    (folder / "a.yaml").write_text(HOURLY)
    (folder / "b.yaml").write_text(HOURLY)
    reconciler.step()
    with store.database.write() as connection:
        connection.execute(text("DELETE FROM schedsync_jobs WHERE id = 'a'"))
        connection.execute(text("UPDATE schedsync_jobs SET suspended = 1, next_fire_at = NULL WHERE id = 'b'"))
    report = reconciler.step()
    assert report.drift
    assert _ids(store) == {"a", "b"}
    healed = store.jobs.observe().jobs["b"]
    assert not healed.suspended
    assert healed.next_fire_at is not None


def test_a_problem_keeps_the_time_of_its_first_sighting(
    reconciler: Reconciler, folder: Path, clock: StandingClock
) -> None:
    first = clock.now
    (folder / "a.yaml").write_text("schedule: {every: 5}\nrun: {shell: a}\n")
    reconciler.step()
    clock.forward(minutes=5)
    (folder / "b.yaml").write_text("nonsense")
    since = {problem.file: problem.since for problem in reconciler.step().problems}
    assert since == {"a.yaml": first, "b.yaml": clock.now}


def test_what_is_held_goes_when_a_person_allows_it(reconciler: Reconciler, folder: Path, store: Store) -> None:
    for number in range(30):
        (folder / f"job-{number}.yaml").write_text(HOURLY)
    reconciler.step()
    for number in range(20):
        (folder / f"job-{number}.yaml").unlink()
    report = reconciler.step()
    assert len(report.held) == 20
    assert len(_ids(store)) == 30
    assert reconciler.step(allow_prune=True).counts["removed"] == 20
    assert len(_ids(store)) == 10


def test_the_report_survives_in_the_store(
    reconciler: Reconciler, folder: Path, store: Store, clock: StandingClock
) -> None:
    (folder / "a.yaml").write_text("schedule: {every: 5}\nrun: {shell: a}\n")
    report = reconciler.step()
    assert store.syncs.latest() == report
    assert store.syncs.latest(complete=True) is None
    (folder / "a.yaml").write_text(HOURLY)
    clock.forward(seconds=1)
    report = reconciler.step()
    assert store.syncs.latest(complete=True) == report


def test_the_loop_goes_on_after_a_step_that_fails() -> None:
    steps = threading.Semaphore(0)
    failures = [DatabaseUnavailableError("away"), RuntimeError("unexpected")]

    def step() -> None:
        steps.release()
        if failures:
            raise failures.pop()

    loop = ReconcileLoop(step, rescan=timedelta(hours=1))
    loop.start()
    for _ in range(3):
        assert steps.acquire(timeout=10)
        loop.wake()
    loop.stop()


def test_the_loop_says_an_outage_once_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    steps = threading.Semaphore(0)
    failures = [DatabaseUnavailableError("away")] * 3

    def step() -> None:
        steps.release()
        if failures:
            raise failures.pop()

    loop = ReconcileLoop(step, rescan=timedelta(hours=1))
    loop.start()
    for _ in range(4):
        assert steps.acquire(timeout=10)
        loop.wake()
    loop.stop()
    assert [r.message for r in caplog.records] == ["step failed, it is made again later", "steps are made again"]


def test_the_loop_asks_again_after_the_rescan_time_without_being_woken() -> None:
    steps = threading.Semaphore(0)
    loop = ReconcileLoop(steps.release, rescan=timedelta(seconds=1))
    loop.start()
    assert steps.acquire(timeout=10)
    assert steps.acquire(timeout=10)
    loop.stop()
