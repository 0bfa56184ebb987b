"""What the store said last and what happened here since, in memory: for readers while the database is away.

It is fed by what is read and done anyway. Nothing is decided by it.
"""

import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from schedsync.errors import SchedsyncError
from schedsync.plan.state import Located, Observed, ObservedJob
from schedsync.runs.outcome import Output
from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import UNSETTLED, Run, RunState
from schedsync.runs.selection import ALL, RunFilter
from schedsync.specs.job import JobSpec
from schedsync.status.selection import Found, Sort, Wanted, choose
from schedsync.status.standing import standing, state_of
from schedsync.store.jobs import JobCounts, StoredJob
from schedsync.store.syncs import Decision, Recorded, SyncReport

RUNS_OF_A_JOB = 20
"""How many runs of one job are remembered; more only while they have not ended."""
RUNS = 2_000
"""How many runs are remembered in all."""
_SLACK = 200
"""How many more there may be before the oldest are forgotten, so that this is not done for each run."""


class NotRememberedError(SchedsyncError):
    """It may well exist, but it is not in memory."""


class Mirror:
    """Jobs, pauses and recent runs as last known. Safe to use from any thread; all times are UTC."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._as_of: datetime | None = None
        self._jobs: Mapping[str, ObservedJob] = {}
        self._ids: list[str] | None = None
        """The ids in order; None until somebody asks."""
        self._places: Mapping[str, tuple[Located, ...]] = {}
        self._specs: dict[str, tuple[str, JobSpec]] = {}
        """Specs that no snapshot has, with their digests."""
        self._pauses: tuple[Pause, ...] = ()
        self._runs: dict[str, Run] = {}
        self._of_job: dict[str, set[str]] = {}
        self._notices: Mapping[str, int] = {}
        self._overdue: dict[str, datetime] = {}
        self._syncs: dict[bool, SyncReport] = {}
        """The last recorded step, and the last complete one."""

    # What is learned.

    def see_jobs(self, observed: Observed, at: datetime) -> None:
        """Take over all jobs as they were *at* that time; from then on this is how old the knowledge is."""
        with self._lock:
            self._jobs, self._ids, self._as_of = observed.jobs, None, at
            if len(self._specs) > len(self._jobs):
                self._specs = {job_id: spec for job_id, spec in self._specs.items() if job_id in self._jobs}

    def see_folder(self, places: Mapping[str, tuple[Located, ...]]) -> None:
        """Take specs from where the folder has them."""
        with self._lock:
            self._places = places

    def learn_specs(self, specs: Mapping[str, tuple[str, JobSpec]]) -> None:
        """Remember specs with their digests, by job."""
        with self._lock:
            self._specs.update(specs)

    def learn_pauses(self, pauses: Iterable[Pause]) -> None:
        """Take over the pauses in force."""
        with self._lock:
            self._pauses = tuple(pauses)

    def learn_overdue(self, job_ids: Iterable[str], since: Mapping[str, datetime]) -> None:
        """Remember since when jobs are overdue; those of *job_ids* that *since* does not have are not."""
        with self._lock:
            for job_id in job_ids:
                self._overdue.pop(job_id, None)
            self._overdue.update(since)

    def learn_notices(self, counts: Mapping[str, int]) -> None:
        """Remember how many notices there are, by state."""
        with self._lock:
            self._notices = counts

    def learn_sync(self, report: SyncReport, *, complete: bool) -> None:
        """Remember the newest recorded step, or the newest complete one."""
        with self._lock:
            self._syncs[complete] = report

    def last_sync(self, *, complete: bool = False) -> SyncReport | None:
        """Return the newest recorded step that somebody has asked for, or the newest complete one."""
        with self._lock:
            return self._syncs.get(complete)

    def learn_run(self, run: Run) -> None:
        """Remember *run*, unless its end is known already and this is older."""
        with self._lock:
            known = self._runs.get(run.id)
            if known is not None and known.state not in UNSETTLED and run.state in UNSETTLED:
                return
            if known is not None and known.job_id != run.job_id:
                self._forget(known)
            self._runs[run.id] = run
            of_job = self._of_job.setdefault(run.job_id, set())
            of_job.add(run.id)
            if len(of_job) > RUNS_OF_A_JOB:
                self._forget(min((self._runs[i] for i in of_job), key=_worth))
            if len(self._runs) > RUNS + _SLACK:
                for old in sorted(self._runs.values(), key=_worth)[:-RUNS]:
                    self._forget(old)

    def learn_runs(self, runs: Iterable[Run]) -> None:
        """Remember *runs*."""
        with self._lock:
            for run in runs:
                if self._runs.get(run.id) is not run:
                    self.learn_run(run)

    def forget_runs(self, run_ids: Iterable[str]) -> None:
        """Forget runs of which it is not known any more how they stand."""
        with self._lock:
            for run in [self._runs[run_id] for run_id in run_ids if run_id in self._runs]:
                self._forget(run)

    def _forget(self, run: Run) -> None:
        del self._runs[run.id]
        of_job = self._of_job[run.job_id]
        of_job.discard(run.id)
        if not of_job:
            del self._of_job[run.job_id]

    # What is known.

    @property
    def as_of(self) -> datetime | None:
        """When the store was looked at last; None: never."""
        return self._as_of

    def jobs(self, *, after: str, limit: int) -> list[StoredJob]:
        """Return up to *limit* jobs whose id sorts behind *after*."""
        with self._lock:
            if self._ids is None:
                self._ids = sorted(self._jobs)
            return [self._stored(job_id) for job_id in _behind(self._ids, after, limit)]

    def listed(self, wanted: Wanted, pauses: Mapping[str, Pause]) -> Found:
        """Return the page of the jobs that is *wanted*, given the pauses in force."""
        with self._lock:
            jobs = [self._stored(job_id) for job_id in self._jobs]
            last = self.last_runs(self._jobs) if wanted.sort is Sort.LAST_RUN else {}
            slots = {job_id: run.scheduled_at for job_id, run in last.items()}
        return choose(wanted, (standing(job, pauses) for job in jobs), slots)

    def job(self, job_id: str) -> StoredJob:
        """Return the job of this id.

        Raises:
            NotRememberedError: there was none.
        """
        with self._lock:
            if job_id not in self._jobs:
                raise NotRememberedError(job_id)
            return self._stored(job_id)

    def specs_of(self, jobs: Iterable[ObservedJob]) -> dict[str, JobSpec]:
        """Return the specs of *jobs* as they stand there, by id, as far as they are remembered."""
        with self._lock:
            known = [(job.id, self._spec(job)) for job in jobs]
        return {job_id: spec for job_id, spec in known if spec is not None}

    def without_spec(self) -> dict[str, str]:
        """Return the digests of the jobs whose specs are not known, by id."""
        with self._lock:
            return {job.id: job.digest for job in self._jobs.values() if job.digest and self._spec(job) is None}

    def job_counts(self, now: datetime) -> JobCounts:
        """Return how many jobs there are, each counted under the one state it shows at *now*."""
        with self._lock:
            paused = set(self.pauses(now))
            everything = EVERYTHING in paused
            states = Counter(state_of(job, paused=everything or job.id in paused) for job in self._jobs.values())
            return JobCounts(states, sum(job.stale for job in self._jobs.values()))

    def pauses(self, now: datetime) -> dict[str, Pause]:
        """Return the pauses in force at *now*, by job."""
        return {pause.job_id: pause for pause in self._pauses if pause.covers(now)}

    def last_runs(self, job_ids: Collection[str]) -> dict[str, Run]:
        """Return each job's newest run that was not skipped."""
        with self._lock:
            of_each = {job_id: [r for r in self._of(job_id) if r.state is not RunState.SKIPPED] for job_id in job_ids}
        return {i: max(runs, key=lambda run: (run.scheduled_at, run.attempt)) for i, runs in of_each.items() if runs}

    def recent_runs(self, job_ids: Collection[str], *, each: int) -> dict[str, list[Run]]:
        """Return the newest of each job's remembered runs, at most *each* of them, newest slot first."""
        with self._lock:
            of_each = {job_id: sorted(self._of(job_id), key=_place, reverse=True)[:each] for job_id in job_ids}
        return {job_id: runs for job_id, runs in of_each.items() if runs}

    def runs(
        self, *, job_id: str | None, before: tuple[datetime, str] | None, limit: int, only: RunFilter = ALL
    ) -> list[Run]:
        """Return up to *limit* of the remembered runs that are wanted, newest slot first.

        Raises:
            NotRememberedError: none of a job that is not known, or none beyond the place *before*.
        """
        with self._lock:
            found = self._of(job_id) if job_id is not None else iter(list(self._runs.values()))
            runs = sorted((run for run in found if before is None or _place(run) < before), key=_place, reverse=True)
            if not runs and (before is not None or (job_id is not None and job_id not in self._jobs)):
                raise NotRememberedError(job_id or "older runs")
        return [run for run in runs if only.takes(run)][:limit]

    def run(self, run_id: str) -> Run:
        """Return the run of this id.

        Raises:
            NotRememberedError: it is not among the remembered ones.
        """
        with self._lock:
            if run_id not in self._runs:
                raise NotRememberedError(run_id)
            return self._runs[run_id]

    def run_counts(self) -> dict[RunState, int]:
        """Return how many of the remembered runs are queued and how many are running."""
        with self._lock:
            return Counter(run.state for run in self._runs.values() if run.state in UNSETTLED)

    def unsettled(self) -> list[Run]:
        """Return the remembered runs that are queued or running, oldest slot first."""
        with self._lock:
            return sorted((run for run in self._runs.values() if run.state in UNSETTLED), key=_place)

    def specs(self, job_ids: Collection[str]) -> dict[str, JobSpec]:
        """Return the specs of jobs, as far as they are known."""
        with self._lock:
            known = {job_id: self._spec(self._jobs[job_id]) for job_id in job_ids if job_id in self._jobs}
        return {job_id: spec for job_id, spec in known.items() if spec is not None}

    def overdue(self, job_ids: Collection[str]) -> dict[str, datetime]:
        """Return since when these jobs were overdue, by id."""
        with self._lock:
            return {job_id: self._overdue[job_id] for job_id in job_ids if job_id in self._overdue}

    def notice_counts(self) -> dict[str, int]:
        """Return how many notices there were, by state."""
        with self._lock:
            return dict(self._notices)

    def output(self, run_id: str) -> Output:
        """Raise NotRememberedError: outputs are not remembered."""
        raise NotRememberedError(run_id)

    def syncs(self, *, before: str | None, limit: int) -> list[Recorded]:
        """Raise NotRememberedError: of the steps only the last ones are remembered."""
        del before, limit
        raise NotRememberedError("syncs")

    def audit(self, *, job_id: str | None, before: str | None, limit: int) -> list[Decision]:
        """Raise NotRememberedError: decisions are not remembered."""
        del job_id, before, limit
        raise NotRememberedError("audit")

    def _of(self, job_id: str) -> Iterator[Run]:
        return iter([self._runs[run_id] for run_id in self._of_job.get(job_id, ())])

    def _stored(self, job_id: str) -> StoredJob:
        job = self._jobs[job_id]
        return StoredJob(job, self._spec(job), job.revision)

    def _spec(self, job: ObservedJob) -> JobSpec | None:
        digest, spec = self._specs.get(job.id, ("", None))
        if digest == job.digest:
            return spec
        return next((place.spec for place in self._places.get(job.id, ()) if place.digest == job.digest), None)


def _behind(ids: Sequence[str], after: str, limit: int) -> Sequence[str]:
    start = bisect_right(ids, after)
    return ids[start : start + limit]


def _place(run: Run) -> tuple[datetime, str]:
    return run.scheduled_at, run.id


def _worth(run: Run) -> tuple[bool, datetime, str]:
    """Order runs by how much one would miss them: those that have not ended most, old ones least."""
    return run.state in UNSETTLED, run.scheduled_at, run.id
