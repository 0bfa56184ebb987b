"""When a job runs, in words: for people who do not read cron."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from itertools import pairwise

from schedsync.specs.calendars import Calendar
from schedsync.specs.cron.days import MonthDays, WeekDays
from schedsync.specs.cron.fields import read
from schedsync.specs.durations import format_duration
from schedsync.specs.following import in_words as upstreams_in_words
from schedsync.specs.job import JobSpec
from schedsync.specs.recurrence import LAST, WEEKDAYS, Recurrence
from schedsync.specs.trigger import Trigger
from schedsync.specs.triggers import AtTrigger, BootTrigger, CalendarTrigger, CronTrigger, EveryTrigger
from schedsync.specs.wording import AT_BOOT

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MOST_TIMES = 6
"""Of more times of a day, hours and minutes are told apart."""


def in_words(spec: JobSpec) -> str:
    """Return when a job runs."""
    if spec.after is not None:
        return f"after {upstreams_in_words(spec.after)}".replace(" | ", ", or ")
    return "; or ".join(trigger_in_words(trigger, job_id=spec.id) for trigger in spec.schedule)


def trigger_in_words(trigger: Trigger, *, job_id: str) -> str:
    """Return when *trigger* fires for a job, with its zone and its bounds."""
    match trigger:
        case CronTrigger():
            words = f"{cron_in_words(trigger.cron, job_id=job_id)} ({trigger.timezone})"
        case BootTrigger():
            words = AT_BOOT
        case EveryTrigger():
            words = f"every {format_duration(trigger.every)}"
        case AtTrigger():
            words = f"once, {_bound(trigger.instant)}"
        case CalendarTrigger():
            words = f"{recurrence_in_words(trigger.calendar)} ({trigger.timezone})"
        case _:
            raise AssertionError(trigger)  # pragma: no cover - there are no other kinds
    start = f", from {_bound(trigger.start)}" if trigger.start is not None else ""
    end = f", until {_bound(trigger.end)}" if trigger.end is not None else ""
    days = allowed_in_words(trigger)
    jitter = f", up to {format_duration(trigger.jitter)} later" if trigger.jitter else ""
    return f"{words}{days}{start}{end}{jitter}"


def allowed_in_words(trigger: Trigger) -> str:
    """Return on which days it may fire, to be added: ``, except on holidays-de, else on the next day``."""
    only = f", only on {_either(trigger.only)}" if trigger.only else ""
    except_on = f", except on {_either(trigger.exclude)}" if trigger.exclude else ""
    moved = f", else on the {trigger.shift} day" if trigger.shift is not None else ""
    return f"{only}{except_on}{moved}"


def _either(calendars: Sequence[Calendar]) -> str:
    names = [calendar.name or "days of its own" for calendar in calendars]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _bound(bound: date) -> str:
    """Return a day, or a time with its zone where it says one, without seconds that are none."""
    if not isinstance(bound, datetime):
        return bound.isoformat()
    text = f"{bound:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
    if bound.tzinfo is None:
        return text
    return f"{text} UTC" if not bound.utcoffset() else f"{text} {bound:%z}"


def recurrence_in_words(recurrence: Recurrence) -> str:
    """Return which days those are, and when: ``every 2 weeks on Monday at 06:00``."""
    at = f"at {recurrence.time:%H:%M:%S}".removesuffix(":00")
    if recurrence.months is not None:
        day = "the last day" if recurrence.day == LAST else f"day {recurrence.day}"
        return f"{_every(recurrence.months, 'month')} on {day} {at}"
    if recurrence.weeks is not None:
        day = _DAYS[(WEEKDAYS.index(str(recurrence.day)) + 1) % 7]
        return f"{_every(recurrence.weeks, 'week')} on {day} {at}"
    return f"{_every(recurrence.days or 1, 'day')} {at}"


def _every(distance: int, unit: str) -> str:
    return f"each {unit}" if distance == 1 else f"every {distance} {unit}s"


def cron_in_words(text: str, *, job_id: str = "") -> str:
    """Return what a valid cron expression means for a job: ``at 02:30, Monday to Friday``."""
    fields = read(text, job_id=job_id)
    times, repeats = _times_with_seconds(fields.seconds, fields.minutes, fields.hours)
    on = _on(fields.days.of_month, fields.days.of_week)
    within = f"in {_listed(_runs(fields.months, _month))}" if len(fields.months) < 12 else ""
    daily = "" if on or repeats else " each day"
    return ", ".join(part for part in (f"{times}{daily}", on, within) if part)


def _times_with_seconds(seconds: Sequence[int], minutes: Sequence[int], hours: Sequence[int]) -> tuple[str, bool]:
    if len(seconds) == len(minutes) == len(hours) == 1 and seconds[0]:
        return f"at {hours[0]:02}:{minutes[0]:02}:{seconds[0]:02}", False
    times, repeats = _times(minutes, hours)
    step = _step(seconds, 60)
    each = "each second" if step == 1 else f"every {step} seconds"
    if seconds == (0,):
        return times, repeats
    if times == "every minute" and step is not None:
        return each, True
    if step is not None:
        return f"{each}, {times}", repeats
    return f"{times}, {_listed([f'{second} s' for second in seconds])} past the minute", repeats


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


def _on(of_month: MonthDays, of_week: WeekDays) -> str:
    plain_days = [] if len(of_month.numbers) in {0, 31} else [f"on {_month_days(sorted(of_month.numbers))}"]
    days = [*plain_days, *_from_the_end(of_month)]
    plain_weekdays = "" if len(of_week.numbers) in {0, 7} else _listed(_weekdays(sorted(of_week.numbers)))
    counted = _counted(of_week)
    month = _listed(days) if days else ""
    week = plain_weekdays if not counted else f"on {_listed([*([plain_weekdays] if plain_weekdays else []), *counted])}"
    starred = of_month.starred or of_week.starred
    if not starred and (len(of_month.numbers) == 31 or len(of_week.numbers) == 7):
        return ""  # either field is enough, and one of them has each day
    if not (month and week):
        return month or week
    if starred:  # then a day has to be in both fields
        return f"{month} if that is {week.removeprefix('on ')}"
    return f"{month} and {week if counted else f'each {week}'}"


def _from_the_end(said: MonthDays) -> list[str]:
    last = "the last day of the month"
    workday = "day from Monday to Friday"
    before = [f"{_days(number)} before {last}" for number in sorted(said.before_last - {0})]
    return [
        *([f"on {last}"] if 0 in said.before_last else []),
        *before,
        *(f"on the {workday} nearest to day {day} of the month" for day in sorted(said.nearest)),
        *([f"on the last {workday} of the month"] if said.last_workday else []),
    ]


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _counted(said: WeekDays) -> list[str]:
    nth = [f"the {_ordinal(which)} {_DAYS[day]} of the month" for day, which in sorted(said.nth)]
    return [*nth, *(f"the last {_DAYS[day]} of the month" for day in sorted(said.last))]


def _weekdays(weekdays: Sequence[int]) -> list[str]:
    return _runs(_from_monday(weekdays), lambda day: _DAYS[day % 7])


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
