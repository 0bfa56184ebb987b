"""The runner's pools as APScheduler executors, so that its events and listeners see our runs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job

from schedsync.runs.ledger import Entry, pool_of
from schedsync.runs.run import Run, RunState
from schedsync.scheduler.triggers import SpecTrigger
from schedsync.specs.job import JobSpec

_UNLIMITED = 1 << 30
"""Overlap is decided when a slot is claimed, so APScheduler's own count of instances must never object."""


def run_entry() -> None:
    """Name what a job does, for APScheduler; runs are submitted to a ``RunExecutor`` instead."""
    raise NotImplementedError


def job_for(
    scheduler: Any,
    alias: str | None,
    spec: JobSpec,
    anchor: datetime,
    next_fire_at: datetime | None,
) -> Job:
    """Return APScheduler's view of a job."""
    job = Job(
        scheduler,
        id=spec.id,
        name=spec.description or spec.id,
        func=run_entry,
        args=(),
        kwargs={},
        trigger=SpecTrigger(spec, anchor),
        executor=pool_of(spec.run),
        misfire_grace_time=int(spec.misfire.grace.total_seconds()),
        coalesce=True,
        max_instances=_UNLIMITED,
        next_run_time=next_fire_at,
    )
    job._jobstore_alias = alias  # noqa: SLF001 - how APScheduler's own stores do it
    return job


@dataclass(frozen=True, slots=True)
class Submission:
    """What an executor has to know of a job to be given a run of it.

    A whole ``Job`` would be examined each time it is made, and in a burst each run waits for those before it.
    """

    entry: Entry
    max_instances: int = _UNLIMITED

    @property
    def id(self) -> str:
        """The job."""
        return self.entry.run.job_id


class RunExecutor(BaseExecutor):
    """Hands claimed runs to the runner, and tells APScheduler's listeners how they ended."""

    def __init__(self, launch: Callable[[Entry], None]) -> None:
        super().__init__()
        self._launch = launch

    def _do_submit_job(self, job: Submission, run_times: list[datetime]) -> None:
        del run_times
        self._launch(job.entry)

    def ended(self, run: Run, alias: str) -> None:
        """Tell listeners that *run* has ended."""
        succeeded = run.state is RunState.SUCCEEDED
        event = JobExecutionEvent(
            EVENT_JOB_EXECUTED if succeeded else EVENT_JOB_ERROR,
            run.job_id,
            alias,
            run.scheduled_at,
            retval=run.id if succeeded else None,
            exception=None if succeeded else RuntimeError(f"{run.state}: {run.reason}"),
        )
        self._run_job_success(run.job_id, [event])
