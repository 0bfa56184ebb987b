"""Stopping in bounded time: what waits for a database that hangs is left behind, for the process ends anyway."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

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


def _guarded(name: str, stop: Callable[[], None]) -> None:
    try:
        stop()
    except Exception:  # the boundary of one part: the others are still to be stopped
        log.exception("part of the service did not stop in order", extra={"part": name})
