"""The slots of schedules within a day: pure, and cheap also for many jobs and for those that fire all the time.

A day of a job that fires each second has 86,400 slots, so they are a ``range`` where they lie at one distance; what a
cron expression yields is computed once for all jobs that have it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from schedsync.clock import MICROSECOND, from_micros, to_micros
from schedsync.runs.pause import Pause
from schedsync.specs.schedule import CronTrigger, EveryTrigger, Schedule, Trigger
from schedsync.store.jobs import StoredJob

Slots = Sequence[int]
"""Ascending epoch microseconds."""
DENSE = 96
"""Of a trigger with more slots in a day, jitter is left out: nobody sees it, and it would be computed for each slot."""


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


def slots(schedule: Schedule, since: datetime, until: datetime, *, job_id: str, anchor: datetime) -> Slots:
    """Return the slots of *schedule* from *since* until before *until*."""
    if since >= until:
        return ()
    each = [_slots(trigger, since, until, job_id, anchor) for trigger in schedule]
    return each[0] if len(each) == 1 else sorted({slot for found in each for slot in found})


def count_between(slots: Slots, edges: Sequence[int]) -> list[int]:
    """Return how many of *slots* lie between each two of *edges*, the first one included."""
    if len(slots) > len(edges):
        places = [bisect_left(slots, edge) for edge in edges]
        return [after - before for before, after in pairwise(places)]
    counts = [0] * (len(edges) - 1)
    for slot in slots:
        if edges[0] <= slot < edges[-1]:
            counts[_last_not_behind(edges, slot)] += 1
    return counts


def _last_not_behind(edges: Sequence[int], slot: int) -> int:
    place = bisect_left(edges, slot)
    return place if edges[place] == slot else place - 1


def _slots(trigger: Trigger, since: datetime, until: datetime, job_id: str, anchor: datetime) -> Slots:
    nominal = _nominal(trigger, since - trigger.jitter, until, anchor)
    if not trigger.jitter:
        return nominal
    if len(nominal) > DENSE:
        return _nominal(trigger, since, until, anchor)
    first, end = to_micros(since), to_micros(until)
    delayed = {to_micros(trigger.delayed(from_micros(slot), job_id=job_id)) for slot in nominal}
    return sorted(slot for slot in delayed if first <= slot < end)


def _nominal(trigger: Trigger, since: datetime, until: datetime, anchor: datetime) -> Slots:
    if isinstance(trigger, EveryTrigger):
        return _at_one_distance(trigger, since, until, anchor)
    if isinstance(trigger, CronTrigger):
        # The anchor says nothing to it, so jobs of one expression share what is found.
        found = _of_cron(_Cron(trigger), _beginning_of_day(since), until)
        return found[bisect_left(found, to_micros(since)) :]
    return _one_by_one(trigger, since, until, anchor)


def _at_one_distance(trigger: EveryTrigger, since: datetime, until: datetime, anchor: datetime) -> Slots:
    first = trigger.nominal_after(since - MICROSECOND, anchor)
    if first is None or first >= until:
        return ()
    found = range(to_micros(first), to_micros(until), trigger.every // MICROSECOND)
    if trigger.end is None:
        return found

    def is_over(slot: int) -> bool:
        return trigger.nominal_after(from_micros(slot - 1), anchor) is None

    return found[: bisect_left(found, True, key=is_over)]


class _Cron:
    """A cron trigger as a key: equal to one that fires at the same times."""

    __slots__ = ("_key", "trigger")

    def __init__(self, trigger: CronTrigger) -> None:
        self.trigger, self._key = trigger, (trigger.cron, trigger.timezone, trigger.start, trigger.end)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Cron) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=20_000)
def _of_cron(cron: _Cron, since: datetime, until: datetime) -> tuple[int, ...]:
    return tuple(_one_by_one(cron.trigger, since, until, since))


def _one_by_one(trigger: Trigger, since: datetime, until: datetime, anchor: datetime) -> list[int]:
    found: list[int] = []
    slot = trigger.nominal_after(since - MICROSECOND, anchor)
    while slot is not None and slot < until:
        found.append(to_micros(slot))
        slot = trigger.nominal_after(slot, anchor)
    return found


def _beginning_of_day(since: datetime) -> datetime:
    """Return where the day of *since* begins: what is computed from there serves whoever asks later in the day."""
    return since.replace(hour=0, minute=0, second=0, microsecond=0)
