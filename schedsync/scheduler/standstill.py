"""Whether time went by without this process: its machine was suspended, or its clock was set forward."""

import time
from collections.abc import Callable
from datetime import datetime

LEAST = 10.0
"""Seconds. What is shorter is like a tick that took long: slots in it are late, and not missed."""


class Standstill:
    """Compares the wall's clock with the one that counts only the seconds in which this process could have acted.

    On Linux and macOS the monotonic clock of Python stands still while the machine sleeps.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last: tuple[datetime, float] | None = None
        self.lived = 0.0
        """Seconds that this process lived through between the last two times that it asked."""

    def seconds(self, now: datetime) -> float:
        """Return how long this process stood still since it asked last, given what the wall's clock shows (UTC).

        0.0 when that was no longer than LEAST.
        """
        went = self._monotonic()
        last, self._last = self._last, (now, went)
        if last is None:
            return 0.0
        self.lived = went - last[1]
        missing = (now - last[0]).total_seconds() - self.lived
        return missing if missing > LEAST else 0.0
