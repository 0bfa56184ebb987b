"""What each run that has not started waits for: told by the ledger of the leader, or by what the rows say alone."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from schedsync.runs.ledger import POOLS, Entry, Ledger, Place
from schedsync.runs.run import Run, RunState
from schedsync.specs.job import JobSpec


class WaitsFor(StrEnum):
    """What a run waits for; documented in ``docs/reference/api.md``."""

    CAPACITY = "capacity"
    """A place, in its pool or among all runs."""
    OVERLAP = "overlap"
    """The end of runs of its job or group."""
    DELAY = "delay"
    """Its time, as retries do."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that waits, and what for."""

    run: Run
    kind: WaitsFor | None = None
    """None: it is not known, because the spec of its job is not."""
    pool: str | None = None
    """Capacity: where it needs a place, ``all`` when its own pool has one."""
    places: int | None = None
    """Capacity: how many there are; None where another instance has them."""
    group: str | None = None
    behind: tuple[Run, ...] = ()
    """Overlap: the runs of which one has to end first, that do not wait for others themselves."""
    before: int = 0
    """How many runs wait for the same, and come before it."""
    until: datetime | None = None
    """Delay: when that is over (UTC)."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much is to be done on an instance."""

    waiting: Mapping[tuple[WaitsFor, str], int]
    """How many runs wait, by what for and by the pool that they take a place in."""
    places: Mapping[str, int]
    """How many runs may be running at once, by pool, and under ``all`` in all pools together."""
    taken: Mapping[str, int]
    """How many of those places are taken."""


_WAITS_FOR = {Place.READY: WaitsFor.CAPACITY, Place.BLOCKED: WaitsFor.OVERLAP, Place.DELAYED: WaitsFor.DELAY}


def load(ledger: Ledger) -> Load:
    """Return how much is to be done, as *ledger* has it."""
    waits = ((_WAITS_FOR.get(entry.place), entry.pool) for entry in ledger.entries())
    counts = Counter((kind, pool) for kind, pool in waits if kind is not None)
    return Load(counts, ledger.places.capacity, ledger.places.taken())


def waiting(ledger: Ledger) -> list[Waiting]:
    """Return what waits, in the order in which it will start, as far as that can be told.

    Those that are ready come first, then those that wait for others, by their places in line, then those that wait for
    their time.
    """
    at: dict[Place, list[Entry]] = {place: [] for place in Place}
    for entry in ledger.entries():
        at[entry.place].append(entry)
    ready = sorted(at[Place.READY], key=lambda entry: entry.turn)
    blocked = [_blocked(entry, ledger) for entry in at[Place.BLOCKED]]
    delayed = [_delayed(entry) for entry in at[Place.DELAYED]]
    return [
        *_ready(ready, ledger),
        *sorted(blocked, key=lambda each: (each.before, each.run.scheduled_at, each.run.id)),
        *sorted(delayed, key=lambda each: (each.until or each.run.scheduled_at, each.run.id)),
    ]


def waiting_in_rows(
    unsettled: Sequence[Run], specs: Mapping[str, JobSpec], now: datetime, groups: Mapping[str, int]
) -> list[Waiting]:
    """Return the same as far as rows and the present specs say it; a run that nothing else holds up waits for a place.

    Args:
        unsettled: the runs that are queued or running, oldest slot first.
        specs: by job, where they are known.
        now: the time (UTC).
        groups: how many runs of a group may be unsettled, where that is not one.
    """
    ledger, unknown = Ledger(dict.fromkeys(POOLS, 0), groups=groups), []
    for run in sorted(unsettled, key=lambda run: run.state is not RunState.RUNNING):
        spec = specs.get(run.job_id)
        if spec is not None and run.state is RunState.RUNNING:
            ledger.note_elsewhere(Entry(run, spec, ""))
        elif spec is not None:
            ledger.adopt(Entry(run, spec, ""), now)
        elif run.state is RunState.QUEUED:
            unknown.append(Waiting(run))
    return [*(replace(each, places=None) for each in waiting(ledger)), *unknown]


def _ready(entries: Iterable[Entry], ledger: Ledger) -> Iterable[Waiting]:
    before: dict[str, int] = {}
    for entry in entries:
        pool, places = ledger.places.scarce(entry.pool)
        yield Waiting(entry.run, WaitsFor.CAPACITY, pool, places, entry.spec.group, before=before.get(pool, 0))
        before[pool] = before.get(pool, 0) + 1


def _blocked(entry: Entry, ledger: Ledger) -> Waiting:
    behind: dict[str, Run] = {}
    before = 0
    for line in entry.lines:
        others = ledger.of_line(line)
        at_it = {other.run.id: other.run for other in others if other.place is not Place.BLOCKED}
        if len(at_it) >= ledger.lines.places(line):
            behind |= at_it
        ahead = others[: others.index(entry)]
        before = max(before, sum(other.place is Place.BLOCKED for other in ahead))
    return Waiting(entry.run, WaitsFor.OVERLAP, group=entry.spec.group, behind=tuple(behind.values()), before=before)


def _delayed(entry: Entry) -> Waiting:
    return Waiting(entry.run, WaitsFor.DELAY, group=entry.spec.group, until=entry.run.due_at)
