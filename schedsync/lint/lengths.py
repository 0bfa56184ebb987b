"""Lengths of time that do not go with how often a job fires: its timeout, and its jitter."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby, islice, pairwise

from schedsync.lint.finding import Finding, Looked, Rule
from schedsync.specs.durations import format_duration
from schedsync.specs.job import JobSpec
from schedsync.specs.policy import Overlap

_LOOKED_AT = 50
"""So many slots of a trigger say how near they lie at the nearest."""
_AHEAD, _MOST = timedelta(days=8), 12_000
"""How far several triggers are looked at: what meets each week has met by then, also where there is a slot a minute."""
_SECOND = timedelta(seconds=1)


def long_timeout(spec: JobSpec, now: datetime) -> Iterator[Finding]:
    """Find a run that may go on while slots are skipped because of it; jitter is not looked at."""
    if spec.timeout is None or spec.overlap is not Overlap.SKIP:
        return
    distance = _nearest_of_all([Looked(spec, index, now) for index in range(len(spec.schedule))])
    if distance is None or spec.timeout <= distance:
        return
    expected = format_duration(distance) if distance >= _SECOND else None
    write = "overlap: queue" if expected is None else f"a timeout of {expected} or less, or overlap: queue"
    apart = "less than 1s" if expected is None else expected
    message = (
        f"a run may take {format_duration(spec.timeout)}, and slots are {apart} apart at the nearest: when one takes"
        f" longer than that, the next slots are skipped, by overlap: skip; write {write}"
    )
    found = format_duration(spec.timeout)
    yield Finding(Rule.TIMEOUT, spec.id, ("timeout",), message, found, expected)


def long_jitter(looked: Looked) -> Iterator[Finding]:
    """Find jitter that takes slots nearer to the next one than to their own time."""
    jitter = looked.trigger.jitter
    distance = nearest(looked) if jitter else None
    if distance is None or 2 * jitter <= distance:
        return
    half = timedelta(seconds=distance.total_seconds() // 2)
    yield looked.finding(
        Rule.JITTER,
        "jitter",
        f"slots are {format_duration(distance)} apart at the nearest, and each is delayed by up to"
        f" {format_duration(jitter)}: two may come one right after the other, or in one minute; write"
        f" {format_duration(half)} or less",
        found=format_duration(jitter),
        expected=format_duration(half),
    )


def nearest(looked: Looked) -> timedelta | None:
    """Return how near the slots of a trigger lie at the nearest, without jitter; None where there are not two."""
    return min((after - before for before, after in pairwise(islice(_slots(looked), _LOOKED_AT))), default=None)


def _nearest_of_all(triggers: Sequence[Looked]) -> timedelta | None:
    """Return the same for several triggers; those that count from when the job appeared are seen by themselves."""
    fixed = [looked for looked in triggers if not looked.is_counted_from_now]
    each = [nearest(looked) for looked in triggers if looked.is_counted_from_now or len(fixed) == 1]
    if len(fixed) > 1:
        each.append(_nearest_of_any(fixed))
    return min((distance for distance in each if distance is not None), default=None)


def _nearest_of_any(triggers: Sequence[Looked]) -> timedelta | None:
    """Return how near the slots of all *triggers* together lie at the nearest in the next days."""
    until = triggers[0].now + _AHEAD
    slots = (slot for slot, _ in groupby(merge(*map(_slots, triggers))))
    distances = []
    for number, (before, after) in enumerate(pairwise(islice(slots, _MOST))):
        if number >= _LOOKED_AT and before >= until:
            break
        distances.append(after - before)
    return min(distances, default=None)


def _slots(looked: Looked) -> Iterator[datetime]:
    slot = looked.next_after(looked.now)
    while slot is not None:
        yield slot
        slot = looked.next_after(slot)
