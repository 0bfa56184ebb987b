"""What is done now and then by the instance that leads: history kept short, pauses that ran out, runs of the dead."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from schedsync.clock import Clock, utc_now
from schedsync.errors import SchedsyncError
from schedsync.outages import Outage
from schedsync.specs.policy import History
from schedsync.store.runs import Keep
from schedsync.store.store import Store

log = logging.getLogger(__name__)

_PAGE = 500


def forget_history(store: Store, clock: Clock = utc_now) -> int:
    """Remove what each job's history does not keep, by defaults for jobs that are gone; return how many runs went."""
    now, gone = clock(), 0
    ids = store.runs.jobs_with_history()
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        jobs = store.jobs.load(page)
        for job_id in page:
            job = jobs.get(job_id)
            history = job.spec.history if job is not None and job.spec is not None else History()
            gone += store.runs.forget(Keep.of(job_id, count=history.keep, days=history.days, now=now))
    return gone


class Periodic:
    """A thread that makes a call every *interval*, and survives what it raises."""

    def __init__(self, name: str, interval: timedelta, call: Callable[[], None], *, at_once: bool = False) -> None:
        """Make one.

        Args:
            name: for the log and of the thread.
            interval: from the end of a call to the next one.
            call: what to do.
            at_once: whether the first call is made at the start, and not after one interval.
        """
        self._interval, self._call, self._at_once = interval, call, at_once
        self._stopping = threading.Event()
        self._outage = Outage(log, f"{name} failed, it is tried again later", f"{name} succeeds again")
        self._failed = f"{name} failed unexpectedly"
        self._thread = threading.Thread(target=self._loop, name=f"schedsync-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the call that is under way, and wait for it."""
        self._stopping.set()
        self._thread.join()

    def _loop(self) -> None:
        if self._at_once:
            self._guarded_call()
        while not self._stopping.wait(self._interval.total_seconds()):
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
