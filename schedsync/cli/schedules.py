"""A schedule in a few words, for tables."""

from schedsync.clock import rfc3339
from schedsync.specs.durations import format_duration
from schedsync.specs.schedule import AtTrigger, CronTrigger, EveryTrigger, Schedule, Trigger


def in_short(schedule: Schedule) -> str:
    """Return *schedule* on one line, with the time zone where it is not UTC."""
    return " | ".join(_trigger(trigger) for trigger in schedule)


def _trigger(trigger: Trigger) -> str:
    zone = "" if trigger.timezone == "UTC" else f" {trigger.timezone}"
    match trigger:
        case CronTrigger():
            return f"{trigger.cron}{zone}"
        case EveryTrigger():
            return f"every {format_duration(trigger.every)}"
        case AtTrigger():
            return f"at {rfc3339(trigger.instant)}"
    raise AssertionError(trigger)  # pragma: no cover - there are no other kinds
