"""A day by the clocks of a zone: the stretches between two changes of it, and what Debian's cron does at one.

By cron(8) of Debian: what has a fixed time and is skipped when a clock is put forward fires right after that, and what
comes twice when it is put back fires in the first pass. Larger changes are corrections, which everything follows: in
its code those of more than three hours, or of three where the clock is put forward.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_DAY_SECONDS = 24 * 60 * 60
_LARGEST_SHIFT = 3 * 60 * 60


class Stretch(NamedTuple):
    """A part of a local day in which the clock is not changed, from second ``start`` to ``end`` by that clock."""

    midnight: datetime
    """The instant at which this clock shows, or would have shown, 00:00."""
    start: int
    end: int
    fixed_from: int
    """The first second of which this stretch fires fixed times: before ``start`` after a gap, after it in a fold."""


@lru_cache(maxsize=4096)
def stretches(day: date, zone: ZoneInfo) -> tuple[Stretch, ...]:
    """Split *day* where the clock changes; no zone has changed twice within two days since 1970."""
    midnight = datetime.combine(day, time())
    before = _offset(midnight, zone)
    after = _offset((midnight + _DAY).replace(fold=1), zone)
    first = Stretch((midnight - before).replace(tzinfo=UTC), 0, _DAY_SECONDS, 0)
    if before == after:
        return (first,)
    change = _change(first.midnight - _DAY, first.midnight + 2 * _DAY, zone)
    second_midnight = (midnight - after).replace(tzinfo=UTC)
    ends = (change - first.midnight) // SECOND
    starts = (change - second_midnight) // SECOND
    fixed_from = ends if -_LARGEST_SHIFT <= starts - ends < _LARGEST_SHIFT else starts
    return (
        first._replace(end=min(ends, _DAY_SECONDS)),
        Stretch(second_midnight, max(starts, 0), _DAY_SECONDS, max(fixed_from, 0)),
    )


def _offset(local: datetime, zone: ZoneInfo) -> timedelta:
    return zone.utcoffset(local) or timedelta(0)


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant between *low* and *high* at which the zone's offset changes, to the minute."""
    old = low.astimezone(zone).utcoffset()
    while high - low > _MINUTE:
        middle = low + (high - low) // _MINUTE // 2 * _MINUTE
        if middle.astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high
