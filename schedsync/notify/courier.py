"""Deliveries in bounded time: by a process that is killed when one takes too long, and made anew for the next."""

import json
import os
import select
import subprocess
import threading
import time
from contextlib import suppress

from schedsync.notify.request import READY, Request, worker_argv

STARTING = 30.0
"""Seconds that an interpreter may take to start on a machine that is busy."""
IDLE = 20.0
"""Seconds without a delivery after which the process ends."""
_GRACE = 1.0
"""Seconds beyond a request's own, in which the worker may say by itself that they are over."""


class Courier:
    """Delivers one thing after the other. Used by one thread; ``close`` may be called by another."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def deliver(self, request: Request) -> str | None:
        """Deliver *request* within its seconds; return why that failed, or None when it arrived."""
        try:
            return self._ask(self._worker(), request)
        except (OSError, ValueError) as error:
            self.rest()
            return f"the process that delivers ended: {error}"

    def _ask(self, process: subprocess.Popen[bytes], request: Request) -> str | None:
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        process.stdin.write(request.encoded())
        process.stdin.flush()
        line = _line(process, request.seconds + _GRACE)
        if line is None:
            self.rest()
            return f"no answer within {request.seconds:g} seconds"
        error = json.loads(line)["error"]
        return None if error is None else str(error)

    def _worker(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise OSError("the service stops")
        if self._process is None or self._process.poll() is not None:
            self.rest()
            self._process = subprocess.Popen(
                worker_argv(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            if _line(self._process, STARTING) != f"{READY}\n".encode():
                raise OSError("it did not start")
        return self._process

    @property
    def works(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        """Wait for *changed*, at most *seconds*; end the process when nothing comes for a while."""
        patience = IDLE if self.works else seconds
        if seconds is not None and patience is not None:
            patience = min(patience, seconds)
        if not changed.wait(patience) and patience == IDLE:
            self.rest()

    def rest(self) -> None:
        """End the process; the next delivery starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def close(self) -> None:
        """End a delivery that is under way, and refuse further ones."""
        self._closed = True
        process = self._process
        if process is not None:
            with suppress(OSError):
                process.kill()


def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
    """Return the next line that *process* prints; None when it does not come in time.

    Raises:
        OSError: the process has ended.
    """
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    fd, deadline, line = process.stdout.fileno(), time.monotonic() + seconds, b""
    poll = select.poll()  # select knows no more than 1,024 descriptors
    poll.register(fd, select.POLLIN)
    while not line.endswith(b"\n"):
        if not poll.poll(max(deadline - time.monotonic(), 0.0) * 1000):
            return None
        data = os.read(fd, 65536)
        if not data:
            raise OSError("it said nothing")
        line += data
    return line
