"""How a job stands: its state, and when it will really start next. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from schedsync.clock import MICROSECOND
from schedsync.plan.state import ObservedJob
from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import UNSETTLED, Run
from schedsync.specs.schedule import next_fire
from schedsync.store.jobs import StoredJob
from schedsync.store.lists import ListedJob

ACTIVE, PAUSED, SUSPENDED, FINISHED = STATES = ("active", "paused", "suspended", "finished")
MOST = 20_000
"""How many jobs' standings are kept; when there are more, all are worked out again as they are asked for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """All that is shown of a job. Two that are equal are shown alike, unless time has to do with it."""

    job: StoredJob
    pause: Pause | None = None
    """Its own."""
    every: Pause | None = None
    """The pause of all jobs."""
    last_run: Run | None = None
    overdue_since: datetime | None = None

    @property
    def shown_pause(self) -> Pause | None:
        """The pause that is shown: its own before that of all jobs."""
        return self.pause or self.every

    @property
    def state(self) -> str:
        """One of STATES."""
        return state_of(self.job.observed, paused=self.shown_pause is not None)

    @property
    def next_fire_at(self) -> datetime | None:
        """When it will really start next: not while it is suspended or paused."""
        observed, spec = self.job.observed, self.job.spec
        slot = observed.next_fire_at
        if slot is None or observed.suspended:
            return None
        end = slot
        for pause in (self.pause, self.every):
            if pause is not None and pause.until is None:
                return None
            end = end if pause is None or pause.until is None else max(end, pause.until)
        if end == slot or spec is None:
            return slot
        return next_fire(spec.schedule, end - MICROSECOND, job_id=observed.id, anchor=observed.anchor_at)

    @property
    def changes_with_time(self) -> bool:
        """Whether it may be shown differently later although nothing happens: a run becomes late while it lasts."""
        return self.last_run is not None and self.last_run.state in UNSETTLED


def standing(
    job: StoredJob, pauses: Mapping[str, Pause], last_run: Run | None = None, overdue_since: datetime | None = None
) -> Standing:
    """Return how *job* stands, given the pauses in force."""
    return Standing(job, pauses.get(job.observed.id), pauses.get(EVERYTHING), last_run, overdue_since)


def state_of(job: ObservedJob, *, paused: bool) -> str:
    """Return the state of a job that somebody has paused or not."""
    if job.next_fire_at is None and not job.follows:
        return FINISHED
    if paused:
        return PAUSED
    return SUSPENDED if job.suspended else ACTIVE


class _Alarms(Protocol):
    """Who knows which jobs are overdue."""

    def overdue(self, job_ids: Collection[str]) -> dict[str, datetime]:
        """Return since when these jobs are overdue, by id."""


def overdue_since(known: _Alarms, jobs: Iterable[StoredJob]) -> dict[str, datetime]:
    """Return since when *jobs* are overdue, by id; nothing is asked where none of them can be."""
    asked = [job.observed.id for job in jobs if can_be_overdue(job)]
    return known.overdue(asked) if asked else {}


def can_be_overdue(job: StoredJob) -> bool:
    """Whether the job has a time within which it has to succeed."""
    return job.spec is not None and job.spec.max_time_since_success is not None


class KeptStandings:
    """How jobs stood that have nothing about them but their rows: no pause, no alarm. Safe to use from any thread.

    While such a job's row and that of its last run stay as they are, so does how it stands.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[ListedJob, Standing]] = {}

    def of(self, listed: Sequence[ListedJob], pauses: Mapping[str, Pause]) -> list[Standing | None]:
        """Return how these jobs stand, given the pauses in force; None where that is to be worked out."""
        if EVERYTHING in pauses:
            return [None] * len(listed)
        return [self._of(each, pauses) for each in listed]

    def _of(self, listed: ListedJob, pauses: Mapping[str, Pause]) -> Standing | None:
        job_id = listed.job.id
        known = self._known.get(job_id)
        return known[1] if known is not None and known[0] is listed and job_id not in pauses else None

    def keep(self, listed: ListedJob, standing: Standing) -> None:
        """Keep how a job stands, where nothing but its rows has to do with it."""
        job = standing.job
        if job.spec is None or can_be_overdue(job) or standing.shown_pause is not None or standing.changes_with_time:
            return
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[listed.job.id] = listed, standing
