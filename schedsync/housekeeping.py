"""What is done now and then by the instance that leads: history kept short, pauses that ran out, runs of the dead."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from schedsync.clock import Clock, utc_now
from schedsync.errors import SchedsyncError
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

    def __init__(self, name: str, interval: timedelta, call: Callable[[], None]) -> None:
        self._interval, self._call = interval, call
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"schedsync-{name}", daemon=True)

    def start(self) -> None:
        """Start; the first call follows after one interval."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the call that is under way, and wait for it."""
        self._stopping.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.wait(self._interval.total_seconds()):
            try:
                self._call()
            except SchedsyncError as error:
                log.warning("housekeeping failed, it is tried again later", extra={"error": str(error)})
            except Exception:  # the boundary of the loop
                log.exception("housekeeping failed unexpectedly")
