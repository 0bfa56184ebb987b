"""When a job runs, in words: for people who do not read cron."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from itertools import pairwise

from schedsync.specs.cron import fields_of
from schedsync.specs.durations import format_duration
from schedsync.specs.following import After
from schedsync.specs.following import in_words as upstreams_in_words
from schedsync.specs.schedule import AtTrigger, CronTrigger, EveryTrigger, Schedule, Trigger

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MOST_TIMES = 6
"""Of more times of a day, hours and minutes are told apart."""


def in_words(schedule: Schedule, after: After | None = None) -> str:
    """Return when a job with *schedule*, or one that runs *after* others, runs."""
    if after is not None:
        return f"after {upstreams_in_words(after)}".replace(" | ", ", or ")
    return "; or ".join(trigger_in_words(trigger) for trigger in schedule)


def trigger_in_words(trigger: Trigger) -> str:
    """Return when *trigger* fires, with its zone and its bounds."""
    match trigger:
        case CronTrigger():
            words = f"{cron_in_words(trigger.cron)} ({trigger.timezone})"
        case EveryTrigger():
            words = f"every {format_duration(trigger.every)}"
        case AtTrigger():
            words = f"once, {_bound(trigger.instant)}"
        case _:
            raise AssertionError(trigger)  # pragma: no cover - there are no other kinds
    start = f", from {_bound(trigger.start)}" if trigger.start is not None else ""
    end = f", until {_bound(trigger.end)}" if trigger.end is not None else ""
    jitter = f", up to {format_duration(trigger.jitter)} later" if trigger.jitter else ""
    return f"{words}{start}{end}{jitter}"


def _bound(bound: date) -> str:
    """Return a day, or a time with its zone where it says one, without seconds that are none."""
    if not isinstance(bound, datetime):
        return bound.isoformat()
    text = f"{bound:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
    if bound.tzinfo is None:
        return text
    return f"{text} UTC" if not bound.utcoffset() else f"{text} {bound:%z}"


def cron_in_words(text: str) -> str:
    """Return what a valid cron expression means: ``at 02:30, Monday to Friday``."""
    (_, minutes), (_, hours), (day_text, days), (_, months), (weekday_text, weekdays) = fields_of(text)
    times, repeats = _times(minutes, hours)
    both = day_text.startswith("*") or weekday_text.startswith("*")  # then a day has to be in both fields
    on = _on(days, weekdays, both=both)
    within = f"in {_listed(_runs(months, _month))}" if len(months) < 12 else ""
    daily = "" if on or repeats else " each day"
    return ", ".join(part for part in (f"{times}{daily}", on, within) if part)


def _times(minutes: Sequence[int], hours: Sequence[int]) -> tuple[str, bool]:
    """Return the times of a day, and whether the words say already that they come again and again."""
    step, hour_step = _step(minutes, 60), _step(hours, 24)
    if step is not None:
        return f"every {'minute' if step == 1 else f'{step} minutes'}{_within(hours)}", True
    past = _listed([f":{minute:02}" for minute in minutes])
    if hour_step is not None and hour_step < 12:
        return f"{'each hour' if hour_step == 1 else f'every {hour_step} hours'} at {past}", True
    if len(minutes) * len(hours) <= _MOST_TIMES:
        return f"at {_listed([f'{hour:02}:{minute:02}' for hour in hours for minute in minutes])}", False
    return f"at {past}{_within(hours)}", False


def _within(hours: Sequence[int]) -> str:
    if len(hours) == 24:
        return ""
    if len(hours) == hours[-1] - hours[0] + 1:
        return f" from {hours[0]:02}:00 to {hours[-1]:02}:59"
    return f" of the hours {_listed(_runs(hours, str))}"


def _on(days: Sequence[int], weekdays: Sequence[int], *, both: bool) -> str:
    of_month = "" if len(days) == 31 else f"on {_month_days(days)}"
    of_week = "" if len(weekdays) == 7 else _listed(_runs(_from_monday(weekdays), lambda day: _DAYS[day % 7]))
    if not (of_month and of_week):
        return of_month or of_week
    return f"{of_month} if that is {of_week}" if both else f"{of_month} and each {of_week}"


def _month_days(days: Sequence[int]) -> str:
    every = len(days) > 3 and _progression(days)
    if every and every > 1:
        return f"every {_ordinal(every)} day of the month from the {_ordinal(days[0])}"
    return f"{'day' if len(days) == 1 else 'days'} {_listed(_runs(days, str))} of the month"


def _from_monday(weekdays: Sequence[int]) -> list[int]:
    """Return *weekdays* with Sunday as the seventh."""
    return sorted(day or 7 for day in weekdays)


def _step(values: Sequence[int], size: int) -> int | None:
    """Return the distance of values that go evenly through all of *size*, from 0 on."""
    step = size // len(values)
    return step if len(values) > 1 and list(values) == list(range(0, size, step)) else None


def _progression(values: Sequence[int]) -> int | None:
    distances = {after - before for before, after in pairwise(values)}
    return distances.pop() if len(distances) == 1 else None


def _runs(values: Sequence[int], name: Callable[[int], str]) -> list[str]:
    """Return the names of *values*, three or more in a row as a range."""
    found: list[list[int]] = []
    for value in values:
        if found and value == found[-1][-1] + 1:
            found[-1].append(value)
        else:
            found.append([value])
    names: list[str] = []
    for run in found:
        names += [f"{name(run[0])} to {name(run[-1])}"] if len(run) > 2 else [name(value) for value in run]
    return names


def _month(number: int) -> str:
    return _MONTHS[number - 1]


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
