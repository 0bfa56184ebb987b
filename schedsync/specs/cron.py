"""Cron expressions: five fields, read and fired by the documented rules of Debian's cron (3.0pl1). Pure.

Where the rules come from: crontab(5) and cron(8) of Debian. Three of them surprise people:

- When both day fields are restricted, a day matches if *either* does, unless one of them starts with ``*``.
- A job whose minute or hour starts with ``*`` follows the clock: it skips what daylight saving time skips and repeats
  what it repeats. Any other job has a fixed time: it fires once, right after the gap, or in the first of two passes.
- Only clock changes of up to three hours are treated so; larger ones are corrections, and every job follows the clock.

What cron would ignore or guess at (``fri#2``, ``mon-fri/2x``, the 30th of February) is refused in words.
"""

import re
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from itertools import chain, dropwhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_DAY_MINUTES = 24 * 60
_LARGEST_SHIFT = 3 * 60

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_ORDER = "minute, hour, day of month, month and day of week"


class CronError(ValueError):
    """A cron expression is refused: a sentence for the job's author, and the 0-based offset of the offending part."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class CronExpression:
    """A valid cron expression; equal to another when their texts are. Make one with `parse`."""

    text: str
    _minutes: tuple[int, ...] = field(repr=False, compare=False)
    _hours: tuple[int, ...] = field(repr=False, compare=False)
    _months: tuple[int, ...] = field(repr=False, compare=False)
    _days: "_MonthDays" = field(repr=False, compare=False)
    _follows_clock: bool = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> "CronExpression":
        """Read five fields, or a nickname such as ``@daily``.

        Raises:
            CronError: *text* is malformed, not supported, or would never fire.
        """
        words = _split(text)
        minutes, hours, days, months, weekdays = (
            _read_field(kind, *word) for kind, word in zip(_FIELDS, words, strict=True)
        )
        both = _starred(words[2], words[4])
        matching = _month_days(days, frozenset(day % 7 for day in weekdays), both=both)
        _refuse_never(matching, days, months, words[2][1])
        return cls(text, minutes, hours, months, matching, _starred(words[0], words[1]))

    def next_after(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        """Return the first fire strictly after *after*, or None when there is none before the year 10000.

        Args:
            after: an aware instant, to the microsecond.
            zone: where the expression's wall-clock times are.

        Returns:
            A whole minute, as an aware datetime in UTC.
        """
        try:
            return self._next_after(after, zone)
        except OverflowError:
            return None

    def _next_after(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        # Where a clock is put back across midnight, yesterday is still to go on after today has begun.
        yesterday = after.astimezone(zone).date() - _DAY
        for day in self._days_from(yesterday):
            fire = self._fire_on(day, after, zone)
            if fire is not None:
                return fire if len(_stretches(day, zone)) == 1 else self._earlier(fire, day + _DAY, after, zone)
        return None

    def _earlier(self, fire: datetime, tomorrow: date, after: datetime, zone: ZoneInfo) -> datetime:
        if next(self._days_from(tomorrow), None) != tomorrow:
            return fire
        return min(fire, self._fire_on(tomorrow, after, zone) or fire)

    def _days_from(self, first: date) -> Iterator[date]:
        start = (first.year, first.month, first.day)
        months = ((year, month) for year in range(first.year, MAXYEAR + 1) for month in self._months)
        for year, month in dropwhile(lambda at: at < start[:2], months):
            before_first, length = monthrange(year, month)
            for day in self._days[before_first]:
                if day <= length and (year, month, day) >= start:
                    yield date(year, month, day)

    def _fire_on(self, day: date, after: datetime, zone: ZoneInfo) -> datetime | None:
        for stretch in _stretches(day, zone):
            fire = self._fire_in(stretch, after)
            if fire is not None:
                return fire
        return None

    def _fire_in(self, stretch: "_Stretch", after: datetime) -> datetime | None:
        earliest = stretch.start if self._follows_clock else stretch.fixed_from
        past = (after - stretch.midnight) // _MINUTE + 1
        if past > stretch.start:
            earliest = max(earliest, past)
        minute = self._minute_from(earliest)
        if minute is None or minute >= stretch.end:
            return None
        return stretch.midnight + max(minute, stretch.start) * _MINUTE

    def _minute_from(self, earliest: int) -> int | None:
        """Return the first matching minute of the day (0 to 1439) that is not before *earliest*."""
        hour, minute = divmod(earliest, 60)
        at = bisect_left(self._hours, hour)
        if at < len(self._hours) and self._hours[at] == hour:
            within = bisect_left(self._minutes, minute)
            if within < len(self._minutes):
                return hour * 60 + self._minutes[within]
            at += 1
        return self._hours[at] * 60 + self._minutes[0] if at < len(self._hours) else None


def fields_of(text: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return what stands in each of the five fields of a valid expression, and the values that it means.

    Those of a nickname are those that it stands for. Days of the week are numbers from 0 to 6, and 0 is Sunday.
    """
    read = [(word, _read_field(kind, word, at)) for kind, (word, at) in zip(_FIELDS, _split(text), strict=True)]
    word, weekdays = read[-1]
    return (*read[:-1], (word, tuple(sorted({day % 7 for day in weekdays}))))


class _Stretch(NamedTuple):
    """A part of a local day in which the clock is not changed, from minute ``start`` to ``end`` by that clock."""

    midnight: datetime
    """The instant at which this clock shows, or would have shown, 00:00."""
    start: int
    end: int
    fixed_from: int
    """The first minute of which this stretch fires fixed times: before ``start`` after a gap, after it in a fold."""


@lru_cache(maxsize=4096)
def _stretches(day: date, zone: ZoneInfo) -> tuple[_Stretch, ...]:
    """Split *day* where the clock changes; no zone has changed twice within two days since 1970."""
    midnight = datetime.combine(day, time())
    before = _offset(midnight, zone)
    after = _offset((midnight + _DAY).replace(fold=1), zone)
    first = _Stretch((midnight - before).replace(tzinfo=UTC), 0, _DAY_MINUTES, 0)
    if before == after:
        return (first,)
    change = _change(first.midnight - _DAY, first.midnight + 2 * _DAY, zone)
    second_midnight = (midnight - after).replace(tzinfo=UTC)
    ends = (change - first.midnight) // _MINUTE
    starts = (change - second_midnight) // _MINUTE
    fixed_from = ends if abs(starts - ends) <= _LARGEST_SHIFT else starts
    return (
        first._replace(end=min(ends, _DAY_MINUTES)),
        _Stretch(second_midnight, max(starts, 0), _DAY_MINUTES, max(fixed_from, 0)),
    )


def _offset(local: datetime, zone: ZoneInfo) -> timedelta:
    return zone.utcoffset(local) or timedelta(0)


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant between *low* and *high* at which the zone's offset changes."""
    old = low.astimezone(zone).utcoffset()
    while high - low > _MINUTE:
        middle = low + (high - low) // _MINUTE // 2 * _MINUTE
        if middle.astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high


_MonthDays = tuple[tuple[int, ...], ...]
"""The matching days of a month of 31 days, by the weekday of its first (0 is Monday, as in `calendar`)."""


@lru_cache(maxsize=256)
def _month_days(days: tuple[int, ...], weekdays: frozenset[int], *, both: bool) -> _MonthDays:
    def matches(day: int, weekday: int) -> bool:
        found = (day in days, weekday in weekdays)
        return all(found) if both else any(found)

    return tuple(
        tuple(day for day in range(1, 32) if matches(day, (before_first + day) % 7)) for before_first in range(7)
    )


def _refuse_never(matching: _MonthDays, days: tuple[int, ...], months: tuple[int, ...], offset: int) -> None:
    if any(day <= _LONGEST[month - 1] for month in months for row in matching for day in row):
        return
    names = [_MONTHS[month - 1] for month in months]
    subject = f"{', '.join(names[:-1])} and {names[-1]} have" if names[1:] else f"{names[0]} has"
    day = "30th" if days[0] == 30 else "31st"  # every month has the 29th at times
    raise CronError(f"never fires: {subject} no {day}; write a day that exists", offset)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    allowed: str
    names: tuple[str, ...] = ()
    """What ``low``, ``low + 1`` ... may be called."""

    @property
    def top(self) -> int:
        """The last value before they start again: 6 for days of the week, whose 7 is another 0."""
        return 6 if self.high == 7 else self.high

    def spell(self, part: range, *, like: str) -> str:
        """Write *part* as a list item, with names if *like* is a name."""
        ends = part if len(part) == 1 else (part[0], part[-1])
        return "-".join(self.names[value - self.low] if like.isalpha() else str(value) for value in ends)


_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    _Field("minute", 0, 59, "0-59"),
    _Field("hour", 0, 23, "0-23"),
    _Field("day of month", 1, 31, "1-31"),
    _Field("month", 1, 12, "1-12 and jan-dec", tuple(name[:3].lower() for name in _MONTHS)),
    _Field("day of week", 0, 7, "0-7 (0 and 7 are Sunday) and sun-sat", _WEEKDAYS),
)
_WORD = re.compile(r"\S+")
_NUMBER = re.compile(r"[0-9]{1,9}")
# A letter of the other dialects stands alone or beside a number (L, 15W, H(0-29)), or after a weekday (friL).
_DIALECT = re.compile(r"[?#]|(?<![a-z])(?:LW|[LWH])(?![a-z])|(?<=\b[a-z]{3})L\b", re.IGNORECASE)

_Word = tuple[str, int]
"""A part of the expression and its offset."""


def _split(text: str) -> list[_Word]:
    """Return the five fields; those of a nickname have the nickname's offset."""
    words = [(match.group(), match.start()) for match in _WORD.finditer(text)]
    if words and words[0][0].startswith("@"):
        return [(word, words[0][1]) for word in _expand(text.strip(), words[0][1]).split()]
    if len(words) > len(_FIELDS):
        raise CronError(
            f"has {len(words)} fields, and a field for seconds or years is not supported yet; write five: {_ORDER}",
            words[len(_FIELDS)][1],
        )
    if len(words) < len(_FIELDS):
        count = "1 field" if len(words) == 1 else f"{len(words)} fields"
        raise CronError(f"has {count} instead of five: {_ORDER}", len(text.rstrip()))
    return words


def _starred(*words: _Word) -> bool:
    return any(text.startswith("*") for text, _ in words)


def _expand(nickname: str, offset: int) -> str:
    name = nickname.lower()
    if name == "@reboot":
        raise CronError('"@reboot" is not supported yet; write five fields, or a nickname such as @daily', offset)
    if name not in _NICKNAMES:
        hint = _did_you_mean(name, tuple(_NICKNAMES))
        raise CronError(f'"{nickname}" is not a nickname; there are {", ".join(_NICKNAMES)}{hint}', offset)
    return _NICKNAMES[name]


def _read_field(kind: _Field, text: str, offset: int) -> tuple[int, ...]:
    values: set[int] = set()
    items = text.split(",")
    for item in items:
        if not item:
            instead = ",".join(filter(None, items)) or "*"
            raise CronError(f'"{text}" has an empty item in its list; write "{instead}"', offset)
        values.update(_read_item(kind, item, offset))
        offset += len(item) + 1
    return tuple(sorted(values))


def _read_item(kind: _Field, item: str, offset: int) -> range:
    _refuse_dialect(kind, item, offset)
    span, slash, step = item.partition("/")
    by = _read_step(span, step, offset + len(span) + 1) if slash else 1
    if span == "*":
        return range(kind.low, kind.high + 1, by)
    if "*" in span:
        raise CronError(f'"{span}" mixes "*" with something else; write "*" alone, or "*/5" for every fifth', offset)
    first, dash, last = span.partition("-")
    low = _read_value(kind, first, offset)
    if slash and not dash:
        raise CronError(f'"{item}" has a step without a range; write "{_opened(kind, first, low, step)}"', offset)
    high = _read_value(kind, last, offset + len(first) + 1) if dash else low
    if low > high:
        raise CronError(f'"{item}" is a reversed range; write "{_unreversed(kind, first, low, high, by)}"', offset)
    return range(low, high + 1, by)


def _refuse_dialect(kind: _Field, item: str, offset: int) -> None:
    found = _DIALECT.search(item)
    if found is not None:
        allowed = f'the {kind.name} allows {kind.allowed}, ranges, lists, steps and "*"'
        raise CronError(f'"{found.group()}" is not supported yet; {allowed}', offset + found.start())


def _read_step(span: str, step: str, offset: int) -> int:
    if _NUMBER.fullmatch(step) and int(step) > 0:
        return int(step)
    digits = _NUMBER.match(step.lstrip("0"))
    instead = f"{span}/{digits.group() if digits else 2}"
    raise CronError(f'"{step}" is not a step, which is a whole number from 1 on; write for example "{instead}"', offset)


def _read_value(kind: _Field, text: str, offset: int) -> int:
    name = text.lower()
    if not name:
        raise CronError(f"a range misses its beginning or end; write both, each one of {kind.allowed}", offset)
    if name in kind.names:
        return kind.low + kind.names.index(name)
    if _NUMBER.fullmatch(text) and kind.low <= int(text) <= kind.high:
        return int(text)
    raise CronError(f'"{text}" is not a valid {kind.name}; allowed are {kind.allowed}{_hint(kind, name)}', offset)


def _hint(kind: _Field, name: str) -> str:
    for other in _FIELDS:
        if other is not kind and name in other.names:
            return f"; a {other.name} belongs in another field, since the order is {_ORDER}"
    return _did_you_mean(name[:4], kind.names)  # four letters are enough for "wednesday" to be close to "wed"


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    return "".join(f'; did you mean "{name}"?' for name in get_close_matches(word, known, n=1))


def _opened(kind: _Field, first: str, low: int, step: str) -> str:
    """Return what other dialects mean by a step after a single value: from there to the field's end."""
    rest = range(low if low <= kind.top else kind.low, kind.top + 1)
    return kind.spell(rest, like=first) + (f"/{step}" if len(rest) > 1 else "")


def _unreversed(kind: _Field, first: str, low: int, high: int, by: int) -> str:
    """Return what the author of a reversed range means by it: to the field's end, and on from its beginning."""
    parts = [part for part in (range(low, kind.top + 1), range(kind.low, high + 1)) if part]
    if by > 1:
        parts = [range(value, value + 1) for value in [*chain(*parts)][::by]]
    return ",".join(kind.spell(part, like=first) for part in parts)
