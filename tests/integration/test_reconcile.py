"""A step on real files and a real store."""

import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from queue import Queue

import pytest
from sqlalchemy import text

from schedsync.control import Control
from schedsync.errors import DatabaseUnavailableError
from schedsync.plan.state import PruneGuard
from schedsync.plan.windows import Kind, SyncWindow, SyncWindows
from schedsync.reconcile import ReconcileLoop, Reconciler, Step
from schedsync.sources.folder import JobsFolder
from schedsync.specs.windows import Chosen, Fixed
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


def test_a_day_off_that_is_added_drops_no_slot_that_was_missed(
    reconciler: Reconciler, folder: Path, store: Store, clock: StandingClock
) -> None:
    calendar = folder / "calendars" / "off.yaml"
    calendar.parent.mkdir()
    calendar.write_text("dates: [2031-01-01]\n")
    (folder / "a.yaml").write_text(HOURLY.replace("1h}", "1h, exclude: off}"))
    assert not reconciler.step().problems
    first = store.jobs.observe().jobs["a"].next_fire_at
    clock.forward(hours=5)
    calendar.write_text("dates: [2031-01-01, 2031-12-24]\n")
    assert reconciler.step().counts["updated"] == 1
    assert store.jobs.observe().jobs["a"].next_fire_at == first
    (folder / "a.yaml").write_text(HOURLY.replace("1h", "15m"))
    reconciler.step()
    later = store.jobs.observe().jobs["a"].next_fire_at
    assert later is not None
    assert later > clock.now


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


def test_a_job_that_is_copied_and_then_removed_is_renamed_with_its_pause_history_and_phase(
    reconciler: Reconciler, folder: Path, store: Store, clock: StandingClock
) -> None:
    (folder / "a.yaml").write_text(f"id: a\n{HOURLY}")
    reconciler.step()
    anchor = store.jobs.observe().jobs["a"].anchor_at
    control = Control(store, clock)
    past = control.trigger("a", by="ann")
    control.pause("a", by="ann", reason="audit")
    clock.forward(minutes=20)
    (folder / "b.yaml").write_text(f"id: b\nrenamed_from: a\n{HOURLY}")
    copied = reconciler.step()
    assert [str(problem) for problem in copied.problems] == [
        'b.yaml:2:15: renamed_from: "a" is still in a.yaml:1; remove it there, or renamed_from here'
    ]
    assert (_ids(store), copied.complete, reconciler.plan().writes) == ({"a"}, False, False)
    clock.forward(seconds=5)
    (folder / "a.yaml").unlink()
    renamed = reconciler.step()
    assert (renamed.changed.renamed, renamed.complete) == ((("a", "b"),), True)
    assert store.jobs.observe().jobs["b"].anchor_at == anchor
    assert [(run.id, run.job_id) for run in store.runs.page(job_id=None, before=None, limit=9)] == [(past.id, "b")]
    assert {pause.job_id for pause in store.pauses.in_force(clock.now).values()} == {"b"}


def test_ids_that_are_swapped_in_one_step_stay_with_their_jobs_until_it_is_done_in_order(
    reconciler: Reconciler, folder: Path, store: Store, clock: StandingClock
) -> None:
    for name in ("a", "b"):
        (folder / f"{name}.yaml").write_text(f"id: {name}\n{HOURLY.replace('hello', name)}")
    reconciler.step()
    Control(store, clock).pause("a", by="ann")
    for now, was in ("ab", "ba"):
        (folder / f"{now}.yaml").write_text(f"id: {now}\nrenamed_from: {was}\n{HOURLY.replace('hello', was)}")
    report = reconciler.step()
    assert (len(report.problems), report.counts["stale"], _ids(store)) == (2, 2, {"a", "b"})
    (folder / "a.yaml").write_text(f"id: c\nrenamed_from: a\n{HOURLY.replace('hello', 'a')}")
    (folder / "b.yaml").write_text(f"id: b\n{HOURLY.replace('hello', 'b')}")
    assert reconciler.step().changed.renamed == (("a", "c"),)
    (folder / "b.yaml").write_text(f"id: a\nrenamed_from: b\n{HOURLY.replace('hello', 'b')}")
    assert reconciler.step().changed.renamed == (("b", "a"),)
    (folder / "a.yaml").write_text(f"id: b\nrenamed_from: c\n{HOURLY.replace('hello', 'a')}")
    assert reconciler.step().changed.renamed == (("c", "b"),)
    assert {pause.job_id for pause in store.pauses.in_force(clock.now).values()} == {"b"}


@pytest.fixture
def nightly(reconciler: Reconciler, clock: StandingClock) -> Reconciler:
    """One whose changes wait for an hour, except those of jobs without the tag ``books``."""
    opens = clock.now + timedelta(hours=1)
    window = SyncWindow("night", Kind.ALLOW, Fixed(opens, opens + timedelta(hours=1)), Chosen(tags=("books",)))
    reconciler.windows = SyncWindows((window,))
    return reconciler


BOOKS = f"tags: [books]\n{HOURLY}"


def test_changes_wait_until_their_window_opens_and_what_is_live_goes_on(
    nightly: Reconciler, folder: Path, store: Store, clock: StandingClock
) -> None:
    for name in ("edited", "gone", "free"):
        (folder / f"{name}.yaml").write_text(HOURLY if name == "free" else BOOKS)
    nightly.step(ignore_windows=True)
    before = store.jobs.observe().jobs
    (folder / "added.yaml").write_text(BOOKS)
    (folder / "edited.yaml").write_text(HOURLY)  # without its tag
    (folder / "free.yaml").write_text(f"description: new\n{HOURLY}")
    (folder / "gone.yaml").unlink()
    report = nightly.step()
    assert [(held.job_id, held.change, held.window) for held in report.held] == [
        ("added", "addition", "night"),
        ("edited", "update", "night"),
        ("gone", "removal", "night"),
    ]
    assert "opens 2026-11-24T03:00:00Z" in report.held[0].why
    assert (report.complete, report.counts["held"], report.changed.updated) == (False, 3, ("free",))
    held = store.jobs.observe().jobs
    assert {name: held[name] for name in ("edited", "gone")} == {name: before[name] for name in ("edited", "gone")}
    latest = store.syncs.latest(complete=True)
    assert latest is not None
    assert latest.revision != report.revision
    clock.forward(hours=1)
    report = nightly.step()
    assert (report.complete, report.held, report.drift) == (True, (), False)
    assert _ids(store) == {"added", "edited", "free"}


def test_steps_that_wait_for_a_window_are_recorded_once(
    nightly: Reconciler, folder: Path, store: Store, clock: StandingClock
) -> None:
    (folder / "a.yaml").write_text(BOOKS)
    for _ in range(3):
        nightly.step()
        clock.forward(minutes=5)
    assert len(store.syncs.page(before=None, limit=10)) == 1
    assert _ids(store) == set()


def test_a_person_may_make_live_at_once_what_waits_for_a_window(
    nightly: Reconciler, folder: Path, store: Store
) -> None:
    (folder / "a.yaml").write_text(BOOKS)
    assert nightly.step().held
    assert nightly.plan().wait
    report = nightly.step(ignore_windows=True)
    assert (report.held, report.complete, _ids(store)) == ((), True, {"a"})


def test_a_row_that_is_changed_by_another_hand_is_healed_at_once_and_said_while_changes_wait(
    nightly: Reconciler, folder: Path, store: Store
) -> None:
    (folder / "a.yaml").write_text(BOOKS)
    nightly.step(ignore_windows=True)
    (folder / "b.yaml").write_text(BOOKS)
    nightly.step()
    with store.database.write() as connection:
        connection.execute(text("UPDATE schedsync_jobs SET suspended = 1 WHERE id = 'a'"))
    assert nightly.step().drift
    assert not store.jobs.observe().jobs["a"].suspended


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


def test_a_folder_that_is_being_changed_loses_no_job_in_portions(
    reconciler: Reconciler, folder: Path, store: Store
) -> None:
    for number in range(30):
        (folder / f"job-{number}.yaml").write_text(HOURLY)
    reconciler.step()
    for number in range(20):
        (folder / f"job-{number}.yaml").unlink()
        if number % 5 == 4:
            report = reconciler.step(quiet=False)
    assert {held.why for held in report.held} == {"the folder is being changed: nothing is removed meanwhile"}
    assert len(report.held) == 20
    assert all("20 of 30 jobs would be removed at once" in held.why for held in reconciler.step().held)
    assert len(_ids(store)) == 30


def test_what_is_added_and_edited_becomes_live_while_the_folder_is_being_changed(
    reconciler: Reconciler, folder: Path, store: Store
) -> None:
    for name in ("edited", "gone"):
        (folder / f"{name}.yaml").write_text(HOURLY)
    reconciler.step()
    (folder / "edited.yaml").write_text(f"description: new\n{HOURLY}")
    (folder / "added.yaml").write_text(HOURLY)
    (folder / "gone.yaml").unlink()
    report = reconciler.step(quiet=False, allow_prune=True)
    assert (report.changed.added, report.changed.updated, report.counts["held"]) == (("added",), ("edited",), 1)
    report = reconciler.step()
    assert (report.changed.removed, report.held, report.drift) == (("gone",), (), False)
    assert _ids(store) == {"added", "edited"}


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


def _counted(steps: threading.Semaphore) -> Step:
    def step(*, quiet: bool) -> None:
        del quiet
        steps.release()

    return step


def test_the_loop_goes_on_after_a_step_that_fails() -> None:
    steps = threading.Semaphore(0)
    failures = [DatabaseUnavailableError("away"), RuntimeError("unexpected")]

    def step(*, quiet: bool) -> None:
        del quiet
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

    def step(*, quiet: bool) -> None:
        del quiet
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


def test_a_step_is_told_that_the_folder_never_became_quiet_and_another_one_follows_when_it_has() -> None:
    told: Queue[bool] = Queue()
    loop = ReconcileLoop(lambda *, quiet: told.put(quiet), rescan=timedelta(hours=1))
    stirring = threading.Event()

    def stir() -> None:
        while not stirring.wait(0.01):
            loop.wake()

    changes = threading.Thread(target=stir)
    loop.start()
    changes.start()
    while told.get(timeout=10):
        pass  # a step before the changes began, or one that they were too slow for
    stirring.set()
    changes.join()
    while not told.get(timeout=10):
        pass
    loop.stop()


def test_the_loop_asks_again_after_the_rescan_time_without_being_woken() -> None:
    steps = threading.Semaphore(0)
    loop = ReconcileLoop(_counted(steps), rescan=timedelta(seconds=1))
    loop.start()
    assert steps.acquire(timeout=10)
    assert steps.acquire(timeout=10)
    loop.stop()


def test_a_loop_that_may_not_step_waits_and_makes_the_step_when_it_may() -> None:
    checks, steps = threading.Semaphore(0), threading.Semaphore(0)
    looked: list[None] = []
    may = threading.Event()

    def check() -> None:
        looked.append(None)
        checks.release()

    loop = ReconcileLoop(_counted(steps), rescan=timedelta(hours=1), check=check, may_step=may.is_set)
    loop.start()
    loop.wake()
    began = time.monotonic()
    for _ in range(4):
        assert checks.acquire(timeout=10)
    took = time.monotonic() - began
    assert len(looked) <= took + 4  # the start and the wake are heard once each, then it looks once a second
    assert not steps.acquire(blocking=False)
    may.set()
    assert steps.acquire(timeout=10)
    loop.stop()
