"""Jobs that all start in the same minute, where nobody has asked them to."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from schedsync.clock import from_micros
from schedsync.lint.expression import MINUTE, Written
from schedsync.lint.finding import Finding, Looked, Rule
from schedsync.lint.lengths import nearest
from schedsync.specs.cron.fields import spreads
from schedsync.specs.durations import format_duration
from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import Schedule
from schedsync.specs.slots import slots
from schedsync.specs.trigger import Trigger
from schedsync.specs.triggers import TRIGGER_KEYS, CalendarTrigger, CronTrigger, EveryTrigger

MANY = 10
"""So many jobs of one minute are a herd, unless a person says otherwise."""
AHEAD = timedelta(days=7)
"""What is looked at: each day of the week once."""
_MINUTE = 60_000_000
_JITTER = timedelta(minutes=10)

_Kind = tuple[Schedule, str]
"""Triggers of fixed minutes, and the job whose they are if its id matters: jobs of a kind start alike."""


def herd(specs: Iterable[JobSpec], now: datetime, many: int = MANY) -> Iterator[Finding]:
    """Find minutes of the next seven days in which *many* jobs or more start, and say how each of them is spread.

    What is spread already is left alone: what has jitter, an ``H`` for minutes, or an ``every`` that counts from when
    the job appeared. So is what fires each minute, which no other minute is better for. Suspended jobs start nothing.
    """
    kinds = _kinds(specs)
    minutes = {kind: _minutes(kind, now) for kind in kinds}
    crowds = Counter[int]()
    for kind, jobs in kinds.items():
        for minute in set[int]().union(*minutes[kind]):
            crowds[minute] += len(jobs)
    for kind, jobs in kinds.items():
        for trigger, own in zip(kind[0], minutes[kind], strict=True):
            worst = max(own, key=lambda minute: (crowds[minute], -minute), default=None)
            if worst is not None and crowds[worst] >= many:
                each = [Looked(spec, spec.schedule.index(trigger), now) for spec in jobs]
                yield from _findings(each, from_micros(worst * _MINUTE), crowds[worst])


def _kinds(specs: Iterable[JobSpec]) -> dict[_Kind, list[JobSpec]]:
    kinds: dict[_Kind, list[JobSpec]] = defaultdict(list)
    for spec in specs:
        if not spec.suspend and (fixed := tuple(trigger for trigger in spec.schedule if not _is_spread(trigger))):
            kinds[fixed, spec.id if any(trigger.follows_id for trigger in fixed) else ""].append(spec)
    return kinds


def _is_spread(trigger: Trigger) -> bool:
    match trigger:
        case CronTrigger():
            return bool(trigger.jitter) or spreads(Written.read(trigger.cron, job_id="").words[MINUTE].text)
        case EveryTrigger():
            return bool(trigger.jitter) or trigger.start is None
        case CalendarTrigger():
            return bool(trigger.jitter)
    return True  # what is there once is meant


def _minutes(kind: _Kind, now: datetime) -> list[set[int]]:
    """Return the minutes in which each of the triggers fires, counted from 1970."""
    triggers, job_id = kind
    begin = now.replace(second=0, microsecond=0)
    found = (slots((trigger,), begin, begin + AHEAD, job_id=job_id, anchor=begin) for trigger in triggers)
    return [{slot // _MINUTE for slot in each} for each in found]


def _findings(each: Sequence[Looked], at: datetime, count: int) -> Iterator[Finding]:
    distance = nearest(each[0]) or AHEAD  # they fire alike
    if distance > timedelta(microseconds=_MINUTE):
        yield from (_finding(looked, at, count, min(_JITTER, distance / 2)) for looked in each)


def _finding(looked: Looked, at: datetime, count: int, delay: timedelta) -> Finding:
    trigger = looked.trigger
    local = at.astimezone(trigger.zone)
    message = f"{count:,} jobs start in one minute, at {local:%H:%M} on {local:%a %Y-%m-%d} ({trigger.timezone})"
    jitter = f"jitter: {format_duration(delay)}"
    spread, found, offset = None, None, 0
    if isinstance(trigger, CronTrigger):
        cron = Written.read(trigger.cron, job_id=looked.spec.id)
        spread, (found, offset) = _spread(cron), cron.words[MINUTE]
    write = f"add {jitter} to spread them"
    if spread is not None:
        write = f'write "{spread}", whose minute follows from the id of the job, or {write}'
    field = next(key for key in TRIGGER_KEYS if hasattr(trigger, key))
    return looked.finding(
        Rule.HERD, field, f"{message}; {write}", found=found, expected=spread or jitter, offset=offset
    )


def _spread(cron: Written) -> str | None:
    """Return the expression with an ``H`` for its minutes, which fires as often; None where there is none."""
    minutes = cron.fields.minutes
    if len(minutes) == 1:
        return cron.with_word(MINUTE, "H")
    step = minutes[1] - minutes[0]
    even = all(after - before == step for before, after in pairwise(minutes))
    return cron.with_word(MINUTE, f"H/{step}") if even and step > 1 and step * len(minutes) == 60 else None
