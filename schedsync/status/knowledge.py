"""What readers ask: answered by the store, which lets the mirror learn, or by the mirror alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from schedsync.errors import JobNotFoundError
from schedsync.plan.state import ObservedJob
from schedsync.runs.outcome import Output
from schedsync.runs.pause import Pause
from schedsync.runs.run import UNSETTLED, Run, RunState
from schedsync.runs.selection import ALL, RunFilter
from schedsync.specs.job import JobSpec
from schedsync.status.mirror import RUNS, Mirror
from schedsync.status.selection import Found, Place, Sort, Wanted, choose
from schedsync.status.standing import standing
from schedsync.store.jobs import JobCounts, StoredJob
from schedsync.store.runs import KeptOutput, Span, Tally
from schedsync.store.store import Store
from schedsync.store.syncs import Decision, Recorded, SyncReport

PAGE = 500
"""How many runs are looked at in a refresh by an instance that stands by."""
SPECS = 2_000
"""How many specs are loaded in one refresh at most."""


class Knowledge(Protocol):
    """Jobs, pauses and runs as somebody knows them: the store, which may be away, or a memory, which may not know."""

    def jobs(self, *, after: str, limit: int) -> list[StoredJob]:
        """Return up to *limit* live jobs whose id sorts behind *after*, by id."""
        ...

    def listed(self, wanted: Wanted, pauses: Mapping[str, Pause]) -> Found:
        """Return the page of the live jobs that is *wanted*, given the pauses in force."""
        ...

    def coming(self, now: datetime, *, until: datetime, limit: int) -> list[tuple[str, datetime]]:
        """Return up to *limit* jobs that fire by *until*, earliest first, with their slots; not those held at *now*."""
        ...

    def job(self, job_id: str) -> StoredJob:
        """Return the live job of this id."""
        ...

    def job_counts(self, now: datetime) -> JobCounts:
        """Return how many jobs there are, by the state they show at *now*."""
        ...

    def pauses(self, now: datetime) -> dict[str, Pause]:
        """Return the pauses in force at *now*, by job."""
        ...

    def last_runs(self, job_ids: Collection[str]) -> dict[str, Run]:
        """Return each job's newest run that was not skipped."""
        ...

    def recent_runs(self, job_ids: Collection[str], *, each: int) -> dict[str, list[Run]]:
        """Return each job's newest runs, at most *each* of them, newest slot first, skipped slots too."""
        ...

    def runs(
        self, *, job_id: str | None, before: tuple[datetime, str] | None, limit: int, only: RunFilter = ALL
    ) -> list[Run]:
        """Return up to *limit* runs, newest slot first, of one job or of all; *before* is a place to go on from."""
        ...

    def tallies(self, span: Span, step: timedelta) -> list[Tally]:
        """Return how many runs have their slots in *span*: of each job, and in each *step* of all jobs."""
        ...

    def tallies_of(self, job_ids: Collection[str], span: Span, step: timedelta) -> list[Tally]:
        """Return how many runs of these jobs have their slots in each *step* of *span*."""
        ...

    def runs_within(self, job_ids: Collection[str], span: Span, limit: int) -> list[Run]:
        """Return the runs of these jobs with slots in *span*, oldest first; at most *limit* for every 500 jobs."""
        ...

    def run(self, run_id: str) -> Run:
        """Return the run of this id."""
        ...

    def attempts(self, run: Run) -> list[Run]:
        """Return the attempts at the slot of *run*, the first one first."""
        ...

    def followers(self, run: Run) -> list[Run]:
        """Return the runs that follow *run*, oldest slot first."""
        ...

    def run_counts(self) -> dict[RunState, int]:
        """Return how many runs are queued and how many are running."""
        ...

    def unsettled(self) -> list[Run]:
        """Return the runs that are queued or running, oldest slot first."""
        ...

    def specs(self, job_ids: Collection[str]) -> dict[str, JobSpec]:
        """Return the specs of live jobs, as far as they are known."""

    def overdue(self, job_ids: Collection[str]) -> dict[str, datetime]:
        """Return since when these jobs are overdue, by id."""
        ...

    def notice_counts(self) -> dict[str, int]:
        """Return how many notices are to be sent, and how many were given up, by state."""
        ...

    def output(self, run_id: str) -> Output | KeptOutput | None:
        """Return what is kept of a run's output; None while nothing is."""
        ...

    def last_sync(self, *, complete: bool = False) -> SyncReport | None:
        """Return the newest recorded step, or the newest that made everything live."""
        ...

    def syncs(self, *, before: str | None, limit: int) -> list[Recorded]:
        """Return up to *limit* recorded steps, the newest first; *before* is the id of one to go on from."""
        ...

    def audit(self, *, job_id: str | None, before: str | None, limit: int) -> list[Decision]:
        """Return up to *limit* decisions, the newest first, over one job or all; *before* is the id to go on from."""
        ...


@dataclass(frozen=True, slots=True)
class FromStore:
    """Asks the store. Each method may raise DatabaseUnavailableError."""

    store: Store
    mirror: Mirror | None = None
    """Learns what the store answers."""

    def jobs(self, *, after: str, limit: int) -> list[StoredJob]:
        """Return up to *limit* live jobs whose id sorts behind *after*."""
        return self._with_specs(self.store.jobs.overview(behind=after or None, limit=limit).jobs)

    def listed(self, wanted: Wanted, pauses: Mapping[str, Pause]) -> Found:
        """Return the page of the live jobs that is *wanted*, given the pauses in force."""
        if wanted.by_id:
            return self._page(wanted)
        jobs = self.store.jobs.overview().jobs
        all_specs = wanted.filter.asks_specs or (pauses and wanted.sort is Sort.NEXT_FIRE)
        stored = self._with_specs(jobs) if all_specs else [StoredJob(job, None, job.revision) for job in jobs]
        slots = self.store.jobs.last_slots() if wanted.sort is Sort.LAST_RUN else {}
        found = choose(wanted, (standing(job, pauses) for job in stored), slots)
        return replace(found, jobs=self._with_specs([job.observed for job in found.jobs]))

    def _require(self, job_id: str) -> None:
        """Check that there is such a job, or that there are runs of one that is gone."""
        if not self.store.jobs.present([job_id]) and not self.store.runs.page(job_id=job_id, before=None, limit=1):
            raise JobNotFoundError(job_id)

    def _page(self, wanted: Wanted) -> Found:
        behind = None if wanted.behind is None else wanted.behind.job_id
        seen = self.store.jobs.overview(behind=behind, limit=wanted.limit + 1, downwards=wanted.downwards)
        page = seen.jobs[: wanted.limit]
        more = Place(missing=False, rank=0, job_id=page[-1].id) if len(seen.jobs) > len(page) else None
        return Found(self._with_specs(page), seen.total, more)

    def _with_specs(self, jobs: Sequence[ObservedJob]) -> list[StoredJob]:
        """Return *jobs* with their specs; a spec is read once, since its digest says which one it is."""
        specs = {} if self.mirror is None else self.mirror.specs_of(jobs)
        unknown = {job.id: job.digest for job in jobs if job.id not in specs}
        if unknown:
            read = self.store.jobs.specs(unknown)
            specs |= read
            if self.mirror is not None:
                self.mirror.learn_specs({job_id: (unknown[job_id], spec) for job_id, spec in read.items()})
        return [StoredJob(job, specs.get(job.id), job.revision) for job in jobs]

    def coming(self, now: datetime, *, until: datetime, limit: int) -> list[tuple[str, datetime]]:
        """Return up to *limit* jobs that fire by *until*, earliest first, with their slots; not those held at *now*."""
        return self.store.jobs.coming(now, until=until, limit=limit)

    def job(self, job_id: str) -> StoredJob:
        """Return the live job of this id.

        Raises:
            JobNotFoundError: there is none.
        """
        job = self.store.jobs.load([job_id]).get(job_id)
        if job is None:
            raise JobNotFoundError(job_id)
        return self._learned([job])[0]

    def job_counts(self, now: datetime) -> JobCounts:
        """Return how many jobs there are, by the state they show at *now*."""
        return self.store.jobs.counts(now)

    def pauses(self, now: datetime) -> dict[str, Pause]:
        """Return the pauses in force at *now*, by job."""
        pauses = self.store.pauses.in_force(now)
        if self.mirror is not None:
            self.mirror.learn_pauses(pauses.values())
        return pauses

    def last_runs(self, job_ids: Collection[str]) -> dict[str, Run]:
        """Return each job's newest run that was not skipped."""
        runs = self.store.runs.last_of(job_ids)
        self._learn_runs(runs.values())
        return runs

    def recent_runs(self, job_ids: Collection[str], *, each: int) -> dict[str, list[Run]]:
        """Return each job's newest runs, at most *each* of them, newest slot first, skipped slots too."""
        return self.store.runs.recent_of(job_ids, each)

    def runs(
        self, *, job_id: str | None, before: tuple[datetime, str] | None, limit: int, only: RunFilter = ALL
    ) -> list[Run]:
        """Return up to *limit* runs that are wanted, newest slot first, of one job or of all.

        Raises:
            JobNotFoundError: there are none at all, and no such job.
        """
        runs = self.store.runs.page(job_id=job_id, before=before, limit=limit, only=only)
        if not runs and job_id is not None and before is None:
            self._require(job_id)
        self._learn_runs(runs)
        return runs

    def run(self, run_id: str) -> Run:
        """Return the run of this id.

        Raises:
            RunNotFoundError: there is none.
        """
        run = self.store.runs.get(run_id)
        self._learn_runs([run])
        return run

    def tallies(self, span: Span, step: timedelta) -> list[Tally]:
        """Return how many runs have their slots in *span*: of each job, and in each *step* of all jobs."""
        return self.store.runs.tallies(span, step)

    def tallies_of(self, job_ids: Collection[str], span: Span, step: timedelta) -> list[Tally]:
        """Return how many runs of these jobs have their slots in each *step* of *span*."""
        return self.store.runs.tallies_of(job_ids, span, step)

    def runs_within(self, job_ids: Collection[str], span: Span, limit: int) -> list[Run]:
        """Return the runs of these jobs with slots in *span*, oldest first; at most *limit* for every 500 jobs."""
        return self.store.runs.within(job_ids, span, limit)

    def attempts(self, run: Run) -> list[Run]:
        """Return the attempts at the slot of *run*, the first one first."""
        return self.store.runs.attempts(run.job_id, run.scheduled_at)

    def followers(self, run: Run) -> list[Run]:
        """Return the runs that follow *run*, oldest slot first."""
        return self.store.runs.following(run)

    def run_counts(self) -> dict[RunState, int]:
        """Return how many runs are queued and how many are running."""
        return self.store.runs.unsettled_counts()

    def unsettled(self) -> list[Run]:
        """Return the runs that are queued or running, oldest slot first."""
        return self.store.runs.unsettled()

    def specs(self, job_ids: Collection[str]) -> dict[str, JobSpec]:
        """Return the specs of live jobs, as far as they can be read."""
        jobs = self._learned(list(self.store.jobs.load(job_ids).values()))
        return {job.observed.id: job.spec for job in jobs if job.spec is not None}

    def overdue(self, job_ids: Collection[str]) -> dict[str, datetime]:
        """Return since when these jobs are overdue, by id."""
        found = self.store.notices.overdue(job_ids)
        if self.mirror is not None:
            self.mirror.learn_overdue(job_ids, found)
        return found

    def notice_counts(self) -> dict[str, int]:
        """Return how many notices are to be sent, and how many were given up, by state."""
        counts = self.store.notices.counts()
        if self.mirror is not None:
            self.mirror.learn_notices(counts)
        return counts

    def output(self, run_id: str) -> KeptOutput | None:
        """Return what is kept of a run's output."""
        return self.store.runs.output(run_id)

    def last_sync(self, *, complete: bool = False) -> SyncReport | None:
        """Return the newest recorded step, or the newest that made everything live."""
        report = self.store.syncs.latest(complete=complete)
        if self.mirror is not None and report is not None:
            self.mirror.learn_sync(report, complete=complete)
        return report

    def syncs(self, *, before: str | None, limit: int) -> list[Recorded]:
        """Return up to *limit* recorded steps, the newest first; *before* is the id of one to go on from."""
        return self.store.syncs.page(before=before, limit=limit)

    def audit(self, *, job_id: str | None, before: str | None, limit: int) -> list[Decision]:
        """Return up to *limit* decisions, the newest first, over one job or all; *before* is the id to go on from."""
        return self.store.audit.page(job_id=job_id, before=before, limit=limit)

    def _learned(self, jobs: list[StoredJob]) -> list[StoredJob]:
        if self.mirror is not None:
            self.mirror.learn_specs({j.observed.id: (j.observed.digest, j.spec) for j in jobs if j.spec is not None})
        return jobs

    def _learn_runs(self, runs: Collection[Run]) -> None:
        if self.mirror is not None:
            self.mirror.learn_runs(runs)


def refresh(mirror: Mirror, store: Store, now: datetime, *, wholly: bool) -> None:
    """Let *mirror* learn what it is not told of.

    Args:
        mirror: of an instance whose own steps and runs it is told of.
        store: to ask; one small query, unless *wholly*.
        now: the time (UTC).
        wholly: whether others may have changed jobs and runs, because this instance does not lead.

    Raises:
        DatabaseUnavailableError: what was known stays.
    """
    mirror.learn_pauses(store.pauses.in_force(now).values())
    if not wholly:
        return
    mirror.see_jobs(store.jobs.observe(), now)
    unknown = dict(list(mirror.without_spec().items())[:SPECS])
    specs = store.jobs.specs(unknown)
    mirror.learn_specs({job_id: (unknown[job_id], spec) for job_id, spec in specs.items()})
    _refresh_runs(mirror, store)


def _refresh_runs(mirror: Mirror, store: Store) -> None:
    known = mirror.runs(job_id=None, before=None, limit=RUNS)
    unsettled = store.runs.unsettled()
    open_ids = {run.id for run in unsettled}
    mirror.forget_runs(run.id for run in known if run.state in UNSETTLED and run.id not in open_ids)
    mirror.learn_runs(unsettled)
    mirror.learn_runs(store.runs.page(job_id=None, before=None, limit=PAGE if known else RUNS))
