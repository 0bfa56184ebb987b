"""What this instance takes up of others and of itself: runs of instances that are gone, and runs without an owner.

For the thread that claims, when no claim of its own is under way; ``recover`` may be called by another one, too.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from schedsync.clock import Clock
from schedsync.executors.base import Engine
from schedsync.running.desk import Desk
from schedsync.running.journal import Result
from schedsync.running.keeping import Keeping
from schedsync.running.leftovers import Leftovers, Settled, known_jobs
from schedsync.runs.blackouts import NO_BLACKOUTS
from schedsync.runs.ledger import Entry, Place
from schedsync.runs.recovery import KnownJob, outdated
from schedsync.runs.run import Run, RunState
from schedsync.runs.slots import Ahead, Decision
from schedsync.runs.unowned import judge_unowned
from schedsync.store.leases import Lease
from schedsync.store.store import Store

log = logging.getLogger(__name__)


class Succession:
    """Compares the rows with what is at hand."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        engine: Engine,
        keeping: Keeping,
        leftovers: Leftovers,
        *,
        owner: str,
        clock: Clock,
    ) -> None:
        self._store, self._desk, self._engine, self._keeping = store, desk, engine, keeping
        self._leftovers, self._owner, self._clock = leftovers, owner, clock
        self._one_at_a_time = threading.Lock()
        """Two threads that compare at once would take up the same rows."""
        self.blackouts = NO_BLACKOUTS
        """When runs that follow others are skipped."""

    def recover(self, is_dead: Callable[[str], bool], lease: Lease | None) -> None:
        """Settle or take up the runs of instances that are gone.

        Args:
            is_dead: says whether the instance of that name has ended. Its runs' leftovers on this machine are ended
                before a retry may start.
            lease: under which this instance leads; None: nothing is done.

        Raises:
            DatabaseUnavailableError: nothing is settled; call it again.
        """

        def is_orphan(run: Run) -> bool:
            # Only the leader starts what is queued, so the queued runs of a living instance are taken up too.
            waits = run.state is RunState.QUEUED
            if waits and run.owner is None:  # see take_up
                return False
            return run.owner != self._owner and (waits or is_dead(run.owner or ""))

        self._recover(is_orphan, lease)

    @property
    def doubtful(self) -> bool:
        """Whether the store may know more than this instance: ask ``recover_own``.

        There may be runs of its own that it does not know of, and what others run may have ended.
        """
        with self._desk.lock:
            return self._desk.doubtful or self._desk.ledger.waits_for_others

    def doubt(self) -> None:
        """Note that the store may have runs of this instance that it does not know of."""
        with self._desk.lock:
            self._desk.doubtful = True

    def recover_own(self, lease: Lease | None) -> None:
        """Compare what is at hand with the rows, and take up runs of this instance that it does not know of.

        Of those the claim was written, but its answer was lost. What others have queued is taken up, too; not what has
        no owner: see take_up.

        Raises:
            DatabaseUnavailableError: nothing is taken up; call it again.
        """

        def is_orphan(run: Run) -> bool:
            queued = run.state is RunState.QUEUED and run.owner is not None
            return queued or run.owner == self._owner

        self._desk.doubtful = False
        try:
            self._recover(is_orphan, lease)
        except BaseException:
            self._desk.doubtful = True
            raise

    def take_up(self, run_ids: Collection[str]) -> None:
        """Take up queued runs that have no owner, as far as they are not at hand: those of people, and followers.

        Their rows stay as they are until the runs have leave to start, so a crash leaves them to the next leader.

        Raises:
            DatabaseUnavailableError: none is taken up; call it again.
        """
        with self._desk.lock:  # before the rows are read: what is at hand then may have ended when they are judged
            held = self._desk.custody.held()
            new = {i for i in run_ids if not (self._desk.ledger.get(i) or i in held)}
        if not new:
            return
        runs = [run for run in self._store.runs.unowned() if run.id in new]
        jobs = known_jobs(self._store, runs)
        with self._desk.lock:
            for run in runs:
                self._take_up(run, jobs.get(run.job_id), self._clock())
        self._desk.news.set()

    def _take_up(self, run: Run, job: KnownJob | None, now: datetime) -> None:
        ahead = Ahead() if job is None else self._desk.ahead(run.job_id, job.spec)
        decision, reason = judge_unowned(run, job, ahead, now, self.blackouts)
        if job is None or decision is Decision.SKIP:
            self._desk.skip(run, job, str(reason))
            return
        run = replace(run, late_at=job.spec.late_at(run.scheduled_at))
        entry = Entry(run, job.spec, job.source_file)
        if decision is Decision.REPLACE:
            self._desk.make_way(entry, {run.id})
        self._desk.ledger.adopt(entry, now)
        self._desk.tell.change(run)

    def _recover(self, is_orphan: Callable[[Run], bool], lease: Lease | None) -> None:
        if lease is not None:
            with self._one_at_a_time:
                self._compare(is_orphan, lease)

    def _compare(self, is_orphan: Callable[[Run], bool], lease: Lease) -> None:
        results = self._leftovers.results()  # before the rows: what is settled in them was so when its result was read
        with self._desk.lock:  # before the rows, too: what is entered later is not in them
            entries, unwritten = self._desk.ledger.entries(), self._desk.unwritten
            entered = [entry for entry in entries if entry.run.id not in unwritten]
        unsettled = {run.id: run for run in self._store.runs.unsettled()}
        self._note_others([run for run in unsettled.values() if self._is_at_work_elsewhere(run) and not is_orphan(run)])
        self._drop_late(results, unsettled)
        orphans = self._orphans(unsettled, is_orphan)
        self._take_back(orphans, lease)
        settled = self._leftovers.settle(orphans, lease, results, self._desk.followers) if orphans else Settled()
        self._take_note(settled, entered, unsettled)

    def _take_note(self, settled: Settled, entered: Sequence[Entry], unsettled: Mapping[str, Run]) -> None:
        """Put on the desk what became of orphans, and let go of what the rows contradict."""
        desk = self._desk
        with desk.lock:
            ended = desk.custody.held()
            watched = {entry.run.id for entry in entered if entry.place is Place.RUNNING}  # or it ended a moment ago
            for entry, pid in settled.living:
                if entry.run.id not in watched:
                    self._look_after(entry, pid)
            for entry in settled.startable:
                if entry.run.id not in ended:
                    desk.ledger.adopt(entry, self._clock())
            # Not earlier: a retry that was adopted keeps those waiting that are behind the attempt before it.
            for run in (*settled.ended, *(entry.run for entry in outdated(entered, unsettled, self._owner))):
                desk.ledger.settle(run.id)
        desk.news.set()
        for run in (*settled.ended, *(entry.run for entry in settled.startable)):
            desk.tell.change(run)
        for slot in settled.slots:
            desk.tell.ended(slot.run, slot.job, slot.output)
        desk.tell.finished(settled.ended)

    def _look_after(self, entry: Entry, pid: int) -> None:
        """Look after a run that an earlier process has started."""
        run = entry.run
        log.info("run goes on, it is looked after again", extra={"run_id": run.id, "job_id": run.job_id, "pid": pid})
        self._desk.ledger.hold(entry)
        # Its start may not have been written; it may have waited for long since it was claimed.
        started_at = run.started_at or self._keeping.since(run.id) or self._clock()
        self._engine.take_up(self._keeping.again(entry), pid, started_at)

    def _drop_late(self, results: Mapping[str, Result], unsettled: Mapping[str, Run]) -> None:
        """Remove *results* and ends that come too late, because the store has others.

        What it has no row of is not ours: the folder may be shared with a service that has another store.
        """
        ends = self._keeping.ends()  # before it is asked who is at it: what ends later is not among them
        late = {*results, *ends}.difference(unsettled, self._engine.running(), self._desk.custody.held())
        ours = self._store.runs.known(late) if late else set()
        self._leftovers.drop([result for i, result in results.items() if i in ours])
        self._keeping.drop(ends & ours)

    def _orphans(self, unsettled: Mapping[str, Run], is_orphan: Callable[[Run], bool]) -> list[Run]:
        """Return the *unsettled* runs that are orphans and not at hand here."""
        with self._desk.lock:  # under which a run that ends goes from the ledger to custody: it is always in one
            ours = self._desk.custody.held()
            found = [r for r in unsettled.values() if is_orphan(r) and not (self._is_ours(r) or r.id in ours)]
        if not found:
            return []
        # A run that was at hand when the rows were read may have been settled since; then its row says so now.
        still = {run.id for run in self._store.runs.unsettled()}
        return [run for run in found if run.id in still]

    def _take_back(self, orphans: Sequence[Run], lease: Lease) -> None:
        """Let the ends be written of runs that are watched here, and that another instance had taken up."""
        with self._desk.lock:
            for run in orphans:
                entry = self._desk.ledger.get(run.id)
                if entry is not None and entry.place is Place.RUNNING:
                    entry.run = replace(entry.run, token=lease.token)

    def _is_ours(self, run: Run) -> bool:
        entry = self._desk.ledger.get(run.id)
        if entry is None or entry.place is Place.ELSEWHERE:
            return False
        # One with a keeper can be watched by two: another instance took it up while this one stood still.
        return not (self._is_at_work_elsewhere(run) and run.id in self._engine.running())

    def _is_at_it(self, run: Run) -> bool:
        entry = self._desk.ledger.get(run.id)
        return entry is not None and entry.place in {Place.RUNNING, Place.ELSEWHERE}

    def _is_at_work_elsewhere(self, run: Run) -> bool:
        return run.state is RunState.RUNNING and run.owner != self._owner

    def _note_others(self, at_work: Sequence[Run]) -> None:
        """Let what waits here wait for the runs *at_work* on other instances, too."""
        with self._desk.lock:
            new = [run for run in at_work if not self._is_at_it(run)]
        jobs = known_jobs(self._store, new) if new else {}
        with self._desk.lock:
            for run in new:
                job = jobs.get(run.job_id)
                if job is not None:
                    self._desk.ledger.note_elsewhere(Entry(run, job.spec, job.source_file))
