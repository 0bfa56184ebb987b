"""Why a cron expression fires at a time of the clock, or does not: field by field."""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from schedsync.specs.cron.days import matching
from schedsync.specs.cron.expression import CronExpression
from schedsync.specs.cron.fields import Fields
from schedsync.specs.cron.local_day import stretches
from schedsync.specs.why.said import Said, Span
from schedsync.specs.words import cron_in_words

_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MOST = 8


def why_cron(expression: CronExpression, zone: ZoneInfo, span: Span, slot: datetime | None) -> list[Said]:
    """Return why there is a slot in *span*, or why there is none.

    Args:
        expression: what says it.
        zone: by whose clocks.
        span: a minute, or a second.
        slot: the first one in it (UTC); None: there is none.
    """
    words = cron_in_words(expression.text, job_id=expression.job_id)
    there = (span.start if slot is None else slot).astimezone(zone)
    wrong = list(_mismatches(expression.fields, there, span))
    changed = len(stretches(there.date(), zone)) > 1
    if slot is not None and wrong:
        return [Said("cron", f'"{expression.text}" means {words}'), Said("cron", _after_gap(there))]
    if slot is not None:
        return [Said("cron", f'"{expression.text}" means {words}')]
    if wrong:
        return wrong
    if changed:
        return [Said("cron", _second_pass(there))]
    return [Said("cron", f'"{expression.text}" means {words}')]  # pragma: no cover - a slot without a mismatch is one


def _after_gap(there: datetime) -> str:
    return (
        f"clocks are put forward on {there:%Y-%m-%d} and skip the time that it says; a fixed time fires right after"
        f" that, at {there:%H:%M:%S}"
    )


def _second_pass(there: datetime) -> str:
    return (
        f"clocks are put back on {there:%Y-%m-%d}, and {there:%H:%M:%S} comes twice; a fixed time fires in the first"
        " pass, and this is the second"
    )


def _mismatches(fields: Fields, there: datetime, span: Span) -> Iterator[Said]:
    """Yield what each field says that does not have the time of the clock."""
    one_second = (span.end - span.start).total_seconds() <= 1
    parts = (
        ("second", there.second, fields.seconds, one_second),
        ("minute", there.minute, fields.minutes, True),
        ("hour", there.hour, fields.hours, True),
        ("month", there.month, fields.months, True),
    )
    for name, value, allowed, counts in parts:
        if counts and value not in allowed:
            yield Said(f"cron.{name}", f"the {name} is {value}, and it is to be {_either(allowed)}")
    yield from _day(fields, there)


def _day(fields: Fields, there: datetime) -> Iterator[Said]:
    first, length = monthrange(there.year, there.month)
    days = matching(fields.days, (first + 1) % 7, length)
    if there.day in days:
        return
    weekday = _WEEKDAYS[there.isoweekday() % 7]
    found = f"{there:%Y-%m-%d} is a {weekday}"
    if not days:
        yield Said("cron.day", f"{found}, and no day of this month is one that it names")
    else:
        yield Said("cron.day", f"{found}, and in this month it is to be day {_either(days)}")


def _either(values: Sequence[int]) -> str:
    if len(values) > _MOST:
        first, last = ", ".join(map(str, values[: _MOST - 1])), values[-1]
        return f"{first} ... {last}"
    names = [str(value) for value in values]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
