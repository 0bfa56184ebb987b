"""What runs and what waits, on the instance that leads: bookkeeping without any I/O. Not safe for threads by itself.

A run is *running* (it has leave to start and holds a place in its pool), *ready* (waits for a place), *blocked* (waits
for earlier runs of its job) or *delayed* (waits for its time, as retries do). All but the blocked ones count as being
at work: while a job has one, its next slot overlaps.
"""

import heapq
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from schedsync.runs.run import Run, RunState
from schedsync.runs.slots import Decision
from schedsync.specs.actions import PythonAction
from schedsync.specs.job import JobSpec
from schedsync.specs.policy import Overlap

PROCESSES, PYTHON = "processes", "python"
"""The pools."""


class Place(Enum):
    """Where an unsettled run stands in this instance."""

    RUNNING = auto()
    READY = auto()
    BLOCKED = auto()
    DELAYED = auto()


@dataclass(slots=True)
class Entry:
    """An unsettled run, with what is needed to start it."""

    run: Run
    spec: JobSpec
    source_file: str
    place: Place = Place.READY

    @property
    def pool(self) -> str:
        """The pool that it takes a place in."""
        return PYTHON if isinstance(self.spec.run, PythonAction) else PROCESSES


class Ledger:
    """The unsettled runs of this instance, and the free places of each pool."""

    def __init__(self, capacity: Mapping[str, int]) -> None:
        self._free = Counter(capacity)
        self._entries: dict[str, Entry] = {}
        self._by_job: dict[str, list[str]] = {}
        self._ready: dict[str, deque[str]] = {pool: deque() for pool in capacity}
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
        """Return the unsettled runs of a job, oldest first."""
        return [self._entries[run_id] for run_id in self._by_job.get(job_id, ())]

    def reserve(self, entry: Entry, decision: Decision) -> Entry:
        """Return *entry* with the state that its row is to be claimed with; a place is taken when it may start at once.

        Follow with ``enter`` when the claim is written, or with ``withdraw`` when it is not.
        """
        if decision is Decision.START and self._free[entry.pool] > 0 and not self._ready[entry.pool]:
            self._free[entry.pool] -= 1
            return replace(entry, run=replace(entry.run, state=RunState.RUNNING), place=Place.RUNNING)
        place = Place.READY if decision is Decision.START else Place.BLOCKED
        return replace(entry, run=replace(entry.run, state=RunState.QUEUED), place=place)

    def withdraw(self, entry: Entry) -> None:
        """Give back the place that ``reserve`` took."""
        if entry.place is Place.RUNNING:
            self._free[entry.pool] += 1

    def enter(self, entry: Entry) -> None:
        """Take up a claimed run. A run that is to wait for others is ready when those have ended meanwhile."""
        self._entries[entry.run.id] = entry
        self._by_job.setdefault(entry.run.job_id, []).append(entry.run.id)
        if entry.place is Place.READY:
            self._ready[entry.pool].append(entry.run.id)
        elif entry.place is Place.DELAYED:
            heapq.heappush(self._delayed, (entry.run.due_at or entry.run.scheduled_at, entry.run.id))
        elif entry.place is Place.BLOCKED:
            self._unblock(entry.run.job_id)

    def adopt(self, entry: Entry, now: datetime) -> None:
        """Take up a queued run that an earlier process left."""
        waits = entry.run.due_at is not None and entry.run.due_at > now
        overlaps = entry.spec.overlap is not Overlap.ALLOW and self.unsettled(entry.run.job_id) > 0
        entry.place = Place.DELAYED if waits else Place.BLOCKED if overlaps else Place.READY
        self.enter(entry)

    def settle(self, run_id: str, retry: Run | None = None) -> Entry | None:
        """Let go of an ended run; *retry* takes its place in the job's order. Returns its entry if it was here."""
        entry = self._entries.pop(run_id, None)
        if entry is None:
            return None
        self.withdraw(entry)
        self._by_job[entry.run.job_id].remove(run_id)
        if retry is not None:
            self.enter(Entry(retry, entry.spec, entry.source_file, Place.DELAYED))
        self._unblock(entry.run.job_id)
        return entry

    def next_due(self) -> datetime | None:
        """Return when the next delayed run is due (UTC)."""
        return self._delayed[0][0] if self._delayed else None

    @property
    def startable(self) -> bool:
        """Whether a run is ready and its pool has a place."""
        return any(ready and self._free[pool] > 0 for pool, ready in self._ready.items())

    def promote(self, now: datetime) -> list[Entry]:
        """Return the runs that may start now, with a place taken for each."""
        while self._delayed and self._delayed[0][0] <= now:
            entry = self._entries.get(heapq.heappop(self._delayed)[1])
            if entry is not None and entry.place is Place.DELAYED:
                entry.place = Place.READY
                self._ready[entry.pool].append(entry.run.id)
        promoted: list[Entry] = []
        for pool, ready in self._ready.items():
            while ready and self._free[pool] > 0:
                entry = self._entries.get(ready.popleft())
                if entry is not None and entry.place is Place.READY:
                    self._free[pool] -= 1
                    entry.place = Place.RUNNING
                    promoted.append(entry)
        return promoted

    def demote(self, entry: Entry) -> None:
        """Undo a promotion that was not written down."""
        self.withdraw(entry)
        entry.place = Place.READY
        self._ready[entry.pool].appendleft(entry.run.id)

    def _unblock(self, job_id: str) -> None:
        entries = self.of_job(job_id)
        if not entries:
            self._by_job.pop(job_id, None)
        elif all(entry.place is Place.BLOCKED for entry in entries):
            entries[0].place = Place.READY
            self._ready[entries[0].pool].append(entries[0].run.id)
