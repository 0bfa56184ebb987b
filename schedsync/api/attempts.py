"""Tokens that were refused: counted for each address, so that nobody tries them by the thousand."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from schedsync.clock import Clock

WINDOW = timedelta(minutes=1)
EACH = 10
"""So many may an address have refused within a window; what else of it would be refused is then not looked at."""
ALL = 100
"""The same for all addresses together. It is also the most that are remembered."""
_LONGEST = 64


@dataclass(slots=True)
class _Window:
    since: datetime
    count: int = 0

    def is_over(self, now: datetime) -> bool:
        return not timedelta(0) <= now - self.since < WINDOW

    def left(self, now: datetime) -> timedelta:
        return self.since + WINDOW - now


@dataclass(slots=True)
class Refused:
    """What was refused to an address, since that was told last."""

    address: str
    since: datetime
    count: int = 0


class Attempts:
    """The refusals of late. Methods may be called from any thread."""

    def __init__(self, clock: Clock, *, each: int = EACH, every: int = ALL) -> None:
        """Make one.

        Args:
            clock: tells the time.
            each: how many refusals an address may have within a window.
            every: the same for all of them together.
        """
        self._clock, self._each, self._every = clock, each, every
        self._lock = threading.Lock()
        self._all = _Window(clock())
        self._by_address: dict[str, _Window] = {}
        self._untold: dict[str, Refused] = {}

    def must_wait(self, address: str) -> timedelta | None:
        """Return for how long *address* may not try another token; None when it may."""
        now = self._clock()
        with self._lock:
            self._forget(now)
            own = self._by_address.get(address[:_LONGEST])
            if own is not None and own.count >= self._each:
                return own.left(now)
            return self._all.left(now) if self._all.count >= self._every else None

    def note(self, address: str) -> int:
        """Note a refusal, and return how many *address* has had within its window."""
        now, address = self._clock(), address[:_LONGEST]
        with self._lock:
            self._forget(now)
            self._all.count += 1
            own = self._by_address.setdefault(address, _Window(now))
            own.count += 1
            if address in self._untold or len(self._untold) < self._every:
                self._untold.setdefault(address, Refused(address, now)).count += 1
            return own.count

    def take_refused(self) -> list[Refused]:
        """Return what was refused since the last call."""
        with self._lock:
            self._untold, untold = {}, self._untold
        return list(untold.values())

    def _forget(self, now: datetime) -> None:
        if self._all.is_over(now):
            self._all = _Window(now)
        if any(window.is_over(now) for window in self._by_address.values()):
            self._by_address = {name: each for name, each in self._by_address.items() if not each.is_over(now)}
