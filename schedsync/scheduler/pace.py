"""How soon a tick that nobody asked for follows another one: soon where slots are rare, later where they are dense."""

from dataclasses import dataclass

BREATH = 0.04
"""Seconds between the beginnings of two ticks that nobody asked for. What falls due meanwhile is claimed together: a
tick costs as much for ten jobs as for one, and while it computes no process is started."""
STEADY = 0.1
"""The same under steady load, which takes 25 ticks in a second otherwise."""
CROWDED = 3
"""After how many ticks in a row with a slot close behind them load is steady; a burst is shorter."""


@dataclass(slots=True)
class Pace:
    """The pace of the ticks, given what those before found."""

    _crowded: int = 0
    """How many ticks in a row had something due within BREATH behind them."""

    def sleep(self, wait: float, took: float) -> float:
        """Return the seconds to sleep after a tick.

        Args:
            wait: the seconds until something is due.
            took: the seconds since the tick began.
        """
        self._crowded = self._crowded + 1 if wait < BREATH else 0
        return max(wait, (STEADY if self._crowded > CROWDED else BREATH) - took)
