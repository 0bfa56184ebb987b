"""What readers ask: answered by the store, which lets the mirror learn, or by the mirror alone."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from schedsync.status.selection import Found, FoundRuns, Page, Place, Sort, Wanted, choose, stood
from schedsync.status.standing import KeptStandings, Standing, overdue_since, standing
from schedsync.store.jobs import JobCounts, StoredJob
from schedsync.store.lists import ListedJob
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

    def page(self, wanted: Wanted, now: datetime) -> Page:
        """Return the page of the live jobs that is *wanted*, as they stand at *now*."""
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

    def runs_page(
        self, *, job_id: str | None, before: tuple[datetime, str] | None, limit: int, only: RunFilter = ALL
    ) -> FoundRuns:
        """Return what ``runs`` does, and where it goes on."""
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
    standings: KeptStandings = field(default_factory=KeptStandings)
    """Those of the jobs that were listed before."""

    def jobs(self, *, after: str, limit: int) -> list[StoredJob]:
        """Return up to *limit* live jobs whose id sorts behind *after*."""
        return self._with_specs(self.store.jobs.overview(behind=after or None, limit=limit).jobs)

    def listed(self, wanted: Wanted, pauses: Mapping[str, Pause]) -> Found:
        """Return the page of the live jobs that is *wanted*, given the pauses in force."""
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

    def page(self, wanted: Wanted, now: datetime) -> Page:
        """Return the page of the live jobs that is *wanted*, as they stand at *now*."""
        if not wanted.by_id:
            return stood(self, self.listed(wanted, pauses := self.pauses(now)), pauses)
        behind = None if wanted.behind is None else wanted.behind.job_id
        seen = self.store.lists.page(behind=behind, limit=wanted.limit + 1, downwards=wanted.downwards)
        page = seen.jobs[: wanted.limit]
        more = Place(missing=False, rank=0, job_id=page[-1].job.id) if len(seen.jobs) > len(page) else None
        return Page(self._standings(page, self._in_force(seen.pauses, now)), seen.total, more)

    def again(self, job_ids: Sequence[str], now: datetime) -> list[Standing]:
        """Return how those of these jobs stand at *now* that ``page`` need not look into once more."""
        seen = self.store.lists.some(job_ids)
        return self._standings(seen.jobs, self._in_force(seen.pauses, now))

    def _standings(self, page: Sequence[ListedJob], pauses: Mapping[str, Pause]) -> list[Standing]:
        """Return how the jobs of *page* stand; those of which nothing has changed are not looked at again."""
        known = self.standings.of(page, pauses)
        made = iter(self._made([listed for listed, each in zip(page, known, strict=True) if each is None], pauses))
        return [next(made) if each is None else each for each in known]

    def _made(self, listed: Sequence[ListedJob], pauses: Mapping[str, Pause]) -> list[Standing]:
        jobs = self._with_specs([each.job for each in listed])
        self._learn_runs([each.last_run for each in listed if each.last_run is not None])
        overdue = overdue_since(self, jobs)
        made = [
            standing(job, pauses, each.last_run, overdue.get(each.job.id))
            for job, each in zip(jobs, listed, strict=True)
        ]
        for each, shown in zip(listed, made, strict=True):
            self.standings.keep(each, shown)
        return made

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
        return self._in_force(self.store.pauses.in_force(now).values(), now)

    def _in_force(self, pauses: Iterable[Pause], now: datetime) -> dict[str, Pause]:
        in_force = {pause.job_id: pause for pause in pauses if pause.covers(now)}
        if self.mirror is not None:
            self.mirror.learn_pauses(in_force.values())
        return in_force

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

    def runs_page(
        self, *, job_id: str | None, before: tuple[datetime, str] | None, limit: int, only: RunFilter = ALL
    ) -> FoundRuns:
        """Return what ``runs`` does, and where it goes on.

        Raises:
            JobNotFoundError: as for ``runs``.
        """
        found = self.runs(job_id=job_id, before=before, limit=limit + 1, only=only)
        return FoundRuns(found[:limit], found[limit - 1] if len(found) > limit else None)

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


def refresh(
    mirror: Mirror, store: Store, now: datetime, *, wholly: bool, held: Callable[[], Collection[str]] = frozenset
) -> None:
    """Let *mirror* learn what it is not told of.

    Args:
        mirror: of an instance whose own steps and runs it is told of.
        store: to ask; one small query, unless *wholly*, or runs are remembered as unsettled that are not held.
        now: the time (UTC).
        wholly: whether others may have changed jobs and runs, because this instance does not lead.
        held: returns the runs that this instance looks after, so that the mirror is told of them.

    Raises:
        DatabaseUnavailableError: what was known stays.
    """
    mirror.learn_pauses(store.pauses.in_force(now).values())
    if not wholly:
        _refresh_others(mirror, store, held)
        return
    mirror.see_jobs(store.jobs.observe(), now)
    unknown = dict(list(mirror.without_spec().items())[:SPECS])
    specs = store.jobs.specs(unknown)
    mirror.learn_specs({job_id: (unknown[job_id], spec) for job_id, spec in specs.items()})
    _refresh_runs(mirror, store, held)


def _refresh_runs(mirror: Mirror, store: Store, held: Callable[[], Collection[str]]) -> None:
    limit = PAGE if mirror.runs(job_id=None, before=None, limit=1) else RUNS
    others = _of_others(mirror, held)
    unsettled = store.runs.unsettled()
    _forget_ended(mirror, others, unsettled)
    mirror.learn_runs(unsettled)
    newest = store.runs.page(job_id=None, before=None, limit=limit)
    learn = mirror.learn_runs if len(newest) == limit else mirror.learn_all_runs
    learn(newest)


def _refresh_others(mirror: Mirror, store: Store, held: Callable[[], Collection[str]]) -> None:
    """Let the *mirror* of the leader find out which runs have ended of other instances that still live."""
    others = _of_others(mirror, held)
    if not others or not _forget_ended(mirror, others, store.runs.unsettled()):
        return
    newest = store.runs.page(job_id=None, before=None, limit=PAGE)
    mirror.learn_runs(run for run in newest if run.state not in UNSETTLED)  # of the others the mirror knows more


def _of_others(mirror: Mirror, held: Callable[[], Collection[str]]) -> list[Run]:
    unsettled = mirror.unsettled()
    ours = held()  # asked afterwards: what the mirror is told of has been taken hold of before
    return [run for run in unsettled if run.id not in ours]


def _forget_ended(mirror: Mirror, others: Collection[Run], unsettled: Collection[Run]) -> bool:
    """Forget which of the *others* are not *unsettled* any more in the store; return whether there were any."""
    open_ids = {run.id for run in unsettled}
    ended = [run for run in others if run.id not in open_ids]
    mirror.forget_runs(ended)
    return bool(ended)
