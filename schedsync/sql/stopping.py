"""SIGTERM for a process that waits for a database: the statement is cancelled there before the process ends.

Python runs signal handlers between two steps of the main thread, which waits inside a driver; so a thread of its own
takes the signal.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from schedsync.sql.request import FAILED

AGAIN = 0.5
"""Seconds between two cancels: the first may have come before the statement had begun."""
LONGEST = 5.0
"""Seconds until the process ends whatever the database does."""


class StoppedError(Exception):
    """The run was told to end."""


class Stopping:
    """Whether the run was told to end, and what is to be cancelled then."""

    def __init__(self, kill_grace: float) -> None:
        """Take over SIGTERM. Before any other thread is started, or that one would get it.

        Args:
            kill_grace: seconds from SIGTERM to SIGKILL; half of it is left to the database.
        """
        self._patience = min(kill_grace / 2, LONGEST)
        self._lock = threading.Lock()
        self._cancel: Callable[[], None] | None = None
        self.asked = False
        """Whether SIGTERM has come."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=self._wait, name="schedsync-stopping", daemon=True).start()

    @contextmanager
    def cancelling(self, cancel: Callable[[], None]) -> Iterator[None]:
        """Let *cancel* be called from another thread, again and again, if SIGTERM comes during what is done inside.

        Raises:
            StoppedError: SIGTERM has come: before, during or just after; whatever was raised inside is its cause.
        """
        with self._lock:
            if self.asked:
                raise StoppedError
            self._cancel = cancel
        try:
            yield
        except Exception as error:
            if self._leave():
                raise StoppedError from error
            raise
        if self._leave():
            raise StoppedError

    def check(self) -> None:
        """Go on only if the run was not told to end.

        Raises:
            StoppedError: it was.
        """
        if self.asked:
            raise StoppedError

    def _leave(self) -> bool:
        """Let nobody cancel any more, which waits for a cancel under way; return whether SIGTERM has come."""
        with self._lock:
            self._cancel = None
            return self.asked

    def _wait(self) -> None:
        signal.sigwait({signal.SIGTERM})
        threading.Thread(target=self._give_up, name="schedsync-give-up", daemon=True).start()
        while True:
            with self._lock:
                self.asked = True
                if self._cancel is not None:
                    with suppress(Exception):  # it is tried again, and the process ends in any case
                        self._cancel()
            time.sleep(AGAIN)

    def _give_up(self) -> None:
        time.sleep(self._patience)
        leave("stopped by SIGTERM; the database does not answer, and rolls back what is not committed")

    @contextmanager
    def connecting(self, seconds: float) -> Iterator[None]:
        """End the process if what is done inside takes longer than *seconds*, or SIGTERM comes: nothing has begun.

        Drivers have limits of their own, but a listener that accepts and stays silent blocks some of them without end.
        """
        bound = threading.Timer(seconds, leave, [f"no connection within {seconds:g} s: the database does not answer"])
        bound.daemon = True
        bound.start()
        try:
            with self.cancelling(lambda: leave("stopped by SIGTERM while it connected")):
                yield
        finally:
            bound.cancel()


def leave(why: str) -> None:
    """End the process at once, from any thread."""
    print(f"{FAILED}{why}", flush=True)  # noqa: T201 - standard output is the run's output
    os._exit(1)
