"""What fires when on one day (UTC): what ran, what will start, and how much of it in each quarter of an hour. Pure."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from operator import add

from schedsync.clock import to_micros
from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import Run, RunState
from schedsync.specs.slots import Slots, count_between
from schedsync.status.coming import coming
from schedsync.store.jobs import StoredJob
from schedsync.store.runs import Span, Tally

STEP = timedelta(minutes=15)
FEW = 48
"""So many runs, or coming slots, of a job are shown each by itself; more of them as how many there are when."""
BAD = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.LOST})
_WORST_FIRST = (
    *(RunState.FAILED, RunState.TIMED_OUT, RunState.LOST, RunState.RUNNING, RunState.QUEUED),
    *(RunState.CANCELLED, RunState.SUCCEEDED, RunState.SKIPPED),
)


@dataclass(frozen=True)
class Day:
    """A day in UTC, so it has 24 hours, whatever clocks do elsewhere."""

    date: date

    @cached_property
    def start(self) -> datetime:
        """Where it begins."""
        return datetime.combine(self.date, time(), UTC)

    @cached_property
    def end(self) -> datetime:
        """Where the next one begins."""
        return self.start + timedelta(days=1)

    @property
    def span(self) -> Span:
        """From its beginning until before its end."""
        return self.start, self.end

    @cached_property
    def steps(self) -> tuple[datetime, ...]:
        """The beginnings of its quarters of an hour."""
        return tuple(self.start + n * STEP for n in range(timedelta(days=1) // STEP))

    @cached_property
    def edges(self) -> tuple[int, ...]:
        """Those, and its end, as epoch microseconds."""
        return tuple(to_micros(at) for at in (*self.steps, self.end))


@dataclass(frozen=True, slots=True)
class Outlook:
    """What jobs will start on the rest of a day."""

    at: datetime
    """When it was computed (UTC)."""
    slots: Mapping[str, Slots]
    """By job; those that start nothing are left out."""
    starts: tuple[int, ...]
    """How many in each quarter of an hour."""
    unknown: int
    """How many jobs have specs that are not known, so that nobody can tell."""


@dataclass(frozen=True, slots=True)
class Past:
    """What ran on a day; skipped slots are told apart."""

    ran: tuple[int, ...]
    """How many in each quarter of an hour, also of those that have not ended."""
    bad: tuple[int, ...]
    """How many of them ended badly."""
    by_job: Mapping[str, Mapping[RunState, int]]


@dataclass(frozen=True, slots=True)
class Cell:
    """The runs of one job in one quarter of an hour."""

    at: datetime
    worst: RunState
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    """One job's day: its runs if they are few, else cells; and what it will start."""

    job_id: str
    counts: Mapping[RunState, int]
    runs: tuple[Run, ...]
    cells: tuple[Cell, ...]
    coming: Slots


def outlook(jobs: Iterable[StoredJob], pauses: Mapping[str, Pause], day: Day, now: datetime) -> Outlook:
    """Return what *jobs* will start on *day* after *now*, given the pauses in force."""
    since, found, unknown = max(now, day.start), {}, 0
    starts = [0] * len(day.steps)
    for job in jobs if since < day.end else ():
        job_id = job.observed.id
        own = [pause for key in (job_id, EVERYTHING) if (pause := pauses.get(key)) is not None]
        unknown += job.spec is None
        slots = coming(job, own, since, day.end)
        if slots:
            found[job_id] = slots
            starts = list(map(add, starts, count_between(slots, day.edges)))
    return Outlook(now, found, tuple(starts), unknown)


def past(tallies: Collection[Tally], day: Day) -> Past:
    """Return what *tallies* say of *day*: those by job, and those by quarter of an hour."""
    by_job: dict[str, dict[RunState, int]] = {}
    ran: Counter[datetime] = Counter()
    bad: Counter[datetime] = Counter()
    for tally in tallies:
        if tally.job_id is not None:
            by_job.setdefault(tally.job_id, {})[tally.state] = tally.count
        elif tally.at is not None and tally.state is not RunState.SKIPPED:
            ran[tally.at] += tally.count
            bad[tally.at] += tally.count * (tally.state in BAD)
    return Past(tuple(ran[at] for at in day.steps), tuple(bad[at] for at in day.steps), by_job)


def is_busy(counts: Mapping[RunState, int]) -> bool:
    """Say whether so many runs of a job are shown as cells, and need not be asked for one by one."""
    return sum(counts.values()) > FEW


def matches(job_id: str, job: StoredJob | None, text: str) -> bool:
    """Say whether *text* is part of the id, the description, a tag or the owner of a job, in whatever case."""
    spec = None if job is None else job.spec
    said = [job_id] if spec is None else [job_id, spec.description, spec.owner or "", *spec.tags]
    return any(text.casefold() in each.casefold() for each in said)


def rows(
    job_ids: Sequence[str],
    before: Past,
    after: Outlook,
    *,
    runs: Iterable[Run],
    tallies: Iterable[Tally],
    now: datetime,
) -> Iterator[Row]:
    """Yield the days of these jobs.

    Args:
        job_ids: in the order to show them in.
        before: what ran.
        after: what will start.
        runs: of those of them that are not busy.
        tallies: of those that are, by job and quarter of an hour.
        now: the time (UTC); what has become due since *after* was computed is not coming any more.
    """
    of_job: dict[str, list[Run]] = {}
    for run in runs:
        of_job.setdefault(run.job_id, []).append(run)
    cells = _cells(tallies)
    for job_id in job_ids:
        counts = before.by_job.get(job_id, {})
        slots = after.slots.get(job_id, ())
        left = slots[bisect_left(slots, to_micros(now)) :]
        yield Row(job_id, counts, tuple(of_job.get(job_id, ())), cells.get(job_id, ()), left)


def _cells(tallies: Iterable[Tally]) -> dict[str, tuple[Cell, ...]]:
    at: dict[str, dict[datetime, list[Tally]]] = {}
    for tally in tallies:
        if tally.job_id is not None and tally.at is not None:
            at.setdefault(tally.job_id, {}).setdefault(tally.at, []).append(tally)
    return {job_id: tuple(_cell(when, found) for when, found in sorted(each.items())) for job_id, each in at.items()}


def _cell(at: datetime, tallies: Sequence[Tally]) -> Cell:
    states = {tally.state for tally in tallies}
    worst = next(state for state in _WORST_FIRST if state in states)
    return Cell(at, worst, sum(tally.count for tally in tallies))
