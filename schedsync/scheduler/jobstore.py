"""Our store as an APScheduler job store: read through it what is live; the folder decides what is in it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NoReturn

from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore

from schedsync.clock import to_micros
from schedsync.errors import SchedsyncError
from schedsync.scheduler.executors import job_for
from schedsync.store.jobs import StoredJob
from schedsync.store.store import Store

_PAGE = 500


class FolderOwnsJobsError(SchedsyncError):
    """Somebody tried to change jobs through APScheduler."""


class JobStore(BaseJobStore):
    """Jobs as APScheduler sees them. No pickle, and nothing is ever deleted on a read."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def lookup_job(self, job_id: str) -> Job | None:
        """Return the job, or None."""
        return next(iter(self._jobs(list(self._store.jobs.load([job_id]).values()))), None)

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Return the jobs whose next slot is at or before *now*, earliest first."""
        due = [row.id for row in self._store.jobs.due(now, limit=_PAGE)]
        jobs = self._store.jobs.load(due)
        return list(self._jobs([jobs[job_id] for job_id in due if job_id in jobs]))

    def get_next_run_time(self) -> datetime | None:
        """Return the earliest next slot of all jobs (UTC)."""
        return self._store.jobs.next_fire_at()

    def get_all_jobs(self) -> list[Job]:
        """Return all jobs, earliest next slot first, finished ones last."""
        jobs: list[StoredJob] = []
        while page := self._store.jobs.page(after=jobs[-1].observed.id if jobs else "", limit=_PAGE):
            jobs += page
        last = max((to_micros(j.observed.next_fire_at) for j in jobs if j.observed.next_fire_at), default=0) + 1
        jobs.sort(key=lambda j: to_micros(j.observed.next_fire_at) if j.observed.next_fire_at else last)
        return list(self._jobs(jobs))

    def _jobs(self, stored: list[StoredJob]) -> Iterator[Job]:
        for job in stored:
            if job.spec is not None:
                yield job_for(self._scheduler, self._alias, job.spec, job.observed.anchor_at, job.observed.next_fire_at)

    def add_job(self, job: Job) -> NoReturn:
        """Refuse."""
        self._refuse(job)

    def update_job(self, job: Job) -> NoReturn:
        """Refuse."""
        self._refuse(job)

    def remove_job(self, job_id: str) -> NoReturn:
        """Refuse."""
        self._refuse(job_id)

    def remove_all_jobs(self) -> NoReturn:
        """Refuse."""
        self._refuse("all jobs")

    def _refuse(self, what: Any) -> NoReturn:
        raise FolderOwnsJobsError(f"{what}: jobs are changed in the folder of job files, not through APScheduler")
