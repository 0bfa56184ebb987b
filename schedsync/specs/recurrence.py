"""Days at a distance by the calendar: every so many months, weeks or days, and at what time of the day."""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import MAXYEAR, date, time, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from schedsync.specs.base import Model, in_any_case
from schedsync.specs.wording import quoted, shown

LAST = "last"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST = 1_200
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_DAY = timedelta(days=1)
_CYCLE = 400
"""Years until the calendar repeats: a day that so many months in a row lack never comes. (Other distances than whole
years lead to a month of 31 days within one.)"""


def parse_time(value: object) -> time:
    """Read a time of the day: ``06:00``, ``23:59:59``.

    Raises:
        ValueError: *value* is none; the message says what to write.
    """
    if isinstance(value, time):
        return value
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if found is not None:
            return time(int(found[1]), int(found[2]), int(found[3] or 0))
    except ValueError:
        pass
    raise ValueError(f'{shown(value)} is not a time of the day; write it like "06:00" or "06:00:30", up to "23:59:59"')


def _write_time(value: time) -> str:
    return value.isoformat("seconds").removesuffix(":00")


TimeOfDay = Annotated[
    time,
    BeforeValidator(parse_time),
    PlainSerializer(_write_time, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_TIME.pattern}$"}),
]
"""A time by the clock of the trigger's zone, to the second."""


def _parse_day(value: object) -> int | str:
    if isinstance(value, str) and value.strip().lower() in {LAST, *WEEKDAYS}:
        return value.strip().lower()
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 31:
        return value
    raise ValueError(f"{shown(value)} is not a day; write 1 to 31 or last for months, or mon to sun for weeks")


Day = Annotated[
    int | str,
    BeforeValidator(_parse_day),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 31}, in_any_case((LAST, *WEEKDAYS))]}),
]
"""A day of the month, the last one of it, or a day of the week."""


def _check_distance(value: int) -> int:
    if not 1 <= value <= _MOST:
        raise ValueError(f"{value} is no distance; write 1 to {_MOST}")
    return value


_Distance = Annotated[int, AfterValidator(_check_distance)]


class Recurrence(Model):
    """Which days, and when on each of them."""

    months: _Distance | None = Field(None, description="Every so many months.")
    weeks: _Distance | None = Field(None, description="Every so many weeks, which begin on Monday.")
    days: _Distance | None = Field(None, description="Every so many days.")
    day: Day | None = Field(
        None, description="With months: 1 to 31, or last; a month without that day is left out. With weeks: mon to sun."
    )
    time: TimeOfDay = Field(time(), description='When, by the clock of the zone: "06:00". Midnight unless it says so.')

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        units = [name for name in ("months", "weeks", "days") if getattr(self, name) is not None]
        if len(units) != 1:
            found = f"found {' and '.join(units)}" if units else "found none of them"
            raise ValueError(f"one of months, weeks and days is needed, {found}")
        if self.months is not None and (self.day is None or self.day in WEEKDAYS):
            raise ValueError("months need a day of the month; write day: 1 to 31, or day: last")
        if self.weeks is not None and self.day not in WEEKDAYS:
            raise ValueError("weeks need a day of the week; write day: mon to sun")
        if self.days is not None and self.day is not None:
            raise ValueError(f"days have no day; leave out day: {quoted(str(self.day))}, or count weeks or months")
        return self

    @property
    def distance(self) -> int:
        """How many months, weeks or days lie between two of its days."""
        return self.months or self.weeks or self.days or 1

    @property
    def needs_start(self) -> bool:
        """Whether only a start says which months are meant."""
        return self.months is not None and self.months > 1

    def dates_from(self, first: date, base: date) -> Iterator[date]:
        """Yield the days that are neither before *first* nor before *base*, from which they are counted, in order."""
        first = max(first, base)
        if self.months is not None:
            return self._by_months(self.months, first, base)
        if self.weeks is not None:
            monday = base - base.weekday() * _DAY
            return _at_distance(monday + WEEKDAYS.index(str(self.day)) * _DAY, 7 * self.weeks, first)
        return _at_distance(base, self.days or 1, first)

    def _by_months(self, distance: int, first: date, base: date) -> Iterator[date]:
        begin, month = _number(base), _number(first)
        month += (begin - month) % distance
        lacking = 0
        while month < (MAXYEAR + 1) * 12 and lacking < _CYCLE:
            year, index = divmod(month, 12)
            length = monthrange(year, index + 1)[1]
            day = length if self.day == LAST else int(self.day or 1)
            lacking = lacking + 1 if day > length else 0
            if day <= length and (found := date(year, index + 1, day)) >= first:
                yield found
            month += distance


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _at_distance(origin: date, days: int, first: date) -> Iterator[date]:
    steps = max(-((origin - first).days // days), 0)
    day = origin + steps * days * _DAY
    while True:
        yield day
        day += days * _DAY
