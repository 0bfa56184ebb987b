"""The days of an iCalendar file (RFC 5545), such as holidays that somebody publishes. No I/O.

Read by ``icalendar``, which the extra ``ical`` brings. What strangers publish must not keep the folder from being read,
so all that repeats is counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from schedsync.sources.repetition import Repetition, Spend

FIRST_YEAR, LAST_YEAR = 1970, 2060
"""Up to its end events are repeated that have no end, unless they come on one day each year."""
_MOST = 20_000
"""Days; a calendar has fewer, and an event that repeats each second would fill the memory."""
_MOST_LOOKS = 1_000_000
"""Days that are looked at for one file, most of them within rules: a few seconds."""
_BEGIN = b"BEGIN:VEVENT"
_DAY = timedelta(days=1)


class MissingLibraryError(ValueError):
    """iCalendar files cannot be read here."""


@dataclass(frozen=True, slots=True)
class Days:
    """What an iCalendar file says."""

    dates: frozenset[date]
    yearly: frozenset[tuple[int, int]]
    """Month and day of what comes each year."""


def days_in(data: bytes) -> Days:
    """Return the days on which the events in *data* are: all that they touch, by the clock they are written for.

    Events that are cancelled are left out. What a year's first events before they began would have been is not told
    apart: an event of each year counts for years before its first one, too.

    Raises:
        ValueError: it cannot be read; the message says why.
        MissingLibraryError: no such file can.
    """
    try:
        import icalendar  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingLibraryError("reading iCalendar files needs `pip install icalendar`") from None
    try:
        calendars = icalendar.Calendar.from_ical(data, multiple=True)
        return _days([event for calendar in calendars for event in calendar.walk("VEVENT")], data)
    except Exception as error:  # the boundary to a library that reads what strangers publish
        raise ValueError(f"it is no iCalendar file that can be read: {error}") from None


def _place(data: bytes, number: int, count: int) -> str:
    """Return where the event of this *number* is, of so many: on which line it begins, where that is certain."""
    lines = [line for line, text in enumerate(data.split(b"\n"), 1) if text.strip().upper() == _BEGIN]
    return f"the event on line {lines[number]}" if len(lines) == count else f"event {number + 1}"


class _Gathered:
    """The days of the events so far."""

    def __init__(self, replaced: dict[str, set[date]]) -> None:
        self._replaced = replaced
        self._looks = _MOST_LOOKS
        self.dates: set[date] = set()
        self.yearly: set[tuple[int, int]] = set()

    def add(self, event: Any) -> None:
        """Add the days of *event*.

        Raises:
            ValueError: these are too many days, or too many to look at.
        """
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            return
        first, length = _date(event["DTSTART"].dt), _length(event)
        moved = self._replaced.get(str(event.get("UID")), set())
        if _is_yearly(event) and length == 1 and not moved:
            self.yearly.add((first.month, first.day))
            return
        if length > _MOST:
            raise ValueError(f"it has more than {_MOST:,} days")
        without = {*_listed(event, "EXDATE")}
        for begin in _beginnings(event, first, self._spend):
            self._spend(length)
            if begin not in without and ("RECURRENCE-ID" in event or begin not in moved):
                self.dates |= {begin + number * _DAY for number in range(length)}
            if len(self.dates) > _MOST:
                raise ValueError(f"it has more than {_MOST:,} days")

    def _spend(self, looks: int) -> None:
        self._looks -= looks
        if self._looks < 0:
            raise ValueError(f"up to here more than {_MOST_LOOKS:,} days are looked at; end rules earlier (UNTIL)")


def _days(events: list[Any], data: bytes) -> Days:
    gathered = _Gathered(_replaced(events))
    for number, event in enumerate(events):
        try:
            gathered.add(event)
        except Exception as error:  # likewise
            raise ValueError(f"{_place(data, number, len(events))}: {error}") from None
    dates = frozenset(day for day in gathered.dates if FIRST_YEAR <= day.year <= LAST_YEAR)
    return Days(dates, frozenset(gathered.yearly))


def _replaced(events: list[Any]) -> dict[str, set[date]]:
    """Return the days of the occurrences that stand for themselves, by the event that is repeated."""
    starts = {str(event.get("UID")): event["DTSTART"].dt for event in events if "RECURRENCE-ID" not in event}
    replaced: dict[str, set[date]] = {}
    for event in events:
        if "RECURRENCE-ID" in event:
            uid, moment = str(event.get("UID")), event["RECURRENCE-ID"].dt
            replaced.setdefault(uid, set()).add(_day(moment, starts.get(uid, moment)))
    return replaced


def _date(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _length(event: Any) -> int:
    """Return how many days one occurrence touches."""
    start = event["DTSTART"].dt
    if "DTEND" in event:
        end = event["DTEND"].dt
    elif "DURATION" in event:
        end = start + event["DURATION"].dt
    else:
        return 1
    if end > start and not (isinstance(end, datetime) and (end.hour or end.minute or end.second)):
        end -= _DAY  # an end is outside, so one at midnight does not touch the day that begins there
    return max((_date(end) - _date(start)).days + 1, 1)


def _is_yearly(event: Any) -> bool:
    """Whether it comes on one day of each year, without an end or an exception."""
    rule = event.get("RRULE")
    if rule is None or isinstance(rule, list) or "EXDATE" in event or "RDATE" in event:
        return False
    parts = {key.upper(): value for key, value in rule.items()}
    return parts.pop("FREQ", None) == ["YEARLY"] and parts.pop("INTERVAL", [1]) == [1] and not parts


def _beginnings(event: Any, first: date, spend: Spend) -> Iterator[date]:
    yield first
    yield from _listed(event, "RDATE")
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        # An end is the day that it is where the event begins.
        end = min([_day(until, event["DTSTART"].dt) for until in rule.get("UNTIL", [])] + [date(LAST_YEAR, 12, 31)])
        yield from Repetition.read(rule.to_ical().decode(), first).days(first, end, spend)


def _day(moment: date, start: date) -> date:
    """Return the day of *moment*, by the clock that the beginning of its event is written for."""
    if isinstance(moment, datetime) and moment.tzinfo and isinstance(start, datetime) and start.tzinfo:
        moment = moment.astimezone(start.tzinfo)
    return _date(moment)


def _listed(event: Any, name: str) -> Iterator[date]:
    found = event.get(name, [])
    for each in found if isinstance(found, list) else [found]:
        for entry in each.dts:
            yield _day(entry.dt if not isinstance(entry.dt, tuple) else entry.dt[0], event["DTSTART"].dt)
