"""What becomes of runs that nobody looks after any more: their instance has ended, or their claim's answer was lost."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from schedsync.runs.ledger import Entry, Place
from schedsync.runs.retry import concluded, next_attempt
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
            recovered.skipped.append(_skip(run, late, takeover))
        else:
            recovered.adopted.append(Entry(run, job.spec, job.source_file))
    # What had begun stands before what had not: in a group, slots of the same time do not tell.
    recovered.adopted.sort(key=lambda entry: entry.run.attempt == 1)
    return recovered


def without_retries(recovered: Recovered, remaining: Mapping[str, Sequence[int]]) -> None:
    """Take back the further attempts of lost runs some of whose processes live on: no copy may run beside the first.

    Args:
        recovered: what was decided.
        remaining: the pids that could not be ended, by run.
    """
    slots = {(run.job_id, run.scheduled_at) for run in recovered.lost if run.id in remaining}
    dropped = {retry.id for retry in recovered.retries if (retry.job_id, retry.scheduled_at) in slots}
    recovered.lost = [_remaining(run, remaining.get(run.id, ())) for run in recovered.lost]
    recovered.retries = [retry for retry in recovered.retries if retry.id not in dropped]
    recovered.adopted = [entry for entry in recovered.adopted if entry.run.id not in dropped]


def _remaining(run: Run, pids: Sequence[int]) -> Run:
    if not pids:
        return run
    listed = ", ".join(map(str, pids))
    why = f"some of its processes could not be ended (pid {listed}), so it is not tried again"
    return replace(run, reason=f"{run.reason}; {why}")


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
    group.append(ended if job is None else concluded(ended, job.spec.retry))
    if job is None:
        return
    retry = next_attempt(ended, job.spec.retry, node=takeover.node, owner=takeover.owner)
    if retry is not None:
        recovered.retries.append(retry)
        recovered.adopted.append(Entry(retry, job.spec, job.source_file))


def _too_late(run: Run, job: KnownJob, now: datetime) -> str | None:
    waited = now - (run.due_at or run.scheduled_at)
    if waited <= job.spec.misfire.grace:
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
