"""When something fires by the clock of a zone, found by looking at that clock minute by minute.

The rules are those of docs/reference/schedules.md, "Where clocks are changed", written down without the product's code:
a clock is changed where the zone's offset is another than a moment before, and by how much says what was skipped or
comes twice.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
NOTHING = timedelta(0)
LARGEST = 3 * HOUR
"""Larger changes are corrections of the calendar, and so are those that are as large, where a clock is put forward."""
ANY_SIZE = 25 * HOUR
ZONES = tuple(sorted(available_timezones() - {"localtime", "Factory"}))
"""All but the machine's own and the one that is none."""
_SEARCHED = 2 * DAY
"""No zone has changed its clocks twice within six days since 1970, nor will it by what is known today."""


@dataclass(frozen=True)
class Meaning:
    """When something fires: an expression, or what stands for one, and what it means."""

    text: str
    minutes: frozenset[int] = field(repr=False)
    hours: frozenset[int] = field(repr=False)
    is_day: Callable[[date], bool] = field(repr=False)
    follows_clock: bool = field(repr=False)
    seconds: frozenset[int] = field(default=frozenset({0}), repr=False)
    largest: timedelta = field(default=LARGEST, repr=False)
    """The largest change back that repeats no fixed time; after smaller ones forward it is made up for."""
    _days: dict[date, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def unit(self) -> timedelta:
        """How long one has to wait at least for the next fire."""
        return MINUTE if self.seconds == {0} else SECOND

    def on(self, day: date) -> bool:
        """Whether it fires on a day, at any time."""
        if day not in self._days:
            self._days[day] = self.is_day(day)
        return self._days[day]

    def at(self, wall: datetime) -> bool:
        """Whether it fires when a clock, which nobody changes, shows *wall*."""
        in_time = wall.minute in self.minutes and wall.hour in self.hours and wall.second in self.seconds
        return in_time and self.on(wall.date())


def steps(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """Yield the instants from *start* to before *end*."""
    while start < end:
        yield start
        start += step


class Shown(NamedTuple):
    """What a clock shows at a moment."""

    now: datetime
    wall: datetime
    skipped: timedelta
    """How much of time it has left out since the moment before."""
    again: bool
    """Whether it has shown this before, since it was put back."""


def shown(
    zone: ZoneInfo, start: datetime, end: datetime, *, unit: timedelta = MINUTE, largest: timedelta = LARGEST
) -> Iterator[Shown]:
    """Look at a clock at each moment in [*start*, *end*), which are whole minutes in UTC.

    Args:
        zone: whose clock it is.
        start: the first moment.
        end: the one that is not looked at any more.
        unit: from one moment to the next.
        largest: the largest change back that repeats anything, and what skips something is smaller than.
    """
    first = start - largest
    before, repeated_until = _offset(first - MINUTE, zone), first
    for now in chain(steps(first, start, MINUTE), steps(start, end, unit)):
        local = now.astimezone(zone)
        offset, skipped = local.utcoffset() or NOTHING, NOTHING
        if offset != before:
            change, before = offset - before, offset
            if NOTHING < -change <= largest:
                repeated_until = now - change
            elif NOTHING < change < largest:
                skipped = change
        if now >= start:
            yield Shown(now, local.replace(tzinfo=None, fold=0), skipped, now < repeated_until)


def fires_among(meaning: Meaning, moments: Iterable[Shown]) -> list[datetime]:
    """Return at which of these moments something fires."""
    return [
        now
        for now, wall, skipped, again in moments
        if (meaning.follows_clock or not again)
        and (meaning.at(wall) or (skipped and not meaning.follows_clock and _missed(meaning, wall, skipped)))
    ]


def _missed(meaning: Meaning, wall: datetime, skipped: timedelta) -> bool:
    return any(meaning.at(missed) for missed in steps(wall - skipped, wall, meaning.unit))


def looked_at(meaning: Meaning, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """Return the fires in [*start*, *end*), whole minutes in UTC, found by looking at the clock all the time."""
    return fires_among(meaning, shown(zone, start, end, unit=meaning.unit, largest=meaning.largest))


def next_looked_at(meaning: Meaning, zone: ZoneInfo, after: datetime, *, until: datetime) -> datetime | None:
    """Return the first fire after *after*, looking at each minute of all days that it may be on; None if none comes.

    Args:
        meaning: what fires.
        zone: whose clock it is.
        after: any instant.
        until: where to give up, in UTC.
    """
    start = after.replace(second=0, microsecond=0)
    for begin in steps(start, until, DAY):
        # A clock may be put back across midnight, or a day or two may be left out.
        today = begin.astimezone(zone).date()
        if any(meaning.on(today + distance * DAY) for distance in (-1, 0, 1, 2)):
            found = [fire for fire in looked_at(meaning, zone, begin, begin + DAY) if fire > after]
            if found:
                return found[0]
    return None


@dataclass(frozen=True)
class Change:
    """A clock that is changed: when, and the offsets from UTC before and since."""

    instant: datetime
    before: timedelta
    since: timedelta

    @property
    def wall(self) -> datetime:
        """What the clock would have shown."""
        return (self.instant + self.before).replace(tzinfo=None)


@cache
def changes(zone_name: str, first: int, last: int) -> tuple[Change, ...]:
    """Return how a zone's clock changes from the beginning of one year to the end of another, by bisection."""
    zone, found = ZoneInfo(zone_name), []
    start = datetime(first, 1, 1, tzinfo=UTC)
    before = _offset(start, zone)
    for low in steps(start, datetime(last + 1, 1, 1, tzinfo=UTC), _SEARCHED):
        since = _offset(low + _SEARCHED, zone)
        if since != before:
            found.append(Change(_changed(zone, before, low, low + _SEARCHED), before, since))
            before = since
    return tuple(found)


def _changed(zone: ZoneInfo, before: timedelta, low: datetime, high: datetime) -> datetime:
    while high - low > SECOND:
        middle = low + (high - low) // SECOND // 2 * SECOND
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    assert high.second == 0, "a minute is the least that is looked at"
    return high


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or NOTHING
