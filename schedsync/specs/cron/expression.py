"""When a cron expression fires in a zone, by the documented rules of Debian's cron (3.0pl1). Pure.

Where the rules come from: crontab(5) and cron(8) of Debian. Three of them surprise people:

- When both day fields are restricted, a day matches if *either* does, unless one of them starts with ``*``.
- A job whose minute or hour starts with ``*`` follows the clock: it skips what daylight saving time skips and repeats
  what it repeats. Any other job has a fixed time: it fires once, right after the gap, or in the first of two passes.
- Only changes of less than three hours, or of three hours back, are treated so; larger ones are corrections, and every
  job follows the clock.
"""

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import MAXYEAR, date, datetime, timedelta
from zoneinfo import ZoneInfo

from schedsync.clock import EPOCH
from schedsync.specs.cron.days import matching
from schedsync.specs.cron.fields import Fields, read, spreads
from schedsync.specs.cron.local_day import SECOND, Stretch, stretches

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CronExpression:
    """A valid cron expression; equal to another when their texts and their jobs are. Make one with `parse`."""

    text: str
    job_id: str = field(repr=False)
    """What ``H`` follows from; empty where there is none."""
    fields: Fields = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str, *, job_id: str = "") -> "CronExpression":
        """Read an expression, which is that of a job.

        Raises:
            CronError: *text* is malformed, not supported, or would never fire.
        """
        own = job_id if spreads(text) else ""
        return cls(text, own, read(text, job_id=own))

    def next_after(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        """Return the first fire strictly after *after*, or None when there is none before the year 10000.

        Args:
            after: an aware instant, to the microsecond.
            zone: where the expression's wall-clock times are.

        Returns:
            A whole second, as an aware datetime in UTC.
        """
        try:
            return self._next_after(after, zone)
        except OverflowError:
            return None

    def between(self, since: datetime, until: datetime, zone: ZoneInfo) -> list[int]:
        """Return the fires from *since* until before *until*, in epoch seconds: what ``next_after`` finds one by one.

        For the fires of a day it takes a tenth of the time. Both are aware instants in UTC.
        """
        first, end = -((EPOCH - since) // SECOND), -((EPOCH - until) // SECOND)
        found: set[int] = set()
        with suppress(OverflowError):
            for day in self._days_from(since.astimezone(zone).date() - _DAY):
                parts = stretches(day, zone)
                if parts[0].midnight - _DAY >= until:
                    break
                for part in parts:
                    found.update(self._fires_in(part, first, end))
        return sorted(found)

    def _fires_in(self, stretch: Stretch, first: int, end: int) -> Iterator[int]:
        """Yield the fires of *stretch* that are among the epoch seconds from *first* until before *end*."""
        midnight = (stretch.midnight - EPOCH) // SECOND
        if midnight + stretch.end <= first or midnight + stretch.start >= end:
            return
        earliest = stretch.start if self.fields.follows_clock else stretch.fixed_from
        last = min(stretch.end, end - midnight)
        for hour in self.fields.hours:
            if earliest // 3600 <= hour < -(-last // 3600):
                for minute in self.fields.minutes:
                    for second in self.fields.seconds:
                        at = hour * 3600 + minute * 60 + second
                        fire = midnight + max(at, stretch.start)
                        if earliest <= at < last and first <= fire:
                            yield fire

    def _next_after(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        # Where a clock is put back across midnight, yesterday is still to go on after today has begun.
        yesterday = after.astimezone(zone).date() - _DAY
        for day in self._days_from(yesterday):
            fire = self._fire_on(day, after, zone)
            if fire is not None:
                return fire if len(stretches(day, zone)) == 1 else self._earlier(fire, day + _DAY, after, zone)
        return None

    def _earlier(self, fire: datetime, tomorrow: date, after: datetime, zone: ZoneInfo) -> datetime:
        if next(self._days_from(tomorrow), None) != tomorrow:
            return fire
        return min(fire, self._fire_on(tomorrow, after, zone) or fire)

    def _days_from(self, first: date) -> Iterator[date]:
        months = self.fields.months
        begin = bisect_left(months, first.month)
        for year in range(first.year, MAXYEAR + 1):
            for month in months[begin:]:
                after_monday, length = monthrange(year, month)
                days = matching(self.fields.days, (after_monday + 1) % 7, length)
                if month == first.month and year == first.year:
                    days = days[bisect_left(days, first.day) :]
                for day in days:
                    yield date(year, month, day)
            begin = 0

    def _fire_on(self, day: date, after: datetime, zone: ZoneInfo) -> datetime | None:
        for stretch in stretches(day, zone):
            fire = self._fire_in(stretch, after)
            if fire is not None:
                return fire
        return None

    def _fire_in(self, stretch: Stretch, after: datetime) -> datetime | None:
        earliest = stretch.start if self.fields.follows_clock else stretch.fixed_from
        past = (after - stretch.midnight) // SECOND + 1
        if past >= stretch.end:  # as yesterday nearly always is
            return None
        if past > stretch.start:
            earliest = max(earliest, past)
        second = self._second_from(earliest)
        if second is None or second >= stretch.end:
            return None
        return stretch.midnight + max(second, stretch.start) * SECOND

    def _second_from(self, earliest: int) -> int | None:
        """Return the first matching second of the day that is not before *earliest*."""
        hours = self.fields.hours
        hour, within = divmod(earliest, 3600)
        at = bisect_left(hours, hour)
        if at < len(hours) and hours[at] == hour:
            second = self._second_of_hour(within)
            if second is not None:
                return hour * 3600 + second
            at += 1
        return hours[at] * 3600 + self.fields.minutes[0] * 60 + self.fields.seconds[0] if at < len(hours) else None

    def _second_of_hour(self, earliest: int) -> int | None:
        minutes, seconds = self.fields.minutes, self.fields.seconds
        minute, within = divmod(earliest, 60)
        at = bisect_left(minutes, minute)
        if at < len(minutes) and minutes[at] == minute:
            if within <= seconds[-1]:
                return minute * 60 + seconds[bisect_left(seconds, within)]
            at += 1
        return minutes[at] * 60 + seconds[0] if at < len(minutes) else None
