"""Which of the jobs a reader wants, and in which order. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Protocol

from schedsync.clock import to_micros
from schedsync.runs.pause import Pause
from schedsync.runs.run import Run
from schedsync.status.standing import STATES, Standing, overdue_since, standing
from schedsync.store.jobs import StoredJob


class Sort(StrEnum):
    """What jobs are put in order by; those of equal rank by their ids."""

    ID = "id"
    NEXT_FIRE = "next_fire_at"
    LAST_RUN = "last_run_at"
    """The slot of the last run."""
    STATE = "state"
    """In the order of STATES."""


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What a job has to be; None: anything."""

    state: str | None = None
    """One of STATES."""
    tag: str | None = None
    owner: str | None = None
    group: str | None = None
    q: str | None = None
    """Some characters of its id, its description, its owner or one of its tags, in upper or lower case."""
    stale: bool | None = None

    @property
    def asks_specs(self) -> bool:
        """Whether it is about what only the specs say."""
        return any(wanted is not None for wanted in (self.tag, self.owner, self.group, self.q))

    def takes(self, standing: Standing) -> bool:
        """Say whether a job is such a one; what only a spec says is not true of one whose spec is not known."""
        observed, spec = standing.job.observed, standing.job.spec
        return (
            (self.stale is None or observed.stale is self.stale)
            and (self.state is None or standing.state == self.state)
            and (self.tag is None or (spec is not None and self.tag in spec.tags))
            and (self.owner is None or (spec is not None and self.owner == spec.owner))
            and (self.group is None or (spec is not None and self.group == spec.group))
            and (self.q is None or _mentions(standing.job, self.q.casefold()))
        )


def _mentions(job: StoredJob, text: str) -> bool:
    if text in job.observed.id.casefold():
        return True
    spec = job.spec
    return spec is not None and text in "\n".join((spec.description, spec.owner or "", *spec.tags)).casefold()


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an order, which stays where it is when jobs come and go."""

    missing: bool
    """Whether it is one of the jobs that have no such time; in either direction they come last."""
    rank: int
    job_id: str


Key = tuple[bool, int, str]
"""What jobs are compared by; where the last one comes first, that is the one of the largest key. Its first part keeps
those without a rank at the end."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader asks for."""

    limit: int
    filter: JobFilter = field(default_factory=JobFilter)
    sort: Sort = Sort.ID
    downwards: bool = False
    """Whether the last one comes first."""
    behind: Place | None = None
    """Where the page before ended; None: the first page."""

    @property
    def by_id(self) -> bool:
        """Whether all jobs are wanted, in the order in which a store has them."""
        return self.sort is Sort.ID and self.filter == JobFilter()

    def key(self, standing: Standing, last_slot: datetime | None) -> Key:
        """Return what a job is compared by, given the slot of its last run."""
        rank: int | None = 0
        if self.sort is Sort.STATE:
            rank = STATES.index(standing.state)
        elif self.sort is not Sort.ID:
            moment = standing.next_fire_at if self.sort is Sort.NEXT_FIRE else last_slot
            rank = None if moment is None else to_micros(moment)
        return (rank is None) is not self.downwards, rank or 0, standing.job.observed.id

    def is_behind(self, key: Key) -> bool:
        """Say whether what is compared by *key* is on this page or on a later one."""
        if self.behind is None:
            return True
        begin = self.behind.missing is not self.downwards, self.behind.rank, self.behind.job_id
        return key < begin if self.downwards else key > begin

    def place(self, key: Key) -> Place:
        """Return the place of what is compared by *key*."""
        last_or_not, rank, job_id = key
        return Place(last_or_not is not self.downwards, rank, job_id)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the jobs that are wanted."""

    jobs: list[StoredJob]
    total: int
    """How many there are on all pages."""
    more: Place | None
    """Where the next page begins; None: this is the last one."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the jobs that are wanted, as they stand."""

    jobs: list[Standing]
    total: int
    """How many there are on all pages."""
    more: Place | None
    """Where the next page begins; None: this is the last one."""


@dataclass(frozen=True, slots=True)
class FoundRuns:
    """A page of runs, newest slot first."""

    runs: list[Run]
    more: Run | None
    """The run behind which the next page begins; None: this is the last one."""


def choose(wanted: Wanted, standings: Iterable[Standing], last_slots: Mapping[str, datetime]) -> Found:
    """Return the page of *standings*, which are those of all jobs, that is wanted.

    Args:
        wanted: which and in which order.
        standings: how all jobs stand; runs need not be known.
        last_slots: the slots of the last runs, where that is the order.
    """
    taken = [standing for standing in standings if wanted.filter.takes(standing)]
    entries = [(wanted.key(standing, last_slots.get(standing.job.observed.id)), standing.job) for standing in taken]
    behind = [entry for entry in entries if wanted.is_behind(entry[0])]
    behind.sort(key=itemgetter(0), reverse=wanted.downwards)
    page, rest = behind[: wanted.limit], behind[wanted.limit :]
    return Found([job for _, job in page], len(taken), wanted.place(page[-1][0]) if rest else None)


class _Beside(Protocol):
    """Who knows what is shown beside jobs."""

    def last_runs(self, job_ids: Collection[str]) -> dict[str, Run]:
        """Return each job's newest run that was not skipped."""

    def overdue(self, job_ids: Collection[str]) -> dict[str, datetime]:
        """Return since when these jobs are overdue, by id."""


def stood(known: _Beside, found: Found, pauses: Mapping[str, Pause]) -> Page:
    """Return the page of the jobs that were *found*, as they stand, given the pauses in force."""
    last, overdue = known.last_runs([job.observed.id for job in found.jobs]), overdue_since(known, found.jobs)
    jobs = [standing(job, pauses, last.get(i), overdue.get(i)) for job in found.jobs for i in [job.observed.id]]
    return Page(jobs, found.total, found.more)
