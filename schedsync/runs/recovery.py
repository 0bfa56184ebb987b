"""What becomes of runs that nobody looks after any more: their instance has ended, or their claim's answer was lost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from schedsync.runs.ledger import Entry
from schedsync.runs.notices import Ending, ending_of
from schedsync.runs.retry import next_attempt
from schedsync.runs.run import Run, RunState, SkipReason
from schedsync.specs.durations import format_duration
from schedsync.specs.job import JobSpec

LOST = "the service ended before the result was known"


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


@dataclass(slots=True)
class Recovered:
    """What is to be written down, and what may then be taken up."""

    known: list[Run] = field(default_factory=list)
    """Ended, with the results that were kept of them."""
    lost: list[Run] = field(default_factory=list)
    skipped: list[Run] = field(default_factory=list)
    retries: list[Run] = field(default_factory=list)
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

    A run whose result was kept has that one, and another that may have been started is lost; of both the job's retry
    policy is asked. One that certainly has not been started is taken up, unless its job is gone or it would be too late
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
            lost = replace(run, state=RunState.LOST, finished_at=takeover.now, reason=LOST)
            _end(lost, recovered.lost, job, takeover, recovered)
        elif job is None:
            recovered.skipped.append(_skip(run, f"{SkipReason.REMOVED}: the job is gone", takeover))
        elif late := _too_late(run, job, takeover.now):
            skipped = _skip(run, late, takeover)
            recovered.skipped.append(skipped)
            _end_slot(skipped, job, recovered)
        else:
            recovered.adopted.append(Entry(run, job.spec, job.source_file))
    return recovered


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
    group.append(ended)
    if job is None:
        return
    retry = next_attempt(ended, job.spec.retry, node=takeover.node, owner=takeover.owner)
    if retry is None:
        _end_slot(ended, job, recovered)
        return
    recovered.retries.append(retry)
    recovered.adopted.append(Entry(retry, job.spec, job.source_file))


def _end_slot(ended: Run, job: KnownJob, recovered: Recovered) -> None:
    ending = ending_of(ended, job.spec)
    if ending is not None:
        recovered.endings.append(ending)


def _too_late(run: Run, job: KnownJob, now: datetime) -> str | None:
    waited = now - (run.due_at or run.scheduled_at)
    if waited <= job.spec.misfire.grace:
        return None
    return f"{SkipReason.MISFIRE}: it could start only {format_duration(waited)} late"


def _skip(run: Run, reason: str, takeover: Takeover) -> Run:
    return replace(run, state=RunState.SKIPPED, reason=reason, finished_at=takeover.now)
