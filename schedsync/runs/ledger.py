"""What runs and what waits, on the instance that leads: bookkeeping without any I/O. Not safe for threads by itself.

A run is *running* (it has leave to start and holds a place in its pool), *ready* (waits for a place), *blocked* (waits
for earlier runs in its lines) or *delayed* (waits for its time, as retries do). It stands in the line of its job, where
one run may be that is not blocked, and in that of its group, where so many may be as the settings say; it stands in the
lines of the spec that it was claimed with until it has ended.
"""

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from functools import cache
from itertools import count
from typing import TypeVar

from schedsync.runs.lines import Line, Lines, line_of, lines_of
from schedsync.runs.places import Places
from schedsync.runs.run import Run, RunState, changed
from schedsync.runs.slots import Ahead, Decision
from schedsync.specs.actions import Action, DatabaseAction, HttpAction, PythonAction
from schedsync.specs.job import JobSpec
from schedsync.specs.policy import Overlap

_T = TypeVar("_T", int, datetime)

PROCESSES, PYTHON, SQL, HTTP = POOLS = ("processes", "python", "sql", "http")
"""The pools."""


def pool_of(action: Action) -> str:
    """Return the pool that runs of *action* take a place in."""
    return _pool_of(type(action))


@cache
def _pool_of(kind: type[Action]) -> str:
    # Kept: to ask whether a model is one of a kind takes longer than for other classes, and a run is asked often.
    if issubclass(kind, DatabaseAction):
        return SQL
    if issubclass(kind, HttpAction):
        return HTTP
    return PYTHON if issubclass(kind, PythonAction) else PROCESSES


class Place(Enum):
    """Where an unsettled run stands in this instance."""

    RUNNING = auto()
    READY = auto()
    BLOCKED = auto()
    DELAYED = auto()
    ELSEWHERE = auto()
    """Another instance runs it: it has no place here, and those behind it in line wait."""


_STARTING = (Place.RUNNING, Place.READY, Place.ELSEWHERE)
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

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines that it stands in."""
        return lines_of(self.run.job_id, self.spec)


def _standing(entry: Entry, state: RunState, place: Place) -> Entry:
    """Return *entry* as it is claimed: in that state, at that place."""
    run = entry.run if entry.run.state is state else changed(entry.run, state=state)
    return Entry(run, entry.spec, entry.source_file, place, entry.turn)


class Ledger:
    """The unsettled runs of this instance, and the free places."""

    def __init__(
        self, capacity: Mapping[str, int], *, max_runs: int | None = None, groups: Mapping[str, int] | None = None
    ) -> None:
        """Make an empty ledger.

        Args:
            capacity: how many runs may be running at once, by pool.
            max_runs: how many in all pools together; None: no fewer than the pools allow.
            groups: how many runs of a group may be unsettled before others wait, where that is not one.
        """
        self.places = Places(capacity, max_runs)
        self._entries: dict[str, Entry] = {}
        self.lines = Lines(groups or {})
        self._turns = count(1)
        self._ready: dict[str, list[tuple[int, str]]] = {pool: [] for pool in capacity}
        self._delayed: list[tuple[datetime, str]] = []
        self._elsewhere: set[str] = set()
        """The runs that stand there. Each tick asks whether there are some."""

    def __len__(self) -> int:
        return len(self._entries)

    def ahead(self, job_id: str, spec: JobSpec) -> Ahead:
        """Return what a further run of a job would find before it."""
        own = self.of_job(job_id)
        waiting = sum(entry.place is Place.BLOCKED for entry in own)
        return Ahead(len(own) + len(self.lines.reserved(line_of(job_id))), waiting, self._holder(job_id, spec))

    def unsettled(self, job_id: str) -> int:
        """Return how many runs of a job have not ended."""
        return len(self.lines.of(line_of(job_id)))

    def get(self, run_id: str) -> Entry | None:
        """Return the entry of a run, if it is here and unsettled."""
        return self._entries.get(run_id)

    def entries(self) -> list[Entry]:
        """Return all unsettled runs."""
        return list(self._entries.values())

    def of_job(self, job_id: str) -> list[Entry]:
        """Return the unsettled runs of a job, in the order in which they follow one another."""
        return self.of_line(line_of(job_id))

    def of_line(self, line: Line) -> list[Entry]:
        """Return the unsettled runs in a line, in the order in which they follow one another."""
        return [self._entries[run_id] for run_id in self.lines.of(line)]

    def in_the_way(self, entry: Entry, *, claimed: Collection[str], going: Collection[str]) -> list[Entry]:
        """Return the runs that have to make way for *entry*: those of its job, and of its group the oldest.

        Those that run elsewhere cannot be told to: *entry* waits for them.

        Args:
            entry: a run that replaces others; not entered yet.
            claimed: the runs that are claimed together with it, which stay.
            going: the runs that make way already.
        """
        found: dict[str, Entry] = {}
        for line in entry.lines:
            staying = [other for other in self.of_line(line) if other.run.id not in {*going, *found}]
            surplus = max(len(staying) + 1 - self.lines.places(line), 0)
            movable = [o for o in staying if o.run.id not in claimed and o.place is not Place.ELSEWHERE]
            found |= {other.run.id: other for other in movable[:surplus]}
        return list(found.values())

    def late(self, now: datetime) -> list[Entry]:
        """Return the runs that have not ended in time."""
        return [entry for entry in self._entries.values() if entry.run.late_at is not None and entry.run.is_late(now)]

    def reserve(self, entry: Entry, decision: Decision) -> Entry:
        """Return *entry* with the state that its row is to be claimed with; a place is taken when it may start at once.

        Follow with ``enter`` when the claim is written, or with ``withdraw`` when it is not.
        """
        # What was adopted since the decision was made has to end first, too.
        may_start = decision is Decision.START and not self._held_up(entry, _NOT_BLOCKED)
        self.lines.reserve(entry.lines, entry.run.job_id)
        pool = entry.pool
        if may_start and self.places.are_free(pool) and self._is_next(pool):
            self.places.take(pool)
            return _standing(entry, RunState.RUNNING, Place.RUNNING)
        return _standing(entry, RunState.QUEUED, Place.READY if may_start else Place.BLOCKED)

    def withdraw(self, entry: Entry) -> None:
        """Give back what ``reserve`` took for *entry*."""
        self._release(entry)
        self.lines.end_reservation(entry.lines, entry.run.job_id)
        self._unblock(entry.lines)

    def enter(self, entry: Entry) -> None:
        """Take up a claimed run. A run that is to wait for others is ready when those have ended meanwhile."""
        self.lines.end_reservation(entry.lines, entry.run.job_id)
        self.lines.join(entry.lines, entry.run.id)
        self._put(entry)
        self._unblock(entry.lines)

    def adopt(self, entry: Entry, now: datetime) -> None:
        """Take up a queued run that an earlier process left; one that is here already stays as it is."""
        if entry.run.id in self._entries:
            return
        if entry.run.due_at is not None and entry.run.due_at > now:
            entry.place = Place.DELAYED
        else:
            entry.place = Place.BLOCKED if self._held_up(entry, _NOT_BLOCKED) else Place.READY
        self.lines.join(entry.lines, entry.run.id)
        self._put(entry)

    def hold(self, entry: Entry) -> None:
        """Take up a run that is running already, whatever place its pool has."""
        known = self._entries.get(entry.run.id)
        before = () if known is None else known.lines  # it may have run elsewhere, for its job as it was then
        self.lines.leave(before, entry.run.id)
        self.lines.join(entry.lines, entry.run.id)
        self._elsewhere.discard(entry.run.id)
        entry.place = Place.RUNNING
        self.places.take(entry.pool)
        self._put(entry)
        self._unblock(before)

    def note_elsewhere(self, entry: Entry) -> None:
        """Take note of a run that another instance runs: what is ready here waits for it."""
        known = self._entries.get(entry.run.id)
        if known is not None and known.place in {Place.RUNNING, Place.ELSEWHERE}:
            return
        if known is None:
            self.lines.join(entry.lines, entry.run.id)
            self._put(entry)
        else:
            # Its lines are those of the id that it has here; see rename.
            known.run, entry = changed(entry.run, job_id=known.run.job_id), known
        entry.place = Place.ELSEWHERE
        self._elsewhere.add(entry.run.id)
        for line in entry.lines:
            surplus = max(self._taken(line, _NOT_BLOCKED) - self.lines.places(line), 0)
            ready = [other for other in reversed(self.of_line(line)) if other.place is Place.READY]
            for other in [other for other in ready if other.spec.overlap is not Overlap.ALLOW][:surplus]:
                other.place = Place.BLOCKED

    def settle(self, run_id: str, retry: Run | None = None) -> Entry | None:
        """Let go of an ended run; *retry* takes its place in its lines. Returns its entry if it was here."""
        entry = self._entries.pop(run_id, None)
        if entry is None:
            return None
        self._elsewhere.discard(run_id)
        self._release(entry)
        self.lines.leave(entry.lines, run_id, None if retry is None else retry.id)
        if retry is not None:
            self._put(Entry(retry, entry.spec, entry.source_file, Place.DELAYED))
        self._unblock(entry.lines)
        return entry

    def rename(self, renamed: Mapping[str, str]) -> list[Entry]:
        """Let the runs of renamed jobs, given as old id -> new id, go on as runs of the new ids; return them.

        Nothing else of the specs that they were claimed with changes. What is reserved keeps the old id.
        """
        moving = [entry for job_id in renamed for entry in self.of_job(job_id)]
        self.lines.rename({line_of(old): line_of(new) for old, new in renamed.items()})
        for entry in moving:
            old, new = entry.run.job_id, renamed[entry.run.job_id]
            entry.run = changed(entry.run, job_id=new)
            entry.spec = entry.spec.model_copy(update={"id": new, "renamed_from": old})
        return moving

    @property
    def running(self) -> int:
        """How many runs have leave to start."""
        return sum(entry.place is Place.RUNNING for entry in self._entries.values())

    @property
    def waits_for_others(self) -> bool:
        """Whether runs of other instances stand in lines here."""
        return bool(self._elsewhere)

    def next_due(self) -> datetime | None:
        """Return when the next delayed run is due (UTC)."""
        first = self._first(self._delayed, Place.DELAYED)
        return None if first is None else self._delayed[0][0]

    @property
    def startable(self) -> bool:
        """Whether a run is ready and there is a place for it."""
        return self._next_ready() is not None

    def promote(self, now: datetime) -> list[Entry]:
        """Return the runs that may start now, with a place taken for each."""
        while (entry := self._first(self._delayed, Place.DELAYED)) is not None and self._delayed[0][0] <= now:
            heapq.heappop(self._delayed)
            entry.place = Place.BLOCKED if self._held_up(entry, _STARTING) else Place.READY
            self._put(entry)
        promoted: list[Entry] = []
        while (entry := self._next_ready()) is not None:
            heapq.heappop(self._ready[entry.pool])
            self.places.take(entry.pool)
            entry.place = Place.RUNNING
            promoted.append(entry)
        return promoted

    def demote(self, entry: Entry) -> None:
        """Undo a promotion that was not written down: the run has its old turn again."""
        self._release(entry)
        entry.place, entry.run = Place.READY, changed(entry.run, state=RunState.QUEUED)
        self._put(entry)

    # Places in pools.

    def _release(self, entry: Entry) -> None:
        if entry.place is Place.RUNNING:
            self.places.give_back(entry.pool)

    def _is_next(self, pool: str) -> bool:
        """Whether a new run of *pool* overtakes nobody who is ready and could have its place."""
        return not self.startable if self.places.bounded else self._first(self._ready[pool], Place.READY) is None

    def _next_ready(self) -> Entry | None:
        """Return the run that is ready for longest, of those that there is a place for."""
        firsts = (self._first(heap, Place.READY) for pool, heap in self._ready.items() if self.places.are_free(pool))
        return min((entry for entry in firsts if entry is not None), key=lambda entry: entry.turn, default=None)

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

    # Lines.

    def _holder(self, job_id: str, spec: JobSpec) -> str | None:
        """Return the job of a run that has to end before another one of the group may start, if there is such a run."""
        for line in lines_of(job_id, spec)[1:]:
            jobs = [*(entry.run.job_id for entry in self.of_line(line)), *self.lines.reserved(line)]
            if len(jobs) >= self.lines.places(line):
                return next((other for other in jobs if other != job_id), job_id)
        return None

    def _taken(self, line: Line, at_work: Collection[Place], *, besides: str = "") -> int:
        """Return how many places of *line* are taken by others than the run *besides*."""
        others = (self._entries[run_id] for run_id in self.lines.of(line) if run_id != besides)
        return len(self.lines.reserved(line)) + sum(other.place in at_work for other in others)

    def _held_up(self, entry: Entry, at_work: Collection[Place]) -> bool:
        """Whether *entry* has to wait, because others in its lines stand at the places *at_work*."""
        if entry.spec.overlap is Overlap.ALLOW:
            return False
        return any(self._taken(line, at_work, besides=entry.run.id) >= self.lines.places(line) for line in entry.lines)

    def _unblock(self, lines: Sequence[Line]) -> None:
        """Let those go on that were blocked and need not wait any more, in the order of their lines."""
        for line in reversed(lines):  # in a group the job of the run that has ended comes no earlier than others
            free = self.lines.places(line) - self._taken(line, _NOT_BLOCKED)
            for entry in self.of_line(line) if free > 0 else ():
                if free > 0 and entry.place is Place.BLOCKED and not self._held_up(entry, _NOT_BLOCKED):
                    entry.place = Place.READY
                    self._put(entry)
                    free -= 1
