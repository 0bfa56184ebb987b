"""When a job fires: a trigger or a list of them, and the next instant that any of them yields."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated

from pydantic import BeforeValidator, Field

from schedsync.specs.base import OneOrMore
from schedsync.specs.trigger import Trigger
from schedsync.specs.triggers import AnyTrigger


def _as_list(value: object) -> object:
    return [value] if isinstance(value, dict | Trigger) else value


Schedule = Annotated[tuple[AnyTrigger, ...], BeforeValidator(_as_list), Field(min_length=1), OneOrMore()]
"""One trigger, or a list of which any may fire."""


def next_fire(schedule: Schedule, after: datetime, *, job_id: str, anchor: datetime) -> datetime | None:
    """Return the first slot of *schedule* strictly after *after* (UTC), or None when there is none left.

    Args:
        schedule: any of these triggers fires the job.
        after: an aware instant.
        job_id: what jitter is derived from.
        anchor: where ``every`` counts from, unless the trigger has a ``start``.
    """
    slots = (trigger.next_after(after, job_id=job_id, anchor=anchor) for trigger in schedule)
    return min((slot for slot in slots if slot is not None), default=None)


def next_at_boot(schedule: Schedule, after: datetime, *, boot: datetime, job_id: str) -> datetime | None:
    """Return the first slot strictly after *after* that a start of the service makes, or None when there is none left.

    Args:
        schedule: of its triggers, those that fire at a boot.
        after: an aware instant.
        boot: when the service started (UTC).
        job_id: what jitter is derived from.
    """
    slots = (trigger.at_boot(boot, job_id=job_id) for trigger in schedule)
    return min((slot for slot in slots if slot is not None and slot > after), default=None)


def fires(schedule: Schedule, after: datetime, *, job_id: str, anchor: datetime) -> Iterator[datetime]:
    """Yield the slots of *schedule* strictly after *after*, in order."""
    slot = next_fire(schedule, after, job_id=job_id, anchor=anchor)
    while slot is not None:
        yield slot
        slot = next_fire(schedule, slot, job_id=job_id, anchor=anchor)


def first_fires(schedule: Schedule, after: datetime, count: int, *, job_id: str, anchor: datetime) -> list[datetime]:
    """Return up to *count* slots strictly after *after*."""
    return list(islice(fires(schedule, after, job_id=job_id, anchor=anchor), count))
