"""What runs and what waits, on the instance that leads: bookkeeping without any I/O. Not safe for threads by itself.

A run is *running* (it has leave to start and holds a place in its pool), *ready* (waits for a place), *blocked* (waits
for earlier runs of its job) or *delayed* (waits for its time, as retries do). While a job has one that is not blocked,
its blocked ones stay so.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from itertools import count
from typing import TypeVar

from schedsync.runs.run import Run, RunState
from schedsync.runs.slots import Decision
from schedsync.specs.actions import Action, DatabaseAction, PythonAction
from schedsync.specs.job import JobSpec
from schedsync.specs.policy import Overlap

_T = TypeVar("_T", int, datetime)

PROCESSES, PYTHON, SQL = POOLS = ("processes", "python", "sql")
"""The pools."""


def pool_of(action: Action) -> str:
    """Return the pool that runs of *action* take a place in."""
    if isinstance(action, DatabaseAction):
        return SQL
    return PYTHON if isinstance(action, PythonAction) else PROCESSES


class Place(Enum):
    """Where an unsettled run stands in this instance."""

    RUNNING = auto()
    READY = auto()
    BLOCKED = auto()
    DELAYED = auto()


_STARTING = (Place.RUNNING, Place.READY)
_NOT_BLOCKED = (*_STARTING, Place.DELAYED)


@dataclass(slots=True)
class Entry:
    """An unsettled run, with what is needed to start it."""

    run: Run
    spec: JobSpec
    source_file: str
    place: Place = Place.READY
    turn: int = 0
    """Where it stands among the ready ones; given when it becomes ready for the first time, and kept."""

    @property
    def pool(self) -> str:
        """The pool that it takes a place in."""
        return pool_of(self.spec.run)


class Ledger:
    """The unsettled runs of this instance, and the free places of each pool."""

    def __init__(self, capacity: Mapping[str, int]) -> None:
        self._free = Counter(capacity)
        self._entries: dict[str, Entry] = {}
        self._by_job: dict[str, list[str]] = {}
        self._reserved: Counter[str] = Counter()
        self._turns = count(1)
        self._ready: dict[str, list[tuple[int, str]]] = {pool: [] for pool in capacity}
        self._delayed: list[tuple[datetime, str]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def unsettled(self, job_id: str) -> int:
        """Return how many runs of a job have not ended."""
        return len(self._by_job.get(job_id, ()))

    def get(self, run_id: str) -> Entry | None:
        """Return the entry of a run, if it is here and unsettled."""
        return self._entries.get(run_id)

    def of_job(self, job_id: str) -> list[Entry]:
        """Return the unsettled runs of a job, in the order in which they follow one another."""
        return [self._entries[run_id] for run_id in self._by_job.get(job_id, ())]

    def late(self, now: datetime) -> list[Entry]:
        """Return the runs that have not ended in time."""
        return [entry for entry in self._entries.values() if entry.run.late_at is not None and entry.run.is_late(now)]

    def reserve(self, entry: Entry, decision: Decision) -> Entry:
        """Return *entry* with the state that its row is to be claimed with; a place is taken when it may start at once.

        Follow with ``enter`` when the claim is written, or with ``withdraw`` when it is not.
        """
        self._reserved[entry.run.job_id] += 1
        if decision is Decision.START and self._free[entry.pool] > 0 and self._next_ready(entry.pool) is None:
            self._free[entry.pool] -= 1
            return replace(entry, run=replace(entry.run, state=RunState.RUNNING), place=Place.RUNNING)
        place = Place.READY if decision is Decision.START else Place.BLOCKED
        return replace(entry, run=replace(entry.run, state=RunState.QUEUED), place=place)

    def withdraw(self, entry: Entry) -> None:
        """Give back what ``reserve`` took for *entry*."""
        self._release(entry)
        self._end_reservation(entry)
        self._unblock(entry.run.job_id)

    def enter(self, entry: Entry) -> None:
        """Take up a claimed run. A run that is to wait for others is ready when those have ended meanwhile."""
        self._end_reservation(entry)
        self._by_job.setdefault(entry.run.job_id, []).append(entry.run.id)
        self._put(entry)
        self._unblock(entry.run.job_id)

    def adopt(self, entry: Entry, now: datetime) -> None:
        """Take up a queued run that an earlier process left; one that is here already stays as it is."""
        if entry.run.id in self._entries:
            return
        if entry.run.due_at is not None and entry.run.due_at > now:
            entry.place = Place.DELAYED
        else:
            entry.place = Place.BLOCKED if self._overlaps(entry, _NOT_BLOCKED) else Place.READY
        self._by_job.setdefault(entry.run.job_id, []).append(entry.run.id)
        self._put(entry)

    def settle(self, run_id: str, retry: Run | None = None) -> Entry | None:
        """Let go of an ended run; *retry* takes its place in the job's order. Returns its entry if it was here."""
        entry = self._entries.pop(run_id, None)
        if entry is None:
            return None
        self._release(entry)
        order = self._by_job[entry.run.job_id]
        if retry is None:
            order.remove(run_id)
        else:
            order[order.index(run_id)] = retry.id
            self._put(Entry(retry, entry.spec, entry.source_file, Place.DELAYED))
        self._unblock(entry.run.job_id)
        return entry

    def next_due(self) -> datetime | None:
        """Return when the next delayed run is due (UTC)."""
        first = self._first(self._delayed, Place.DELAYED)
        return None if first is None else self._delayed[0][0]

    @property
    def startable(self) -> bool:
        """Whether a run is ready and its pool has a place."""
        return any(self._free[pool] > 0 and self._next_ready(pool) is not None for pool in self._ready)

    def promote(self, now: datetime) -> list[Entry]:
        """Return the runs that may start now, with a place taken for each."""
        while (entry := self._first(self._delayed, Place.DELAYED)) is not None and self._delayed[0][0] <= now:
            heapq.heappop(self._delayed)
            entry.place = Place.BLOCKED if self._overlaps(entry, _STARTING) else Place.READY
            self._put(entry)
        return [entry for pool in self._ready for entry in self._promote_in(pool)]

    def demote(self, entry: Entry) -> None:
        """Undo a promotion that was not written down: the run has its old turn again."""
        self._release(entry)
        entry.place, entry.run = Place.READY, replace(entry.run, state=RunState.QUEUED)
        self._put(entry)

    def _promote_in(self, pool: str) -> list[Entry]:
        promoted: list[Entry] = []
        while self._free[pool] > 0 and (entry := self._next_ready(pool)) is not None:
            heapq.heappop(self._ready[pool])
            self._free[pool] -= 1
            entry.place = Place.RUNNING
            promoted.append(entry)
        return promoted

    def _next_ready(self, pool: str) -> Entry | None:
        return self._first(self._ready[pool], Place.READY)

    def _first(self, heap: list[tuple[_T, str]], place: Place) -> Entry | None:
        """Return the first run of *heap* that still stands at *place*; drop those before it, which were settled."""
        while heap:
            entry = self._entries.get(heap[0][1])
            if entry is not None and entry.place is place:
                return entry
            heapq.heappop(heap)
        return None

    def _put(self, entry: Entry) -> None:
        """Keep *entry* where its place says."""
        self._entries[entry.run.id] = entry
        if entry.place is Place.READY:
            entry.turn = entry.turn or next(self._turns)
            heapq.heappush(self._ready[entry.pool], (entry.turn, entry.run.id))
        elif entry.place is Place.DELAYED:
            heapq.heappush(self._delayed, (entry.run.due_at or entry.run.scheduled_at, entry.run.id))

    def _release(self, entry: Entry) -> None:
        if entry.place is Place.RUNNING:
            self._free[entry.pool] += 1

    def _end_reservation(self, entry: Entry) -> None:
        self._reserved[entry.run.job_id] -= 1
        if self._reserved[entry.run.job_id] <= 0:
            del self._reserved[entry.run.job_id]

    def _overlaps(self, entry: Entry, at_work: Collection[Place]) -> bool:
        """Whether *entry* has to wait, because other runs of its job stand at one of the places *at_work*."""
        job_id = entry.run.job_id
        if entry.spec.overlap is Overlap.ALLOW:
            return False
        others = (self._entries[run_id] for run_id in self._by_job.get(job_id, ()) if run_id != entry.run.id)
        return job_id in self._reserved or any(other.place in at_work for other in others)

    def _unblock(self, job_id: str) -> None:
        order = self._by_job.get(job_id, [])
        if not order:
            self._by_job.pop(job_id, None)
        elif job_id not in self._reserved and all(self._entries[i].place is Place.BLOCKED for i in order):
            first = self._entries[order[0]]
            first.place = Place.READY
            self._put(first)
