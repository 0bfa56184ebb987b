"""From claimed runs to recorded results: gives leave to start, hands over to the engine, writes down what happened.

Three threads meet here. The scheduler's thread claims and enters runs, the engine's thread reports starts and ends, and
the runner's own thread writes those down in groups and promotes what waited. A run is started only after its row says
``running``: after a crash, a queued row has certainly not run, and a running one is settled as lost.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from schedsync.clock import Clock, utc_now
from schedsync.errors import SchedsyncError
from schedsync.executors.base import Launch
from schedsync.executors.prepare import prepare
from schedsync.executors.process import ProcessEngine
from schedsync.executors.spool import OutputLimits
from schedsync.executors.sql_call import Databases
from schedsync.leftovers import Leftovers
from schedsync.results import ResultWriter
from schedsync.runs.ledger import Entry, Ledger, Place
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.pause import EVERYTHING
from schedsync.runs.retry import next_attempt
from schedsync.runs.run import Run, RunState, SkipReason
from schedsync.runs.slots import Decision
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store

log = logging.getLogger(__name__)

GROUPING = timedelta(milliseconds=10)
"""How long events are gathered before they are written together."""
AGAIN = 1.0
"""Seconds until what could not be done a moment ago is tried again."""
LONGEST_WAIT = 10.0
"""The longest sleep of the recording thread while a retry is due some time: the wall clock may jump meanwhile."""
_STOPPED = "ended because the service stopped"
_REPLACED = "replaced by a later slot"


@dataclass(frozen=True, slots=True)
class Started:
    """The engine has spawned a run's process."""

    run_id: str
    pid: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Finished:
    """A run has ended."""

    run_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RunnerOptions:
    """How an instance runs what it claimed."""

    node: str
    owner: str
    """The name of this process."""
    folder: Path
    """The jobs folder."""
    spool: Path
    limits: OutputLimits
    capacity: dict[str, int] = field(default_factory=dict)
    databases: Databases = field(default_factory=Databases)
    """What statements can reach."""
    hidden: frozenset[str] = frozenset()
    """Variables of the service that jobs do not get: they hold passwords."""
    shutdown_grace: timedelta = timedelta(seconds=10)


class Runner:
    """The unsettled runs of this instance. Public methods are safe from any thread."""

    def __init__(self, store: Store, options: RunnerOptions, *, clock: Clock = utc_now) -> None:
        self._store, self._options, self._clock = store, options, clock
        self._lock = threading.RLock()
        self._ledger = Ledger(options.capacity)
        self._events: queue.SimpleQueue[Started | Finished | None] = queue.SimpleQueue()
        self._engine = ProcessEngine(self, spool_dir=options.spool, limits=options.limits, clock=clock)
        self._unwritten: set[str] = set()
        """Ended runs whose results are on their way to the store."""
        self._lease: Lease | None = None
        self._changes = RunChanges()
        """What has been decided about runs, and is to be written in the next round."""
        self._left = RunChanges()
        """What could not be written so far; of the recording thread."""
        self._left_until = 0.0
        self._replaced: set[str] = set()
        """Runs with leave to start that are to make way, whether the engine has heard of them or not."""
        self._doubtful = False
        self._stopping, self._closing = threading.Event(), threading.Event()
        self._writer = ResultWriter(store.runs, self._closing)
        self._leftovers = Leftovers(
            store, node=options.node, owner=options.owner, spool=options.spool, limits=options.limits, clock=clock
        )
        self._thread = threading.Thread(target=self._loop, name="schedsync-runner", daemon=True)
        self.submit: Callable[[Entry], None] = self.launch
        """How a run with leave to start gets to ``launch``; the scheduler puts its executors in between."""
        self.on_finished: Callable[[Run], None] = lambda _run: None
        """Told of each run that has ended."""

    def start(self) -> None:
        """Start the engine and the recording thread."""
        self._options.spool.mkdir(parents=True, exist_ok=True)
        self._engine.start()
        self._thread.start()

    def stop(self) -> None:
        """Give runs their grace, end what is left, and write down how all of them ended."""
        with self._lock:
            self._stopping.set()
        self._engine.stop(self._options.shutdown_grace, _STOPPED)
        # Not earlier: until here the engine may have an end to report.
        self._closing.set()
        self._events.put(None)
        self._thread.join()

    # What the scheduler asks for.

    def lead(self, lease: Lease | None) -> None:
        """Say under which lease waiting runs may be started; None: under none."""
        with self._lock:
            self._lease = lease
        self._events.put(None)

    def unsettled(self, job_id: str) -> int:
        """Return how many runs of a job have not ended."""
        with self._lock:
            return self._ledger.unsettled(job_id)

    def reserve(self, wanted: Iterable[tuple[Entry, Decision]]) -> list[Entry]:
        """Return the entries with the states to claim them with; ``enter`` or ``withdraw`` them afterwards."""
        with self._lock:
            return [self._ledger.reserve(entry, decision) for entry, decision in wanted]

    def withdraw(self, entries: Iterable[Entry]) -> None:
        """Give up entries that could not be claimed."""
        with self._lock:
            for entry in entries:
                self._ledger.withdraw(entry)
        self._events.put(None)

    def enter(self, entries: Sequence[Entry], replacing: Iterable[str] = ()) -> None:
        """Take up claimed entries, and start those that may; runs of the jobs *replacing* names make way first."""
        with self._lock:
            for job_id in replacing:
                self._replace(job_id)
            for entry in entries:
                self._ledger.enter(entry)
        self._submit_all(entry for entry in entries if entry.place is Place.RUNNING)
        self._events.put(None)

    def _submit_all(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            try:
                self.submit(entry)
            except Exception as error:  # one run that cannot be handed over must not keep the others from starting
                log.exception("run could not be handed over", extra={"run_id": entry.run.id})
                self._fail(entry, error)

    def _fail(self, entry: Entry, error: Exception) -> None:
        self._end(entry, RunState.FAILED, f"cannot be started: {error}")

    def _end(self, entry: Entry, state: RunState, reason: str) -> None:
        """Report the end of a run that the engine never had."""
        self._events.put(Finished(entry.run.id, Outcome(state, self._clock(), reason=reason)))

    def _replace(self, job_id: str) -> None:
        for entry in self._ledger.of_job(job_id):
            if entry.place is Place.RUNNING:
                self._replaced.add(entry.run.id)
                self._engine.cancel(entry.run.id, _REPLACED, RunState.CANCELLED)
            else:
                # At once, not by way of an event: it could be given leave to start before that is looked at.
                outcome = Outcome(RunState.CANCELLED, self._clock(), reason=_REPLACED)
                self._settle_one(entry, outcome, self._changes)

    def launch(self, entry: Entry) -> None:
        """Start a run that has leave to."""
        try:
            launch = self._prepared(entry)
            with self._lock:  # a stop or a replacement comes before this and is seen, or after it and finds the run
                if self._stopping.is_set():
                    self._end(entry, RunState.LOST, _STOPPED)
                elif entry.run.id in self._replaced:
                    self._end(entry, RunState.CANCELLED, _REPLACED)
                else:
                    self._engine.launch(launch)
        except SchedsyncError as error:  # a mistake of the job's author, and said to them
            self._fail(entry, error)
        except Exception as error:  # a run whose preparation fails is a failed run, not a stuck one
            log.exception("run could not be prepared", extra={"run_id": entry.run.id})
            self._fail(entry, error)

    def _prepared(self, entry: Entry) -> Launch:
        folder = (self._options.folder / entry.source_file).absolute().parent
        environ = {name: value for name, value in os.environ.items() if name not in self._options.hidden}
        return prepare(entry.run, entry.spec, folder, environ, self._options.databases)

    def output(self, run_id: str) -> Output | None:
        """Return what a run has printed so far; None when it is not running here."""
        return self._engine.output(run_id)

    # What the engine reports.

    def started(self, run_id: str, pid: int, at: datetime) -> None:
        """Note that a run's process exists."""
        self._events.put(Started(run_id, pid, at))

    def finished(self, run_id: str, outcome: Outcome) -> None:
        """Note that a run has ended."""
        self._events.put(Finished(run_id, outcome))

    # What earlier processes left.

    def recover(self, is_dead: Callable[[str], bool]) -> None:
        """Settle or take up the runs of instances that are gone.

        Args:
            is_dead: says whether the instance of that name has ended. Its runs' leftovers on this machine are ended
                before a retry may start.

        Raises:
            DatabaseUnavailableError: nothing is settled; call it again.
        """

        def is_orphan(run: Run) -> bool:
            # Only the leader starts what is queued, so the queued runs of a living instance are taken up too.
            waits = run.state is RunState.QUEUED
            return run.owner != self._options.owner and (waits or is_dead(run.owner or ""))

        self._recover(is_orphan)

    @property
    def doubtful(self) -> bool:
        """Whether there may be runs of this instance in the store that it does not know of: ask ``recover_own``."""
        return self._doubtful

    def recover_own(self) -> None:
        """Take up runs of this instance that it does not know of: their claim was written, but its answer was lost.

        For the thread that claims, when no claim of its own is under way.

        Raises:
            DatabaseUnavailableError: nothing is taken up; call it again.
        """
        self._doubtful = False
        try:
            self._recover(lambda run: run.owner == self._options.owner)
        except BaseException:
            self._doubtful = True
            raise

    def _recover(self, is_orphan: Callable[[Run], bool]) -> None:
        lease = self._lease
        orphans = self._unknown(is_orphan)
        if lease is None or not orphans:
            return
        settled, adopted = self._leftovers.settle(orphans, lease)
        with self._lock:
            for entry in adopted:
                self._ledger.adopt(entry, self._clock())
        self._events.put(None)
        self._tell(settled)

    def _unknown(self, is_orphan: Callable[[Run], bool]) -> list[Run]:
        """Return the unsettled runs that are orphans and not at hand here."""
        unsettled = [run for run in self._store.runs.unsettled() if is_orphan(run)]
        with self._lock:
            found = [run for run in unsettled if not self._ledger.get(run.id) and run.id not in self._unwritten]
        if not found:
            return []
        # A run that was at hand when the rows were read may have been settled since; then its row says so now.
        still = {run.id for run in self._store.runs.unsettled()}
        return [run for run in found if run.id in still]

    # The recording thread.

    def _loop(self) -> None:
        while not (self._closing.is_set() and self._events.empty()):
            events = self._gather()
            try:
                self._handle(events)
            except Exception:  # the boundary of the loop: a result that cannot be written must not end it
                log.exception("results could not be recorded")
        if self._left:
            lost = [run.id for run, _ in self._left.settled]
            log.error("results were not written", extra={"runs": lost, "retries": len(self._left.retries)})

    def _gather(self) -> list[Started | Finished]:
        """Wait for an event or a due retry, then take what comes within a moment."""
        events: list[Started | Finished | None] = []
        try:
            events.append(self._events.get(timeout=self._patience()))
            self._stopping.wait(GROUPING.total_seconds())
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            return [event for event in events if event is not None]

    def _patience(self) -> float | None:
        with self._lock:
            may_start = self._may_start
            due, startable = (self._ledger.next_due(), self._ledger.startable) if may_start else (None, False)
        if startable or self._left:  # it could not be done a moment ago
            return AGAIN
        return None if due is None else min(max((due - self._clock()).total_seconds(), 0.0), LONGEST_WAIT)

    @property
    def _may_start(self) -> bool:
        """Whether waiting runs may be given leave to start."""
        return self._lease is not None and not self._stopping.is_set()

    def _handle(self, events: Sequence[Started | Finished]) -> None:
        self._write_left()
        with self._lock:
            changes, self._changes = self._changes, RunChanges()
            self._settle(events, changes)
            promoted = self._promote(changes.retries) if self._may_start else []
        starting = self._still_wanted(promoted, changes)
        changes.promoted = [self._with_leave(entry) for entry in starting]
        if changes:
            self._write(changes, starting)

    def _promote(self, unwritten: Sequence[Run]) -> list[Entry]:
        """Return what may start now, except retries that have no row yet: those follow in the next round."""
        promoted = self._ledger.promote(self._clock())
        no_row = {retry.id for retry in (*unwritten, *self._left.retries)}
        early = [entry for entry in promoted if entry.run.id in no_row]
        for entry in early:
            self._ledger.demote(entry)
        if early and not self._left.retries:
            self._events.put(None)
        return [entry for entry in promoted if entry.run.id not in no_row]

    def _write_left(self) -> None:
        if self._left and time.monotonic() >= self._left_until:
            left, self._left = self._left, RunChanges()
            self._write(left, [])

    def _write(self, changes: RunChanges, starting: list[Entry]) -> None:
        """Write *changes* down, then start what got its leave by them."""
        refused = self._writer.write(changes, lambda: self._lease)
        self._keep(refused.left)
        late = {run.id for run, _ in refused.left.settled}
        written = [run for run, _ in changes.settled if run.id not in late]
        with self._lock:
            self._unwritten -= {run.id for run in written}
            self._doubtful |= bool(refused.final)
            for entry in starting:
                if entry.run.id in refused.undone:
                    self._ledger.demote(entry)
            for run_id in refused.final:
                self._ledger.settle(run_id)
                self._replaced.discard(run_id)
        held_back = refused.undone | refused.final
        self._submit_all(entry for entry in starting if entry.run.id not in held_back)
        self._tell(written)

    def _keep(self, left: RunChanges) -> None:
        if left:
            self._left.settled += left.settled
            self._left.retries += left.retries
            self._left_until = time.monotonic() + AGAIN

    def _tell(self, ended: Iterable[Run]) -> None:
        for run in ended:
            try:
                self.on_finished(run)
            except Exception:  # whoever listens must not keep the others from hearing
                log.exception("the end of a run could not be told", extra={"run_id": run.id})

    def _settle(self, events: Sequence[Started | Finished], changes: RunChanges) -> None:
        for event in events:
            entry = self._ledger.get(event.run_id)
            if entry is None:
                continue
            if isinstance(event, Started):
                entry.run = replace(entry.run, started_at=event.at, pid=event.pid)
                changes.started.append(entry.run)
            else:
                self._settle_one(entry, event.outcome, changes)
        ended = {run.id for run, _ in changes.settled}
        changes.started = [run for run in changes.started if run.id not in ended]

    def _settle_one(self, entry: Entry, outcome: Outcome, changes: RunChanges) -> None:
        run = replace(
            entry.run,
            state=outcome.state,
            reason=outcome.reason,
            exit_code=outcome.exit_code,
            started_at=outcome.started_at or entry.run.started_at,
            finished_at=outcome.finished_at,
        )
        retry = next_attempt(run, entry.spec.retry, node=self._options.node, owner=self._options.owner)
        self._ledger.settle(run.id, retry)
        self._unwritten.add(run.id)
        self._replaced.discard(run.id)
        changes.settled.append((run, outcome.output))
        if retry is not None:
            changes.retries.append(retry)

    def _still_wanted(self, promoted: list[Entry], changes: RunChanges) -> list[Entry]:
        """Return what may really start: a run that waited while its job was paused or removed is skipped."""
        if not promoted:
            return []
        try:
            pauses = self._store.pauses.in_force(self._clock())
            live = self._store.jobs.present({entry.run.job_id for entry in promoted})
        except Exception as error:  # whatever it is, the results that came with it are still to be written
            if not isinstance(error, SchedsyncError):
                log.exception("waiting runs could not be looked up")
            self._demote(promoted)
            return []
        starting = []
        for entry in promoted:
            if EVERYTHING in pauses or entry.run.job_id in pauses:
                self._skip(entry, SkipReason.PAUSED.value, changes)
            elif entry.run.job_id not in live:
                self._skip(entry, f"{SkipReason.REMOVED}: the job is gone", changes)
            else:
                starting.append(entry)
        return starting

    def _skip(self, entry: Entry, reason: str, changes: RunChanges) -> None:
        skipped = replace(entry.run, state=RunState.SKIPPED, reason=reason, finished_at=self._clock())
        with self._lock:
            self._ledger.settle(entry.run.id)
            self._unwritten.add(entry.run.id)
            self._replaced.discard(entry.run.id)
        changes.settled.append((skipped, Output()))
        self._events.put(None)  # its place is free for the next one

    def _with_leave(self, entry: Entry) -> Run:
        lease = self._lease
        entry.run = replace(
            entry.run,
            state=RunState.RUNNING,
            node=self._options.node,
            owner=self._options.owner,
            token=entry.run.token if lease is None else lease.token,
        )
        return entry.run

    def _demote(self, entries: list[Entry]) -> None:
        with self._lock:
            for entry in entries:
                self._ledger.demote(entry)
