"""The slots of schedules within a span: pure, and cheap also for many jobs and for those that fire all the time.

A day of a job that fires each second has 86,400 slots, so they are a ``range`` where they lie at one distance; what a
cron expression yields is computed once for all jobs that have it, and kept as far as there is room.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from itertools import repeat
from operator import sub

from schedsync.clock import MICROSECOND, from_micros, to_micros
from schedsync.specs.schedule import Schedule
from schedsync.specs.trigger import Trigger
from schedsync.specs.triggers import CronTrigger, EveryTrigger

Slots = Sequence[int]
"""Ascending epoch microseconds."""
DENSE = 96
"""Of a trigger with more slots in a span, jitter may be left out: nobody sees it, and it is computed for each slot."""


def slots(
    schedule: Schedule, since: datetime, until: datetime, *, job_id: str, anchor: datetime, exact: bool = False
) -> Slots:
    """Return the slots of *schedule* from *since* until before *until* (UTC).

    Args:
        schedule: any of these triggers fires the job.
        since: the beginning of the span.
        until: its end.
        job_id: what jitter and ``H`` are derived from.
        anchor: where ``every`` counts from, unless the trigger has a ``start``.
        exact: whether jitter counts also where there are more than DENSE slots.
    """
    if since >= until:
        return ()
    each = [_slots(trigger, since, until, job_id, anchor, exact=exact) for trigger in schedule]
    return each[0] if len(each) == 1 else sorted({slot for found in each for slot in found})


_MANY = 8
"""Of an array with so many times more slots than edges most are never looked at, so it is looked into as it is."""


def count_between(slots: Slots, edges: Sequence[int]) -> list[int]:
    """Return how many of *slots* lie between each two of *edges*, the first one included."""
    if len(slots) > len(edges):
        if isinstance(slots, array) and len(slots) < _MANY * len(edges):
            slots = slots.tolist()
        places = list(map(bisect_left, repeat(slots), edges))
        return list(map(sub, places[1:], places))
    counts = [0] * (len(edges) - 1)
    for slot in slots:
        if edges[0] <= slot < edges[-1]:
            counts[_last_not_behind(edges, slot)] += 1
    return counts


def _last_not_behind(edges: Sequence[int], slot: int) -> int:
    place = bisect_left(edges, slot)
    return place if edges[place] == slot else place - 1


def _slots(trigger: Trigger, since: datetime, until: datetime, job_id: str, anchor: datetime, *, exact: bool) -> Slots:
    nominal = _nominal(trigger, since - trigger.jitter, until, job_id, anchor)
    if not trigger.jitter:
        return nominal
    if len(nominal) > DENSE and not exact:
        return _nominal(trigger, since, until, job_id, anchor)
    first, end = to_micros(since), to_micros(until)
    delayed = {to_micros(trigger.delayed(from_micros(slot), job_id=job_id)) for slot in nominal}
    return sorted(slot for slot in delayed if first <= slot < end)


def _nominal(trigger: Trigger, since: datetime, until: datetime, job_id: str, anchor: datetime) -> Slots:
    if isinstance(trigger, EveryTrigger) and not (trigger.only or trigger.exclude):
        return _at_one_distance(trigger, since, until, anchor)
    if isinstance(trigger, CronTrigger):
        # The anchor says nothing to it, so jobs of one expression share what is found.
        found = _of_cron(trigger, _beginning_of_day(since), until, job_id)
        begin = bisect_left(found, to_micros(since))
        return found[begin:] if begin else found
    return trigger.nominal_between(since, until, job_id=job_id, anchor=anchor)


def _at_one_distance(trigger: EveryTrigger, since: datetime, until: datetime, anchor: datetime) -> Slots:
    first = trigger.nominal_after(since - MICROSECOND, job_id="", anchor=anchor)
    if first is None or first >= until:
        return ()
    found = range(to_micros(first), to_micros(until), trigger.every // MICROSECOND)
    if trigger.end is None:
        return found

    def is_over(slot: int) -> bool:
        return trigger.nominal_after(from_micros(slot - 1), job_id="", anchor=anchor) is None

    return found[: bisect_left(found, True, key=is_over)]


class KnownSpans:
    """What was found in spans, as far as there is room: what was not asked for the longest goes first.

    Safe to use from any thread without a lock: at worst something is looked for once more.
    """

    ROOM = 8_000_000
    """For so many slots, of 8 bytes each: two days of 10,000 jobs that fire every five minutes."""
    EACH = 64
    """What an entry takes besides its slots, in slots."""

    def __init__(self) -> None:
        self._found: dict[Hashable, array[int]] = {}
        """The one that was asked for last is the last one."""
        self.taken = 0
        """How much of the room."""

    def get(self, key: Hashable, find: Callable[[], Sequence[int]]) -> Slots:
        """Return what *find* found for *key*; it is called again when that is not kept."""
        found = self._found.pop(key, None)
        if found is None:
            found = array("q", find())
            if self._size(found) > self.ROOM:
                return found
            self.taken += self._size(found)
        self._found[key] = found
        if self.taken > self.ROOM:
            self._make_room()
        return found

    def _make_room(self) -> None:
        """Let a quarter of the room be free, so that this is not done for each span."""
        kept: list[tuple[Hashable, array[int]]] = []
        taken = 0
        for key, found in reversed(list(self._found.items())):
            if taken + self._size(found) > self.ROOM * 3 // 4:
                break
            taken += self._size(found)
            kept.append((key, found))
        self._found, self.taken = dict(reversed(kept)), taken

    def _size(self, found: "array[int]") -> int:
        return len(found) + self.EACH


_known = KnownSpans()


def _of_cron(trigger: CronTrigger, since: datetime, until: datetime, job_id: str) -> Slots:
    days = (trigger.only, trigger.exclude, trigger.shift)
    spread_by = trigger.expression(job_id).job_id
    key = (trigger.cron, spread_by, trigger.timezone, trigger.start, trigger.end, *days, since, until)
    return _known.get(key, lambda: trigger.nominal_between(since, until, job_id=spread_by, anchor=since))


def _beginning_of_day(since: datetime) -> datetime:
    """Return where the day of *since* begins: what is computed from there serves whoever asks later in the day."""
    return since.replace(hour=0, minute=0, second=0, microsecond=0)
