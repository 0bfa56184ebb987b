"""What ends a request from outside: SIGTERM, and the end of its time.

Both are exceptions in the main thread, wherever it waits: for a server that sends a byte now and then, no timeout of a
socket ever comes, and a regular expression may take for ever, too.
"""

import signal
from types import FrameType
from typing import NoReturn

AGAIN = 0.5
"""Seconds until the end of time is said once more, should it have come where Python ignores exceptions."""


class EndedError(BaseException):
    """The run is over; the text says why. No error of what is done, so that nothing there takes it for one."""


def heed(seconds: float) -> None:
    """Raise EndedError from now on: when SIGTERM comes, and in so many seconds."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise EndedError("stopped by SIGTERM")

    def time_is_over(_number: int, _frame: FrameType | None) -> NoReturn:
        raise EndedError(f"not done within {seconds:g} s")

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGALRM, time_is_over)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)


def heed_no_more() -> None:
    """Let the run say its last words undisturbed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
