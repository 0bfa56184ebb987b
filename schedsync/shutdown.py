"""Stopping in bounded time: what waits for a database that hangs is left behind, for the process ends anyway."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from schedsync.errors import MissingRightError, SchedsyncError
from schedsync.outages import Outage
from schedsync.scheduler.leadership import Leadership

log = logging.getLogger(__name__)


def stop_together(stops: Mapping[str, Callable[[], None]], seconds: float) -> None:
    """Call all *stops* at once, and return when they have returned or the time is over. Never raises.

    Args:
        stops: what stops each part, by the part's name for the log.
        seconds: after which parts that have not stopped are left behind.
    """
    deadline = time.monotonic() + seconds
    threads = {name: beside(f"stop-{name}", partial(_guarded, name, stop)) for name, stop in stops.items()}
    for name, thread in threads.items():
        if thread is None:
            _guarded(name, stops[name])
            continue
        thread.join(max(deadline - time.monotonic(), 0.0))
        if thread.is_alive():
            log.warning("part of the service is left behind, it did not stop in time", extra={"part": name})


def beside(name: str, call: Callable[[], None]) -> threading.Thread | None:
    """Make *call* in a thread that does not keep the process alive; None: the system lets this process have no more."""
    thread = threading.Thread(target=call, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        log.warning("no further thread can be started", extra={"part": name, "error": str(error)})
        return None
    return thread


@contextmanager
def lease_kept(leadership: Leadership) -> Iterator[None]:
    """Stay an instance that lives while what runs ends, which may take longer than the lease.

    Runs of an instance that is taken for dead are settled by others.
    """
    over = threading.Event()
    beside("schedsync-lease", partial(_keep_lease, leadership, over))
    try:
        yield
    finally:
        over.set()


def _keep_lease(leadership: Leadership, over: threading.Event) -> None:
    outage = Outage(log, "the lease cannot be renewed while the service stops", "the lease is renewed again")
    while not over.is_set():
        try:
            leadership.keep()
        except MissingRightError:  # there is no lease to keep
            return
        except SchedsyncError as error:
            outage.failed(error)
        else:
            outage.succeeded()
        over.wait(leadership.interval)


def give_up_lease(leadership: Leadership) -> None:
    """Let another instance lead at once, if the database answers."""
    try:
        leadership.release()
    except MissingRightError:
        log.debug("there is no lease to release")
    except SchedsyncError as error:
        log.warning("the lease is left to run out", extra={"error": str(error)})


def _guarded(name: str, stop: Callable[[], None]) -> None:
    try:
        stop()
    except Exception:  # the boundary of one part: the others are still to be stopped
        log.exception("part of the service did not stop in order", extra={"part": name})
