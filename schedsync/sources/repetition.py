"""The days on which an event of an iCalendar file comes again (RRULE of RFC 5545). Pure.

Written out here and not left to a library, since a rule may be looked for in vain: one that names the 30th of February
would be followed through thousands of years. Here each day that is looked at is counted.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain
from typing import Self

Spend = Callable[[int], None]
"""Is told how many days are looked at, before they are; raises ValueError when it is enough."""
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_BYDAY = re.compile(rf"([+-]?[0-9]{{1,2}})?({'|'.join(_WEEKDAYS)})")
_DAY = timedelta(days=1)
_WEEKS = 53
_LARGEST = {"BYMONTH": 12, "BYMONTHDAY": 31, "BYYEARDAY": 366, "BYWEEKNO": _WEEKS, "BYSETPOS": 366}
"""Numbers that a part may have; all but those of months may be below zero."""
_KNOWN = _LARGEST.keys() | {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY"}
_TIMES = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
"""Days are what counts, so these are left out."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """A rule, without its end by a date. Numbers below zero count from the end."""

    frequency: str
    interval: int
    count: int | None
    week_start: int
    """0: Monday."""
    months: frozenset[int]
    month_days: frozenset[int]
    year_days: frozenset[int]
    weeks: frozenset[int]
    weekdays: frozenset[tuple[int, int]]
    """Each with which one of the month, or of the year, it is; 0: all of them."""
    positions: frozenset[int]
    """Which of the days of a period; empty: all of them."""

    @classmethod
    def read(cls, text: str, first: date) -> Self:
        """Return the rule that an event has which begins on *first*.

        Raises:
            ValueError: it is none that has days; the message says what was found.
        """
        parts = {name: value for name, _, value in (part.partition("=") for part in text.upper().split(";"))}
        frequency = parts.get("FREQ", "without a frequency")
        if frequency not in _PERIODS:
            raise ValueError(f"an event is repeated {frequency.lower()}")
        unknown = parts.keys() - _KNOWN - _TIMES
        if unknown:
            raise ValueError(f"an event is repeated by {', '.join(sorted(unknown))}, which is not understood")
        interval = _number(parts, "INTERVAL", 1)
        if interval < 1:
            raise ValueError("an event is repeated at a distance of nothing")
        weekdays, week_start = _weekdays(parts), parts.get("WKST", "MO")
        if week_start not in _WEEKDAYS:
            raise _unfit("WKST", week_start)
        rule = cls(
            frequency,
            interval,
            _number(parts, "COUNT", 0) if "COUNT" in parts else None,
            _WEEKDAYS.index(week_start),
            months=_numbers(parts, "BYMONTH"),
            month_days=_numbers(parts, "BYMONTHDAY"),
            year_days=_numbers(parts, "BYYEARDAY"),
            weeks=_numbers(parts, "BYWEEKNO"),
            # Which one it is, is said of months and years only.
            weekdays=weekdays if frequency in {"MONTHLY", "YEARLY"} else frozenset((0, day) for _, day in weekdays),
            positions=_numbers(parts, "BYSETPOS"),
        )
        return rule._like(first)

    def _like(self, first: date) -> Self:
        """Return the rule with what it leaves to the day on which the event begins."""
        if self.month_days or self.year_days or self.weeks or self.weekdays or self.frequency == "DAILY":
            return self
        if self.frequency == "WEEKLY":
            return replace(self, weekdays=frozenset({(0, first.weekday())}))
        months = self.months or frozenset({first.month} if self.frequency == "YEARLY" else ())
        return replace(self, months=months, month_days=frozenset({first.day}))

    def days(self, first: date, last: date, spend: Spend) -> Iterator[date]:
        """Yield its days from *first*, from which periods are counted, to *last*, in order."""
        left = self.count
        for day in self._endless(first, last, spend):
            if day > last or (left is not None and left <= 0):
                return
            if day >= first:
                left = None if left is None else left - 1
                yield day

    def _endless(self, first: date, last: date, spend: Spend) -> Iterator[date]:
        least = 12 if self.frequency == "YEARLY" else 1  # each month is looked at
        for candidates in _PERIODS[self.frequency](self, first, last):
            spend(max(len(candidates), least) + len(self.positions))
            yield from self._chosen([day for day in candidates if self._has(day)])

    def _chosen(self, days: list[date]) -> Iterable[date]:
        if not self.positions:
            return days
        places = {place - 1 if place > 0 else len(days) + place for place in self.positions}
        return [days[place] for place in sorted(places) if 0 <= place < len(days)]

    def _has(self, day: date) -> bool:
        return (
            (not self.months or day.month in self.months)
            and (not self.month_days or _is_in(self.month_days, day.day, _month_length(day)))
            and (not self.year_days or _is_in(self.year_days, _number_in_year(day), _year_length(day)))
            and (not self.weekdays or self._has_weekday(day))
            and (not self.weeks or _is_in(self.weeks, *self._week(day)))
        )

    def _has_weekday(self, day: date) -> bool:
        weekday = day.weekday()
        if (0, weekday) in self.weekdays:
            return True
        if self.frequency == "MONTHLY" or self.months:
            number, length = day.day, _month_length(day)
        else:
            number, length = _number_in_year(day), _year_length(day)
        return not self.weekdays.isdisjoint({((number + 6) // 7, weekday), (-((length - number) // 7 + 1), weekday)})

    def _week(self, day: date) -> tuple[int, int]:
        """Return which week of its year *day* is in, and how many that year has."""
        # A week belongs to the year that most of its days are in, so to that of its fourth one.
        middle = day + (3 - (day.weekday() - self.week_start) % 7) * _DAY
        number = (_number_in_year(middle) + 6) // 7
        return number, number + (_year_length(middle) - _number_in_year(middle)) // 7

    def of_month(self, year: int, month: int) -> list[date]:
        """Return the days of a month that may be meant."""
        if self.months and month not in self.months:
            return []
        begin, length = monthrange(year, month)
        numbers: Iterable[int] = range(1, length + 1)
        if self.month_days:
            found = {number if number > 0 else length + 1 + number for number in self.month_days}
            numbers = sorted(number for number in found if 0 < number <= length)
        elif self.weekdays:
            weekdays = {day for _, day in self.weekdays}
            numbers = sorted(chain.from_iterable(range(1 + (day - begin) % 7, length + 1, 7) for day in weekdays))
        return [date(year, month, number) for number in numbers]


def _number(parts: Mapping[str, str], name: str, otherwise: int) -> int:
    text = parts.get(name, str(otherwise))
    try:
        return int(text)
    except ValueError:
        raise _unfit(name, text) from None


def _numbers(parts: Mapping[str, str], name: str) -> frozenset[int]:
    if name not in parts:
        return frozenset()
    found = set()
    for text in parts[name].split(","):
        number = _number({name: text}, name, 0)
        least = 1 if name == "BYMONTH" else -_LARGEST[name]
        if number == 0 or not least <= number <= _LARGEST[name]:
            raise _unfit(name, text)
        found.add(number)
    return frozenset(found)


def _weekdays(parts: Mapping[str, str]) -> frozenset[tuple[int, int]]:
    if "BYDAY" not in parts:
        return frozenset()
    found = set()
    for text in parts["BYDAY"].split(","):
        match = _BYDAY.fullmatch(text)
        which = int(match[1] or 0) if match else 0
        if match is None or (match[1] and not 1 <= abs(which) <= _WEEKS):
            raise _unfit("BYDAY", text)
        found.add((which, _WEEKDAYS.index(match[2])))
    return frozenset(found)


def _unfit(name: str, text: str) -> ValueError:
    return ValueError(f"an event is repeated with {name}={text[:20]}, which makes no sense")


def _is_in(numbers: frozenset[int], number: int, length: int) -> bool:
    """Whether *number*, of so many, is among *numbers*, counted from the one end or from the other."""
    return number in numbers or number - length - 1 in numbers


def _month_length(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _year_length(day: date) -> int:
    return 366 if isleap(day.year) else 365


def _number_in_year(day: date) -> int:
    return day.timetuple().tm_yday


Periods = Iterator[list[date]]
"""The days that may be meant, by period."""


def _of_years(rule: Repetition, first: date, last: date) -> Periods:
    for year in range(first.year, last.year + 1, rule.interval):
        yield [day for month in range(1, 13) for day in rule.of_month(year, month)]


def _of_months(rule: Repetition, first: date, last: date) -> Periods:
    begin, end = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    for number in range(begin, end + 1, rule.interval):
        yield rule.of_month(number // 12, number % 12 + 1)


def _of_weeks(rule: Repetition, first: date, last: date) -> Periods:
    begin = first.toordinal() - (first.weekday() - rule.week_start) % 7
    weekdays = {day for _, day in rule.weekdays} or {*range(7)}
    places = sorted((day - rule.week_start) % 7 for day in weekdays)
    for monday in range(begin, last.toordinal() + 1, 7 * rule.interval):
        yield [date.fromordinal(monday + place) for place in places if monday + place > 0]


def _of_days(rule: Repetition, first: date, last: date) -> Periods:
    for number in range(first.toordinal(), last.toordinal() + 1, rule.interval):
        yield [date.fromordinal(number)]


_PERIODS: Mapping[str, Callable[[Repetition, date, date], Periods]] = {
    "YEARLY": _of_years,
    "MONTHLY": _of_months,
    "WEEKLY": _of_weeks,
    "DAILY": _of_days,
}
"""What is repeated more often has no days of its own."""
