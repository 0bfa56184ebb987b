"""Writes down what happened to runs, in groups, and gives leave to start to what waited: the runner's own thread."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from schedsync.clock import Clock
from schedsync.errors import SchedsyncError
from schedsync.running.desk import Desk, known_job
from schedsync.running.keeping import Keeping
from schedsync.running.results import ResultWriter, Written
from schedsync.runs.ledger import Entry
from schedsync.runs.pause import EVERYTHING
from schedsync.runs.run import Run, RunState, SkipReason, changed
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store

log = logging.getLogger(__name__)

GROUPING = timedelta(milliseconds=25)
"""How long events are gathered before they are written together: with a hundred runs that start or end at once, each
group costs two or three round trips, and a run must not cost one."""
STARTS = 0.15
"""Seconds for the same where nothing but starts is to be written. Nobody waits for that: who leads has them in memory,
and of a run that ends meanwhile both are one write."""
ENDS = 0.1
"""Seconds for the same under steady load, and in a burst, where ends that nobody waits for are to be written, too."""
BURST = 10
"""How many runs the engine has still to start in a burst: what is written meanwhile takes time from them."""
STEADY = 4
"""After how many groups in a row, each of which began within GROUPING after the one before it, load is steady."""
AGAIN = 1.0
"""Seconds until what could not be done a moment ago is tried again."""
LONGEST_WAIT = 10.0
"""The longest sleep while a retry is due some time: the wall clock may jump meanwhile."""
LAST_WAIT = 10.0
"""Seconds that a stop waits for the last results to be written; then they are left on disk for the next start."""
LAST_WAIT_AWAY = 2.0
"""The same while the database is away."""


class Recorder:
    """A thread that turns what is on the desk into rows."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        keeping: Keeping,
        start_runs: Callable[[Iterable[Entry]], None],
        *,
        node: str,
        owner: str,
        clock: Clock,
    ) -> None:
        """Make one.

        Args:
            store: where to.
            desk: what there is to write.
            keeping: whose files of runs go when their results are written.
            start_runs: starts runs that have leave to.
            node: the machine.
            owner: the name of this process.
            clock: the time.
        """
        self._store, self._desk, self._keeping, self._start_runs = store, desk, keeping, start_runs
        self._node, self._owner, self._clock = node, owner, clock
        self.lease: Lease | None = None
        """Under which waiting runs may be started; None: under none."""
        self.writer = ResultWriter(store.runs, lambda: self.lease)
        self._in_a_row, self._wrote_at = 0, 0.0
        """How many groups came close upon one another, and when the last one was written, by the monotonic clock."""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="schedsync-runner", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Write what there is, and return when that is done or the time for it is over."""
        self._closing.set()
        self._desk.news.set()
        self._thread.join(LAST_WAIT_AWAY if self.writer.away else LAST_WAIT)

    def _loop(self) -> None:
        while not self._closing.is_set():
            self._gather()
            self._guarded_round()
        # What was reported while the last round was made, and what waits: the database may be back by now.
        self.writer.hurry()
        self._guarded_round()

    def _guarded_round(self) -> None:
        try:
            self._round()
        except Exception:  # the boundary of the loop: a result that cannot be written must not end it
            log.exception("results could not be recorded")

    def _gather(self) -> None:
        """Wait for news or for what is due, then for what comes within a moment."""
        if self._desk.news.wait(self._patience()):
            began = time.monotonic()
            self._in_a_row = self._in_a_row + 1 if began - self._wrote_at < GROUPING.total_seconds() else 0
            self._desk.stopping.wait(GROUPING.total_seconds())
            while time.monotonic() - began < self._may_wait and not self._desk.stopping.is_set():
                self._desk.stopping.wait(GROUPING.total_seconds())
        self._desk.news.clear()

    @property
    def _may_wait(self) -> float:
        """The seconds that what is to be written may wait from when the first of it came; 0: no longer."""
        with self._desk.lock:
            changes = self._desk.changes
            if self._may_start and self._desk.ledger.startable:
                return 0.0
            if changes.only_starts:
                return STARTS
            busy = self._in_a_row >= STEADY or len(self._desk.launched) >= BURST
            return ENDS if changes and busy and not changes.are_awaited else 0.0

    def _patience(self) -> float | None:
        with self._desk.lock:
            ledger, may_start = self._desk.ledger, self._may_start
            due, startable = (ledger.next_due(), ledger.startable) if may_start else (None, False)
        waits = [] if due is None else [min(max((due - self._clock()).total_seconds(), 0.0), LONGEST_WAIT)]
        if startable:  # it could not be done a moment ago
            waits.append(AGAIN)
        waits = [max(wait, self.writer.rest) for wait in waits]  # until then nothing is started
        if self.writer.patience is not None:
            waits.append(self.writer.patience)
        return min(waits, default=None)

    @property
    def _may_start(self) -> bool:
        """Whether waiting runs may be given leave to start."""
        return self.lease is not None and not self._desk.stopping.is_set()

    def _round(self) -> None:
        desk = self._desk
        self._note(self.writer.write_left(), [])
        with desk.lock:
            changes, desk.changes = desk.changes, RunChanges()
            promoted = self._promote() if self._may_start and not self.writer.rests else []
        ended = {run.id for run, _ in changes.settled}
        changes.started = [run for run in changes.started if run.id not in ended]
        starting = self._still_wanted(promoted, changes)
        with desk.lock:
            changes.promoted = [self._with_leave(entry) for entry in starting]
        if changes:
            self._note(self.writer.write(changes), starting)
            self._wrote_at = time.monotonic()
        with desk.lock:
            desk.unwritten = {retry.id for retry in (*desk.changes.retries, *self.writer.left.retries)}

    def _promote(self) -> list[Entry]:
        """Return what may start now, except retries that have no row yet: those follow in the next round."""
        promoted, unwritten = self._desk.ledger.promote(self._clock()), self._desk.unwritten
        early = [entry for entry in promoted if entry.run.id in unwritten]
        for entry in early:
            self._desk.ledger.demote(entry)
        if early and not self.writer.left.retries:
            self._desk.news.set()
        return [entry for entry in promoted if entry.run.id not in unwritten]

    def _note(self, written: Written, starting: Sequence[Entry]) -> None:
        """Take note of what was written, then start what got its leave by it."""
        desk = self._desk
        desk.custody.hurry(urgent=self.writer.away)
        desk.custody.release(run.id for run in written.settled)
        self._keeping.forget(run.id for run in written.settled)
        with desk.lock:
            desk.doubtful |= bool(written.final)
            for entry in starting:
                if entry.run.id in written.undone:
                    desk.ledger.demote(entry)
            for run_id in written.final:
                desk.ledger.settle(run_id)
                desk.replaced.discard(run_id)
        held_back = written.undone | written.final
        leave = [entry for entry in starting if entry.run.id not in held_back]
        for entry in leave:
            desk.tell.change(entry.run)
        self._start_runs(leave)
        desk.tell.finished(written.settled)
        if written.followed:
            desk.tell.on_followers()

    def _still_wanted(self, promoted: list[Entry], changes: RunChanges) -> list[Entry]:
        """Return what may really start: a run that waited while its job was paused or removed is skipped.

        Pauses do not stop what a person asked for.
        """
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
            paused = EVERYTHING in pauses or entry.run.job_id in pauses
            if paused and entry.run.asked_by is None:
                self._desk.skip(entry.run, known_job(entry), SkipReason.PAUSED.value, changes)
            elif entry.run.job_id not in live:
                self._desk.skip(entry.run, known_job(entry), f"{SkipReason.REMOVED}: the job is gone", changes)
            else:
                starting.append(entry)
        return starting

    def _with_leave(self, entry: Entry) -> Run:
        token = entry.run.token if self.lease is None else self.lease.token
        entry.run = changed(entry.run, state=RunState.RUNNING, node=self._node, owner=self._owner, token=token)
        return entry.run

    def _demote(self, entries: Iterable[Entry]) -> None:
        with self._desk.lock:
            for entry in entries:
                self._desk.ledger.demote(entry)
