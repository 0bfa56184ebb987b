"""From claimed runs to recorded results: gives leave to start, hands over to the engine, writes down what happened.

Three threads meet here. The scheduler's thread claims and enters runs, the engine's thread reports starts and ends, and
the runner's own thread writes those down in groups and promotes what waited. A run is started only after its row says
``running``: after a crash, a queued row has certainly not run, and a running one is settled by its result if that was
put on disk (``custody``), else as lost.
"""

import logging
import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
from schedsync.running.custody import Custody
from schedsync.running.journal import Result
from schedsync.running.keeping import Keeping
from schedsync.running.leftovers import Leftovers, Settled, known_jobs
from schedsync.running.results import ResultWriter, Written
from schedsync.runs.following import Consequences, Followers, what_follows
from schedsync.runs.ledger import Entry, Ledger, Place
from schedsync.runs.notices import ending_of
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.pause import EVERYTHING
from schedsync.runs.recovery import KnownJob, outdated
from schedsync.runs.retry import concluded
from schedsync.runs.run import Run, RunState, SkipReason
from schedsync.runs.slots import Ahead, Decision
from schedsync.runs.unowned import judge_unowned
from schedsync.runs.waiting import Waiting, waiting
from schedsync.specs.job import JobSpec
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store

log = logging.getLogger(__name__)

GROUPING = timedelta(milliseconds=25)
"""How long events are gathered before they are written together: with a hundred runs that start or end at once, each
group costs two or three round trips, and a run must not cost one."""
AGAIN = 1.0
"""Seconds until what could not be done a moment ago is tried again."""
LONGEST_WAIT = 10.0
"""The longest sleep of the recording thread while a retry is due some time: the wall clock may jump meanwhile."""
LAST_WAIT = 10.0
"""Seconds that a stop waits for the last results to be written; then they are left on disk for the next start."""
LAST_WAIT_AWAY = 2.0
"""The same while the database is away."""
HURRIED = timedelta(seconds=1)
"""The longest grace between SIGTERM and SIGKILL in a stop that is hurried."""
_STOPPED = "ended because the service stopped"
_REPLACED = "replaced by a later slot"


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
    """How many runs may be at it at once, by pool."""
    max_runs: int | None = None
    """How many in all pools together."""
    groups: dict[str, int] = field(default_factory=dict)
    """How many runs of a group may be unsettled at once, where that is not one."""
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
        self._ledger = Ledger(options.capacity, max_runs=options.max_runs, groups=options.groups)
        self._news = threading.Event()
        """Set when there may be something to write down or to start."""
        self._engine = ProcessEngine(self, spool_dir=options.spool, limits=options.limits, clock=clock)
        self._custody = Custody(options.spool)
        self._lease: Lease | None = None
        self._changes = RunChanges()
        """What has happened and been decided, and is to be written in the next round."""
        self._unwritten: set[str] = set()
        """Retries that may have no row yet."""
        self._replaced: set[str] = set()
        """Runs with leave to start that are to make way, whether the engine has heard of them or not."""
        self._doubtful = False
        self._stopping, self._closing = threading.Event(), threading.Event()
        self._writer = ResultWriter(store.runs, lambda: self._lease)
        self._keeping = Keeping(options.spool, options.limits, node=options.node)
        self.followers = Followers()
        """Who runs after whom, as far as is known here."""
        self._leftovers = Leftovers(
            store,
            self._keeping,
            node=options.node,
            owner=options.owner,
            spool=options.spool,
            limits=options.limits,
            clock=clock,
        )
        self._thread = threading.Thread(target=self._loop, name="schedsync-runner", daemon=True)
        self.submit: Callable[[Entry], None] = self.launch
        """How a run with leave to start gets to ``launch``; the scheduler puts its executors in between."""
        self.on_change: Callable[[Run], None] = lambda _run: None
        """Told of each run as it stands here now, whenever that changes, before it is written; returns quickly."""
        self.on_started: Callable[[Run, KnownJob], None] = lambda _run, _job: None
        """Told of each run whose process exists; returns quickly."""
        self.on_ended: Callable[[Run, KnownJob, Output], None] = lambda _run, _job, _output: None
        """Told how each slot has ended, before that is written; returns quickly."""
        self.on_finished: Callable[[Run], None] = lambda _run: None
        """Told of each run that has ended and whose result is written."""
        self.on_followers: Callable[[], None] = lambda: None
        """Told when runs have been written that have no owner: the thread that claims takes them up."""

    def start(self) -> None:
        """Start the engine and the recording thread."""
        self._options.spool.mkdir(parents=True, exist_ok=True)
        self._custody.start()
        self._engine.start()
        self._thread.start()

    def stop(self) -> bool:
        """Give runs their grace, end what is left, and write down how all of them ended; return whether that is done.

        While the database is away it is left on disk, and to the next start.
        """
        self.start_nothing_more()
        self._engine.stop(self._options.shutdown_grace, _STOPPED)
        # Not earlier: until here the engine may have an end to report.
        self._closing.set()
        self._news.set()
        self._thread.join(LAST_WAIT_AWAY if self._writer.away else LAST_WAIT)
        self._say_what_is_left(self._custody.close())
        with self._lock:
            living = self._ledger.running
        if living:
            log.warning("runs go on until the next start takes them up", extra={"runs": living})
        return not living and not self._custody.held()

    def start_nothing_more(self) -> None:
        """Leave what waits to the next start. For when nothing is claimed any more: it would be lost."""
        with self._lock:  # a launch comes before this, or after it and sees it
            self._stopping.set()

    def hurry(self) -> None:
        """Make a stop short, which may be under way: runs are ended now. Returns at once."""
        self.start_nothing_more()
        self._engine.hurry(HURRIED, _STOPPED)

    def _say_what_is_left(self, unkept: Sequence[str]) -> None:
        kept = self._custody.held() - set(unkept)
        if kept:
            log.warning("results are left on disk for the next start", extra={"runs": len(kept)})
        if unkept:
            log.error("results were not written", extra={"runs": list(unkept)})

    # What the scheduler asks for.

    def lead(self, lease: Lease | None) -> None:
        """Say under which lease waiting runs may be started; None: under none."""
        with self._lock:
            self._lease = lease
        self._news.set()

    def learn_followers(self) -> None:
        """Ask who runs after whom: before runs are recovered, and whenever that has changed.

        Raises:
            DatabaseUnavailableError: what was known stays.
        """
        before, self.followers = self.followers.circles, self._store.jobs.followers()
        found = self.followers.circles
        if found and found != before:
            log.warning("jobs would run for ever, they do not follow one another", extra={"jobs": sorted(found)})

    def unsettled(self, job_id: str) -> int:
        """Return how many runs of a job have not ended."""
        with self._lock:
            return self._ledger.unsettled(job_id)

    def ahead(self, job_id: str, spec: JobSpec) -> Ahead:
        """Return what a further run of a job would find before it."""
        with self._lock:
            return self._ledger.ahead(job_id, spec)

    def waiting(self) -> list[Waiting]:
        """Return what waits here, in the order in which it will start."""
        with self._lock:
            return waiting(self._ledger)

    def late(self, now: datetime) -> list[Entry]:
        """Return the runs that have not ended in time."""
        with self._lock:
            return self._ledger.late(now)

    def reserve(self, wanted: Iterable[tuple[Entry, Decision]]) -> list[Entry]:
        """Return the entries with the states to claim them with; ``enter`` or ``withdraw`` them afterwards."""
        with self._lock:
            return [self._ledger.reserve(entry, decision) for entry, decision in wanted]

    def withdraw(self, entries: Iterable[Entry]) -> None:
        """Give up entries that could not be claimed."""
        with self._lock:
            for entry in entries:
                self._ledger.withdraw(entry)
        self._news.set()

    def enter(self, entries: Sequence[Entry], replacing: Collection[str] = ()) -> None:
        """Take up claimed entries, and start those that may; for the runs that *replacing* names others make way."""
        claimed = {entry.run.id for entry in entries}
        with self._lock:
            for entry in entries:
                if entry.run.id in replacing:
                    self._make_way(entry, claimed)
                self._ledger.enter(entry)
                self._tell_change(entry.run)
        self._submit_all(entry for entry in entries if entry.place is Place.RUNNING)
        self._news.set()

    def take_up(self, run_ids: Collection[str]) -> None:
        """Take up queued runs that have no owner, as far as they are not at hand: those of people, and followers.

        Their rows stay as they are until the runs have leave to start, so a crash leaves them to the next leader. For
        the thread that claims, when no claim of its own is under way.

        Raises:
            DatabaseUnavailableError: none is taken up; call it again.
        """
        with self._lock:  # before the rows are read: what is at hand then may have ended when they are judged
            held = self._custody.held()
            new = {i for i in run_ids if not (self._ledger.get(i) or i in held)}
        if not new:
            return
        runs = [run for run in self._store.runs.unowned() if run.id in new]
        jobs = known_jobs(self._store, runs)
        with self._lock:
            for run in runs:
                self._take_up(run, jobs.get(run.job_id), self._clock())
        self._news.set()

    def _take_up(self, run: Run, job: KnownJob | None, now: datetime) -> None:
        ahead = Ahead() if job is None else self._ledger.ahead(run.job_id, job.spec)
        decision, reason = judge_unowned(run, job, ahead, now)
        if job is None or decision is Decision.SKIP:
            self._skip(run, job, str(reason), self._changes)
            return
        run = replace(run, late_at=job.spec.late_at(run.scheduled_at))
        entry = Entry(run, job.spec, job.source_file)
        if decision is Decision.REPLACE:
            self._make_way(entry, {run.id})
        self._ledger.adopt(entry, now)
        self._tell_change(run)

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
        self.finished(entry.run.id, Outcome(state, self._clock(), reason=reason))

    def _make_way(self, replacing: Entry, claimed: Collection[str]) -> None:
        for entry in self._ledger.in_the_way(replacing, claimed=claimed, going=self._replaced):
            if entry.place is Place.RUNNING:
                self._replaced.add(entry.run.id)
                self._engine.cancel(entry.run.id, _REPLACED, RunState.CANCELLED)
            else:
                self._settle(entry, Outcome(RunState.CANCELLED, self._clock(), reason=_REPLACED))

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
        launch = prepare(entry.run, entry.spec, folder, environ, self._options.databases)
        return self._keeping.of(launch, entry)

    def output(self, run_id: str) -> Output | None:
        """Return what a run has printed; None when it neither runs here nor has a result that waits to be written."""
        return self._engine.output(run_id) or self._custody.output(run_id)

    # What the engine reports.

    def started(self, run_id: str, pid: int, at: datetime) -> None:
        """Note that a run's process exists."""
        with self._lock:
            entry = self._ledger.get(run_id)
            if entry is not None and entry.run.pid != pid:  # else it is looked after again, and its start is known
                entry.run = replace(entry.run, started_at=at, pid=pid)
                self._changes.started.append(entry.run)
                self._tell_change(entry.run)
                self._tell_of_job(self.on_started, entry.run, _known(entry))
        self._news.set()

    def finished(self, run_id: str, outcome: Outcome) -> None:
        """Note that a run has ended. Its result is safe from here on, whatever the recording thread waits for."""
        with self._lock:
            entry = self._ledger.get(run_id)
            if entry is not None:
                self._settle(entry, outcome)
        self._news.set()

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
            if waits and run.owner is None:  # the thread that claims takes it up
                return False
            return run.owner != self._options.owner and (waits or is_dead(run.owner or ""))

        self._recover(is_orphan)

    @property
    def doubtful(self) -> bool:
        """Whether the store may know more than this instance: ask ``recover_own``.

        There may be runs of its own that it does not know of, and what others run may have ended.
        """
        with self._lock:
            return self._doubtful or any(entry.place is Place.ELSEWHERE for entry in self._ledger.entries())

    def recover_own(self) -> None:
        """Compare what is at hand with the rows, and take up runs of this instance that it does not know of.

        Of those the claim was written, but its answer was lost. What others have queued is taken up, too; not what has
        no owner: see take_up.

        For the thread that claims, when no claim of its own is under way.

        Raises:
            DatabaseUnavailableError: nothing is taken up; call it again.
        """

        def is_orphan(run: Run) -> bool:
            queued = run.state is RunState.QUEUED and run.owner is not None
            return queued or run.owner == self._options.owner

        self._doubtful = False
        try:
            self._recover(is_orphan)
        except BaseException:
            self._doubtful = True
            raise

    def _recover(self, is_orphan: Callable[[Run], bool]) -> None:
        lease = self._lease
        if lease is None:
            return
        results = self._leftovers.results()  # before the rows: what is settled in them was so when its result was read
        with self._lock:  # before the rows, too: what is entered later is not in them
            entered = [entry for entry in self._ledger.entries() if entry.run.id not in self._unwritten]
        unsettled = {run.id: run for run in self._store.runs.unsettled()}
        self._note_others([run for run in unsettled.values() if self._is_at_work_elsewhere(run) and not is_orphan(run)])
        orphans = self._orphans(unsettled, is_orphan, results)
        settled = self._leftovers.settle(orphans, lease, results, self.followers) if orphans else Settled()
        with self._lock:
            ended = self._custody.held()
            for entry, pid in settled.living:
                self._look_after(entry, pid)
            for entry in settled.startable:
                if entry.run.id not in ended:
                    self._ledger.adopt(entry, self._clock())
            # Not earlier: a retry that was adopted keeps those waiting that are behind the attempt before it.
            for run in (*settled.ended, *(entry.run for entry in outdated(entered, unsettled, self._options.owner))):
                self._ledger.settle(run.id)
        self._news.set()
        for run in (*settled.ended, *(entry.run for entry in settled.startable)):
            self._tell_change(run)
        for slot in settled.slots:
            self._tell_of_job(self.on_ended, slot.run, slot.job, slot.output)
        self._tell(settled.ended)

    def _look_after(self, entry: Entry, pid: int) -> None:
        """Look after a run that an earlier process has started."""
        run = entry.run
        log.info("run goes on, it is looked after again", extra={"run_id": run.id, "job_id": run.job_id, "pid": pid})
        self._ledger.hold(entry)
        self._engine.take_up(self._keeping.again(entry), pid, run.started_at or run.claimed_at or self._clock())

    def _orphans(
        self, unsettled: Mapping[str, Run], is_orphan: Callable[[Run], bool], results: Mapping[str, Result]
    ) -> list[Run]:
        """Return the *unsettled* runs that are orphans and not at hand here; drop *results* that come too late."""
        with self._lock:  # under which a run that ends goes from the ledger to custody: it is always in one of them
            ours = self._custody.held()
            found = [r for r in unsettled.values() if is_orphan(r) and not (self._is_here(r) or r.id in ours)]
        self._leftovers.drop([result for i, result in results.items() if i not in unsettled and i not in ours])
        self._keeping.drop_all_but({*unsettled, *self._engine.running(), *self._custody.held()})
        if not found:
            return []
        # A run that was at hand when the rows were read may have been settled since; then its row says so now.
        still = {run.id for run in self._store.runs.unsettled()}
        return [run for run in found if run.id in still]

    def _is_here(self, run: Run) -> bool:
        entry = self._ledger.get(run.id)
        return entry is not None and entry.place is not Place.ELSEWHERE

    def _is_at_work_elsewhere(self, run: Run) -> bool:
        return run.state is RunState.RUNNING and run.owner != self._options.owner

    def _note_others(self, at_work: Sequence[Run]) -> None:
        """Let what waits here wait for the runs *at_work* on other instances, too."""
        with self._lock:
            new = [run for run in at_work if self._ledger.get(run.id) is None]
        jobs = self._store.jobs.load({run.job_id for run in new}) if new else {}
        with self._lock:
            for run in new:
                job = jobs.get(run.job_id)
                if job is not None and job.spec is not None:
                    self._ledger.note_elsewhere(Entry(run, job.spec, job.observed.source.file))

    # The recording thread.

    def _loop(self) -> None:
        while not self._closing.is_set():
            self._gather()
            self._guarded_round()
        # What was reported while the last round was made, and what waits: the database may be back by now.
        self._writer.hurry()
        self._guarded_round()

    def _guarded_round(self) -> None:
        try:
            self._round()
        except Exception:  # the boundary of the loop: a result that cannot be written must not end it
            log.exception("results could not be recorded")

    def _gather(self) -> None:
        """Wait for news or for what is due, then for what comes within a moment."""
        if self._news.wait(self._patience()):
            self._stopping.wait(GROUPING.total_seconds())
        self._news.clear()

    def _patience(self) -> float | None:
        with self._lock:
            may_start = self._may_start
            due, startable = (self._ledger.next_due(), self._ledger.startable) if may_start else (None, False)
        waits = [] if due is None else [min(max((due - self._clock()).total_seconds(), 0.0), LONGEST_WAIT)]
        if startable:  # it could not be done a moment ago
            waits.append(AGAIN)
        waits = [max(wait, self._writer.rest) for wait in waits]  # until then nothing is started
        if self._writer.patience is not None:
            waits.append(self._writer.patience)
        return min(waits, default=None)

    @property
    def _may_start(self) -> bool:
        """Whether waiting runs may be given leave to start."""
        return self._lease is not None and not self._stopping.is_set()

    def _round(self) -> None:
        self._note(self._writer.write_left(), [])
        with self._lock:
            changes, self._changes = self._changes, RunChanges()
            promoted = self._promote() if self._may_start and not self._writer.rests else []
        ended = {run.id for run, _ in changes.settled}
        changes.started = [run for run in changes.started if run.id not in ended]
        starting = self._still_wanted(promoted, changes)
        changes.promoted = [self._with_leave(entry) for entry in starting]
        if changes:
            self._note(self._writer.write(changes), starting)
        with self._lock:
            self._unwritten = {retry.id for retry in (*self._changes.retries, *self._writer.left.retries)}

    def _promote(self) -> list[Entry]:
        """Return what may start now, except retries that have no row yet: those follow in the next round."""
        promoted = self._ledger.promote(self._clock())
        early = [entry for entry in promoted if entry.run.id in self._unwritten]
        for entry in early:
            self._ledger.demote(entry)
        if early and not self._writer.left.retries:
            self._news.set()
        return [entry for entry in promoted if entry.run.id not in self._unwritten]

    def _note(self, written: Written, starting: list[Entry]) -> None:
        """Take note of what was written, then start what got its leave by it."""
        self._custody.hurry(urgent=self._writer.away)
        self._custody.release(run.id for run in written.settled)
        self._keeping.forget(run.id for run in written.settled)
        with self._lock:
            self._doubtful |= bool(written.final)
            for entry in starting:
                if entry.run.id in written.undone:
                    self._ledger.demote(entry)
            for run_id in written.final:
                self._ledger.settle(run_id)
                self._replaced.discard(run_id)
        held_back = written.undone | written.final
        leave = [entry for entry in starting if entry.run.id not in held_back]
        for entry in leave:
            self._tell_change(entry.run)
        self._submit_all(leave)
        self._tell(written.settled)
        if written.followed:
            self.on_followers()

    def _tell_change(self, run: Run) -> None:
        try:
            self.on_change(run)
        except Exception:  # whoever listens must not keep a run from its end
            log.exception("a change of a run could not be told", extra={"run_id": run.id})

    def _tell_of_job(self, listener: Callable[..., None], run: Run, *more: object) -> None:
        try:
            listener(run, *more)
        except Exception:  # likewise
            log.exception("a start or an end could not be told", extra={"run_id": run.id})

    def _tell(self, ended: Iterable[Run]) -> None:
        for run in ended:
            try:
                self.on_finished(run)
            except Exception:  # whoever listens must not keep the others from hearing
                log.exception("the end of a run could not be told", extra={"run_id": run.id})

    def _settle(self, entry: Entry, outcome: Outcome) -> None:
        """Let go of a run that has ended; under the lock."""
        run = replace(
            entry.run,
            state=outcome.state,
            reason=outcome.reason,
            exit_code=outcome.exit_code,
            started_at=outcome.started_at or entry.run.started_at,
            finished_at=outcome.finished_at,
        )
        node, owner = self._options.node, self._options.owner
        may_retry = not outcome.remains
        follows = what_follows(run, entry.spec, self.followers, node=node, owner=owner, may_retry=may_retry)
        told = concluded(run, entry.spec.retry) if may_retry else run
        self._ended(Result(told, outcome.output), _known(entry), self._changes, follows)

    def _ended(self, result: Result, job: KnownJob | None, changes: RunChanges, follows: Consequences) -> None:
        retry = follows.retry
        self._ledger.settle(result.run.id, retry)
        self._replaced.discard(result.run.id)
        self._custody.take(result)
        changes.settled.append((result.run, result.output))
        changes.followers += follows.followers
        if follows.ending is not None:
            changes.endings.append(follows.ending)
        self._tell_change(result.run)
        if retry is None and job is not None:
            self._tell_of_job(self.on_ended, result.run, job, result.output)
        if retry is not None:
            changes.retries.append(retry)
            self._unwritten.add(retry.id)
            self._tell_change(retry)

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
                self._skip(entry.run, _known(entry), SkipReason.PAUSED.value, changes)
            elif entry.run.job_id not in live:
                self._skip(entry.run, _known(entry), f"{SkipReason.REMOVED}: the job is gone", changes)
            else:
                starting.append(entry)
        return starting

    def _skip(self, run: Run, job: KnownJob | None, reason: str, changes: RunChanges) -> None:
        skipped = replace(run, state=RunState.SKIPPED, reason=reason, finished_at=self._clock())
        with self._lock:
            ending = None if job is None else ending_of(skipped, job.spec)
            self._ended(Result(skipped, Output()), job, changes, Consequences(ending=ending))
        self._news.set()  # its place is free for the next one

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


def _known(entry: Entry) -> KnownJob:
    return KnownJob(entry.spec, entry.source_file)
