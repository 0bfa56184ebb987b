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
from schedsync.errors import DatabaseUnavailableError
from schedsync.executors.base import Launch
from schedsync.executors.orphans import terminate
from schedsync.executors.prepare import prepare
from schedsync.executors.process import ProcessEngine
from schedsync.executors.spool import OutputLimits
from schedsync.executors.spool import recover as recover_output
from schedsync.results import ResultWriter
from schedsync.runs.ledger import Entry, Ledger, Place
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.pause import EVERYTHING
from schedsync.runs.recovery import KnownJob, Takeover, recover
from schedsync.runs.retry import next_attempt
from schedsync.runs.run import Run, RunState, SkipReason
from schedsync.runs.slots import Decision
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store

log = logging.getLogger(__name__)

GROUPING = timedelta(milliseconds=10)
"""How long events are gathered before they are written together."""
LEFTOVER_GRACE = timedelta(seconds=5)
"""Between SIGTERM and SIGKILL for the processes that a dead instance left."""


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
        self._unwritten: set[str] = set()
        """Ended runs whose results are on their way to the store."""
        self._lease: Lease | None = None
        self._stopping = threading.Event()
        self._writer = ResultWriter(store.runs, self._stopping)
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
        outcome = Outcome(RunState.FAILED, self._clock(), reason=f"cannot be started: {error}")
        self._events.put(Finished(entry.run.id, outcome))

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
            self._fail(entry, error)

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

    def recover_own(self) -> None:
        """Take up runs of this instance that it does not know of: their claim was written, but its answer was lost.

        For the thread that claims, when no claim of its own is under way.

        Raises:
            DatabaseUnavailableError: nothing is taken up; call it again.
        """
        self._recover(lambda run: run.owner == self._options.owner)

    def _recover(self, is_orphan: Callable[[Run], bool]) -> None:
        unsettled = self._store.runs.unsettled()
        with self._lock:
            known = {run.id for run in unsettled if self._ledger.get(run.id)} | self._unwritten
        orphans = [run for run in unsettled if run.id not in known and is_orphan(run)]
        if not orphans:
            return
        stored = self._store.jobs.load({run.job_id for run in orphans})
        jobs = {i: KnownJob(job.spec, job.observed.source.file) for i, job in stored.items() if job.spec}
        recovered = recover(orphans, jobs, self._takeover())
        self._end_leftovers(recovered.lost)
        settled = [(run, self._left_output(run)) for run in recovered.lost]
        settled += [(run, Output()) for run in recovered.skipped]
        changes = RunChanges(settled=settled, retries=recovered.retries)
        refused = self._store.runs.record(changes, self._lease)
        with self._lock:
            for entry in recovered.adopted:
                if entry.run.id not in refused:
                    self._ledger.adopt(entry, self._clock())
        self._events.put(None)

    def _takeover(self) -> Takeover:
        owner, lease = self._options.owner, self._lease

        def unstarted(run: Run) -> bool:
            # Leave to start that was given to this instance, under this lease, and that it does not know of.
            own = run.owner == owner and lease is not None and run.token == lease.token
            return run.state is RunState.QUEUED or own

        return Takeover(self._options.node, owner, self._clock(), unstarted)

    def _end_leftovers(self, lost: Sequence[Run]) -> None:
        here = [run.id for run in lost if run.node == self._options.node]
        for run_id, count in terminate(here, LEFTOVER_GRACE).items():
            log.warning("ended processes of a lost run", extra={"run_id": run_id, "processes": count})

    def _left_output(self, run: Run) -> Output:
        return recover_output(self._options.spool / f"{run.id}.log", self._options.limits)

    def _skipped(self, run: Run, reason: str) -> Run:
        return replace(run, state=RunState.SKIPPED, reason=reason, finished_at=self._clock())

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
        self._write(changes, starting)

    def _write(self, changes: RunChanges, starting: list[Entry]) -> None:
        """Write *changes* down, then start what got its leave by them."""
        refused = self._writer.write(changes, self._lease)
        left = [entry for entry in starting if entry.run.id in refused.undone]
        with self._lock:
            self._unwritten -= {run.id for run, _ in changes.settled}
            for entry in left:
                self._ledger.demote(entry)
            for run_id in refused.final:
                self._ledger.settle(run_id)
        for run, _ in changes.settled:
            self.on_finished(run)
        held_back = refused.undone | refused.final
        self._submit_all(entry for entry in starting if entry.run.id not in held_back)

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
        retry = next_attempt(run, entry.spec.retry, node=self._options.node, owner=self._options.owner)
        self._ledger.settle(run.id, retry)
        self._unwritten.add(run.id)
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

    def _demote(self, entries: list[Entry]) -> None:
        with self._lock:
            for entry in entries:
                self._ledger.demote(entry)
