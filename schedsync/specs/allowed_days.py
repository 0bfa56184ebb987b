"""On which days a schedule may fire, and what becomes of slots on other days: they are left out, or moved."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from schedsync.clock import MICROSECOND
from schedsync.specs.calendars import Calendar, alike, all_days, union
from schedsync.specs.moments import LAST_YEAR
from schedsync.specs.zones import resolve_local

FARTHEST = 31
"""Days that a slot is moved at most; one for which there is no day that near is left out."""
_DAY = timedelta(days=1)
_MISSES = 3_000
"""So many slots in a row are looked at that are on no allowed day; a far date in a calendar must not take hours. What
meets its days at all does so sooner: weekly slots that never do are looked at for more than the years of ``KINDS``."""
CYCLE, KINDS = 400, 41
"""Years after which the calendar comes again, weekdays included; and by which each kind of year has come (long or
short, beginning with each day of the week). What has not come by then never comes."""


class Shift(StrEnum):
    """Where a slot goes that falls on a day on which it may not fire."""

    NEXT = "next"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class AllowedDays:
    """Days that are in any of ``only``, if there are any, and in none of ``excluded``."""

    only: Sequence[Calendar] = ()
    excluded: Sequence[Calendar] = ()
    _by_year: dict[int, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def last_year(self) -> int:
        """The last year that is not like others of its kind; 0 without any."""
        return max((each.last_year for each in (*self.only, *self.excluded)), default=0)

    def __contains__(self, day: date) -> bool:
        """Whether a slot may be on *day*."""
        return bool(self._of_year(day.year) >> day.timetuple().tm_yday - 1 & 1)

    def first_from(self, day: date, last: date) -> date | None:
        """Return the first allowed day from *day* on that is not after *last*."""
        begin = day.timetuple().tm_yday - 1
        for year in range(day.year, last.year + 1):
            left = self._of_year(year) >> begin << begin
            begin = 0
            if left:
                found = date(year, 1, 1) + ((left & -left).bit_length() - 1) * _DAY
                return found if found <= last else None
        return None

    def last_until(self, day: date, first: date) -> date | None:
        """Return the last allowed day up to *day* that is not before *first*."""
        end = day.timetuple().tm_yday
        for year in range(day.year, first.year - 1, -1):
            left = self._of_year(year) & (1 << end) - 1
            end = 366
            if left:
                found = date(year, 1, 1) + (left.bit_length() - 1) * _DAY
                return found if found >= first else None
        return None

    def target(self, day: date, shift: Shift) -> date | None:
        """Return the nearest allowed day to *day*, itself included, in one direction; None when none is near."""
        if shift is Shift.NEXT:
            return self.first_from(day, day + FARTHEST * _DAY)
        return self.last_until(day, day - FARTHEST * _DAY)

    def horizon(self, after: date, years: int) -> date:
        """Return the day by which has come what comes at all after *after*, when it comes again after *years*."""
        return date(min(max(after.year, self.last_year) + years, LAST_YEAR), 12, 31)

    def _of_year(self, year: int) -> int:
        year = alike(year, self.last_year)
        known = self._by_year.get(year)
        if known is None:
            allowed = union(self.only, year) if self.only else all_days(year)
            known = self._by_year[year] = allowed & ~union(self.excluded, year)
        return known


@dataclass(frozen=True, slots=True)
class Nominal:
    """The slots of a schedule, whatever the day."""

    after: Callable[[datetime], datetime | None]
    """Returns the first one strictly after an instant (UTC)."""
    years: int
    """After so many years they come again on the same days."""


def left_out(nominal: Nominal, after: datetime, days: AllowedDays, zone: ZoneInfo) -> datetime | None:
    """Return the first slot after *after* (UTC) that is on an allowed day of *zone*; None when none comes."""
    horizon = days.horizon(after.astimezone(zone).date(), nominal.years)
    slot = nominal.after(after)
    for _ in range(_MISSES):
        if slot is None:
            return None
        day = slot.astimezone(zone).date()
        allowed = days.first_from(day, horizon)
        if allowed is None or allowed == day:
            return slot if allowed is not None else None
        slot = nominal.after(beginning(allowed, zone) - MICROSECOND)
    return None


def moved(nominal: Nominal, after: datetime, days: AllowedDays, zone: ZoneInfo, shift: Shift) -> datetime | None:
    """Return the first slot after *after* (UTC) when those of other days are moved to the nearest allowed one.

    The time of the day stays. Two slots that meet are one.
    """
    today = after.astimezone(zone).date() - _DAY  # what a clock change skips in one day may fire in the next
    horizon = days.horizon(today, nominal.years)
    day = today
    if shift is Shift.NEXT:  # what is moved to a day from today on comes after the last allowed one before that
        before = days.last_until(today - _DAY, today - FARTHEST * _DAY)
        day = today - FARTHEST * _DAY if before is None else before + _DAY
    for _ in range(_MISSES):
        slot = nominal.after(beginning(day, zone) - MICROSECOND)
        if slot is None:
            return None
        found = slot.astimezone(zone).date()
        if found > horizon:
            return None
        target = days.target(found, shift)
        if target is None:
            allowed = days.first_from(found, horizon)
            if allowed is None:
                return None
            day = max(found + _DAY, allowed - FARTHEST * _DAY) if shift is Shift.NEXT else allowed
            continue
        last = _last_moved_to(target, days, shift)
        if best := min((each for each in _moved_to(target, slot, last, nominal, zone) if each > after), default=None):
            return best
        day = last + _DAY
    return None


def beginning(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which *day* begins in *zone*."""
    return resolve_local(datetime.combine(day, time()), zone)


def on_day(slot: datetime, day: date, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) of *day* at which clocks in *zone* show what they do at *slot*."""
    there = slot.astimezone(zone)
    return slot if there.date() == day else resolve_local(datetime.combine(day, there.time()), zone)


def _last_moved_to(target: date, days: AllowedDays, shift: Shift) -> date:
    """Return the last day of which slots are moved to *target*, or stay there."""
    if shift is Shift.NEXT:
        return target
    following = days.first_from(target + _DAY, target + FARTHEST * _DAY)
    return target + FARTHEST * _DAY if following is None else following - _DAY


def _moved_to(target: date, slot: datetime | None, last: date, nominal: Nominal, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield where *slot* and those after it up to the day *last* are moved: to *target*, at their time of the day."""
    while slot is not None:
        there = slot.astimezone(zone)
        if there.date() > last:
            return
        yield on_day(slot, target, zone)
        slot = nominal.after(slot)
