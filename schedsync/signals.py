"""The signals that an administrator sends, heard by the main thread one after another."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

STOP = frozenset({signal.SIGTERM, signal.SIGINT})
"""What ends the service in order."""
RESCAN = signal.SIGHUP
"""What asks for a look at the folder."""


@contextmanager
def heard() -> Iterator[Iterator[signal.Signals]]:
    """Give the signals that come from now on, in their order; the next one is waited for, by one thread at a time.

    For the main thread; another one may take over the waiting. What waits at the end is told that there are no more.

    Python runs a handler in the main thread only, when that wakes up by itself, and there it may meet a lock that the
    main thread holds. So the handlers do nothing: the system's own part of them writes each number to a socket.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before_fd = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, _nothing) for number in (*STOP, RESCAN)}
    try:
        yield _numbers(ours)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before_fd)
        ours.shutdown(socket.SHUT_RDWR)  # for a thread that waits for a signal still
        ours.close()
        theirs.close()


def _numbers(source: socket.socket) -> Iterator[signal.Signals]:
    while numbers := source.recv(64):
        for number in numbers:
            yield signal.Signals(number)


def _nothing(_number: int, _frame: object) -> None:
    """Stand in for the default, which would end the process."""
