"""When a job runs, in a few words, for tables."""

from schedsync.clock import rfc3339
from schedsync.specs.durations import format_duration
from schedsync.specs.following import in_words
from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import AtTrigger, CronTrigger, EveryTrigger, Trigger


def in_short(spec: JobSpec) -> str:
    """Return the schedule of a job on one line, with the time zone where it is not UTC; or what it runs after."""
    if spec.after is not None:
        return f"after {in_words(spec.after)}"
    return " | ".join(_trigger(trigger) for trigger in spec.schedule)


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
