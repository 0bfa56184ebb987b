"""What is late is found once, from memory where that is enough, and also by who leads next."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from schedsync.errors import DatabaseUnavailableError
from schedsync.notify.punctuality import Punctuality
from schedsync.plan.ops import Add, Plan, Remove
from schedsync.plan.state import Located
from schedsync.runs.ledger import Entry
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run, RunState
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store
from schedsync.store.syncs import SyncReport
from tests import builders
from tests.integration.conftest import StandingClock

NOTIFY = {"to": ["mail"]}


class Scene:
    """A store with jobs that are to succeed within a day, and what watches them."""

    def __init__(self, store: Store, clock: StandingClock) -> None:
        self.store, self.clock = store, clock
        self.late: list[Entry] = []
        self.leads = True
        self.calls = 0
        self.jobs: dict[str, tuple[Located, ...]] = {}
        self.lease = store.leases.acquire("me", timedelta(hours=1))
        self.watch = self.watcher()

    def watcher(self) -> Punctuality:
        made = Punctuality(self.store, lambda _: self.late, lambda: self.leads, self._called, clock=self.clock)
        made.see(dict(self.jobs), {})
        return made

    def _called(self) -> None:
        self.calls += 1

    def live(self, job_id: str, **fields: Any) -> None:
        job = builders.located(id=job_id, **{"max_time_since_success": "1d", "notify": NOTIFY, **fields})
        self.jobs[job_id] = (job,)
        plan = Plan(add=(Add(job, next_fire_at=self.clock.now, anchor_at=self.clock.now),), revision="r")
        self.store.jobs.apply(plan, now=self.clock.now, report=SyncReport(self.clock.now, "n", "r", complete=True))
        self.watch.see(dict(self.jobs), {})

    def ran(self, job_id: str, state: RunState = RunState.SUCCEEDED, *, known: bool = True) -> Run:
        claimed = builders.run(job_id=job_id, scheduled_at=self.clock.now, state=RunState.RUNNING)
        self.store.runs.claim(self.lease, [claimed], [])
        ended = Run(**{n: getattr(claimed, n) for n in Run.__slots__} | {"state": state, "finished_at": self.clock.now})
        self.store.runs.record(RunChanges(settled=[(ended, Output())]), None)
        if known:
            self.watch.learn(ended)
        return ended

    @property
    def overdue(self) -> set[str]:
        return set(self.store.notices.overdue())

    @property
    def told(self) -> list[str]:
        return [notice.job_id for notice in self.store.notices.pending()]


@pytest.fixture
def scene(store: Store, clock: StandingClock) -> Scene:
    return Scene(store, clock)


@contextmanager
def queries(store: Store) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(*given: Any) -> None:
        sent.append(given[2])

    event.listen(store.database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(store.database.engine, "before_cursor_execute", note)


def test_a_job_is_overdue_a_day_after_its_last_success_and_one_that_never_ran_after_its_first(scene: Scene) -> None:
    scene.live("never")
    scene.clock.forward(hours=12)
    scene.live("once")
    scene.ran("once")
    scene.watch.check()
    scene.clock.forward(hours=12)
    scene.watch.check()
    assert (scene.overdue, scene.told) == ({"never"}, ["never"])
    scene.clock.forward(hours=12)
    scene.watch.check()
    assert (scene.overdue, scene.told) == ({"never", "once"}, ["never", "once"])
    assert scene.calls == 2


def test_it_is_told_once_until_it_succeeds_also_by_who_leads_next(scene: Scene) -> None:
    scene.live("job")
    scene.clock.forward(days=1)
    scene.watch.check()
    scene.watch = Punctuality(scene.store, lambda _: [], lambda: True, scene._called, clock=scene.clock)
    scene.watch.check()  # before it knows the folder
    assert scene.overdue == {"job"}
    scene.watch = scene.watcher()
    scene.clock.forward(days=1)
    scene.watch.check()
    assert scene.told == ["job"]
    scene.ran("job")
    scene.clock.forward(minutes=1)
    scene.watch.check()
    assert scene.overdue == set()
    scene.clock.forward(days=1)
    scene.watch.check()
    assert scene.told == ["job", "job"]


def test_what_the_folder_says_is_looked_at_as_soon_as_it_is_known(scene: Scene) -> None:
    scene.live("job")
    scene.clock.forward(days=1)
    watch = Punctuality(scene.store, lambda _: [], lambda: True, scene._called, clock=scene.clock)
    watch.check()
    watch.see(dict(scene.jobs), {})
    scene.clock.forward(seconds=1)
    watch.check()
    assert scene.overdue == {"job"}


def test_a_success_that_another_instance_had_is_seen_before_anything_is_said(scene: Scene) -> None:
    scene.live("job")
    scene.watch.check()
    scene.clock.forward(hours=20)
    scene.ran("job", known=False)
    scene.clock.forward(hours=10)
    scene.watch.check()
    assert scene.overdue == set()


def test_failures_are_no_successes(scene: Scene) -> None:
    scene.live("job")
    scene.clock.forward(hours=20)
    scene.ran("job", RunState.FAILED)
    scene.clock.forward(hours=4)
    scene.watch.check()
    assert scene.overdue == {"job"}


def test_a_job_that_asks_no_more_is_not_overdue_any_more(scene: Scene) -> None:
    scene.live("job")
    scene.clock.forward(days=1)
    scene.watch.check()
    scene.watch.see({"job": (builders.located(id="job"),)}, {})
    scene.clock.forward(minutes=1)
    scene.watch.check()
    assert scene.overdue == set()


def test_a_job_whose_file_is_broken_is_watched_on(scene: Scene) -> None:
    scene.live("job")
    scene.watch.see({}, scene.store.jobs.observe().jobs)
    scene.clock.forward(days=1)
    scene.watch.check()
    assert scene.overdue == {"job"}


def test_a_job_that_is_gone_is_not_overdue(scene: Scene) -> None:
    scene.live("job")
    scene.watch.check()
    observed = scene.store.jobs.observe().jobs["job"]
    report = SyncReport(scene.clock.now, "n", "r", complete=True)
    scene.store.jobs.apply(Plan(remove=(Remove(observed),), revision="r"), now=scene.clock.now, report=report)
    scene.clock.forward(days=1)
    scene.watch.check()
    assert scene.overdue == set()


def test_who_does_not_lead_says_nothing_of_jobs(scene: Scene) -> None:
    scene.live("job")
    scene.leads = False
    scene.clock.forward(days=2)
    scene.watch.check()
    assert scene.overdue == set()


def test_while_all_is_well_nothing_is_asked(scene: Scene) -> None:
    scene.live("job")
    scene.watch.check()
    with queries(scene.store) as sent:
        for _ in range(10):
            scene.clock.forward(minutes=5)
            scene.watch.check()
    assert sent == []


def _late(scene: Scene, **fields: Any) -> Entry:
    spec = builders.spec(id="job", **{"late_after": "1m", "notify": NOTIFY, **fields})
    now = scene.clock.now
    return Entry(builders.run(scheduled_at=now - timedelta(minutes=1), late_at=now), spec, "job.yaml")


def test_a_slot_is_late_once_and_needs_no_leader(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.leads = False
    scene.late = [_late(scene)]
    for _ in range(3):
        scene.watch.check()
        scene.clock.forward(seconds=1)
    scene.watch = scene.watcher()
    scene.watch.check()
    assert (scene.told, scene.calls) == (["job"], 1)
    assert [record.message for record in caplog.records] == ["slot is late"] * 2


def test_a_slot_that_was_late_while_the_store_was_away_is_told_although_it_has_ended(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.late = [_late(scene)]
    with monkeypatch.context() as broken:
        broken.setattr(scene.store.database, "retrying", _away)
        with pytest.raises(DatabaseUnavailableError):
            scene.watch.check()
    scene.late = []
    scene.watch.check()
    assert (scene.told, scene.calls) == (["job"], 1)


def _away(*_: object, **__: object) -> None:
    raise DatabaseUnavailableError("away")


@pytest.mark.parametrize("notify", [None, {"on": ["failed"], "to": ["mail"]}, {"to": []}])
def test_a_late_slot_that_nobody_wants_to_hear_of_costs_no_query(scene: Scene, notify: object) -> None:
    scene.late = [_late(scene, notify=notify)]
    scene.leads = False
    with queries(scene.store) as sent:
        scene.watch.check()
    assert sent == []
