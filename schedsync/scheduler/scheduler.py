"""The firing loop: APScheduler's background scheduler, with our claim in the place of its own processing.

APScheduler hands a job to its executor before it writes down that it did, and its thread dies when its store fails at
the wrong moment. Here a tick claims all due slots in one transaction first, and survives whatever it meets.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_MISSED, EVENT_JOB_SUBMITTED, JobExecutionEvent, JobSubmissionEvent
from apscheduler.schedulers.background import BackgroundScheduler

from schedsync.clock import Clock, utc_now
from schedsync.errors import (
    DatabaseUnavailableError,
    LeadershipLostError,
    MissingRightError,
    SchemaError,
    StaleObservationError,
)
from schedsync.outages import Faults, Outage
from schedsync.running.runner import Runner
from schedsync.runs.ledger import POOLS, Entry
from schedsync.runs.run import Run, RunState, SkipReason
from schedsync.scheduler.boot import Boot
from schedsync.scheduler.executors import RunExecutor, Submission
from schedsync.scheduler.firing import Claimed, Firing, Tick
from schedsync.scheduler.jobstore import JobStore
from schedsync.scheduler.leadership import Leadership
from schedsync.scheduler.outlook import FARTHEST, Outlook
from schedsync.scheduler.pace import Pace
from schedsync.scheduler.standstill import Standstill
from schedsync.status.vitals import Vitals
from schedsync.store.jobs import DueRow
from schedsync.store.leases import Lease
from schedsync.store.store import Store

log = logging.getLogger(__name__)

MAX_DUE = 5_000
"""How many due jobs one tick looks at."""
AFTER_FAILURE = 1.0
"""Seconds until the next tick after one that failed."""
AFTER_REFUSAL = 10.0
"""The same, when the database's user may not write: that lasts until somebody grants it."""
_ALIAS = "default"
_NO_NEWS = (SkipReason.PAUSED, SkipReason.SUSPENDED, SkipReason.BLACKOUT)
"""Why slots are skipped one after the other, as somebody wants it."""


class Scheduler(BackgroundScheduler):
    """Fires what is due while this instance leads."""

    def __init__(
        self,
        store: Store,
        runner: Runner,
        firing: Firing,
        leadership: Leadership,
        vitals: Vitals,
        *,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(timezone=UTC, daemon=True)
        self._store, self._runner, self._firing = store, runner, firing
        self._leadership, self._vitals, self._clock = leadership, vitals, clock
        self._outlook, self._pace, self._standstill = Outlook(), Pace(), Standstill(monotonic)
        self.boot = Boot()
        """What fires because this process has started."""
        self._lease: Lease | None = None
        self._permitted = False
        """Whether the user of the database is known to have all rights."""
        self._up_since: datetime | None = None
        self._database = Outage(
            log, "the database does not answer, ticks go on", "the database answers", level=logging.ERROR
        )
        self._rights = Outage(
            log,
            "this instance may not write to the database, it fires nothing",
            "this instance may write to the database",
            level=logging.ERROR,
        )
        # No longer than the lease allows: it is a tick that renews it.
        longest = min(FARTHEST.total_seconds(), leadership.interval)
        self._faults = Faults(log, "tick failed", "ticks succeed again", first=AFTER_FAILURE, longest=longest)
        self._renewal = Outage(log, "leadership given up, it cannot be renewed", "this instance leads again")
        self._submitted: dict[str, RunExecutor] = {}
        self.on_lead: Callable[[], None] = lambda: None
        """Told when this instance begins to lead."""
        self.on_tick: Callable[[float], None] = lambda _seconds: None
        """Told how long each tick took."""
        self.add_jobstore(JobStore(store), _ALIAS)
        for pool in POOLS:
            self.add_executor(RunExecutor(runner.launch), pool)
        runner.submit = self.submit
        runner.tell.on_finished = self.ended
        runner.tell.on_followers = self.hurry

    @property
    def leads(self) -> bool:
        """Whether this instance fires."""
        return self._lease is not None

    def hurry(self) -> None:
        """Ask for a tick now. Safe from any thread and at any time, cheap, and never blocks."""
        if self.running:
            self.wakeup()

    def submit(self, entry: Entry) -> None:
        """Hand a run that has leave to start to its executor."""
        executor = self._lookup_executor(entry.pool)
        slot = entry.run.scheduled_at
        self._submitted[entry.run.id] = executor
        try:
            executor.submit_job(Submission(entry), [slot])
        except BaseException:
            self._submitted.pop(entry.run.id, None)
            raise
        self._dispatch_event(JobSubmissionEvent(EVENT_JOB_SUBMITTED, entry.run.job_id, _ALIAS, [slot]))

    def ended(self, run: Run) -> None:
        """Tell listeners that a run has ended."""
        executor = self._submitted.pop(run.id, None)
        if executor is not None:
            executor.ended(run, _ALIAS)
        elif run.state is RunState.SKIPPED:
            self._missed(run)
        self._note(run)

    def _process_jobs(self) -> float:
        """Make one tick and return the seconds to sleep; called by APScheduler's loop, and never raises."""
        began = time.monotonic()
        try:
            wait = self._guarded_tick()
        except Exception as error:  # the boundary of the loop: it must go round whatever a tick meets
            # Not noted as a tick: what goes on like this is a loop that is stuck.
            return self._faults.met(error)
        self._faults.none()
        token = 0 if self._lease is None else self._lease.token
        self._vitals.ticked(self._clock(), leading=self.leads, leader=self._leadership.leader, token=token)
        took = time.monotonic() - began
        self.on_tick(took)
        return self._pace.sleep(wait, took)

    def _guarded_tick(self) -> float:
        try:
            wait = self._tick()
            self._answered(None)
            return wait
        except StaleObservationError:
            # It may have been a claim of our own, whose answer did not come.
            self._runner.doubt()
            return 0.0
        except LeadershipLostError as error:
            log.warning("leadership lost", extra={"error": str(error)})
            self._leadership.lost()
            self._lead(None)
        except MissingRightError as error:
            self._permitted = False
            self._answered(error)
            return self._watch()
        except (DatabaseUnavailableError, SchemaError) as error:
            self._leadership.ask_again()
            self._answered(error)
        return AFTER_FAILURE

    def _watch(self) -> float:
        """Look who leads, when this instance may not."""
        with suppress(DatabaseUnavailableError, SchemaError):
            self._leadership.look()
        return AFTER_REFUSAL

    def _tick(self) -> float:
        self._look_at_clocks()
        self._lead(self._ensured())
        if self._lease is None:
            return self._leadership.interval
        if self._up_since is None or self._runner.doubtful:
            self._runner.recover_own()
        now = self._clock()
        # After a step of the clock backwards, slots from now on were not missed.
        self._up_since = min(self._up_since or now, now)
        ahead = self._outlook.ahead
        seen = self._store.jobs.look(now + ahead, MAX_DUE)
        rows = seen.due
        due = [row for row in rows if row.next_fire_at <= now]
        later = rows[len(due) :]
        self._outlook.saw(len(later))
        tick = Tick(now, self._up_since, self._lease)
        claimed = self._fire(due, tick) if due else Claimed()
        at_boot = self._fire_at_boot(tick)
        self._runner.take_up(seen.unowned)
        self._firing.learn(later)
        # When not all were looked at, what comes next is no earlier than the last of them.
        return self._sleep(later or rows[MAX_DUE - 1 :], (claimed, at_boot), tick.now, ahead)

    def _look_at_clocks(self) -> None:
        """Note when this process stood still: nobody claimed meanwhile, and another instance may have taken over."""
        now = self._clock()
        stood = self._standstill.seconds(now)
        if not stood:
            return
        self._leadership.ask_again()
        self._runner.doubt()
        if self._up_since is not None:
            log.warning(
                "this process stood still, or the clock was set forward; slots in between were missed",
                extra={"seconds": round(stood, 1)},
            )
            # When it woke is not known, only how long it was awake: what may have come since then is late, not missed.
            self._up_since = max(self._up_since, now - timedelta(seconds=self._standstill.lived))

    def _ensured(self) -> Lease | None:
        try:
            return self._leadership.ensure()
        except BaseException as error:
            if self._lease is not None and not self._leadership.holds:
                self._renewal.failed(error)
                self._lead(None)
            raise

    def _fire(self, due: Sequence[DueRow], tick: Tick) -> Claimed:
        claimed = self._firing.fire(due, tick)
        self.boot.moved(claimed.at_boot)
        for run in claimed.skipped:
            self._runner.tell.on_change(run)
            self._missed(run)
            self._note(run)
        if claimed.error is not None:
            raise claimed.error
        return claimed

    def _fire_at_boot(self, tick: Tick) -> Claimed:
        """Fire what is due because the service has started: once, when this instance leads and its files are live."""
        if self.boot.is_now:
            job_ids = self._store.jobs.follow_boots()
            self.boot.begin(tick.now, job_ids)
            if job_ids:
                log.info("jobs fire that wait for the service to start", extra={"jobs": len(job_ids)})
        slots = self.boot.due(tick.now)
        if not slots or self.boot.at is None:
            return Claimed()
        rows = self._store.jobs.booting(slots, self.boot.at)
        self.boot.moved(dict.fromkeys(slots.keys() - {row.id for row in rows}))
        return self._fire(rows, tick) if rows else Claimed()

    def _missed(self, run: Run) -> None:
        self._dispatch_event(JobExecutionEvent(EVENT_JOB_MISSED, run.job_id, _ALIAS, run.scheduled_at))

    def _sleep(self, later: Sequence[DueRow], claims: Sequence[Claimed], now: datetime, ahead: timedelta) -> float:
        """Return for how many seconds nothing is due, as far as is known here: no farther than *ahead*."""
        postponed = any(claimed.postponed for claimed in claims)
        longest = min(ahead.total_seconds(), AFTER_FAILURE if postponed else self._leadership.interval)
        known = (claimed.next_fire_at for claimed in claims)
        slots = [*known, self.boot.next_after(now), *(row.next_fire_at for row in later)]
        coming = min((slot for slot in slots if slot is not None), default=None)
        return longest if coming is None else min(max((coming - self._clock()).total_seconds(), 0.0), longest)

    def _lead(self, lease: Lease | None) -> None:
        """Take over, or step back, when the leadership has changed."""
        if lease == self._lease:
            return
        self._lease, self._up_since = None, None
        if lease is not None:
            self._require_rights()
        self._runner.lead(lease)
        if lease is not None:
            self._runner.learn_followers()
            self._runner.recover(self._leadership.is_dead())
            self._say_that_it_leads(lease)
            self._lease = lease
            self.on_lead()

    def _require_rights(self) -> None:
        """Check, once, that what this instance claims it may also write down: else runs would start and never end."""
        if self._permitted:
            return
        try:
            self._store.require_rights()
        except MissingRightError:
            self._leadership.release()  # another instance may have them
            raise
        self._permitted = True

    def _say_that_it_leads(self, lease: Lease) -> None:
        if self._renewal.lasts:
            self._renewal.succeeded(token=lease.token)
        else:
            log.info("this instance leads", extra={"token": lease.token})

    def _answered(self, error: Exception | None) -> None:
        """Note whether the database answered; slots that fall into an outage are missed ones."""
        text = None if error is None else str(error)
        forbidden = isinstance(error, MissingRightError)
        begins = self._vitals.database(self._clock(), error=text, forbidden=forbidden)
        if error is not None:
            self._up_since = None
            (self._rights if forbidden else self._database).failed(error)
        elif self._database.lasts or self._rights.lasts:
            self._database.succeeded()
            self._rights.succeeded()
        elif begins:
            log.info("the database answers")

    def _note(self, run: Run) -> None:
        level = _level(run)
        if not log.isEnabledFor(level):
            return
        took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
        fields = {
            "job_id": run.job_id,
            "run_id": run.id,
            "state": run.state.value,
            "attempt": run.attempt,
            "reason": run.reason,
            "seconds": None if took is None else round(took.total_seconds(), 3),
        }
        log.log(level, "run ended", extra={key: value for key, value in fields.items() if value is not None})


def _level(run: Run) -> int:
    """Return how loudly the end of *run* is told.

    That a paused job does not run, or one in a blackout, is no news, slot after slot.
    """
    if run.state in {RunState.FAILED, RunState.TIMED_OUT, RunState.LOST}:
        return logging.WARNING
    return logging.DEBUG if (run.reason or "").startswith(_NO_NEWS) else logging.INFO
