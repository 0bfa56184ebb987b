"""The slots at which live jobs will start. Pure."""

from collections.abc import Iterable
from datetime import datetime

from schedsync.runs.pause import Pause
from schedsync.specs.schedule import first_fires
from schedsync.specs.slots import Slots, slots
from schedsync.store.jobs import StoredJob


def next_slots(job: StoredJob, now: datetime, count: int) -> list[datetime]:
    """Return the next *count* slots (UTC) by the schedule of *job*, also of one that is paused or suspended."""
    if job.spec is None:
        return []
    return first_fires(job.spec.schedule, now, count, job_id=job.observed.id, anchor=job.observed.anchor_at)


def coming(job: StoredJob, pauses: Iterable[Pause], since: datetime, until: datetime) -> Slots:
    """Return the slots from *since* until before *until* at which *job* will start, as far as one knows.

    Args:
        job: a live job; one whose spec is not known has none.
        pauses: those that concern it.
        since: not in the past (UTC).
        until: the end of the span (UTC).
    """
    observed, spec = job.observed, job.spec
    if spec is None or observed.next_fire_at is None or observed.suspended:
        return ()
    since = max(since, observed.next_fire_at)
    for pause in pauses:
        since = until if pause.until is None else max(since, pause.until)
    return slots(spec.schedule, since, until, job_id=observed.id, anchor=observed.anchor_at)
