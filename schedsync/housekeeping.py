"""What is done now and then by the instance that leads: history kept short, pauses that ran out, runs of the dead."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from schedsync.clock import Clock, utc_now
from schedsync.errors import SchedsyncError
from schedsync.outages import Outage
from schedsync.specs.policy import History
from schedsync.store.runs import Keep, Past
from schedsync.store.store import Store

log = logging.getLogger(__name__)


class HistoryKeeper:
    """Keeps the past as short as each job says, by defaults for jobs that are gone."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store, self._clock = store, clock
        self._policies: dict[str, tuple[str, History]] = {}
        """What each job said, with the digest of the spec that said it."""

    def forget(self) -> int:
        """Remove what is not kept; return how many runs went.

        Raises:
            DatabaseUnavailableError: some of it may have been removed.
        """
        now, pasts = self._clock(), self._store.runs.pasts()
        self._learn(pasts)
        # What a job that lives wants kept may not be known now: its spec changed a moment ago, or cannot be read.
        known = [past for past in pasts if past.spec_digest is None or past.job_id in self._policies]
        return sum(self._forget(past, now) for past in known)

    def _forget(self, past: Past, now: datetime) -> int:
        policy = self._policies[past.job_id][1] if past.job_id in self._policies else History()
        keep = Keep.of(past.job_id, count=policy.keep, days=policy.days, now=now)
        return self._store.runs.forget(keep) if past.count > keep.count or past.oldest < keep.since else 0

    def _learn(self, pasts: Sequence[Past]) -> None:
        wanted = {past.job_id: past.spec_digest for past in pasts if past.spec_digest is not None}
        known = {i: policy for i, policy in self._policies.items() if wanted.get(i) == policy[0]}
        missing = {job_id: digest for job_id, digest in wanted.items() if job_id not in known}
        specs = self._store.jobs.specs(missing) if missing else {}
        self._policies = known | {job_id: (missing[job_id], spec.history) for job_id, spec in specs.items()}


class Periodic:
    """A thread that makes a call every *interval*, and survives what it raises."""

    def __init__(
        self,
        name: str,
        interval: timedelta,
        call: Callable[[], None],
        *,
        at_once: bool = False,
        at_end: bool = False,
    ) -> None:
        """Make one.

        Args:
            name: for the log and of the thread.
            interval: from the end of a call to the next one.
            call: what to do.
            at_once: whether the first call is made at the start, and not after one interval.
            at_end: whether a last one is made when it is stopped.
        """
        self._interval, self._call, self._at_once, self._at_end = interval, call, at_once, at_end
        self._stopping = threading.Event()
        self._outage = Outage(log, f"{name} failed, it is tried again later", f"{name} succeeds again")
        self._failed = f"{name} failed unexpectedly"
        self._thread = threading.Thread(target=self._loop, name=f"schedsync-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the call that is under way, or the last one, and wait for it."""
        self._stopping.set()
        self._thread.join()

    def _loop(self) -> None:
        if self._at_once:
            self._guarded_call()
        while not self._stopping.wait(self._interval.total_seconds()):
            self._guarded_call()
        if self._at_end:
            self._guarded_call()

    def _guarded_call(self) -> None:
        try:
            self._call()
        except SchedsyncError as error:
            self._outage.failed(error)
        except Exception:  # the boundary of the loop
            log.exception(self._failed)
        else:
            self._outage.succeeded()
