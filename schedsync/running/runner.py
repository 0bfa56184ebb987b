"""From claimed runs to recorded results: gives leave to start, hands over to the engine, writes down what happened.

Three threads meet here, at the ``desk``. The scheduler's thread claims and enters runs, the engine's thread reports
starts and ends, and the ``recorder`` writes those down in groups and promotes what waited. A run is started only after
its row says ``running``: after a crash, a queued row has certainly not run, and a running one is settled by its result
if that was put on disk (``custody``), else as lost (``succession``).
"""

import logging
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType

from schedsync.clock import Clock, utc_now
from schedsync.errors import SchedsyncError
from schedsync.executors.base import Launch, MakeEngine
from schedsync.executors.prepare import inherited, prepare
from schedsync.executors.process import ProcessEngine
from schedsync.executors.spool import OutputLimits
from schedsync.executors.spool_folder import make
from schedsync.executors.sql_call import Databases
from schedsync.running.custody import Custody
from schedsync.running.desk import Desk
from schedsync.running.keeping import Keeping
from schedsync.running.leftovers import Leftovers
from schedsync.running.listeners import Listeners
from schedsync.running.recorder import Recorder
from schedsync.running.succession import Succession
from schedsync.runs.blackouts import NO_BLACKOUTS, Blackouts
from schedsync.runs.following import Followers
from schedsync.runs.ledger import Entry, Ledger
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.run import RunState
from schedsync.runs.slots import Ahead, Decision
from schedsync.runs.waiting import Load, Waiting
from schedsync.specs.job import JobSpec
from schedsync.store.leases import Lease
from schedsync.store.store import Store

log = logging.getLogger(__name__)

HURRIED = timedelta(seconds=1)
"""The longest grace between SIGTERM and SIGKILL in a stop that is hurried."""
MOST_FILES = 10_000
"""Of how many files of jobs the folder is kept, in which their runs start."""
_STOPPED = "ended because the service stopped"
_NONE: Mapping[str, str] = MappingProxyType({})


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
    blackouts: Blackouts = NO_BLACKOUTS
    """When runs that follow others are skipped."""


class Runner:
    """The unsettled runs of this instance. Public methods are safe from any thread."""

    def __init__(
        self,
        store: Store,
        options: RunnerOptions,
        *,
        clock: Clock = utc_now,
        make_engine: MakeEngine | None = None,
    ) -> None:
        """Make one that looks after no run yet.

        Args:
            store: where runs are written down.
            options: how they are run.
            clock: the time.
            make_engine: makes what starts them; else that is a thread of this process.
        """
        self._store, self._options, self._clock = store, options, clock
        # Once: of a burst each run waits for those before it, and to look all of this up again takes time.
        folder = options.folder.absolute()
        self._folder_of = lru_cache(MOST_FILES)(lambda source_file: (folder / source_file).parent)
        self._environ = inherited({name: value for name, value in os.environ.items() if name not in options.hidden})
        node, owner = options.node, options.owner
        ledger = Ledger(options.capacity, max_runs=options.max_runs, groups=options.groups)
        here = partial(ProcessEngine, spool_dir=options.spool, limits=options.limits, clock=clock)
        self._engine = (make_engine or here)(self)
        self._custody = Custody(options.spool)
        self._desk = Desk(ledger, self._custody, self._engine.cancel, node=node, owner=owner, clock=clock)
        self._keeping = Keeping(options.spool, options.limits, node=node)
        self._recorder = Recorder(
            store, self._desk, self._keeping, self._submit_all, node=node, owner=owner, clock=clock
        )
        leftovers = Leftovers(
            store, self._keeping, node=node, owner=owner, spool=options.spool, limits=options.limits, clock=clock
        )
        self._succession = Succession(
            store, self._desk, self._engine, self._keeping, leftovers, owner=owner, clock=clock
        )
        self._succession.blackouts = options.blackouts
        self.submit: Callable[[Entry], None] = self.launch
        """How a run with leave to start gets to ``launch``; the scheduler puts its executors in between."""

    @property
    def tell(self) -> Listeners:
        """Who is told of runs."""
        return self._desk.tell

    @property
    def followers(self) -> Followers:
        """Who runs after whom, as far as is known here."""
        return self._desk.followers

    def start(self) -> None:
        """Start the engine and the recording thread.

        Raises:
            OSError: there is no spool folder, or others may put things into it; nothing was started.
            EngineUnavailableError: the engine does not begin.
        """
        make(self._options.spool)
        self._engine.start()
        self._custody.start()
        self._recorder.start()

    def stop(self) -> bool:
        """Give runs their grace, end what is left, and write down how all of them ended; return whether that is done.

        While the database is away it is left on disk, and to the next start.
        """
        self.start_nothing_more()
        self._engine.stop(self._options.shutdown_grace, _STOPPED)
        self._recorder.stop()  # not earlier: until here the engine may have an end to report
        self._say_what_is_left(self._custody.close())
        with self._desk.lock:
            living = self._desk.ledger.running
        if living:
            log.warning("runs go on until the next start takes them up", extra={"runs": living})
        return not living and not self._custody.held()

    def start_nothing_more(self) -> None:
        """Leave what waits to the next start. For when nothing is claimed any more: it would be lost."""
        with self._desk.lock:  # a launch comes before this, or after it and sees it
            self._desk.stopping.set()

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
        with self._desk.lock:
            self._recorder.lease = lease
        self._desk.news.set()

    def renamed(self, live: Collection[str]) -> dict[str, str]:
        """Return the new ids of jobs that are not *live* under the ids that their runs have here, as the rows say.

        So a rename is found that another process has made.

        Raises:
            DatabaseUnavailableError: it cannot be said.
        """
        unknown = self._desk.unknown(live)
        rows = self._store.runs.unsettled() if unknown else []
        return {unknown[run.id]: run.job_id for run in rows if run.job_id != unknown.get(run.id, run.job_id)}

    def learn_followers(self, renamed: Mapping[str, str] = _NONE) -> None:
        """Ask who runs after whom: before runs are recovered, and whenever that has changed.

        Args:
            renamed: jobs that have new ids since, old -> new; their runs go on as runs of those.

        Raises:
            DatabaseUnavailableError: what was known stays.
        """
        before, followers = self._desk.followers.circles, self._store.jobs.followers()
        self._desk.learn(followers, renamed)
        found = followers.circles
        if found and found != before:
            log.warning("jobs would run for ever, they do not follow one another", extra={"jobs": sorted(found)})

    def unsettled(self, job_id: str) -> int:
        """Return how many runs of a job have not ended."""
        return self._desk.unsettled(job_id)

    def held(self) -> set[str]:
        """Return the runs that this instance looks after: which have not ended, or are to be written."""
        return self._desk.held()

    def ahead(self, job_id: str, spec: JobSpec) -> Ahead:
        """Return what a further run of a job would find before it."""
        return self._desk.ahead(job_id, spec)

    def waiting(self) -> list[Waiting]:
        """Return what waits here, in the order in which it will start."""
        return self._desk.waiting()

    def load(self) -> Load:
        """Return how many wait here, and how many places are taken."""
        return self._desk.load()

    def kept(self) -> tuple[int, int]:
        """Return how many results wait for the store in memory alone, and how many on disk."""
        return self._custody.counts()

    def late(self, now: datetime) -> list[Entry]:
        """Return the runs that have not ended in time."""
        return self._desk.late(now)

    def reserve(self, wanted: Iterable[tuple[Entry, Decision]]) -> list[Entry]:
        """Return the entries with the states to claim them with; ``enter`` or ``withdraw`` them afterwards."""
        return self._desk.reserve(wanted)

    def withdraw(self, entries: Iterable[Entry]) -> None:
        """Give up entries that could not be claimed."""
        self._desk.withdraw(entries)

    def enter(self, entries: Sequence[Entry], replacing: Collection[str] = ()) -> None:
        """Take up claimed entries, and start those that may; for the runs that *replacing* names others make way."""
        self._submit_all(self._desk.enter(entries, replacing))
        self._desk.say_what_waits()

    def take_up(self, run_ids: Collection[str]) -> None:
        """Take up queued runs that have no owner; see ``Succession``."""
        self._succession.take_up(run_ids)

    def recover(self, is_dead: Callable[[str], bool]) -> None:
        """Settle or take up the runs of instances that are gone; see ``Succession``."""
        self._succession.recover(is_dead, self._recorder.lease)

    @property
    def doubtful(self) -> bool:
        """Whether the store may know more than this instance: ask ``recover_own``."""
        return self._succession.doubtful

    def doubt(self) -> None:
        """Note that the store may have runs of this instance that it does not know of; see ``Succession``."""
        self._succession.doubt()

    def recover_own(self) -> None:
        """Compare what is at hand with the rows; see ``Succession``."""
        self._succession.recover_own(self._recorder.lease)

    # From leave to start to the engine.

    def _submit_all(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            try:
                self.submit(entry)
            except Exception as error:  # one run that cannot be handed over must not keep the others from starting
                log.exception("run could not be handed over", extra={"run_id": entry.run.id})
                self._fail(entry, error)

    def launch(self, entry: Entry) -> None:
        """Start a run that has leave to."""
        try:
            launch = self._prepared(entry)
            with self._desk.lock:  # a stop or a replacement comes before this and is seen, or finds the run
                if self._desk.stopping.is_set():
                    self._end(entry, RunState.LOST, _STOPPED)
                elif (replaced := self._desk.replaced_run(entry.run.id)) is not None:
                    self.finished(entry.run.id, replaced)
                else:
                    self._desk.launched.add(entry.run.id)
                    self._engine.launch(launch)
        except SchedsyncError as error:  # a mistake of the job's author, and said to them
            self._fail(entry, error)
        except Exception as error:  # a run whose preparation fails is a failed run, not a stuck one
            log.exception("run could not be prepared", extra={"run_id": entry.run.id})
            self._fail(entry, error)

    def _prepared(self, entry: Entry) -> Launch:
        folder = self._folder_of(entry.source_file)
        launch = prepare(entry.run, entry.spec, folder, self._environ, self._options.databases)
        return self._keeping.of(launch, entry)

    def _fail(self, entry: Entry, error: Exception) -> None:
        self._end(entry, RunState.FAILED, f"cannot be started: {error}")

    def _end(self, entry: Entry, state: RunState, reason: str) -> None:
        """Report the end of a run that the engine never had."""
        self.finished(entry.run.id, Outcome(state, self._clock(), reason=reason))

    def output(self, run_id: str) -> Output | None:
        """Return what a run has printed; None when it neither runs here nor has a result that waits to be written."""
        return self._engine.output(run_id) or self._custody.output(run_id)

    # What the engine reports.

    def started(self, run_id: str, pid: int, at: datetime) -> None:
        """Note that a run's process exists."""
        self._desk.started(run_id, pid, at)

    def finished(self, run_id: str, outcome: Outcome) -> None:
        """Note that a run has ended. Its result is safe from here on, whatever the recording thread waits for."""
        self._desk.finished(run_id, outcome)
