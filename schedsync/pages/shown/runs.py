"""Runs as lines of a table: what happened to a slot, and why, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from schedsync.pages.shown.times import length
from schedsync.runs.run import Cause, Run, RunState

WORDS = {
    RunState.QUEUED: "queued",
    RunState.RUNNING: "running",
    RunState.SUCCEEDED: "succeeded",
    RunState.FAILED: "failed",
    RunState.TIMED_OUT: "timed out",
    RunState.CANCELLED: "cancelled",
    RunState.LOST: "lost",
    RunState.SKIPPED: "skipped",
}
CAUSES = {
    Cause.SCHEDULE: "schedule",
    Cause.CATCHUP: "missed slot",
    Cause.RETRY: "further attempt",
    Cause.AFTER: "after another job",
    Cause.MANUAL: "asked for",
}
FAILURES = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.LOST})
"""The ends that somebody has to look at."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a table. Times are UTC."""

    id: str
    job_id: str
    state: str
    """Picks shape and colour."""
    words: str
    scheduled_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    took: str
    """How long it took, or has been running; empty when it has not started."""
    cause: str
    why: str
    """What there is to say about its state; empty when nothing is."""
    late: bool


def run_line(run: Run, now: datetime) -> RunLine:
    """Return *run* as it is *now*."""
    return RunLine(
        id=run.id,
        job_id=run.job_id,
        state=run.state.value,
        words=WORDS[run.state],
        scheduled_at=run.scheduled_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        took=took(run, now),
        cause=cause(run),
        why=why(run),
        late=run.is_late(now),
    )


def run_lines(runs: Iterable[Run], now: datetime) -> tuple[RunLine, ...]:
    """Return *runs* as they are *now*."""
    return tuple(run_line(run, now) for run in runs)


def took(run: Run, now: datetime) -> str:
    """Return how long *run* took, or has been running *now*."""
    if run.started_at is None or run.state is RunState.SKIPPED:
        return ""
    return length((run.finished_at or now) - run.started_at)


def cause(run: Run) -> str:
    """Return why there is *run*, in a few words."""
    again = f", attempt {run.attempt}" if run.attempt > 1 else ""
    match run.cause:
        case Cause.MANUAL:
            return f"asked for by {run.asked_by}{again}" if run.asked_by else f"asked for{again}"
        case Cause.AFTER:
            ended = WORDS[run.upstream_state] if run.upstream_state else "ended"
            return f"after {run.upstream_job_id} {ended}{again}"
        case Cause.CATCHUP:
            return f"missed slot{again}"
        case Cause.RETRY:
            return f"attempt {run.attempt}"
        case _:
            return f"schedule{again}"


def why(run: Run) -> str:
    """Return the reason of its state, and of its being asked for."""
    exit_code = f"exit code {run.exit_code}" if run.exit_code and not run.reason else None
    asked = f"“{run.ask_reason}”" if run.ask_reason else None
    return "; ".join(each for each in (run.reason, exit_code, asked) if each)
