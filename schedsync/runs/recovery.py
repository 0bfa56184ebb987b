"""What becomes of runs that nobody looks after any more: their instance has ended, or their claim's answer was lost."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from schedsync.runs.following import Followers, what_follows
from schedsync.runs.ledger import Entry, Place
from schedsync.runs.notices import Ending, ending_of
from schedsync.runs.retry import concluded
from schedsync.runs.run import Run, RunState, SkipReason
from schedsync.specs.durations import format_duration
from schedsync.specs.job import JobSpec

LOST = "the service ended before the result was known"
ASKED_GRACE = timedelta(days=1)
"""How late a run may start that a person asked for: nobody expects it any more the day after."""


@dataclass(frozen=True, slots=True)
class KnownJob:
    """What a run needs to be started."""

    spec: JobSpec
    source_file: str


@dataclass(frozen=True, slots=True)
class Takeover:
    """Who takes orphans up, and when (UTC)."""

    node: str
    owner: str
    now: datetime
    unstarted: Callable[[Run], bool] = lambda run: run.state is RunState.QUEUED
    """Whether a run has certainly not been started."""
    followers: Followers = field(default_factory=Followers)
    """Who runs after whom."""
    remaining: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The pids that could not be ended of interrupted runs, by run: no copy may run beside them. None are named where
    a result that was kept says that there are some."""


@dataclass(slots=True)
class Recovered:
    """What is to be written down, and what may then be taken up."""

    known: list[Run] = field(default_factory=list)
    """Ended, with the results that were kept of them."""
    lost: list[Run] = field(default_factory=list)
    skipped: list[Run] = field(default_factory=list)
    retries: list[Run] = field(default_factory=list)
    followers: list[Run] = field(default_factory=list)
    """Runs of the jobs that come after, for the leader to take up."""
    endings: list[Ending] = field(default_factory=list)
    """Of the ended and skipped ones, those that end a slot which somebody may want to hear of."""
    adopted: list[Entry] = field(default_factory=list)
    """Retries and runs that have not started, to be started when their time and their job's order allow."""


def recover(
    orphans: Sequence[Run],
    jobs: Mapping[str, KnownJob],
    takeover: Takeover,
    results: Mapping[str, Run] | None = None,
) -> Recovered:
    """Decide about *orphans*, given the live jobs by id.

    A run whose result was kept has that one, and another that may have been started is lost; of both it is asked what
    follows. One that certainly has not been started is taken up, unless its job is gone or it would be too late
    by the job's own grace.

    Args:
        orphans: unsettled runs that nobody looks after.
        jobs: the live jobs, by id.
        takeover: who takes them up.
        results: runs in their final states, as far as those were kept, by id.
    """
    recovered, kept = Recovered(), results or {}
    for run in orphans:
        job = jobs.get(run.job_id)
        if run.id in kept:
            _end(_with_result(run, kept[run.id]), recovered.known, job, takeover, recovered)
        elif not takeover.unstarted(run):
            why = _why_lost(takeover.remaining.get(run.id, ()))
            lost = replace(run, state=RunState.LOST, finished_at=takeover.now, reason=why)
            _end(lost, recovered.lost, job, takeover, recovered)
        elif job is None:
            recovered.skipped.append(_skip(run, f"{SkipReason.REMOVED}: the job is gone", takeover))
        elif late := too_late(run, job.spec, takeover.now):
            skipped = _skip(run, late, takeover)
            recovered.skipped.append(skipped)
            _note_ending(ending_of(skipped, job.spec), recovered)
        else:
            recovered.adopted.append(Entry(run, job.spec, job.source_file))
    # What had begun stands before what had not: in a group, slots of the same time do not tell.
    recovered.adopted.sort(key=lambda entry: entry.run.attempt == 1)
    return recovered


def interrupted(orphans: Sequence[Run], takeover: Takeover, results: Collection[str] = ()) -> list[Run]:
    """Return those of *orphans* that may have been started and have no result; their processes may live."""
    return [run for run in orphans if run.id not in results and not takeover.unstarted(run)]


def _why_lost(pids: Sequence[int]) -> str:
    if not pids:
        return LOST
    listed = ", ".join(map(str, pids))
    return f"{LOST}; some of its processes could not be ended (pid {listed}), so it is not tried again"


def _with_result(run: Run, ended: Run) -> Run:
    """Return *run*, which is as its row has it, with what the result says of its end."""
    return replace(
        run,
        state=ended.state,
        reason=ended.reason,
        exit_code=ended.exit_code,
        started_at=ended.started_at,
        finished_at=ended.finished_at,
        pid=ended.pid,
    )


def _end(ended: Run, group: list[Run], job: KnownJob | None, takeover: Takeover, recovered: Recovered) -> None:
    spec = None if job is None else job.spec
    remains = ended.id in takeover.remaining
    told = ended if spec is None or remains else concluded(ended, spec.retry)
    group.append(told)
    node, owner = takeover.node, takeover.owner
    follows = what_follows(ended, spec, takeover.followers, node=node, owner=owner, may_retry=not remains)
    recovered.followers += follows.followers
    _note_ending(follows.ending, recovered)
    if job is not None and follows.retry is not None:
        recovered.retries.append(follows.retry)
        recovered.adopted.append(Entry(follows.retry, job.spec, job.source_file))


def _note_ending(ending: Ending | None, recovered: Recovered) -> None:
    if ending is not None:
        recovered.endings.append(ending)


def too_late(run: Run, spec: JobSpec, now: datetime) -> str | None:
    """Return why a queued run is not to be started any more, or None."""
    waited = now - (run.due_at or run.scheduled_at)
    if waited <= (spec.misfire.grace if run.asked_by is None else ASKED_GRACE):
        return None
    return f"{SkipReason.MISFIRE}: it could start only {format_duration(waited)} late"


def _skip(run: Run, reason: str, takeover: Takeover) -> Run:
    return replace(run, state=RunState.SKIPPED, reason=reason, finished_at=takeover.now)


def outdated(entries: Iterable[Entry], unsettled: Mapping[str, Run], owner: str) -> list[Entry]:
    """Return those of *entries* that the rows contradict: another leader has started, ended or dropped them meanwhile.

    What runs here goes on to its end, whatever its row says.

    Args:
        entries: what was in the ledger, with a row, before the rows were read.
        unsettled: the rows that are queued or running, by id.
        owner: this instance.
    """

    def is_outdated(entry: Entry) -> bool:
        row = unsettled.get(entry.run.id)
        if entry.place is Place.RUNNING:
            return False
        if row is None or entry.place is Place.ELSEWHERE:
            return row is None
        return row.state is RunState.RUNNING and row.owner != owner

    return [entry for entry in entries if is_outdated(entry)]
