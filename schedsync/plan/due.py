"""Slots that were due before a schedule changed: an edit fires none that was not due, and drops none that is. Pure.

Where the old schedule and the new one have the same slots up to now, as when a holiday of next year is added, those
that no instance has claimed yet are claimed as if nothing had changed. Else the job begins after now.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice, takewhile

from schedsync.clock import MICROSECOND
from schedsync.plan.ops import Plan, Update
from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import fires

_LOOKED_AT = 1_000
"""So many slots are compared at most; schedules that agree so far are taken to agree."""


def overtaken(plan: Plan, now: datetime) -> tuple[Update, ...]:
    """Return the updates of *plan* that would leave behind a slot that is due *now* (UTC)."""
    return tuple(update for update in plan.update if _overtakes(update, now))


def _overtakes(update: Update, now: datetime) -> bool:
    due = update.before.next_fire_at
    return due is not None and due <= now and update.next_fire_at != due


def keep_due(plan: Plan, live: Mapping[str, JobSpec], now: datetime) -> Plan:
    """Return *plan* with the slots that are due *now* and that the changed schedules have, too.

    Args:
        plan: what would make the store equal the folder.
        live: the live specs of the jobs that it would overtake, as far as they are known.
        now: the time (UTC).
    """
    kept = {update.before.id: _kept(update, live.get(update.before.id), now) for update in overtaken(plan, now)}
    if not kept:
        return plan
    return replace(plan, update=tuple(kept.get(update.before.id, update) for update in plan.update))


def _kept(update: Update, live: JobSpec | None, now: datetime) -> Update:
    before = update.before
    if live is None or before.next_fire_at is None:
        return update
    since = before.next_fire_at - MICROSECOND
    was, becomes = (_between(spec, since, now, before.anchor_at) for spec in (live, update.job.spec))
    # What is due and follows from no clock, such as the slot of a boot, is in neither.
    return replace(update, next_fire_at=was[0]) if was == becomes and was[:1] == [before.next_fire_at] else update


def _between(spec: JobSpec, since: datetime, now: datetime, anchor: datetime) -> list[datetime]:
    slots = fires(spec.schedule, since, job_id=spec.id, anchor=anchor)
    return list(islice(takewhile(lambda slot: slot <= now, slots), _LOOKED_AT))
