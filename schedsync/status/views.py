"""Jobs, runs and the service as the status side shows them: the JSON of the API and of the CLI."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from schedsync import __version__
from schedsync.clock import rfc3339, utc_now
from schedsync.runs.blackouts import NO_BLACKOUTS, Blackout, Blackouts
from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import Cause, Run, RunState
from schedsync.specs.following import Follows
from schedsync.specs.in_short import in_short
from schedsync.specs.problem import Problem
from schedsync.status.coming import next_slots
from schedsync.status.knowledge import Knowledge
from schedsync.status.selection import Place, Wanted
from schedsync.status.standing import STATES, Standing, overdue_since, standing
from schedsync.status.vitals import Reading
from schedsync.store.syncs import Held, SyncReport

Time = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An instant, shown in RFC 3339 with Z."""

JobState = Annotated[str, WithJsonSchema({"type": "string", "enum": list(STATES)})]


class View(BaseModel):
    """A shape of the API. Fields may be added; their names stay."""

    model_config = ConfigDict(frozen=True)


class PauseView(View):
    """An operator's pause."""

    by: str
    """Who paused it."""
    reason: str | None
    """Why, in their words."""
    until: Time | None
    """When it ends by itself; null: somebody has to end it."""
    since: Time


class RunView(View):
    """One attempt at one slot."""

    id: str
    """Sorts by the time of the claim."""
    job_id: str
    scheduled_at: Time
    """The slot."""
    started_at: Time | None
    finished_at: Time | None
    state: RunState
    reason: str | None
    """Why it is in that state, where the state does not say all."""
    attempt: int
    """1 for the first attempt at the slot."""
    cause: Cause
    exit_code: int | None
    """The exit status of its process; -N when signal N ended it."""
    node: str | None
    """The instance that has or had it."""
    revision: str | None
    """The revision of the folder that its job was applied from."""
    asked_by: str | None
    """Who asked for it, where a person did."""
    ask_reason: str | None
    """Why, in their words."""
    upstream_job_id: str | None
    """The job whose run it follows."""
    upstream_run_id: str | None
    """The run that it follows."""
    upstream_state: RunState | None
    """How that run ended."""
    late: bool
    """Whether the slot has not ended in time."""


class SourceView(View):
    """Where a job is written."""

    file: str
    """Its path in the folder."""
    line: int


class JobView(View):
    """A job as it is live."""

    id: str
    description: str
    tags: list[str]
    owner: str | None
    state: JobState
    schedule: str | None
    """When it runs, in a few words; None where its spec cannot be read."""
    next_fire_at: Time | None
    """When it will really start next: not while it is suspended or paused. A blackout may skip that slot."""
    at_boot: bool = False
    """Whether it runs when the service starts, which is no time that is known."""
    source: SourceView
    revision: str | None
    """The revision of the folder that it was applied from."""
    stale: bool
    """Whether its file is broken, so that it runs on from its last good spec."""
    pause: PauseView | None
    overdue_since: Time | None
    """Since when its last success is too long ago."""
    last_run: RunView | None


SLOTS = 10
"""How many of the next slots are shown of a job."""


class JobDetail(JobView):
    """A job with its whole spec, defaults included."""

    spec: dict[str, Any] | None
    """All fields of the job file, as they are in force."""
    next_slots: list[Time] = []
    """The next ten by its schedule, also while it is paused or suspended; without one, none."""


class JobsPage(View):
    """Some of the jobs."""

    jobs: list[JobView]
    total: int
    """How many there are on all pages."""
    next_cursor: str | None
    as_of: SkipJsonSchema[Time | None] = None
    """For clients: when the store was looked at last, where the answer is from memory. Any answer may have it."""


class RunsPage(View):
    """Some of the runs."""

    runs: list[RunView]
    next_cursor: str | None
    as_of: SkipJsonSchema[Time | None] = None
    """For clients: when the store was looked at last, where the answer is from memory. Any answer may have it."""


class ProblemView(View):
    """A mistake in a file."""

    file: str
    line: int | None
    column: int | None
    job_id: str | None
    field: str | None
    """The field of the job file, with those around it: run.script."""
    message: str
    """What is wrong."""
    found: str | None
    """What stands there."""
    expected: str | None
    """What to write instead."""
    since: Time | None


class HeldView(View):
    """A change that waits."""

    job_id: str
    """As it is live now; of an addition as it is to be."""
    file: str
    """Where the job is written; of a removal where it was."""
    why: str
    """Why it is not live yet, and what lets it go."""
    change: str
    """addition, update, renaming or removal."""
    window: str | None
    """The sync window that it waits for, or that denies it; null: it waits for a person, or for the folder."""


class RevisionView(View):
    """What is live, and what was seen last."""

    live: str | None
    """That of the last step that took the whole folder in."""
    attempted: str | None
    """That of the last step."""


class DatabaseView(View):
    """Whether the database answers, and since when that is so."""

    ok: bool
    since: Time | None
    error: str | None
    """What it said, and what to do."""


class CountsView(View):
    """How many there are."""

    jobs: int
    active: int
    paused: int
    suspended: int
    finished: int
    stale: int
    """Jobs whose files are broken; they are counted with their state, too."""
    held: int
    """Changes that wait."""
    running: int
    """Runs."""
    queued: int
    """Runs."""


class NoticesView(View):
    """How many notices have not arrived."""

    pending: int
    """Those that are still to be sent."""
    failed: int
    """Those that were given up, of the last 30 days."""


class BlackoutView(View):
    """A time in which slots are not run."""

    name: str
    reason: str | None
    """Why, for people."""
    until: Time | None
    """When it is over; null: its occurrences join each other as far as one can see."""
    jobs: list[str]
    """Patterns of the ids that it is about; empty: all."""
    tags: list[str]
    """It is about jobs with one of them; empty: with any."""


class StatusView(View):
    """The service."""

    version: str
    """That of schedsync."""
    node: str
    """The instance that answers."""
    leader: str | None
    """The instance that fires, as far as this one knows."""
    revision: RevisionView
    last_sync_at: Time | None
    """When the folder was compared with the jobs last."""
    last_tick_at: Time | None
    """When the firing loop of this instance went round last."""
    database: DatabaseView
    paused: PauseView | None
    """The pause of all jobs."""
    counts: CountsView
    notices: NoticesView
    problems: list[ProblemView]
    """Mistakes in the folder."""
    held: list[HeldView]
    """Changes that wait for a sync window, and removals that wait for a person."""
    blackouts: list[BlackoutView]
    """Those that are in force."""


def pause_view(pause: Pause | None) -> PauseView | None:
    """Show *pause*."""
    return None if pause is None else PauseView(by=pause.by, reason=pause.reason, until=pause.until, since=pause.since)


def blackout_view(blackout: Blackout, now: datetime) -> BlackoutView:
    """Show *blackout*, which is in force *now*."""
    return BlackoutView(
        name=blackout.name,
        reason=blackout.reason,
        until=blackout.window.ends_after(now),
        jobs=list(blackout.jobs.patterns),
        tags=list(blackout.jobs.tags),
    )


def held_view(held: Held) -> HeldView:
    """Show a change that waits."""
    return HeldView.model_validate({name: getattr(held, name) for name in HeldView.model_fields})


def run_view(run: Run, now: datetime | None = None) -> RunView:
    """Show *run* as it is *now*, which is this moment where nothing else is said."""
    late = run.is_late(now or utc_now())
    return RunView.model_validate({n: getattr(run, n) for n in RunView.model_fields if n != "late"} | {"late": late})


def problem_view(problem: Problem) -> ProblemView:
    """Show *problem*."""
    return ProblemView.model_validate({name: getattr(problem, name) for name in ProblemView.model_fields})


def standing_view(shown: Standing, now: datetime | None = None) -> JobView:
    """Show a job as it stands *now*, which is this moment where nothing else is said."""
    observed, spec, last = shown.job.observed, shown.job.spec, shown.last_run
    return JobView(
        id=observed.id,
        description=spec.description if spec else "",
        tags=list(spec.tags) if spec else [],
        owner=spec.owner if spec else None,
        state=shown.state,
        schedule=in_short(spec) if spec else None,
        next_fire_at=shown.next_fire_at,
        at_boot=observed.follows is Follows.BOOTS,
        source=SourceView(file=observed.source.file, line=observed.source.line),
        revision=shown.job.revision,
        stale=observed.stale,
        pause=pause_view(shown.shown_pause),
        overdue_since=shown.overdue_since,
        last_run=None if last is None else run_view(last, now),
    )


def standing_detail(shown: Standing, now: datetime | None = None) -> JobDetail:
    """Show a job as ``standing_view`` does, with its spec."""
    spec = None if shown.job.spec is None else shown.job.spec.model_dump(mode="json")
    slots = next_slots(shown.job, now or utc_now(), SLOTS)
    return JobDetail(**dict(standing_view(shown, now)), spec=spec, next_slots=slots)


def job_shown(known: Knowledge, job_id: str, now: datetime) -> JobDetail:
    """Show the job of this id.

    Raises:
        JobNotFoundError: there is none.
    """
    job = known.job(job_id)
    last = known.last_runs([job_id]).get(job_id)
    shown = standing(job, known.pauses(now), last, overdue_since(known, [job]).get(job_id))
    return standing_detail(shown, now)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the jobs that a reader wants, as they stand."""

    jobs: list[Standing]
    total: int
    """How many there are on all pages."""
    more: Place | None
    """Where the next page begins."""
    at: datetime
    """When that was so (UTC)."""

    @property
    def views(self) -> list[JobView]:
        """How they are shown."""
        return [standing_view(job, self.at) for job in self.jobs]


def listing(known: Knowledge, wanted: Wanted, now: datetime) -> Listing:
    """Return the page of the jobs that is *wanted*."""
    page = known.page(wanted, now)
    return Listing(page.jobs, page.total, page.more, now)


def status_view(
    known: Knowledge, reading: Reading, *, node: str, now: datetime, blackouts: Blackouts = NO_BLACKOUTS
) -> StatusView:
    """Show the service as *reading* has it, and what is *known*; of the *blackouts* those that are in force *now*."""
    counts, runs, pauses = known.job_counts(now), known.run_counts(), known.pauses(now)
    report, live, notices = *_last_step(known, reading), known.notice_counts()
    held = [held_view(each) for each in report.held] if report else []
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
        blackouts=[blackout_view(each, now) for each in blackouts.in_force(now)],
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
