"""What runs and what waits here, and what is to be written of it: everything that one lock keeps together."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from schedsync.clock import Clock
from schedsync.running.custody import Custody
from schedsync.running.journal import Result
from schedsync.running.listeners import Listeners
from schedsync.runs.following import Consequences, Followers, what_follows
from schedsync.runs.ledger import Entry, Ledger, Place
from schedsync.runs.notices import ending_of
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.recovery import KnownJob
from schedsync.runs.retry import concluded
from schedsync.runs.run import Run, RunState, changed
from schedsync.runs.slots import Ahead, Decision
from schedsync.runs.waiting import Load, Waiting, load, waiting
from schedsync.specs.job import JobSpec
from schedsync.store.runs import RunChanges

_REPLACED = "replaced by a later slot"
Cancel = Callable[[str, str, RunState], None]
"""Ends a run that the engine has: its id, why, and as what it ends."""


class Desk:
    """The unsettled runs of this instance. Methods may be called from any thread, and return at once."""

    def __init__(
        self, ledger: Ledger, custody: Custody, cancel: Cancel, *, node: str, owner: str, clock: Clock
    ) -> None:
        """Make an empty one.

        Args:
            ledger: knows no run yet.
            custody: holds the results until the store has them.
            cancel: asks the engine to end a run.
            node: the machine.
            owner: the name of this process.
            clock: the time.
        """
        self._cancel, self._node, self._owner, self._clock = cancel, node, owner, clock
        self.lock = threading.RLock()
        """Under it are all of these."""
        self.ledger, self.custody = ledger, custody
        self.changes = RunChanges()
        """What has happened and been decided, and is to be written in the next round."""
        self.unwritten: set[str] = set()
        """Retries that may have no row yet."""
        self.replaced: set[str] = set()
        """Runs with leave to start that are to make way, whether the engine has heard of them or not."""
        self.doubtful = False
        """Whether the store may have runs of this instance that are not here."""
        self.launched: set[str] = set()
        """Runs that the engine has been given, and of which it has not said that they started or will not."""
        self.followers = Followers()
        """Who runs after whom, as far as is known here."""
        self.stopping = threading.Event()
        """Set when nothing is to be started any more."""
        self.news = threading.Event()
        """Set when there may be something to write down or to start."""
        self.tell = Listeners()

    def unsettled(self, job_id: str) -> int:
        """Return how many runs of a job have not ended."""
        with self.lock:
            return self.ledger.unsettled(job_id)

    def held(self) -> set[str]:
        """Return the runs that this instance looks after: which have not ended, or are to be written."""
        with self.lock:
            ours = {entry.run.id for entry in self.ledger.entries() if entry.place is not Place.ELSEWHERE}
            return ours | self.unwritten | self.custody.held()

    def ahead(self, job_id: str, spec: JobSpec) -> Ahead:
        """Return what a further run of a job would find before it."""
        with self.lock:
            return self.ledger.ahead(job_id, spec)

    def waiting(self) -> list[Waiting]:
        """Return what waits here, in the order in which it will start."""
        with self.lock:
            return waiting(self.ledger)

    def load(self) -> Load:
        """Return how many wait here, and how many places are taken."""
        with self.lock:
            return load(self.ledger)

    def late(self, now: datetime) -> list[Entry]:
        """Return the runs that have not ended in time."""
        with self.lock:
            return self.ledger.late(now)

    def unknown(self, live: Collection[str]) -> dict[str, str]:
        """Return the jobs of the runs, by run, as far as they are not among the *live* ones."""
        with self.lock:
            return {e.run.id: e.run.job_id for e in self.ledger.entries() if e.run.job_id not in live}

    def learn(self, followers: Followers, renamed: Mapping[str, str]) -> None:
        """Take note of who runs after whom, and of jobs that have been renamed since, given as old id -> new id.

        Both at once: an end that came in between would be followed by nobody.
        """
        with self.lock:
            self.followers = followers
            self.changes.rename(renamed)
            for entry in self.ledger.rename(renamed):
                self.tell.change(entry.run)

    def reserve(self, wanted: Iterable[tuple[Entry, Decision]]) -> list[Entry]:
        """Return the entries with the states to claim them with; ``enter`` or ``withdraw`` them afterwards."""
        with self.lock:
            return [self.ledger.reserve(entry, decision) for entry, decision in wanted]

    def withdraw(self, entries: Iterable[Entry]) -> None:
        """Give up entries that could not be claimed."""
        given_up = list(entries)
        with self.lock:
            for entry in given_up:
                self.ledger.withdraw(entry)
        if given_up:
            self._say_news()

    def enter(self, entries: Sequence[Entry], replacing: Collection[str] = ()) -> list[Entry]:
        """Take up claimed entries, for the runs that *replacing* names others make way; return those to start.

        Whatever else is on the desk from here on is the recorder's, which may promote it before this has returned.
        """
        claimed = {entry.run.id for entry in entries}
        with self.lock:
            starting = [entry for entry in entries if entry.place is Place.RUNNING]
            for entry in entries:
                if entry.run.id in replacing:
                    self.make_way(entry, claimed)
                self.ledger.enter(entry)
                self.tell.change(entry.run)
        return starting

    def say_what_waits(self) -> None:
        """Let the recorder go round if there is something for it: where all that was claimed starts, there is not."""
        with self.lock:
            waits = bool(self.changes) or self.ledger.startable
        if waits:
            self._say_news()

    def _say_news(self) -> None:
        if not self.news.is_set():  # to be asked costs less than to set it, and there are hundreds in a second
            self.news.set()

    def make_way(self, replacing: Entry, claimed: Collection[str]) -> None:
        """End what stands before *replacing*, except what is *claimed* together with it; under the lock."""
        for entry in self.ledger.in_the_way(replacing, claimed=claimed, going=self.replaced):
            if entry.place is Place.RUNNING:
                self.replaced.add(entry.run.id)
                self._cancel(entry.run.id, _REPLACED, RunState.CANCELLED)
            else:
                self._settle(entry, Outcome(RunState.CANCELLED, self._clock(), reason=_REPLACED))

    def started(self, run_id: str, pid: int, at: datetime) -> None:
        """Note that a run's process exists."""
        with self.lock:
            self.launched.discard(run_id)
            entry = self.ledger.get(run_id)
            if entry is not None and entry.run.pid != pid:  # else it is looked after again, and its start is known
                entry.run = changed(entry.run, started_at=at, pid=pid)
                self.changes.started.append(entry.run)
                self.tell.change(entry.run)
                self.tell.started(entry.run, known_job(entry))
        self._say_news()

    def finished(self, run_id: str, outcome: Outcome) -> None:
        """Note that a run has ended. Its result is safe from here on, whatever others wait for."""
        with self.lock:
            self.launched.discard(run_id)
            entry = self.ledger.get(run_id)
            if entry is not None:
                self._settle(entry, outcome)
        self._say_news()

    def replaced_run(self, run_id: str) -> Outcome | None:
        """Return how a run ends that is to make way before it was started; None for others. Under the lock."""
        if run_id not in self.replaced:
            return None
        return Outcome(RunState.CANCELLED, self._clock(), reason=_REPLACED)

    def skip(self, run: Run, job: KnownJob | None, reason: str, changes: RunChanges | None = None) -> None:
        """Let go of a run that waited and will not start.

        Args:
            run: which.
            job: its job; None when that is gone.
            reason: why.
            changes: to which that is to be added; None: those of the next round.
        """
        skipped = changed(run, state=RunState.SKIPPED, reason=reason, finished_at=self._clock())
        with self.lock:
            ending = None if job is None else ending_of(skipped, job.spec)
            follows = Consequences(ending=ending)
            self._end(Result(skipped, Output()), job, self.changes if changes is None else changes, follows)
        self.news.set()  # its place is free for the next one

    def _settle(self, entry: Entry, outcome: Outcome) -> None:
        """Let go of a run that has ended; under the lock."""
        run = changed(
            entry.run,
            state=outcome.state,
            reason=outcome.reason,
            exit_code=outcome.exit_code,
            started_at=outcome.started_at or entry.run.started_at,
            finished_at=outcome.finished_at,
        )
        may_retry = not outcome.remains
        follows = what_follows(run, entry.spec, self.followers, node=self._node, owner=self._owner, may_retry=may_retry)
        told = concluded(run, entry.spec.retry) if may_retry else run
        self._end(Result(told, outcome.output, outcome.remains), known_job(entry), self.changes, follows)

    def _end(self, result: Result, job: KnownJob | None, changes: RunChanges, follows: Consequences) -> None:
        self.ledger.settle(result.run.id, follows.retry)
        self.replaced.discard(result.run.id)
        self.custody.take(result)
        changes.settled.append((result.run, result.output))
        changes.followers += follows.followers
        if follows.ending is not None:
            changes.endings.append(follows.ending)
        self.tell.change(result.run)
        if job is not None:
            self.tell.settled(result.run, job)
        if follows.retry is not None:
            changes.retries.append(follows.retry)
            self.unwritten.add(follows.retry.id)
            self.tell.change(follows.retry)
        elif job is not None:
            self.tell.ended(result.run, job, result.output)


def known_job(entry: Entry) -> KnownJob:
    """Return the job of a run that is at hand."""
    return KnownJob(entry.spec, entry.source_file)
