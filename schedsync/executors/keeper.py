"""``python -m schedsync.executors.keeper``: starts one run, reads its output, and writes down how it ends.

It leads the run's session, and ends when the run's process has ended, as that did. SIGTERM is for the run and not for
its keeper; SIGKILL is for both. Each kept run pays for what is imported here.
"""

import os
import selectors
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace

from schedsync.clock import utc_now
from schedsync.executors.child import Child, spawn
from schedsync.executors.ending import said_by
from schedsync.executors.identity import process_name
from schedsync.executors.kept import KeptEnd, Request, note_end, note_keeper
from schedsync.executors.redaction import redacted
from schedsync.executors.spawn_errors import why_not_started
from schedsync.executors.spool import Spool, live
from schedsync.runs.outcome import Output

LINGER = 0.2
"""Seconds that background processes are heard after the run has ended, as by the engine."""
POLL = 0.05
"""Seconds between two questions whether the process has ended, where the system cannot announce it."""
TOLD = 60.0
"""Seconds after SIGTERM within which a run that ends does so because of it."""
CANNOT_START = 127
"""The exit code of a run that could not be started, as shells have it."""


def main() -> int:
    """Do what the request says; return the exit code of the run."""
    request = Request.decoded(sys.stdin.buffer.read())
    # Handlers, unlike SIG_IGN, are not inherited by the program that is started.
    told_at: list[float] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: told_at.append(time.monotonic()))
    run_id = request.launch.run_id
    with suppress(OSError):  # then nobody finds this one after a crash; the run is no worse for it now
        note_keeper(request.spool, run_id, process_name(os.getpid()) or "")
    end = _keep(request, Spool(live(request.spool, run_id), request.limits))
    _tell(request, replace(end, told_to_end=bool(told_at) and time.monotonic() - told_at[-1] < TOLD))
    if end.code is None:
        os.killpg(0, signal.SIGKILL)
    return _end_like(end.code)


def _tell(request: Request, end: KeptEnd) -> None:
    """Write down how the run ended; where that cannot be, tell whoever has started it and still listens."""
    try:
        note_end(request.spool, request.launch.run_id, end)
    except OSError:
        with suppress(OSError), os.fdopen(os.dup(1), "wb") as listener:
            listener.write(end.encoded())


def _keep(request: Request, spool: Spool) -> KeptEnd:
    """Start the run's process and hear it until its end, or until its time is over."""
    launch = request.launch
    try:
        child = Child(launch, spool, utc_now(), spawn(launch, leads=False))
    except Exception as error:  # whatever keeps it from starting is this run's failure
        why = redacted(why_not_started(launch, error), launch.secrets)
        return KeptEnd(utc_now(), CANNOT_START, Output(), told=why)
    end_by = time.monotonic() + launch.timeout.total_seconds() if launch.timeout else None
    code = child.reap() if _hear(child, end_by) else None
    child.finish_output()
    return KeptEnd(utc_now(), code, spool.read(), said_by(child), child.bad_line, spool.failure)


def _hear(child: Child, end_by: float | None) -> bool:
    """Take the output until the process has ended, and a moment more; return False when the time is over before."""
    with selectors.DefaultSelector() as selector:
        for source in (child.pipe, child.pidfd):
            if source is not None:
                selector.register(source, selectors.EVENT_READ)
        while not child.has_exited():
            if end_by is not None and time.monotonic() >= end_by:
                return False
            selector.select(_patience(child, end_by))
            if child.pipe is not None and child.take() == 0:
                selector.unregister(child.pipe)
                child.close_pipe()
    _linger(child)
    return True


def _patience(child: Child, end_by: float | None) -> float | None:
    waits = [POLL] if child.pidfd is None else []
    waits += [] if end_by is None else [max(end_by - time.monotonic(), 0.0)]
    return min(waits, default=None)


def _linger(child: Child) -> None:
    until = time.monotonic() + LINGER
    while not child.drain() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, POLL))


def _end_like(code: int | None) -> int:
    """End as the run's process did, for whoever waits for this one; the file says it better."""
    if code is not None and code < 0:
        with suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
    return code if code is not None and code >= 0 else 1


if __name__ == "__main__":
    sys.exit(main())
