"""What an operator may decide: pause, resume, run now. Writes the wish to the store, where the next tick finds it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches

from schedsync.clock import Clock, parse_instant, rfc3339, utc_now
from schedsync.errors import JobNotFoundError, SchedsyncError
from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import Cause, Run, RunState, new_run_id
from schedsync.specs.durations import parse_duration
from schedsync.specs.wording import quoted, shortened
from schedsync.store.jobs import StoredJob
from schedsync.store.store import Store


class BadWishError(SchedsyncError):
    """What was asked for makes no sense; the message says why."""


def parse_end(text: str) -> datetime | timedelta:
    """Read when a pause is to end: an instant with its zone, or a duration from now.

    Raises:
        ValueError: it is neither; the message says what to write.
    """
    try:
        return parse_duration(text)
    except ValueError:
        pass
    try:
        return parse_instant(text)
    except ValueError as error:
        raise ValueError(f'{shortened(str(error))}, or as a duration from now: "2h"') from None
    except OverflowError:
        raise ValueError(f"{quoted(text)} is beyond the years that there are, 1 to 9999") from None


@dataclass(frozen=True, slots=True)
class Control:
    """Decisions over jobs, by people."""

    store: Store
    clock: Clock = utc_now

    def pause(self, job_id: str | None, *, by: str, reason: str | None = None, until: datetime | None = None) -> Pause:
        """Pause one job, or all with None. Pausing again replaces reason and end; since when stays.

        Args:
            job_id: the job, or None for all jobs.
            by: who decides.
            reason: why, for others.
            until: when it resumes by itself (UTC); None: when somebody resumes it.

        Raises:
            JobNotFoundError: there is no such job.
            BadWishError: *until* is not in the future.
            DatabaseUnavailableError: nothing was paused.
        """
        now = self.clock()
        if until is not None and until <= now:
            raise BadWishError(f"until ({rfc3339(until)}) must be in the future; it is {rfc3339(now)}")
        target = self._target(job_id)
        earlier = self.store.pauses.in_force(now).get(target)
        pause = Pause(target, by, since=earlier.since if earlier else now, reason=reason, until=until)
        self.store.pauses.put(pause, now=now)
        return pause

    def resume(self, job_id: str | None, *, by: str, reason: str | None = None) -> bool:
        """End the pause of one job, or the pause of all with None; return whether there was one.

        Raises:
            JobNotFoundError: there is no such job.
            DatabaseUnavailableError: nothing was changed.
        """
        return self.store.pauses.lift(self._target(job_id), by=by, reason=reason, now=self.clock())

    def trigger(self, job_id: str, *, by: str, reason: str | None = None) -> Run:
        """Ask for a run of a job now, and return it as it waits for the instance that leads.

        Args:
            job_id: the job; it may be paused, suspended or finished.
            by: who asks.
            reason: why, for others.

        Raises:
            JobNotFoundError: there is no such job.
            DatabaseUnavailableError: it may have been asked for; the runs of the job say so.
        """
        job, now = self._live(job_id), self.clock()
        asked = Run(
            id=new_run_id(now),
            job_id=job_id,
            scheduled_at=now,
            attempt=1,
            cause=Cause.MANUAL,
            state=RunState.QUEUED,
            claimed_at=now,
            spec_digest=job.observed.digest,
            generation=job.observed.generation,
            revision=job.revision,
            asked_by=by,
            ask_reason=reason,
        )
        return self.store.runs.ask(asked)

    def _target(self, job_id: str | None) -> str:
        return EVERYTHING if job_id is None else self._live(job_id).observed.id

    def _live(self, job_id: str) -> StoredJob:
        job = self.store.jobs.load([job_id]).get(job_id)
        if job is None:
            near = get_close_matches(job_id, self.store.jobs.observe().jobs, n=1)
            raise JobNotFoundError(job_id, near[0] if near else None)
        return job
