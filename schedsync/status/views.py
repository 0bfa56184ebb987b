"""Jobs, runs and the service as the status side shows them: the JSON of the API and of the CLI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer

from schedsync import __version__
from schedsync.clock import rfc3339, utc_now
from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import Run, RunState
from schedsync.specs.in_short import in_short
from schedsync.specs.problem import Problem
from schedsync.status.knowledge import Knowledge
from schedsync.status.selection import Place, Wanted
from schedsync.status.standing import Standing, standing
from schedsync.status.vitals import Reading
from schedsync.store.jobs import StoredJob
from schedsync.store.syncs import SyncReport

Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]
"""An instant, shown in RFC 3339 with Z."""


class View(BaseModel):
    """A shape of the API. Fields may be added; their names stay."""

    model_config = ConfigDict(frozen=True)


class PauseView(View):
    """An operator's pause."""

    by: str
    reason: str | None
    until: Time | None
    since: Time


class RunView(View):
    """One attempt at one slot."""

    id: str
    job_id: str
    scheduled_at: Time
    started_at: Time | None
    finished_at: Time | None
    state: str
    reason: str | None
    attempt: int
    cause: str
    exit_code: int | None
    node: str | None
    revision: str | None
    asked_by: str | None
    ask_reason: str | None
    upstream_job_id: str | None
    upstream_run_id: str | None
    upstream_state: str | None
    late: bool
    """Whether the slot has not ended in time."""


class SourceView(View):
    """Where a job is written."""

    file: str
    line: int


class JobView(View):
    """A job as it is live."""

    id: str
    description: str
    tags: list[str]
    owner: str | None
    state: str
    schedule: str | None = None
    """When it runs, in a few words; None where its spec cannot be read."""
    next_fire_at: Time | None
    source: SourceView
    revision: str | None
    stale: bool
    pause: PauseView | None
    overdue_since: Time | None
    """Since when its last success is too long ago."""
    last_run: RunView | None


class JobDetail(JobView):
    """A job with its whole spec, defaults included."""

    spec: dict[str, Any] | None


class JobsPage(View):
    """Some of the jobs."""

    jobs: list[JobView]
    total: int
    """How many there are on all pages."""
    next_cursor: str | None
    as_of: Time | None = None
    """When the store was looked at last, where the answer does not come from it; else absent."""


class RunsPage(View):
    """Some of the runs."""

    runs: list[RunView]
    next_cursor: str | None
    as_of: Time | None = None
    """As on a page of jobs."""


class ProblemView(View):
    """A mistake in a file."""

    file: str
    line: int | None
    column: int | None
    job_id: str | None
    field: str | None
    message: str
    found: str | None
    expected: str | None
    since: Time | None


class HeldView(View):
    """A removal that waits."""

    job_id: str
    file: str
    why: str


class RevisionView(View):
    """What is live, and what was seen last."""

    live: str | None
    attempted: str | None


class DatabaseView(View):
    """Whether the database answers, and since when that is so."""

    ok: bool
    since: Time | None
    error: str | None


class CountsView(View):
    """How many there are."""

    jobs: int
    active: int
    paused: int
    suspended: int
    finished: int
    stale: int
    held: int
    running: int
    queued: int


class NoticesView(View):
    """How many notices have not arrived."""

    pending: int
    """Those that are still to be sent."""
    failed: int
    """Those that were given up, of the last 30 days."""


class StatusView(View):
    """The service."""

    version: str
    node: str
    leader: str | None
    revision: RevisionView
    last_sync_at: Time | None
    last_tick_at: Time | None
    database: DatabaseView
    paused: PauseView | None
    counts: CountsView
    notices: NoticesView
    problems: list[ProblemView]
    held: list[HeldView]


def pause_view(pause: Pause | None) -> PauseView | None:
    """Show *pause*."""
    return None if pause is None else PauseView(by=pause.by, reason=pause.reason, until=pause.until, since=pause.since)


def run_view(run: Run, now: datetime | None = None) -> RunView:
    """Show *run* as it is *now*, which is this moment where nothing else is said."""
    late = run.is_late(now or utc_now())
    return RunView.model_validate({n: getattr(run, n) for n in RunView.model_fields if n != "late"} | {"late": late})


def problem_view(problem: Problem) -> ProblemView:
    """Show *problem*."""
    return ProblemView.model_validate({name: getattr(problem, name) for name in ProblemView.model_fields})


def job_view(
    job: StoredJob, pauses: Mapping[str, Pause], last_run: Run | None, overdue_since: datetime | None = None
) -> JobView:
    """Show *job*, given the pauses in force."""
    return standing_view(standing(job, pauses, last_run, overdue_since))


def standing_view(shown: Standing) -> JobView:
    """Show a job as it stands."""
    observed, spec, last = shown.job.observed, shown.job.spec, shown.last_run
    return JobView(
        id=observed.id,
        description=spec.description if spec else "",
        tags=list(spec.tags) if spec else [],
        owner=spec.owner if spec else None,
        state=shown.state,
        schedule=in_short(spec) if spec else None,
        next_fire_at=shown.next_fire_at,
        source=SourceView(file=observed.source.file, line=observed.source.line),
        revision=shown.job.revision,
        stale=observed.stale,
        pause=pause_view(shown.shown_pause),
        overdue_since=shown.overdue_since,
        last_run=None if last is None else run_view(last),
    )


def job_detail(
    job: StoredJob, pauses: Mapping[str, Pause], last_run: Run | None, overdue_since: datetime | None = None
) -> JobDetail:
    """Show *job* with its spec."""
    spec = None if job.spec is None else job.spec.model_dump(mode="json")
    return JobDetail(**dict(job_view(job, pauses, last_run, overdue_since)), spec=spec)


def job_shown(known: Knowledge, job_id: str, now: datetime) -> JobDetail:
    """Show the job of this id.

    Raises:
        JobNotFoundError: there is none.
    """
    job = known.job(job_id)
    last = known.last_runs([job_id]).get(job_id)
    return job_detail(job, known.pauses(now), last, overdue_since(known, [job]).get(job_id))


def overdue_since(known: Knowledge, jobs: Sequence[StoredJob]) -> dict[str, datetime]:
    """Return since when *jobs* are overdue, by id; nothing is asked where none of them can be."""
    asked = [job.observed.id for job in jobs if job.spec and job.spec.max_time_since_success is not None]
    return known.overdue(asked) if asked else {}


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the jobs that a reader wants, as they stand."""

    jobs: list[Standing]
    total: int
    """How many there are on all pages."""
    more: Place | None
    """Where the next page begins."""

    @property
    def views(self) -> list[JobView]:
        """How they are shown."""
        return [standing_view(job) for job in self.jobs]


def listing(known: Knowledge, wanted: Wanted, now: datetime) -> Listing:
    """Return the page of the jobs that is *wanted*."""
    pauses = known.pauses(now)
    found = known.listed(wanted, pauses)
    last, overdue = known.last_runs([job.observed.id for job in found.jobs]), overdue_since(known, found.jobs)
    jobs = [standing(job, pauses, last.get(i), overdue.get(i)) for job in found.jobs for i in [job.observed.id]]
    return Listing(jobs, found.total, found.more)


def jobs_page(known: Knowledge, *, after: str, limit: int, now: datetime) -> tuple[list[JobView], str | None]:
    """Return up to *limit* jobs behind the id *after*, and the id to go on from."""
    behind = Place(missing=False, rank=0, job_id=after) if after else None
    page = listing(known, Wanted(limit, behind=behind), now)
    return page.views, None if page.more is None else page.more.job_id


def status_view(known: Knowledge, reading: Reading, *, node: str, now: datetime) -> StatusView:
    """Show the service as *reading* has it, and what is *known*."""
    counts, runs, pauses = known.job_counts(now), known.run_counts(), known.pauses(now)
    report, live, notices = *_last_step(known, reading), known.notice_counts()
    held = [HeldView(job_id=h.job_id, file=h.file, why=h.why) for h in report.held] if report else []
    return StatusView(
        version=__version__,
        node=node,
        leader=reading.leader,
        revision=RevisionView(live=live, attempted=report.revision if report else None),
        last_sync_at=report.at if report else None,
        last_tick_at=reading.last_tick_at,
        database=DatabaseView(ok=reading.database_ok, since=reading.database_since, error=reading.database_error),
        paused=pause_view(pauses.get(EVERYTHING)),
        counts=CountsView(
            jobs=sum(counts.by_state.values()),
            **{state: counts.by_state.get(state, 0) for state in ("active", "paused", "suspended", "finished")},
            stale=counts.stale,
            held=len(held),
            running=runs.get(RunState.RUNNING, 0),
            queued=runs.get(RunState.QUEUED, 0),
        ),
        notices=NoticesView(**{state: notices.get(state, 0) for state in NoticesView.model_fields}),
        problems=[problem_view(problem) for problem in report.problems] if report else [],
        held=held,
    )


def _last_step(known: Knowledge, reading: Reading) -> tuple[SyncReport | None, str | None]:
    """Return the last step of whichever instance made it, and the revision that is live since."""
    own, live = reading.report, reading.live_revision
    if own is not None and reading.leading:
        return own, live
    recorded = known.last_sync()
    if recorded is None or (own is not None and own.at >= recorded.at):
        return own, live
    complete = recorded if recorded.complete else known.last_sync(complete=True)
    return recorded, live if complete is None else complete.revision
