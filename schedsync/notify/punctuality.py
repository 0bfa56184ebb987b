"""What is late: slots that have not ended in time, and jobs that have not succeeded for too long.

Slots are looked at in memory, by each instance for the runs that it has; a slot is told once whoever finds it. Jobs are
looked at by the leader, which remembers when each one succeeded last and asks the store before it says anything.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schedsync.clock import Clock, rfc3339, utc_now
from schedsync.plan.state import Located, ObservedJob
from schedsync.runs.ledger import Entry
from schedsync.runs.notices import Notice, late_slot, overdue
from schedsync.runs.run import Run, RunState
from schedsync.specs.durations import format_duration
from schedsync.specs.notify import Notify
from schedsync.store.store import Store

log = logging.getLogger(__name__)

INTERVAL = timedelta(seconds=1)
"""Between two looks at the runs of this instance, which cost no query."""
JOBS = timedelta(minutes=1)
"""Between two looks at the jobs, which cost one only where a job seems to be overdue or is new."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a job says."""

    longest: timedelta
    notify: Notify | None


class Punctuality:
    """Finds what is late. ``check`` is called by one thread; all other methods by any."""

    def __init__(
        self,
        store: Store,
        late: Callable[[datetime], Sequence[Entry]],
        leads: Callable[[], bool],
        on_notices: Callable[[], None],
        *,
        clock: Clock = utc_now,
    ) -> None:
        """Make one.

        Args:
            store: where notices and alarms are put.
            late: returns the runs of this instance that are late at a time.
            leads: says whether this instance leads.
            on_notices: told when there are new notices.
            clock: the time.
        """
        self._store, self._late, self._leads = store, late, leads
        self._on_notices, self._clock = on_notices, clock
        self._lock = threading.Lock()
        # Under the lock.
        self._wanted: dict[str, _Wanted] = {}
        self._silent: frozenset[str] = frozenset()
        """The jobs of the folder that do not want to be watched."""
        self._succeeded: dict[str, datetime] = {}
        """When jobs succeeded last; or when they were made, or looked up in vain."""
        self._begins = True
        self._news = False
        """Whether jobs have changed what they want."""
        # Of the thread that applies the folder; others ask only whether there is one.
        self._folder: Mapping[str, tuple[Located, ...]] | None = None
        # Of the thread alone.
        self._told: set[tuple[str, datetime]] = set()
        self._unwritten: list[Notice] = []
        """Notices of slots that may have ended since, while the store did not answer."""
        self._raised: dict[str, datetime] = {}
        self._looked_at: datetime | None = None

    def begin(self) -> None:
        """Note that this instance begins to lead: what others did meanwhile is not known."""
        with self._lock:
            self._begins = True

    def see(self, folder: Mapping[str, tuple[Located, ...]], live: Mapping[str, ObservedJob]) -> None:
        """Take over what the jobs of the folder say; a live one that it does not have stays as it was."""
        if folder is self._folder:
            return
        self._folder = folder
        said = {job_id: _wanted_by(places[0]) for job_id, places in folder.items()}
        with self._lock:
            kept = {i: wanted for i, wanted in self._wanted.items() if i in live and i not in said}
            self._news = True
            self._wanted = kept | {i: wanted for i, wanted in said.items() if wanted is not None}
            self._silent = frozenset(i for i, wanted in said.items() if wanted is None)

    def learn(self, run: Run) -> None:
        """Note how a run stands; quick."""
        if run.state is RunState.SUCCEEDED and run.finished_at is not None:
            with self._lock:
                if run.job_id in self._wanted:
                    self._succeeded[run.job_id] = max(run.finished_at, self._succeeded.get(run.job_id, run.finished_at))

    def overdue(self) -> Mapping[str, datetime]:
        """Return since when jobs are overdue (UTC), by id; they are known to an instance that leads."""
        return dict(self._raised)

    def check(self) -> None:
        """Look once.

        Raises:
            DatabaseUnavailableError: what was found is written down the next time.
        """
        now = self._clock()
        self._check_slots(now)
        if self._leads() and self._is_time_for_jobs(now):
            self._check_jobs(now)
            self._looked_at = now

    def _is_time_for_jobs(self, now: datetime) -> bool:
        if self._folder is None:  # what jobs want is not known yet
            return False
        with self._lock:
            news, self._news = self._news, False
        return news or self._begins or self._looked_at is None or now - self._looked_at >= JOBS

    def _check_slots(self, now: datetime) -> None:
        late = {(entry.run.job_id, entry.run.scheduled_at): entry for entry in self._late(now)}
        new = [entry for slot, entry in late.items() if slot not in self._told]
        for entry in new:
            fields = {"job_id": entry.run.job_id, "run_id": entry.run.id, "slot": rfc3339(entry.run.scheduled_at)}
            log.warning("slot is late", extra=fields)
            self._unwritten += late_slot(entry.run, entry.spec.notify, now)
        self._told = set(late)
        if self._unwritten:
            if self._store.notices.post(self._unwritten):
                self._on_notices()
            self._unwritten = []

    def _check_jobs(self, now: datetime) -> None:
        with self._lock:
            begins, self._begins = self._begins, False
            if begins:
                self._succeeded.clear()
            wanted, silent = dict(self._wanted), self._silent
        try:
            if begins:
                self._raised = self._store.notices.overdue()
            self._look_up([job_id for job_id in wanted if job_id not in self._succeeded], now)
            self._lower(silent)
            self._raise(wanted, now)
        except BaseException:
            self._begins |= begins
            raise

    def _look_up(self, job_ids: Sequence[str], now: datetime) -> None:
        if not job_ids:
            return
        found = self._store.notices.successes(job_ids)
        with self._lock:
            for job_id in job_ids:  # one that has no slot left, or is not live yet, is looked up again a term later
                known = found.get(job_id)
                since = now if known is None else known.last or known.created_at
                self._succeeded[job_id] = max(since, self._succeeded.get(job_id, since))

    def _lower(self, silent: Collection[str]) -> None:
        # Of a job whose file has been broken since the start it is not known what it wants: its alarm stays.
        over = [i for i, since in self._raised.items() if i in silent or self._succeeded.get(i, since) > since]
        if over:
            self._store.notices.lower_overdue(over)
            self._raised = {i: since for i, since in self._raised.items() if i not in over}

    def _raise(self, wanted: Mapping[str, _Wanted], now: datetime) -> None:
        def due(job_id: str) -> datetime:
            return self._succeeded[job_id] + wanted[job_id].longest

        suspects = [job_id for job_id in wanted if job_id not in self._raised and due(job_id) <= now]
        self._look_up(suspects, now)
        for job_id in suspects:
            since = due(job_id)
            if since <= now:
                notices = _notices(job_id, wanted[job_id], since, now)
                if self._store.notices.raise_overdue(job_id, since, notices):
                    log.warning("job is overdue", extra={"job_id": job_id, "since": rfc3339(since)})
                    self._on_notices()
                self._raised[job_id] = since


def _wanted_by(job: Located) -> _Wanted | None:
    longest = job.spec.max_time_since_success
    return None if longest is None else _Wanted(longest, job.spec.notify)


def _notices(job_id: str, wanted: _Wanted, since: datetime, now: datetime) -> tuple[Notice, ...]:
    longest = format_duration(wanted.longest)
    reason = f"it has not succeeded for {longest}, not since {rfc3339((since - wanted.longest).replace(microsecond=0))}"
    return overdue(job_id, wanted.notify, since, reason, now)
