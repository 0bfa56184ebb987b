"""What programs may decide where the owner of the installation lets them: which jobs have files in a folder of theirs.

The folder stays the one source of truth. A job that lives in another file is that file's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schedsync.clock import Clock, utc_now
from schedsync.errors import JobNotFoundError
from schedsync.plan.following import following_problems
from schedsync.plan.state import Located
from schedsync.sources.job_files import JobFileConflictError, JobFiles, place_of
from schedsync.specs.problem import Problem
from schedsync.store.jobs import StoredJob
from schedsync.store.store import Store


@dataclass(frozen=True, slots=True)
class Filed:
    """A job that has its file."""

    job_id: str
    file: str
    """Below the jobs folder."""
    created: bool
    changed: bool
    """Whether it was written; if not, it said the same before."""
    problems: tuple[Problem, ...]
    """Why it may not become live as it is: it runs after jobs that there are not yet."""


@dataclass(frozen=True, slots=True)
class Filing:
    """Decisions over files, by programs."""

    store: Store
    files: JobFiles
    clock: Clock = utc_now

    def schedule(self, document: Mapping[str, Any], *, by: str) -> Filed:
        """Give a job its file, or replace that. The next step of the loop makes it live.

        Args:
            document: the job in the fields of a job file, with its id.
            by: who decides.

        Raises:
            RefusedJobError: it is no job.
            JobFileConflictError: another file has it, or is in the way.
            UnwritableFolderError: the file cannot be written.
            DatabaseUnavailableError: it is not known who has it, and nothing was written; or it was written, and the
                log of decisions does not have it.
        """
        now = self.clock()
        draft = self.files.draft(document, by=by, at=now)
        job_id = draft.job.spec.id
        self._live(job_id)
        problems = self._problems(draft.job)
        created = self.files.put(draft)
        file = place_of(job_id)
        if created is not None:
            self.store.audit.record(at=now, actor=by, action="schedule_job", job_id=job_id, reason=file)
        return Filed(job_id, file, created=bool(created), changed=created is not None, problems=problems)

    def remove(self, job_id: str, *, by: str) -> str:
        """Remove the file of a job, and return which that was. The next step of the loop removes the job.

        Raises:
            JobNotFoundError: there is no such job.
            JobFileConflictError: another file has it, or its own is gone already or holds something else.
            UnwritableFolderError: the file cannot be removed.
            DatabaseUnavailableError: as in ``schedule``.
        """
        live, file = self._live(job_id), place_of(job_id)
        if not self.files.remove(job_id):
            if live is None:
                raise JobNotFoundError(job_id)
            raise JobFileConflictError(file, "the file is gone already; the removal of its job waits, see the status")
        self.store.audit.record(at=self.clock(), actor=by, action="remove_job", job_id=job_id, reason=file)
        return file

    def _live(self, job_id: str) -> StoredJob | None:
        """Return the job as it is live, unless another file has it."""
        live = self.store.jobs.load([job_id]).get(job_id)
        if live is not None and live.observed.source.file != place_of(job_id):
            file = live.observed.source.file
            raise JobFileConflictError(file, f"the job {job_id} is written in this file; edit it there")
        return live

    def _problems(self, job: Located) -> tuple[Problem, ...]:
        upstreams = list(job.spec.after or ())
        present = self.store.jobs.present(upstreams) if upstreams else set()
        return tuple(following_problems({job.spec.id: job}, present.__contains__).get(job.spec.id, ()))
