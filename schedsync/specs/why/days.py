"""Why a calendar has a day, or has it not: which of its lists says so, or which other calendar."""

from collections.abc import Iterator
from datetime import date

from schedsync.specs.calendars import Calendar
from schedsync.specs.recurrence import WEEKDAYS


def why_in(calendar: Calendar, day: date) -> str:
    """Return why *calendar* has *day*, which it has: ``yearly 12-25 of holidays``."""
    own = next(_lists(calendar, day), None)
    if own is not None:
        return f"{own} of {called(calendar)}"
    for other in calendar.include:
        if day in other:
            return f"{why_in(other, day)}, which {called(calendar)} includes"
    return f"each day that {called(calendar)} does not exclude"


def why_not_in(calendar: Calendar, day: date) -> str:
    """Return why *calendar* has not *day*, which it has not: ``yearly 12-25 of holidays, which workdays excludes``."""
    for other in calendar.exclude:
        if day in other:
            return f"{why_in(other, day)}, which {called(calendar)} excludes"
    for other in calendar.intersect:
        if day not in other and (_would_have(calendar, day)):
            return f"{called(calendar)} has only days that {called(other)} has, too"
    return f"it is not among the days of {called(calendar)}"


def called(calendar: Calendar) -> str:
    """Return the name of a calendar, or what to say of one that is written in place."""
    return calendar.name or "the days in place"


def _lists(calendar: Calendar, day: date) -> Iterator[str]:
    if day in calendar.dates:
        yield f"dates {day}"
    if (day.month, day.day) in calendar.yearly:
        yield f"yearly {day:%m-%d}"
    if WEEKDAYS[day.weekday()] in calendar.weekdays:
        yield f"weekdays {WEEKDAYS[day.weekday()]}"
    for span in calendar.ranges:
        if span.first <= day <= span.last:
            yield f"ranges {span.first} to {span.last}"


def _would_have(calendar: Calendar, day: date) -> bool:
    return not calendar.lists or any(_lists(calendar, day)) or any(day in other for other in calendar.include)
