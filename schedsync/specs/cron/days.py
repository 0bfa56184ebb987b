"""On which days of a month an expression fires. Weekdays are numbers from 0 to 6, and 0 is Sunday."""

from dataclasses import dataclass
from functools import lru_cache

_LENGTHS = ((31,), (28, 29), (31,), (30,), (31,), (30,), (31,), (31,), (30,), (31,), (30,), (31,))
_SUNDAY, _SATURDAY = 0, 6


@dataclass(frozen=True, slots=True)
class MonthDays:
    """What the field for days of the month says."""

    numbers: frozenset[int] = frozenset()
    before_last: frozenset[int] = frozenset()
    """How many days before the last: ``L`` is 0, ``L-3`` is 3."""
    nearest: frozenset[int] = frozenset()
    """``15W``: the day from Monday to Friday in the same month that is nearest to it."""
    last_workday: bool = False
    """``LW``: the last day from Monday to Friday."""
    starred: bool = False
    """Whether the field begins with ``*``: then a day has to be in both fields."""

    @property
    def plain(self) -> bool:
        """Whether there are only numbers."""
        return not (self.before_last or self.nearest or self.last_workday)


@dataclass(frozen=True, slots=True)
class WeekDays:
    """What the field for days of the week says."""

    numbers: frozenset[int] = frozenset()
    nth: frozenset[tuple[int, int]] = frozenset()
    """``fri#2``: a weekday, and which one of the month, from 1 on."""
    last: frozenset[int] = frozenset()
    """``friL``: the last one of the month."""
    starred: bool = False
    """As for days of the month."""


@dataclass(frozen=True, slots=True)
class Days:
    """Both: either field may match, and both have to where one begins with ``*``."""

    of_month: MonthDays
    of_week: WeekDays


@dataclass(frozen=True, slots=True)
class _Month:
    """Any month of this length whose first day is *first* days after a Sunday."""

    first: int
    length: int

    def weekday(self, day: int) -> int:
        return (self.first + day - 1) % 7

    def matches_of_month(self, said: MonthDays) -> set[int]:
        days = {day for day in said.numbers if day <= self.length}
        days |= {self.length - before for before in said.before_last if before < self.length}
        days |= {self._nearest_workday(day) for day in said.nearest if day <= self.length}
        return days | {self._nearest_workday(self.length)} if said.last_workday else days

    def _nearest_workday(self, day: int) -> int:
        if self.weekday(day) == _SATURDAY:
            return day - 1 if day > 1 else day + 2
        if self.weekday(day) == _SUNDAY:
            return day + 1 if day < self.length else day - 2
        return day

    def matches_of_week(self, said: WeekDays) -> set[int]:
        return {
            day
            for day in range(1, self.length + 1)
            if (weekday := self.weekday(day)) in said.numbers
            or (weekday, (day + 6) // 7) in said.nth
            or (weekday in said.last and day + 7 > self.length)
        }


@lru_cache(maxsize=4096)
def matching(days: Days, first: int, length: int) -> tuple[int, ...]:
    """Return the days that match in a month, in order.

    Args:
        days: what the expression says.
        first: the weekday of its first day.
        length: how many days it has.
    """
    month = _Month(first, length)
    of_month, of_week = month.matches_of_month(days.of_month), month.matches_of_week(days.of_week)
    both = days.of_month.starred or days.of_week.starred
    return tuple(sorted(of_month & of_week if both else of_month | of_week))


def exist_in(days: Days, month: int) -> bool:
    """Whether some year has such a day in *month* (1 to 12)."""
    return any(matching(days, first, length) for length in _LENGTHS[month - 1] for first in range(7))
