"""What the store said last and what happened here since, in memory: for readers while the database is away.

It is fed by what is read and done anyway. Nothing is decided by it.
"""

import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import nsmallest

from schedsync.clock import EPOCH
from schedsync.errors import SchedsyncError
from schedsync.plan.state import Located, Observed, ObservedJob
from schedsync.runs.outcome import Output
from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import UNSETTLED, Run, RunState
from schedsync.runs.selection import ALL, RunFilter
from schedsync.specs.following import Follows
from schedsync.specs.job import JobSpec
from schedsync.status.selection import Found, FoundRuns, Page, Place, Sort, Wanted, choose, stood
from schedsync.status.standing import ACTIVE, standing, state_of
from schedsync.store.jobs import JobCounts, StoredJob
from schedsync.store.runs import Span, Tally
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
        self._last: dict[str, Run] = {}
        """Each job's newest run that was not skipped, also where there is no room for it among the others."""
        self._complete = False
        """Whether all runs that there are are remembered: all were learned, and none was forgotten since."""
        self._too_old: tuple[bool, datetime, str] | None = None
        """The worth of the last run that was forgotten for room; what is worth less would be forgotten, too."""
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
            if len(self._last) > len(self._jobs):
                self._last = {job_id: run for job_id, run in self._last.items() if job_id in self._jobs}

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
            self._learn_last(run)
            if known is None and len(self._runs) >= RUNS and self._too_old is not None and _worth(run) <= self._too_old:
                self._complete = False
                return
            if known is not None and known.job_id != run.job_id:
                self._forget(known)
                if self._last.get(known.job_id) is known:
                    del self._last[known.job_id]
            self._runs[run.id] = run
            of_job = self._of_job.setdefault(run.job_id, set())
            of_job.add(run.id)
            if len(of_job) > RUNS_OF_A_JOB:
                self._forget_oldest(of_job)
            if len(self._runs) > RUNS + _SLACK:
                *_, last = oldest = sorted(self._runs.values(), key=_worth)[:-RUNS]
                self._too_old = None if last.state in UNSETTLED else _worth(last)
                for old in oldest:
                    self._forget(old)
                self._complete = False

    def learn_runs(self, runs: Iterable[Run]) -> None:
        """Remember *runs*."""
        with self._lock:
            for run in runs:
                if self._runs.get(run.id) is not run:
                    self.learn_run(run)

    def learn_all_runs(self, runs: Iterable[Run]) -> None:
        """Remember *runs*, which are all that there are."""
        with self._lock:
            self._complete = True
            self.learn_runs(runs)

    def learn_last_runs(self, runs: Iterable[Run]) -> None:
        """Remember *runs*, each job's newest that was not skipped, apart from the others if they have ended."""
        with self._lock:
            for run in runs:
                learn = self.learn_run if run.state in UNSETTLED else self._learn_last
                learn(run)

    def _learn_last(self, run: Run) -> None:
        last = self._last.get(run.job_id)
        if last is None or last.id != run.id:
            if run.state is not RunState.SKIPPED and (last is None or _attempt(run) > _attempt(last)):
                self._last[run.job_id] = run
        elif run.state is RunState.SKIPPED:
            self._find_last(last)
        elif run.state not in UNSETTLED or last.state in UNSETTLED:
            self._last[run.job_id] = run

    def _find_last(self, gone: Run) -> None:
        """Let the last run of a job be another one than the one that is *gone*, if one is remembered."""
        del self._last[gone.job_id]
        others = [run for run in self._of(gone.job_id) if run.id != gone.id and run.state is not RunState.SKIPPED]
        if others:
            self._last[gone.job_id] = max(others, key=_attempt)

    def forget_runs(self, runs: Iterable[Run]) -> None:
        """Forget *runs*, as it is not known any more how they stand; those that there is news of since are kept."""
        with self._lock:
            for run in runs:
                if self._runs.get(run.id) is run:
                    self._forget(run)
                    self._complete = False
                    if self._last.get(run.job_id) is run:
                        self._find_last(run)

    def rename_jobs(self, renamed: Mapping[str, str]) -> None:
        """Let the runs of jobs that have new ids be runs of those, given as old id -> new id."""
        with self._lock:
            for old, new in renamed.items():
                self.learn_runs([replace(run, job_id=new) for run in self._of(old)])
                self._last.pop(old, None)

    def _forget_oldest(self, run_ids: Collection[str]) -> None:
        """Forget the oldest of these runs that has ended, if one has."""
        ended = [run for run in map(self._runs.__getitem__, run_ids) if run.state not in UNSETTLED]
        if ended:
            self._forget(min(ended, key=_worth))
            self._complete = False

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

    def live(self) -> Mapping[str, ObservedJob]:
        """Return all jobs, by id; none before the store was looked at."""
        return self._jobs

    def jobs(self, *, after: str, limit: int) -> list[StoredJob]:
        """Return up to *limit* jobs whose id sorts behind *after*."""
        with self._lock:
            ids = self._in_order()
            start = bisect_right(ids, after)
            return [self._stored(job_id) for job_id in ids[start : start + limit]]

    def _in_order(self) -> list[str]:
        if self._ids is None:
            self._ids = sorted(self._jobs)
        return self._ids

    def _by_id(self, wanted: Wanted) -> Found:
        """Return a page of all jobs by id, without a look at the others: it is asked for when there is much to do."""
        with self._lock:
            ids, behind = self._in_order(), None if wanted.behind is None else wanted.behind.job_id
            if wanted.downwards:
                end = len(ids) if behind is None else bisect_left(ids, behind)
                begin = max(end - wanted.limit, 0)
                page, more = ids[begin:end][::-1], begin > 0
            else:
                begin = 0 if behind is None else bisect_right(ids, behind)
                page, more = ids[begin : begin + wanted.limit], len(ids) > begin + wanted.limit
            place = Place(missing=False, rank=0, job_id=page[-1]) if page and more else None
            return Found([self._stored(job_id) for job_id in page], len(ids), place)

    def listed(self, wanted: Wanted, pauses: Mapping[str, Pause]) -> Found:
        """Return the page of the jobs that is *wanted*, given the pauses in force."""
        if wanted.by_id:
            return self._by_id(wanted)
        with self._lock:
            jobs = [self._stored(job_id) for job_id in self._jobs]
            last = self.last_runs(self._jobs) if wanted.sort is Sort.LAST_RUN else {}
            slots = {job_id: run.scheduled_at for job_id, run in last.items()}
        return choose(wanted, (standing(job, pauses) for job in jobs), slots)

    def page(self, wanted: Wanted, now: datetime) -> Page:
        """Return the page of the jobs that is *wanted*, as they stand at *now*."""
        pauses = self.pauses(now)
        return stood(self, self.listed(wanted, pauses), pauses)

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

    def coming(self, now: datetime, *, until: datetime, limit: int) -> list[tuple[str, datetime]]:
        """Return up to *limit* jobs that fire by *until*, earliest first, with their slots; not those held at *now*."""
        with self._lock:
            paused = set(self.pauses(now))
            jobs = [] if EVERYTHING in paused else list(self._jobs.values())
        active = (job for job in jobs if state_of(job, paused=job.id in paused) == ACTIVE)
        slots = [(job.next_fire_at, job.id) for job in active if job.next_fire_at and job.next_fire_at <= until]
        return [(job_id, slot) for slot, job_id in nsmallest(limit, slots)]

    def followers_of(self, job_id: str) -> list[str]:
        """Return the jobs that run after one, by id, as far as their specs are known."""
        with self._lock:
            specs = {job.id: self._spec(job) for job in self._jobs.values() if job.follows is Follows.RUNS}
        return sorted(follower for follower, spec in specs.items() if spec is not None and job_id in (spec.after or ()))

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
            return {job_id: self._last[job_id] for job_id in job_ids if job_id in self._last}

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
            NotRememberedError: none of the job, or none beyond the place *before*, and there may be some.
        """
        with self._lock:
            found = self._of(job_id) if job_id is not None else iter(list(self._runs.values()))
            runs = sorted((run for run in found if before is None or _place(run) < before), key=_place, reverse=True)
            known = self._complete and (job_id is None or job_id in self._jobs)
            if not runs and not known and (before is not None or job_id is not None):
                raise NotRememberedError(job_id or "older runs")
        return [run for run in runs if only.takes(run)][:limit]

    def runs_page(
        self, *, job_id: str | None, before: tuple[datetime, str] | None, limit: int, only: RunFilter = ALL
    ) -> FoundRuns:
        """Return what ``runs`` does, and where it goes on: unless all is remembered, there may be more in the store.

        Raises:
            NotRememberedError: as for ``runs``, or there is nothing to go on from.
        """
        with self._lock:
            found = self.runs(job_id=job_id, before=before, limit=limit + 1, only=only)
            if len(found) > limit or self._complete:
                return FoundRuns(found[:limit], found[limit - 1] if len(found) > limit else None)
            known = self._runs.values() if job_id is None else self._of(job_id)
            oldest = min(known, key=_place, default=None)
        if oldest is None:
            raise NotRememberedError("runs")
        return FoundRuns(found, oldest)

    def tallies(self, span: Span, step: timedelta) -> list[Tally]:
        """Return how many of the remembered runs have their slots in *span*: of each job, and in each *step*."""
        found = self._within(span)
        by_job = Counter((run.job_id, run.state) for run in found)
        by_step = Counter((_beginning(run, step), run.state) for run in found)
        return [
            *(Tally(job_id, None, state, count) for (job_id, state), count in by_job.items()),
            *(Tally(None, at, state, count) for (at, state), count in by_step.items()),
        ]

    def tallies_of(self, job_ids: Collection[str], span: Span, step: timedelta) -> list[Tally]:
        """Return how many of the remembered runs of these jobs have their slots in each *step* of *span*."""
        found = [run for run in self._within(span) if run.job_id in job_ids]
        counts = Counter((run.job_id, _beginning(run, step), run.state) for run in found)
        return [Tally(job_id, at, state, count) for (job_id, at, state), count in counts.items()]

    def runs_within(self, job_ids: Collection[str], span: Span, limit: int) -> list[Run]:
        """Return the remembered runs of these jobs with slots in *span*, oldest first."""
        found = [run for run in self._within(span) if run.job_id in job_ids]
        return sorted(found, key=_place)[:limit]

    def attempts(self, run: Run) -> list[Run]:
        """Return the remembered attempts at the slot of *run*, the first one first."""
        with self._lock:
            same = [each for each in self._of(run.job_id) if each.scheduled_at == run.scheduled_at]
        return sorted(same, key=lambda each: each.attempt)

    def followers(self, run: Run) -> list[Run]:
        """Return the remembered runs that follow *run*, oldest slot first."""
        with self._lock:
            found = [each for each in self._runs.values() if each.upstream_run_id == run.id]
        return sorted(found, key=_place)

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

    def _within(self, span: Span) -> list[Run]:
        with self._lock:
            return [run for run in self._runs.values() if span[0] <= run.scheduled_at < span[1]]

    def _of(self, job_id: str) -> Iterator[Run]:
        runs = {run_id: self._runs[run_id] for run_id in self._of_job.get(job_id, ())}
        last = self._last.get(job_id)
        if last is not None:
            runs.setdefault(last.id, last)
        return iter(runs.values())

    def _stored(self, job_id: str) -> StoredJob:
        job = self._jobs[job_id]
        return StoredJob(job, self._spec(job), job.revision)

    def _spec(self, job: ObservedJob) -> JobSpec | None:
        digest, spec = self._specs.get(job.id, ("", None))
        if digest == job.digest:
            return spec
        return next((place.spec for place in self._places.get(job.id, ()) if place.digest == job.digest), None)


def _place(run: Run) -> tuple[datetime, str]:
    return run.scheduled_at, run.id


def _attempt(run: Run) -> tuple[datetime, int]:
    return run.scheduled_at, run.attempt


def _beginning(run: Run, step: timedelta) -> datetime:
    return EPOCH + (run.scheduled_at - EPOCH) // step * step


def _worth(run: Run) -> tuple[bool, datetime, str]:
    """Order runs by how much one would miss them: those that have not ended most, old ones least."""
    return run.state in UNSETTLED, run.scheduled_at, run.id
