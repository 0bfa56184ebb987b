"""Days that surprise: two fields for them that both say something, and days that not each month has."""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence

from schedsync.lint.expression import DAY, WEEKDAY, Written
from schedsync.lint.finding import Finding, Looked, Rule
from schedsync.specs.cron.days import Days
from schedsync.specs.cron.errors import CronError
from schedsync.specs.cron.fields import MONTH_NAMES, WEEKDAY_NAMES, read
from schedsync.specs.recurrence import LAST
from schedsync.specs.triggers import CalendarTrigger
from schedsync.specs.words import cron_in_words

_LEAP, _COMMON = 2024, 2026
_ALL_WEEKDAYS, _ALL_DAYS = 7, 31


def either_day(looked: Looked, cron: Written) -> Iterator[Finding]:
    """Find ``13 * fri``: the 13th, and each Friday."""
    days = cron.fields.days
    if days.of_month.starred or days.of_week.starred or not _both_restricted(cron):
        return
    month, week = cron.words[DAY], cron.words[WEEKDAY]
    if not _has_days(cron, looked.spec.id):
        alone = cron.with_word(DAY, "*")
        yield looked.finding(
            Rule.EITHER_DAY,
            "cron",
            f'"{month.text}" and "{week.text}" both say on which days, and none of the months has "{month.text}"; write'
            f' "{alone}", which fires at the same times',
            found=month.text,
            expected=alone,
            offset=month.offset,
        )
        return
    nth = _nth(days)
    expected = None if nth is None else Written.read(cron.with_word(DAY, "*"), job_id="").with_word(WEEKDAY, nth)
    both = _with_only(cron) if expected is None else f'"{expected}"'
    yield looked.finding(
        Rule.EITHER_DAY,
        "cron",
        f'"{month.text}" and "{week.text}" both say on which days, and it fires on a day that is in either of them;'
        f" write {both} if it has to be in both, or {_list(cron)} to say that either will do",
        found=month.text,
        expected=expected,
        offset=month.offset,
    )


def both_days(looked: Looked, cron: Written) -> Iterator[Finding]:
    """Find ``*/2 * fri``: a day has to be in both, since one begins with ``*``."""
    days = cron.fields.days
    if not (days.of_month.starred or days.of_week.starred) or not _both_restricted(cron):
        return
    starred = cron.words[DAY if days.of_month.starred else WEEKDAY]
    yield looked.finding(
        Rule.BOTH_DAYS,
        "cron",
        f'"{starred.text}" begins with "*", so that a day has to be in both fields: {_on(cron, looked.spec.id)}; write'
        f" {_with_only(cron)} to say so, {_list(cron)} if either will do, or calendar: {{weeks: 2, day: ...}} for every"
        " other week",
        found=starred.text,
        offset=starred.offset,
    )


def missing_days(looked: Looked, cron: Written) -> Iterator[Finding]:
    """Find ``31``, which seven months have; who writes ``28-31`` or ``29-31 * mon`` knows."""
    for item in cron.words[DAY].items:
        if not item.text.isdigit() or (without := _without(int(item.text), cron.fields.months)) is None:
            continue
        word = cron.words[DAY].text
        expected = cron.with_word(DAY, ",".join("L" if part == item.text else part for part in word.split(",")))
        yield looked.finding(
            Rule.MISSING_DAYS,
            "cron",
            f'{without} no day {item.text}, and it does not fire there; write "{expected}" for the last day of each'
            " month",
            found=item.text,
            expected=expected,
            offset=item.offset,
        )


def missing_days_by_calendar(looked: Looked, trigger: CalendarTrigger) -> Iterator[Finding]:
    """Find the same in ``calendar: {months: 1, day: 31}``."""
    day, distance = trigger.calendar.day, trigger.calendar.months
    if distance is None or not isinstance(day, int):
        return
    first = 1 if trigger.start is None else trigger.start.month
    months = sorted({(first - 1 + step * distance) % 12 + 1 for step in range(12)})
    if (without := _without(day, months)) is not None:
        yield looked.finding(
            Rule.MISSING_DAYS,
            "calendar",
            f"{without} no day {day}, and it does not fire there; write day: {LAST} for the last day of each month",
            found=str(day),
            expected=f"day: {LAST}",
        )


def _both_restricted(cron: Written) -> bool:
    days = cron.fields.days
    every_day = days.of_month.plain and len(days.of_month.numbers) == _ALL_DAYS
    return not every_day and len(days.of_week.numbers) < _ALL_WEEKDAYS


def _has_days(cron: Written, job_id: str) -> bool:
    """Whether the day of the month comes at all, without the day of the week."""
    try:
        read(cron.with_word(WEEKDAY, "*"), job_id=job_id)
    except CronError:
        return False
    return True


def _nth(days: Days) -> str | None:
    """Return ``mon#1`` for the first seven days and Monday, which many write who mean it; None for other days."""
    numbers, plain = sorted(days.of_month.numbers), days.of_month.plain
    if not plain or len(numbers) != _ALL_WEEKDAYS or numbers[-1] % 7 or numbers[-1] - numbers[0] != 6:
        return None
    if _weekdays(days) is None or len(days.of_week.numbers) != 1:
        return None
    return f"{WEEKDAY_NAMES[min(days.of_week.numbers)]}#{numbers[-1] // 7}"


def _weekdays(days: Days) -> list[str] | None:
    """Return the days of the week, Monday first; None where it is counted which one of the month."""
    if days.of_week.nth or days.of_week.last:
        return None
    return [WEEKDAY_NAMES[day % 7] for day in sorted(day or 7 for day in days.of_week.numbers)]


def _with_only(cron: Written) -> str:
    """Return what fires on days that are in both fields, and says so."""
    weekdays = _weekdays(cron.fields.days)
    only = "a calendar under only" if weekdays is None else f"only: {{weekdays: [{', '.join(weekdays)}]}}"
    return f'"{cron.with_word(WEEKDAY, "*")}" with {only}'


def _list(cron: Written) -> str:
    return f'a list of "{cron.with_word(WEEKDAY, "*")}" and "{cron.with_word(DAY, "*")}"'


def _on(cron: Written, job_id: str) -> str:
    """Return the days in words, without the times."""
    on = cron_in_words(f"0 0 {' '.join(word.text for word in cron.words[DAY:])}", job_id=job_id)
    return on.removeprefix("at 00:00, ")


def _without(day: int, months: Sequence[int]) -> str | None:
    """Return which of *months* have no such day, as the beginning of a sentence; None when all have it."""
    never = [month for month in months if monthrange(_LEAP, month)[1] < day]
    if never:
        return f"{_listed(never)} {'has' if len(never) == 1 else 'have'}"
    return "a February of 28 days has" if 2 in months and monthrange(_COMMON, 2)[1] < day else None


def _listed(months: Iterable[int]) -> str:
    names = [MONTH_NAMES[month - 1] for month in months]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
