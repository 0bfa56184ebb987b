"""The service: the one place that knows every concrete class, starts them, and stops them in order."""

import logging
import signal
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from schedsync import __version__, garbage, logs, pages, parts
from schedsync.api import tokens
from schedsync.api.app import Backend, create_app
from schedsync.api.server import ApiServer
from schedsync.clock import utc_now
from schedsync.complaints import Complaints
from schedsync.control import Control
from schedsync.executors.headroom import shortages
from schedsync.executors.identity import this_instance
from schedsync.executors.spool import live, printed, spooled
from schedsync.housekeeping import HistoryKeeper, Periodic
from schedsync.metrics.instance import Instance
from schedsync.metrics.metrics import Metrics
from schedsync.news import News
from schedsync.notify.outbox import Outbox
from schedsync.notify.pings import Pings
from schedsync.notify.punctuality import INTERVAL as PUNCTUALITY
from schedsync.notify.punctuality import Punctuality
from schedsync.reconcile import ReconcileLoop
from schedsync.running.listeners import all_of
from schedsync.running.runner import Runner
from schedsync.running.sweeping import sweep
from schedsync.runs.outcome import Output
from schedsync.runs.waiting import Waiting
from schedsync.scheduler.firing import Firing
from schedsync.scheduler.leadership import Leadership
from schedsync.scheduler.outlook import FARTHEST
from schedsync.scheduler.scheduler import Scheduler
from schedsync.settings import Settings
from schedsync.shutdown import beside, give_up_lease, lease_kept, stop_together
from schedsync.signals import RESCAN, STOP, heard
from schedsync.sources.watch import FolderWatch
from schedsync.specs.durations import format_duration
from schedsync.specs.following import Follows
from schedsync.status.beforehand import Beforehand
from schedsync.status.mirror import Mirror
from schedsync.status.vitals import Vitals
from schedsync.store.store import Store

log = logging.getLogger(__name__)

HOUSEKEEPING = timedelta(seconds=60)
ACCESS = timedelta(seconds=60)
"""How often it is written down which tokens were used, and how many were refused."""
HISTORY = timedelta(minutes=10)
"""How often the history is looked at for what is too old: the query reads all of it."""
NOTICES_KEPT = timedelta(days=30)
"""How long it is kept what became of notices."""
FAREWELL = 10.0
"""Seconds that a stop waits for the parts that may be talking to the database."""
FAREWELL_AWAY = 2.0
"""The same while the database is away."""
ONE_STOP = 1.0
"""Seconds in which further signals to stop are the first one, delivered again: `timeout`, terminals and supervisors
signal a process and then its group."""
LAST_REQUESTS = 5.0
"""Seconds that a stop waits for requests that are in work."""


class Service:
    """Everything that runs, wired."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._vitals = Vitals()
        owner = this_instance(settings.node)
        self.failed = False
        """Whether it ends because it cannot go on."""
        self._runner = Runner(
            store, parts.runner_options(settings, owner), make_engine=parts.engine(settings, self._fail)
        )
        self._leadership = Leadership(store.leases, owner=owner, node=settings.node, ttl=settings.lease.ttl)
        self._blackouts = settings.blackout_times
        firing = Firing(store, self._runner, node=settings.node, owner=owner, blackouts=self._blackouts)
        self._scheduler = Scheduler(store, self._runner, firing, self._leadership, self._vitals)
        self._reconciler = parts.reconciler(settings, store)
        self._complaints = Complaints(log)
        self._loop = ReconcileLoop(
            self._step, rescan=settings.jobs.rescan, check=self._check_watch, may_step=lambda: self._scheduler.leads
        )
        self._watch = FolderWatch(settings.jobs.path, self._loop.wake, poll=settings.jobs.poll)
        self._housekeeping = Periodic("housekeeping", HOUSEKEEPING, self._keep_house)
        self._history = HistoryKeeper(store)
        self._forgetting = Periodic("history", HISTORY, self._forget_history)
        self._mirror = Mirror()
        self._mirroring = Periodic("mirror", HOUSEKEEPING, self._refresh_mirror, at_once=True)
        self._outbox = Outbox(
            store, parts.channels(settings), lambda: self._scheduler.leads, public_url=settings.api.public_url
        )
        store.runs.on_notices = self._outbox.wake
        self._punctuality = Punctuality(
            store, self._runner.late, lambda: self._scheduler.leads, on_notices=self._outbox.wake
        )
        self._pings = Pings(settings.jobs.path, parts.hidden(settings))
        self._watching = Periodic("punctuality", PUNCTUALITY, self._punctuality.check)
        self._scheduler.on_lead = self._begin_to_lead
        self._access: Periodic | None = None
        self._beforehand: Beforehand | None = None
        self._metrics = self._make_metrics()
        self._news = News(store, self._mirror, self._metrics, self._punctuality)
        self._listen()
        self._api = self._make_api() if settings.api.enabled else None

    def _fail(self) -> None:
        """End, as told by a signal: what runs, and what should, is left to the next start."""
        self.failed = True
        self._runner.start_nothing_more()
        if self._vitals.read().stopping_since is None:
            signal.raise_signal(signal.SIGTERM)

    def _make_metrics(self) -> Metrics:
        return Metrics(
            Instance(
                node=self._settings.node,
                vitals=self._vitals,
                mirror=self._mirror,
                load=self._runner.load,
                kept=self._runner.kept,
                overdue=self._punctuality.overdue,
            )
        )

    def _listen(self) -> None:
        """Let all who want to know hear of runs, ticks and transactions."""
        tell, counts = self._runner.tell, self._metrics.runs
        tell.on_change = all_of(counts.changed, self._news.ran)
        tell.on_started = all_of(counts.started, self._pings.started)
        tell.on_settled = counts.settled
        tell.on_ended = all_of(counts.ended, self._pings.ended)
        self._scheduler.on_tick = self._metrics.loops.tick
        self._store.database.on_transaction = self._metrics.loops.transaction

    @property
    def url(self) -> str | None:
        """Where the status API listens."""
        return None if self._api is None else self._api.url

    def start(self) -> None:
        """Start everything.

        Raises:
            ApiUnavailableError: the address of the status API cannot be used; nothing was started.
            OSError: the spool folder cannot be used; nothing was claimed.
            EngineUnavailableError: what starts runs does not begin; nothing was claimed.
        """
        if self._api is not None:
            self._api.start()
        self._runner.start()
        if self._access is not None:
            self._access.start()
        if self._beforehand is not None:
            self._beforehand.start()
        last = self._store.syncs.latest(complete=True)
        if last is not None:
            self._vitals.live(last.revision)
        self._pings.start()
        self._scheduler.start()
        self._watch.start()
        self._loop.start()
        self._housekeeping.start()
        self._forgetting.start()
        self._mirroring.start()
        self._outbox.start()
        self._watching.start()

    def stop(self) -> None:
        """Stop firing, let runs end within their grace, record how they ended, and let another instance lead."""
        loops = {
            "watch": self._watch.stop,
            "reconcile": self._loop.stop,
            "housekeeping": self._housekeeping.stop,
            "history": self._forgetting.stop,
            "mirror": self._mirroring.stop,
            "scheduler": self._stop_firing,
        }
        self._vitals.stopping(utc_now())
        stop_together(loops, self._patience)
        written = self._drain()
        tellers = {"pings": self._pings.stop, "outbox": self._outbox.stop, "punctuality": self._watching.stop}
        stop_together(tellers, self._patience)  # not earlier: what ends during the grace is told, too
        if self._vitals.away:
            log.warning("the lease is left to run out, the database does not answer")
        elif not written:  # an instance of another machine would take their runs for lost at once
            log.warning("the lease is left to run out, runs or results wait here for the next start")
        else:
            stop_together({"lease": partial(give_up_lease, self._leadership)}, FAREWELL)
        if self._api is not None:
            self._api.stop(timeout=min(self._patience, LAST_REQUESTS))
        parts = {"access": self._access, "lists": self._beforehand}
        stop_together({name: part.stop for name, part in parts.items() if part is not None}, self._patience)
        stop_together({"store": self._store.close}, self._patience)

    def hurry(self) -> None:
        """Make a stop that is under way short: runs are ended now, with little grace."""
        self._runner.hurry()

    def _stop_firing(self) -> None:
        self._scheduler.shutdown()
        self._runner.start_nothing_more()

    def _drain(self) -> bool:
        """Wait for what runs, as the instance that it belongs to; return whether all results are written."""
        with lease_kept(self._leadership):
            return self._runner.stop()

    @property
    def _patience(self) -> float:
        """How many seconds the parts that may wait for the database are waited for."""
        return FAREWELL_AWAY if self._vitals.away else FAREWELL

    def wake(self) -> None:
        """Ask for one more step of the reconcile loop."""
        self._loop.wake()

    def _step(self, *, quiet: bool) -> None:
        with self._metrics.loops.step() as step:
            report = step.report = self._reconciler.step(quiet=quiet)
        self._vitals.stepped(report)
        if self._reconciler.seen is not None and self._reconciler.seen.outdated:
            changed = {name: n for name, n in report.counts.items() if n and name != "unchanged"}
            log.info("folder applied", extra={"revision": report.revision, "problems": len(report.problems), **changed})
        self._complaints.see(report)
        if report.drift:
            log.warning("the store had been changed by another hand, it is healed")
        self._learn_jobs()  # before a slot of a renamed job is looked at
        self._scheduler.boot.ready()
        self._scheduler.wakeup()
        self._mirror_step()

    def _learn_jobs(self) -> None:
        """Let the runner know who runs after whom and has a new id, as the step has changed it or found it changed."""
        seen = self._reconciler.seen
        if seen is not None:
            found = {job.id: job.digest for job in seen.observed.jobs.values() if job.follows is Follows.RUNS}
            renamed = {**self._runner.renamed(seen.observed.jobs), **seen.renamed}
            if seen.outdated or renamed or found != self._runner.followers.digests:
                self._runner.learn_followers(renamed)

    def _mirror_step(self) -> None:
        if self._reconciler.seen is not None:
            self._news.stepped(self._reconciler.seen)

    def _refresh_mirror(self) -> None:
        if not self._vitals.away:
            self._news.refresh(leads=self._scheduler.leads, held=self._runner.held)

    def _check_watch(self) -> None:
        self._watch.check()

    def _keep_house(self) -> None:
        if not self._scheduler.leads:
            return
        self._runner.recover(self._leadership.is_dead())
        self._store.pauses.forget_expired(utc_now())
        sweep(self._settings.runner.spool, self._store.runs, utc_now())
        self._outbox.wake()

    def _begin_to_lead(self) -> None:
        self._news.leads_now()
        self._loop.wake()
        self._outbox.wake()

    def _forget_history(self) -> None:
        gone = self._history.forget() if self._scheduler.leads else 0
        if gone:
            log.info("old history removed", extra={"runs": gone})
        if self._scheduler.leads:
            self._store.notices.forget(utc_now() - NOTICES_KEPT)
            self._store.syncs.forget(utc_now())
            self._store.audit.forget(utc_now())

    def _spooled_output(self, run_id: str) -> Output | None:
        return spooled(live(self._settings.runner.spool, run_id), parts.output_limits(self._settings))

    def _printed(self, run_id: str, start: int, most: int) -> bytes:
        return printed(live(self._settings.runner.spool, run_id), start, most)

    def _waiting(self) -> list[Waiting] | None:
        return self._runner.waiting() if self._scheduler.leads else None

    def _make_api(self) -> ApiServer:
        api = self._settings.api
        backend = Backend(
            store=self._store,
            control=Control(self._store),
            vitals=self._vitals,
            node=self._settings.node,
            clock=utc_now,
            live_output=self._runner.output,
            wake=self._loop.wake,
            tick=self._scheduler.hurry,
            tick_limit=3 * FARTHEST,
            spooled_output=self._spooled_output,
            printed=self._printed,
            filing=parts.filing(self._settings, self._store),
            exposed=api.exposed,
            waiting=self._waiting,
            groups=self._settings.group_places,
            blackouts=self._blackouts,
            origins=parts.files(self._settings).origins,
            mirror=self._mirror,
            rules=api.rules,
            metrics=self._metrics,
        )
        if self._store.database.is_here:
            self._beforehand = Beforehand(backend.live, backend.texts, utc_now)
            self._runner.tell.on_finished = all_of(self._scheduler.ended, self._beforehand.note)
        app = create_app(backend)
        pages.register(app)
        self._access = Periodic("access", ACCESS, partial(tokens.write_down, app, backend), at_end=True)
        return ApiServer(app, api.host, api.port)


def run(settings: Settings) -> int:
    """Run the service until SIGTERM or SIGINT; return the exit code.

    Raises:
        SchedsyncError: it cannot start; the message says why.
    """
    logs.configure(settings.log_level, as_json=settings.log_format == "json")
    sys.setswitchinterval(parts.SWITCH)
    garbage.keep_short()
    for shortage in shortages(settings.runner.most_runs):
        log.warning(shortage)
    store = Store.open(settings.database.store_address(settings.node))
    store.upgrade()
    service = Service(settings, store)
    # Before anything runs: a signal that comes meanwhile stops the service in order, too.
    with heard() as signals:
        service.start()
        log.info(
            "schedsync runs",
            extra={
                "version": __version__,
                "jobs": settings.jobs.path,
                "database": store.database.shown,
                "api": service.url or "off",
            },
        )
        _heed(signals, service)
        began, grace = time.monotonic(), format_duration(settings.runner.shutdown_grace)
        log.info("stopping; runs may take a moment to end", extra={"grace": grace})
        beside("schedsync-signals", partial(_hurry_again, signals, service, began))
        service.stop()
        log.info("stopped", extra={"seconds": round(time.monotonic() - began, 3)})
    return 1 if service.failed else 0


def _heed(signals: Iterator[signal.Signals], service: Service) -> None:
    """Do what signals say, until one says to stop."""
    for number in signals:
        if number in STOP:
            return
        if number is RESCAN:
            service.wake()


def _hurry_again(signals: Iterator[signal.Signals], service: Service, since: float) -> None:
    """Let the next signal to stop hurry the stop that began at *since*; what comes after it changes nothing."""
    if any(number in STOP and time.monotonic() - since > ONE_STOP for number in signals):
        log.warning("told to stop once more, runs are ended now")
        service.hurry()
