"""From claimed runs to recorded results: gives leave to start, hands over to the engine, writes down what happened.

Three threads meet here. The scheduler's thread claims and enters runs, the engine's thread reports starts and ends, and
the runner's own thread writes those down in groups and promotes what waited. A run is started only after its row says
``running``: after a crash, a queued row has certainly not run, and a running one is settled as lost.
"""

import logging
import os
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from schedsync.clock import Clock, utc_now
from schedsync.errors import DatabaseUnavailableError, LeadershipLostError
from schedsync.executors.base import Launch
from schedsync.executors.orphans import terminate
from schedsync.executors.prepare import prepare
from schedsync.executors.process import ProcessEngine
from schedsync.executors.spool import OutputLimits, recover
from schedsync.runs.ledger import Entry, Ledger, Place
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.pause import EVERYTHING
from schedsync.runs.retry import retry_at
from schedsync.runs.run import Cause, Run, RunState, SkipReason, new_run_id
from schedsync.runs.slots import Decision
from schedsync.specs.durations import format_duration
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store

log = logging.getLogger(__name__)

GROUPING = timedelta(milliseconds=10)
"""How long events are gathered before they are written together."""
RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between tries to write results while the database does not answer; the last one repeats."""


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
    shutdown_grace: timedelta = timedelta(seconds=10)


class Runner:
    """The unsettled runs of this instance. Public methods are safe from any thread."""

    def __init__(self, store: Store, options: RunnerOptions, *, clock: Clock = utc_now) -> None:
        self._store, self._options, self._clock = store, options, clock
        self._lock = threading.RLock()
        self._ledger = Ledger(options.capacity)
        self._events: queue.SimpleQueue[Started | Finished | None] = queue.SimpleQueue()
        self._engine = ProcessEngine(self, spool_dir=options.spool, limits=options.limits, clock=clock)
        self._lease: Lease | None = None
        self._stopping = threading.Event()
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
        self._stopping.set()
        self._engine.stop(self._options.shutdown_grace, "ended because the service stopped")
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

    def enter(self, entries: Sequence[Entry], replacing: Iterable[str] = ()) -> None:
        """Take up claimed entries, and start those that may; runs of the jobs *replacing* names make way first."""
        with self._lock:
            for job_id in replacing:
                self._replace(job_id)
            for entry in entries:
                self._ledger.enter(entry)
        for entry in entries:
            if entry.place is Place.RUNNING:
                self.submit(entry)
        self._events.put(None)

    def _replace(self, job_id: str) -> None:
        reason = "replaced by a later slot"
        for entry in self._ledger.of_job(job_id):
            if entry.place is Place.RUNNING:
                self._engine.cancel(entry.run.id, reason, RunState.CANCELLED)
            else:
                outcome = Outcome(RunState.CANCELLED, self._clock(), reason=reason)
                self._events.put(Finished(entry.run.id, outcome))

    def launch(self, entry: Entry) -> None:
        """Start a run that has leave to."""
        try:
            self._engine.launch(self._prepared(entry))
        except Exception as error:  # a run whose preparation fails is a failed run, not a stuck one
            log.exception("run could not be prepared", extra={"run_id": entry.run.id})
            outcome = Outcome(RunState.FAILED, self._clock(), reason=f"cannot be started: {error}")
            self._events.put(Finished(entry.run.id, outcome))

    def _prepared(self, entry: Entry) -> Launch:
        folder = (self._options.folder / entry.source_file).absolute().parent
        return prepare(entry.run, entry.spec, folder, os.environ)

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
        """Settle the running rows of processes that are gone as lost, and take up the queued ones.

        Args:
            is_dead: says whether the process of that name has ended. Its runs' leftovers on this machine are ended
                before a retry may start.

        Raises:
            DatabaseUnavailableError: nothing is settled; call it again.
        """
        with self._lock:
            orphans = [run for run in self._store.runs.unsettled() if self._ledger.get(run.id) is None]
        orphans = [run for run in orphans if run.owner != self._options.owner and is_dead(run.owner or "")]
        if not orphans:
            return
        jobs = self._store.jobs.load({run.job_id for run in orphans})
        known = {i: Entry(orphans[0], job.spec, job.observed.source.file) for i, job in jobs.items() if job.spec}
        lost = [run for run in orphans if run.state is RunState.RUNNING]
        self._end_leftovers([run for run in lost if run.node == self._options.node])
        changes, adopted = RunChanges(), []
        for run in orphans:
            adopted += self._recover_run(run, known.get(run.job_id), changes)
        self._store.runs.record(changes, self._lease)
        with self._lock:
            for entry in adopted:
                self._ledger.adopt(entry, self._clock())
        self._events.put(None)

    def _end_leftovers(self, lost: Sequence[Run]) -> None:
        ended = terminate([run.id for run in lost], timedelta(seconds=5))
        for run_id, count in ended.items():
            log.warning("ended processes of a lost run", extra={"run_id": run_id, "processes": count})

    def _recover_run(self, run: Run, job: Entry | None, changes: RunChanges) -> list[Entry]:
        """Put what becomes of *run* into *changes*, and return what is to be taken up when they are written."""
        if run.state is RunState.RUNNING:
            return self._recover_lost(run, job, changes)
        waited = self._clock() - (run.due_at or run.scheduled_at)
        if job is None:
            changes.settled.append((self._skipped(run, f"{SkipReason.REMOVED}: the job is gone"), Output()))
        elif waited > job.spec.misfire.grace:
            reason = f"{SkipReason.MISFIRE}: {format_duration(waited)} late"
            changes.settled.append((self._skipped(run, reason), Output()))
        else:
            return [replace(job, run=run)]
        return []

    def _recover_lost(self, run: Run, job: Entry | None, changes: RunChanges) -> list[Entry]:
        reason = "the service ended before the result was known"
        lost = replace(run, state=RunState.LOST, finished_at=self._clock(), reason=reason)
        output = recover(self._options.spool / f"{run.id}.log", self._options.limits)
        changes.settled.append((lost, output))
        retry = None if job is None else self._retry(lost, job)
        if job is None or retry is None:
            return []
        changes.retries.append(retry)
        return [replace(job, run=retry)]

    def _skipped(self, run: Run, reason: str) -> Run:
        return replace(run, state=RunState.SKIPPED, reason=reason, finished_at=self._clock())

    def _retry(self, ended: Run, job: Entry) -> Run | None:
        ended_at = ended.finished_at or self._clock()
        due_at = retry_at(job.spec.retry, ended.state, ended.attempt, ended_at)
        if due_at is None:
            return None
        return Run(
            id=new_run_id(ended_at),
            job_id=ended.job_id,
            scheduled_at=ended.scheduled_at,
            attempt=ended.attempt + 1,
            cause=Cause.RETRY,
            state=RunState.QUEUED,
            reason=f"attempt {ended.attempt} {ended.state}",
            due_at=due_at,
            claimed_at=ended_at,
            node=self._options.node,
            owner=self._options.owner,
            token=ended.token,
            spec_digest=ended.spec_digest,
            generation=ended.generation,
            revision=ended.revision,
        )

    # The recording thread.

    def _loop(self) -> None:
        while True:
            events = self._gather()
            try:
                self._handle(events)
            except Exception:  # the boundary of the loop: a result that cannot be written must not end it
                log.exception("results could not be recorded")
            if self._stopping.is_set() and self._events.empty() and not self._engine.running():
                return

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
        if self._stopping.is_set():
            return 0.05
        with self._lock:
            due, startable = self._ledger.next_due(), self._ledger.startable
        if startable:  # leave to start could not be given a moment ago
            return 1.0
        return None if due is None else max((due - self._clock()).total_seconds(), 0.0)

    def _handle(self, events: Sequence[Started | Finished]) -> None:
        with self._lock:
            changes = self._settle(events)
            promoted = [] if self._stopping.is_set() or self._lease is None else self._ledger.promote(self._clock())
        starting = self._without_paused(promoted, changes)
        changes.promoted = [self._with_leave(entry) for entry in starting]
        if not changes:
            return
        try:
            self._record(changes)
        except LeadershipLostError:
            self._give_up(starting, changes)
            return
        for run, _ in changes.settled:
            self.on_finished(run)
        for entry in starting:
            self.submit(entry)

    def _settle(self, events: Sequence[Started | Finished]) -> RunChanges:
        changes = RunChanges()
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
        return changes

    def _settle_one(self, entry: Entry, outcome: Outcome, changes: RunChanges) -> None:
        run = replace(
            entry.run,
            state=outcome.state,
            reason=outcome.reason,
            exit_code=outcome.exit_code,
            started_at=outcome.started_at or entry.run.started_at,
            finished_at=outcome.finished_at,
        )
        retry = self._retry(run, entry)
        self._ledger.settle(run.id, retry)
        changes.settled.append((run, outcome.output))
        if retry is not None:
            changes.retries.append(retry)

    def _without_paused(self, promoted: list[Entry], changes: RunChanges) -> list[Entry]:
        """Return what may really start: a run that waited while its job was paused or removed is skipped."""
        if not promoted:
            return []
        try:
            pauses = self._store.pauses.in_force(self._clock())
        except DatabaseUnavailableError:
            self._demote(promoted)
            return []
        starting = []
        for entry in promoted:
            if EVERYTHING in pauses or entry.run.job_id in pauses:
                with self._lock:
                    self._ledger.settle(entry.run.id)
                changes.settled.append((self._skipped(entry.run, SkipReason.PAUSED.value), Output()))
                self._events.put(None)
            else:
                starting.append(entry)
        return starting

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

    def _record(self, changes: RunChanges) -> None:
        """Write *changes*; while the database does not answer, try again until it does."""
        tries = 0
        while True:
            try:
                self._store.runs.record(changes, self._lease)
                return
            except DatabaseUnavailableError as error:
                if tries == 0:
                    log.warning("results wait for the database", extra={"error": str(error)})
                if self._stopping.is_set() and tries >= len(RETRY_DELAYS):
                    raise
                self._stopping.wait(RETRY_DELAYS[min(tries, len(RETRY_DELAYS) - 1)])
                tries += 1

    def _give_up(self, starting: list[Entry], changes: RunChanges) -> None:
        """Another instance leads: it starts what waits here; only results of what ran here are still ours to write."""
        self._demote(starting)
        changes.promoted, changes.retries = [], []
        self._record(changes)

    def _demote(self, entries: list[Entry]) -> None:
        with self._lock:
            for entry in entries:
                self._ledger.demote(entry)
