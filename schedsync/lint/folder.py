"""All findings about the jobs of a folder: each rule asked of what it is about."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from schedsync.lint.clocks import clock_change, clock_change_at
from schedsync.lint.days import both_days, either_day, missing_days, missing_days_by_calendar
from schedsync.lint.expression import Written
from schedsync.lint.finding import Finding, Looked
from schedsync.lint.herd import MANY, herd
from schedsync.lint.lengths import long_jitter, long_timeout
from schedsync.lint.often import each_minute, each_second, step_of_one
from schedsync.lint.over import over
from schedsync.lint.steps import uneven_step
from schedsync.specs.job import JobSpec
from schedsync.specs.triggers import AtTrigger, CalendarTrigger, CronTrigger

_OF_EXPRESSIONS: tuple[Callable[[Looked, Written], Iterator[Finding]], ...] = (
    each_second,
    each_minute,
    step_of_one,
    uneven_step,
    either_day,
    both_days,
    missing_days,
)
_OF_TRIGGERS: tuple[Callable[[Looked], Iterator[Finding]], ...] = (clock_change, long_jitter, over)
_OF_JOBS: tuple[Callable[[JobSpec, datetime], Iterator[Finding]], ...] = (long_timeout,)


def findings(specs: Iterable[JobSpec], now: datetime, *, many: int = MANY) -> list[Finding]:
    """Return what is found, job by job, and at last what many jobs do together.

    Args:
        specs: valid jobs.
        now: what is in the past, and from where on slots are looked at (UTC).
        many: so many jobs that start in one minute are a herd.
    """
    specs = list(specs)
    each = [found for spec in specs for found in of_job(spec, now)]
    return [*each, *herd(specs, now, many)]


def of_job(spec: JobSpec, now: datetime) -> Iterator[Finding]:
    """Yield what is found about one job by itself."""
    for index in range(len(spec.schedule)):
        yield from _of_trigger(Looked(spec, index, now))
    for rule in _OF_JOBS:
        yield from rule(spec, now)


def _of_trigger(looked: Looked) -> Iterator[Finding]:
    match looked.trigger:
        case CronTrigger(cron=text):
            cron = Written.read(text, job_id=looked.spec.id)
            for about in _OF_EXPRESSIONS:
                yield from about(looked, cron)
        case CalendarTrigger() as trigger:
            yield from missing_days_by_calendar(looked, trigger)
        case AtTrigger() as trigger:
            yield from clock_change_at(looked, trigger)
    for rule in _OF_TRIGGERS:
        yield from rule(looked)
