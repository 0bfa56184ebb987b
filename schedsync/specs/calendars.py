"""Named calendars: sets of days, such as holidays, that schedules leave out or keep to.

A spec has the calendars that it names inside, as they were when its file was read: whoever fires it needs no other
file, and a calendar that changes changes the jobs that name it.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from schedsync.specs.base import Model, OneOrMore, OrText, in_any_case
from schedsync.specs.moments import FIRST_YEAR, LAST_YEAR
from schedsync.specs.recurrence import WEEKDAYS
from schedsync.specs.wording import quoted, shown

FOLDER = "calendars"
"""Where the files lie, at the top of the jobs folder."""
CONTEXT = "calendars"
"""Under this key of pydantic's context stands the ``Calendars`` in which names are looked up."""
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_MONTH_DAY = re.compile(r"([0-9]{1,2})-([0-9]{1,2})")
_LEAP_YEAR = 2000
_MOST_INSIDE, _MOST_ENTRIES = 200, 5_000
"""Each spec that names a calendar has all of it."""
_EACH_SEVENTH = sum(1 << 7 * week for week in range(53))
_DAY = timedelta(days=1)


def is_calendar_name(text: str) -> bool:
    """Whether a calendar, and so its file, may be called *text*."""
    return _NAME.fullmatch(text) is not None


def _parse_date(value: object) -> date:
    text = value.strip() if isinstance(value, str) else ""
    try:
        day = value if isinstance(value, date) else date.fromisoformat(text)
    except ValueError as error:
        why = f": {error}" if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else ""
        raise ValueError(f"{shown(value)} is not a day{why}; write it like 2026-12-24") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"the year {day.year} is too {'early' if day.year < FIRST_YEAR else 'late'} for a calendar")
    return day


def _parse_month_day(value: object) -> tuple[int, int]:
    if isinstance(value, tuple):
        return value
    found = _MONTH_DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{shown(value)} is not a day of a year; write month and day, like 12-24")
    month, day = int(found[1]), int(found[2])
    if not 1 <= month <= 12:
        raise ValueError(f"{quoted(found[0])}: there is no month {month}; write month and day, like 12-24")
    length = monthrange(_LEAP_YEAR, month)[1]
    if not 1 <= day <= length:
        raise ValueError(f"{quoted(found[0])}: month {month} has the days 1 to {length}")
    return month, day


def _parse_weekday(value: object) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    if text not in WEEKDAYS:
        raise ValueError(f"{shown(value)} is not a day of the week; write one of {', '.join(WEEKDAYS)}")
    return text


def _once_each(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return *values* in their order and once each, so that how they were listed changes no digest."""
    return tuple(sorted(set(values)))


def _weekdays_once(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(values), key=WEEKDAYS.index))


_Date = Annotated[
    date,
    BeforeValidator(_parse_date),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date"}),
]
_MonthDay = Annotated[
    tuple[int, int],
    BeforeValidator(_parse_month_day),
    PlainSerializer(lambda day: f"{day[0]:02}-{day[1]:02}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_MONTH_DAY.pattern}$"}),
]
_Weekday = Annotated[str, BeforeValidator(_parse_weekday), WithJsonSchema(in_any_case(WEEKDAYS))]


class DayRange(Model):
    """A day, another one that is not before it, and all days between them."""

    model_config = ConfigDict(serialize_by_alias=True)

    first: _Date = Field(alias="from", description="The first day.")
    last: _Date = Field(alias="to", description="The last day; it is inside.")

    @model_validator(mode="after")
    def _goes_forward(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"from ({self.first}) is after to ({self.last}); exchange them")
        return self


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str | dict | Calendar) else value


def _by_name(value: object, info: ValidationInfo) -> object:
    known = (info.context or {}).get(CONTEXT)
    if isinstance(value, dict) and known is not None:  # by an author, and not as the store has it
        if "name" in value:
            raise ValueError(f"the name of a calendar stands alone; write {shown(value['name'])} in the place of this")
        if not any(value.values()) and value.keys() <= Calendar.model_fields.keys():
            raise ValueError("it has no days; write e.g. {dates: [2026-12-24]}, or the name of a calendar")
    return (known or NO_CALENDARS).find(value) if isinstance(value, str) else value


def _in_order(calendars: "tuple[Calendar, ...]") -> "tuple[Calendar, ...]":
    """Return them once each, in an order that does not depend on how they were listed."""
    return tuple(sorted(dict.fromkeys(calendars), key=lambda each: (each.name or "", repr(each))))


_OR_NAME = OrText(f"The name of a calendar, whose file is in the folder {FOLDER}.")
_ByName = BeforeValidator(_by_name)
_AsList, _InOrder = BeforeValidator(_one_or_more), AfterValidator(_in_order)
_Others = Annotated[tuple[Annotated["Calendar", _ByName, _OR_NAME], ...], _AsList, _InOrder, OneOrMore()]


class Calendar(Model):
    """A set of days: what it lists and includes, as far as all of ``intersect`` have it and none of ``exclude`` does.

    One that has only these two begins with all days.
    """

    name: str | None = Field(None, description="What it is called; that of its file.")
    dates: Annotated[tuple[_Date, ...], AfterValidator(_once_each)] = Field((), description="Days: 2026-12-24.")
    yearly: Annotated[tuple[_MonthDay, ...], AfterValidator(_once_each)] = Field(
        (), description="Days of each year: 12-25. 02-29 is one of leap years only."
    )
    weekdays: Annotated[tuple[_Weekday, ...], AfterValidator(_weekdays_once)] = Field(
        (), description="Days of the week: mon to sun."
    )
    ranges: Annotated[tuple[DayRange, ...], AfterValidator(lambda ranges: tuple(dict.fromkeys(ranges)))] = Field(
        (), description="Spans of days, each with from and to, which are both inside."
    )
    include: _Others = Field((), description="Calendars whose days belong to it, too.")
    intersect: _Others = Field((), description="Calendars in all of which a day has to be.")
    exclude: _Others = Field((), description="Calendars whose days do not belong to it.")

    @model_validator(mode="after")
    def _is_no_bomb(self) -> Self:
        if self.weight > _MOST_INSIDE:
            raise ValueError(f"more than {_MOST_INSIDE:,} calendars would be inside it, most of them again and again")
        if self.entries > _MOST_ENTRIES:
            raise ValueError(f"it has more than {_MOST_ENTRIES:,} days and spans, with those of calendars inside it")
        return self

    @cached_property
    def entries(self) -> int:
        """How much it lists, with what is inside it."""
        own = len(self.dates) + len(self.yearly) + len(self.weekdays) + len(self.ranges)
        return own + sum(each.entries for each in (*self.include, *self.intersect, *self.exclude))

    @cached_property
    def weight(self) -> int:
        """How many calendars it is made of, each as often as it is in it: specs and digests have them all."""
        return 1 + sum(each.weight for each in (*self.include, *self.intersect, *self.exclude))

    @model_serializer(mode="wrap")
    def _without_defaults(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what it does not say: most calendars say one thing or two, and are shown with each job."""
        written: dict[str, Any] = write(self)
        return {name: value for name, value in written.items() if value}

    @property
    def lists(self) -> bool:
        """Whether it has days of its own, or those of others."""
        return bool(self.dates or self.yearly or self.weekdays or self.ranges or self.include)

    @cached_property
    def last_year(self) -> int:
        """The last year in which it has days that do not come again; 0 without any. Later years are alike by kind."""
        own = (*(day.year for day in self.dates), *(each.last.year for each in self.ranges))
        others = (each.last_year for each in (*self.include, *self.intersect, *self.exclude))
        return max((*own, *others), default=0)

    @cached_property
    def _by_year(self) -> dict[int, int]:
        return {}

    @cached_property
    def _dates_of(self) -> Mapping[int, int]:
        found: dict[int, int] = {}
        for day in self.dates:
            found[day.year] = found.get(day.year, 0) | _bit(day)
        return found

    def __contains__(self, day: date) -> bool:
        """Whether *day* is one of its days."""
        return bool(self.days_of(day.year) & _bit(day))

    def days_of(self, year: int) -> int:
        """Return its days in a year as bits: 1 January is the lowest."""
        year = alike(year, self.last_year)
        known = self._by_year.get(year)
        if known is None:
            known = self._by_year[year] = self._found_in(year)
        return known

    def _found_in(self, year: int) -> int:
        found = self._listed_in(year) if self.lists or not (self.intersect or self.exclude) else all_days(year)
        for each in self.include:
            found |= each.days_of(year)
        for each in self.intersect:
            found &= each.days_of(year)
        for each in self.exclude:
            found &= ~each.days_of(year)
        return found

    def _listed_in(self, year: int) -> int:
        found = self._dates_of.get(year, 0)
        for month, day in self.yearly:
            if (month, day) != (2, 29) or isleap(year):
                found |= _bit(date(year, month, day))
        first = date(year, 1, 1).weekday()
        for name in self.weekdays:
            found |= _EACH_SEVENTH << (WEEKDAYS.index(name) - first) % 7
        for span in self.ranges:
            if span.first.year <= year <= span.last.year:
                low, high = max(span.first, date(year, 1, 1)), min(span.last, date(year, 12, 31))
                found |= (_bit(high) << 1) - _bit(low)
        return found & all_days(year)


Calendar.model_rebuild()
Named = Annotated[tuple[Annotated[Calendar, _ByName, _OR_NAME], ...], _AsList, _InOrder, OneOrMore()]
"""Calendars, by their names or written in place; or one of them without a list."""


def all_days(year: int) -> int:
    """Return all days of a year as bits."""
    return (1 << 365 + isleap(year)) - 1


def alike(year: int, last: int) -> int:
    """Return a year after *last* that begins with the same day of the week as *year* and is as long, or *year* itself.

    What comes again each year and each week is the same in both, so that few years have to be looked at.
    """
    if year <= last + 40:
        return year
    # Within 40 years each kind of year comes, also where a century lacks its leap day.
    kind = (date(year, 1, 1).weekday(), isleap(year))
    return next(y for y in range(last + 1, last + 41) if (date(y, 1, 1).weekday(), isleap(y)) == kind)


def _bit(day: date) -> int:
    return 1 << (day - date(day.year, 1, 1)).days


def union(calendars: Sequence[Calendar], year: int) -> int:
    """Return the days in a year that any of *calendars* has, as bits."""
    found = 0
    for each in calendars:
        found |= each.days_of(year)
    return found


def with_names(value: Any) -> Any:
    """Return a schedule, as JSON has it, with the names of calendars in the place of what they are."""
    if isinstance(value, list):
        return [with_names(each) for each in value]
    if isinstance(value, dict):
        return value["name"] if "name" in value else {key: with_names(each) for key, each in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class Calendars:
    """What names of calendars mean."""

    known: Mapping[str, Calendar] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    """Those that cannot be used, by name: the file that says why."""

    def find(self, name: str) -> Calendar:
        """Return the calendar of this name.

        Raises:
            ValueError: there is none, or it cannot be used; the message suggests a close one.
        """
        if name in self.known:
            return self.known[name]
        if name in self.broken:
            raise ValueError(f"the calendar {quoted(name)} cannot be used; mend {self.broken[name]}")
        close = get_close_matches(name[:60].lower(), self.known, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"write it as {FOLDER}/{name}.yaml in the jobs folder"
        if not is_calendar_name(name):
            hint = f"names are the names of files in {FOLDER}/ without .yaml, such as holidays-de"
        elif not close and self.known:
            hint += f", or one of {', '.join(sorted(self.known)[:10])}"
        raise ValueError(f"there is no calendar {quoted(name)}; {hint}")


NO_CALENDARS = Calendars()
