"""How far ahead a tick looks: as long as it may sleep where slots are rare, and no farther than it needs where not."""

from dataclasses import dataclass
from datetime import timedelta

FARTHEST = timedelta(seconds=10)
"""The longest sleep between two ticks: what another process wrote to the store is seen after it."""
NEAREST = timedelta(milliseconds=120)
ENOUGH = 24
"""How many jobs ahead are worth looking at. One is enough to know how long to sleep; of the others the specs are loaded
in time. But each tick looks anew, and where 200 fall due in a second, ten seconds ahead are 2,000 rows each time."""


@dataclass(slots=True)
class Outlook:
    """How far the next tick looks, given what the ticks before it saw."""

    ahead: timedelta = FARTHEST

    def saw(self, later: int) -> None:
        """Take note that *later* jobs were seen that are not due yet."""
        if later > ENOUGH:
            self.ahead = max(self.ahead * ENOUGH / later, NEAREST)
        elif later < ENOUGH // 2:
            self.ahead = min(self.ahead * 2, FARTHEST)
