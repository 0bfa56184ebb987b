"""When a job runs, in a few words, for tables."""

from schedsync.clock import rfc3339
from schedsync.specs.durations import format_duration
from schedsync.specs.following import in_words
from schedsync.specs.job import JobSpec
from schedsync.specs.trigger import Trigger
from schedsync.specs.triggers import AtTrigger, BootTrigger, CalendarTrigger, CronTrigger, EveryTrigger
from schedsync.specs.words import allowed_in_words, recurrence_in_words

_MOST = 20_000
_known: dict[int, tuple[JobSpec, str]] = {}
"""What was said of specs, by the objects that they are: lists ask again each time that one of their jobs has run."""


def in_short(spec: JobSpec) -> str:
    """Return the schedule of a job on one line, with the time zone where it is not UTC; or what it runs after."""
    known = _known.get(id(spec))
    if known is not None and known[0] is spec:
        return known[1]
    if len(_known) >= _MOST:
        _known.clear()
    text = _in_short(spec)
    _known[id(spec)] = spec, text
    return text


def _in_short(spec: JobSpec) -> str:
    if spec.after is not None:
        return f"after {in_words(spec.after)}"
    return " | ".join(trigger_in_short(trigger) for trigger in spec.schedule)


def trigger_in_short(trigger: Trigger) -> str:
    """Return one of its triggers so."""
    return f"{_without_days(trigger)}{allowed_in_words(trigger)}"


def _without_days(trigger: Trigger) -> str:
    zone = "" if trigger.timezone == "UTC" else f" {trigger.timezone}"
    match trigger:
        case CronTrigger():
            return f"{trigger.cron}{zone}"
        case BootTrigger():
            return trigger.cron
        case EveryTrigger():
            return f"every {format_duration(trigger.every)}"
        case AtTrigger():
            return f"at {rfc3339(trigger.instant)}"
        case CalendarTrigger():
            return f"{recurrence_in_words(trigger.calendar)}{zone}"
    raise AssertionError(trigger)  # pragma: no cover - there are no other kinds
