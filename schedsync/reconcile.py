"""One step of the loop, and the loop that repeats it.

A step reads the folder, looks at the store, decides what differs, and applies it. File events, the timer and a person
all do the same thing: ask for one more step. The step is level-triggered: it asks what is, never what happened.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from schedsync.clock import Clock, utc_now
from schedsync.errors import DatabaseUnavailableError, SchemaError, StaleObservationError
from schedsync.outages import Outage
from schedsync.plan.diff import diff
from schedsync.plan.due import keep_due, overtaken
from schedsync.plan.ops import Plan
from schedsync.plan.state import Observed, PruneGuard, Snapshot
from schedsync.plan.windows import NO_SYNC_WINDOWS, SyncWindows, wait_for_windows
from schedsync.sources.folder import JobsFolder
from schedsync.specs.job import JobSpec
from schedsync.specs.problem import Problem
from schedsync.store.store import Store
from schedsync.store.syncs import Held, SyncReport
from schedsync.unhurried import unhurried

log = logging.getLogger(__name__)

TRIES = 5
"""How often a step is made anew when another writer was faster."""
SETTLE = timedelta(milliseconds=150)
"""How long the folder has to be quiet after an event before it is read: half-written files are not worth reading."""
_BEING_CHANGED = "the folder is being changed: nothing is removed meanwhile"
CHECK = timedelta(seconds=1)
"""How often the watch is asked whether it still looks at the right folder."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The two sides that a step compared, and when (UTC)."""

    snapshot: Snapshot
    observed: Observed
    at: datetime
    outdated: bool
    """Whether the step itself has changed the store since."""
    renamed: Mapping[str, str]
    """The jobs that it has given new ids, old -> new."""


@dataclass(slots=True)
class Reconciler:
    """Makes the store equal the folder."""

    folder: JobsFolder
    store: Store
    guard: PruneGuard
    node: str
    clock: Clock = utc_now
    windows: SyncWindows = NO_SYNC_WINDOWS
    """When changes may become live; with its timer the loop notices within `jobs.rescan` that one opens."""
    _last: tuple[Snapshot, SyncReport] | None = None
    seen: Seen | None = None
    """What the last step looked at; None before the first."""

    def plan(self, *, observed: Observed | None = None) -> Plan:
        """Return what a step would do now; changes nothing.

        Args:
            observed: what to compare with instead of the store.

        Raises:
            DatabaseUnavailableError: the store cannot be looked at.
        """
        snapshot = self.folder.read()
        return self._decided(snapshot, observed or self.store.jobs.observe(), self.clock(), self.guard, self.windows)

    def old_specs(self, plan: Plan) -> dict[str, JobSpec]:
        """Return the live specs of the jobs that *plan* updates."""
        ids = [update.before.id for update in plan.update]
        return {job_id: job.spec for job_id, job in self.store.jobs.load(ids).items() if job.spec is not None}

    def step(self, *, allow_prune: bool = False, ignore_windows: bool = False, quiet: bool = True) -> SyncReport:
        """Make one step and return what it found and did.

        A step that changes something, or finds other problems than the one before, is kept in the store.

        Args:
            allow_prune: remove also what would be held back for a person.
            ignore_windows: make live also what would wait for a sync window.
            quiet: whether the folder had stopped changing. Else nothing is removed: a folder that is being emptied, or
                filled, would lose its jobs in portions that are each too small for the guard.

        Raises:
            DatabaseUnavailableError: nothing was changed.
            StaleObservationError: other writers were faster again and again; nothing was changed.
        """
        guard = replace(self.guard, allow=allow_prune or self.guard.allow, not_now=None if quiet else _BEING_CHANGED)
        windows = NO_SYNC_WINDOWS if ignore_windows else self.windows
        snapshot = self.folder.read()
        if self._last is None or self._last[0] is not snapshot:
            self.store.jobs.learn((place.digest, place.spec) for places in snapshot.jobs.values() for place in places)
        for attempt in range(TRIES):
            try:
                return self._step(snapshot, guard, windows)
            except StaleObservationError:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")  # pragma: no cover

    def _step(self, snapshot: Snapshot, guard: PruneGuard, windows: SyncWindows) -> SyncReport:
        now = self.clock()
        observed = self.store.jobs.observe()
        plan = self._decided(snapshot, observed, now, guard, windows)
        report = self._report(plan, snapshot, now)
        if plan.writes:
            self.store.jobs.apply(plan, now=now, report=report)
        elif self._is_news(report):
            self.store.syncs.record(report)
        self._last = (snapshot, report)
        renamed = {update.before.id: update.job.spec.id for update in plan.update if update.renames}
        self.seen = Seen(snapshot, observed, now, outdated=plan.writes, renamed=renamed)
        return report

    def _decided(
        self, snapshot: Snapshot, observed: Observed, now: datetime, guard: PruneGuard, windows: SyncWindows
    ) -> Plan:
        plan = diff(snapshot, observed, now=now, guard=guard, pace=unhurried)
        late = overtaken(plan, now)
        if late:
            live = self.store.jobs.specs({update.before.id: update.before.digest for update in late})
            plan = keep_due(plan, live, now)
        return wait_for_windows(plan, windows, now=now, live_tags=self._live_tags(plan) if windows.by_tags else None)

    def _live_tags(self, plan: Plan) -> dict[str, tuple[str, ...]]:
        befores = [*(update.before for update in plan.update), *(removal.before for removal in plan.remove)]
        specs = self.store.jobs.specs({before.id: before.digest for before in befores})
        return {job_id: spec.tags for job_id, spec in specs.items()}

    def _report(self, plan: Plan, snapshot: Snapshot, now: datetime) -> SyncReport:
        return SyncReport(
            at=now,
            node=self.node,
            revision=plan.revision,
            complete=plan.complete,
            counts=plan.counts(),
            changed=plan.changed(),
            problems=self._since(plan.problems, now),
            held=_held(plan),
            drift=plan.writes and self._last is not None and self._last[0] is snapshot and not self._waited(plan),
        )

    def _waited(self, plan: Plan) -> bool:
        """Say whether all that *plan* changes has only waited, for a sync window or until the folder was quiet."""
        waited = {held.job_id for held in self._last[1].held} if self._last else set()
        changed = {update.before.id for update in plan.update} | {removal.before.id for removal in plan.remove}
        changed |= {keep.before.id for keep in plan.keep if not keep.before.stale}
        return waited >= changed | {add.job.spec.id for add in plan.add}

    def _since(self, problems: tuple[Problem, ...], now: datetime) -> tuple[Problem, ...]:
        """Return *problems*, those that the last step saw too with the time of their first sighting."""
        known = {problem: problem.since for problem in self._last[1].problems} if self._last else {}
        return tuple(replace(problem, since=known.get(problem) or now) for problem in problems)

    def _is_news(self, report: SyncReport) -> bool:
        last = self._last[1] if self._last else self.store.syncs.latest()
        if last is None:
            return True
        return (last.problems, last.held, last.revision, last.complete) != (
            report.problems,
            report.held,
            report.revision,
            report.complete,
        )


def _held(plan: Plan) -> tuple[Held, ...]:
    removals = (Held(hold.before.id, hold.before.source.file, hold.why) for hold in plan.hold)
    changes = (Held(wait.job_id, wait.file, wait.why, wait.change.value, wait.window) for wait in plan.wait)
    return (*removals, *changes)


class Step(Protocol):
    """Makes one step, given whether the folder had become quiet before it."""

    def __call__(self, *, quiet: bool) -> None:
        """Make it."""


class ReconcileLoop:
    """A thread that makes a step when asked, and every *rescan* anyway; it survives whatever a step raises."""

    def __init__(
        self,
        step: Step,
        *,
        rescan: timedelta,
        check: Callable[[], None] = lambda: None,
        may_step: Callable[[], bool] = lambda: True,
    ) -> None:
        """Make a loop.

        Args:
            step: one step; where the folder had not become quiet before it, another one follows. A
                database that is away is expected, other errors are logged with their traceback.
            rescan: the longest time between two steps.
            check: called about each second, e.g. to re-arm a watch.
            may_step: whether this instance should make steps now.
        """
        self._step, self._check, self._may_step = step, check, may_step
        self._rescan = rescan
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._outage = Outage(log, "step failed, it is made again later", "steps are made again")
        self._thread = threading.Thread(target=self._loop, name="schedsync-reconcile", daemon=True)

    def start(self) -> None:
        """Start; the first step follows at once."""
        self._asked.set()
        self._thread.start()

    def wake(self) -> None:
        """Ask for one more step. Safe from any thread, cheap, and never blocks."""
        self._asked.set()

    def stop(self) -> None:
        """Stop after the step that is under way, and wait for it."""
        self._stopping.set()
        self._asked.set()
        self._thread.join()

    def _loop(self) -> None:
        waited, asked = timedelta(0), False
        while not self._stopping.is_set():
            if self._asked.wait(CHECK.total_seconds()):
                self._asked.clear()  # also while no step may be made: who asked then is remembered, and not heard again
                asked = True
            waited += CHECK
            self._guarded(self._check, "the watch could not be checked")
            if not self._may_step() or not (asked or waited >= self._rescan):
                continue
            quiet = self._settle() if asked else True
            waited, asked = timedelta(0), False
            if not self._stopping.is_set():
                self._guarded(partial(self._one_step, quiet=quiet), "step failed unexpectedly")
            if not quiet:
                self._asked.set()

    def _one_step(self, *, quiet: bool) -> None:
        try:
            self._step(quiet=quiet)
        except (DatabaseUnavailableError, SchemaError, StaleObservationError) as error:
            self._outage.failed(error)
        else:
            self._outage.succeeded()

    def _settle(self) -> bool:
        """Wait until nothing asked for a while, but not for ever; return whether that came."""
        for _ in range(4):
            if self._stopping.wait(SETTLE.total_seconds()) or not self._asked.is_set():
                return True
            self._asked.clear()
        return False

    def _guarded(self, call: Callable[[], None], failed: str) -> None:
        try:
            call()
        except Exception:  # the boundary of the loop: whatever it was, the next step may succeed
            log.exception(failed)
