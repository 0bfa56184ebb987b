"""Stopping in bounded time: what waits for a database that hangs is left behind, for the process ends anyway."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)


def stop_together(stops: Mapping[str, Callable[[], None]], seconds: float) -> None:
    """Call all *stops* at once, and return when they have returned or the time is over. Never raises.

    Args:
        stops: what stops each part, by the part's name for the log.
        seconds: after which parts that have not stopped are left behind.
    """
    threads = [
        threading.Thread(target=_guarded, args=stop, name=f"stop-{stop[0]}", daemon=True) for stop in stops.items()
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for name, thread in zip(stops, threads, strict=True):
        thread.join(max(deadline - time.monotonic(), 0.0))
        if thread.is_alive():
            log.warning("part of the service is left behind, it did not stop in time", extra={"part": name})


def _guarded(name: str, stop: Callable[[], None]) -> None:
    try:
        stop()
    except Exception:  # the boundary of one part: the others are still to be stopped
        log.exception("part of the service did not stop in order", extra={"part": name})
