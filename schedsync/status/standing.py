"""How a job stands: its state, and when it will really start next. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from schedsync.clock import MICROSECOND
from schedsync.plan.state import ObservedJob
from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import UNSETTLED, Run
from schedsync.specs.schedule import next_fire
from schedsync.store.jobs import StoredJob

ACTIVE, PAUSED, SUSPENDED, FINISHED = STATES = ("active", "paused", "suspended", "finished")


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
        pauses = [pause for pause in (self.pause, self.every) if pause is not None]
        observed, spec = self.job.observed, self.job.spec
        slot = observed.next_fire_at
        if slot is None or observed.suspended or any(pause.until is None for pause in pauses):
            return None
        end = max((pause.until for pause in pauses if pause.until is not None), default=slot)
        if end <= slot or spec is None:
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
