"""A run: what became of its slot, when what happened, and what it has to do with other runs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schedsync.pages.shown.output import ShownOutput, shown_output
from schedsync.pages.shown.runs import WORDS, RunLine, run_line, run_lines
from schedsync.pages.shown.times import length
from schedsync.pages.shown.waiting import in_words
from schedsync.runs.run import UNSETTLED, Cause, Run, RunState
from schedsync.runs.waiting import Waiting
from schedsync.status.output import Stretch

_SIGNALS = {-1: "SIGHUP", -2: "SIGINT", -6: "SIGABRT", -9: "SIGKILL", -11: "SIGSEGV", -15: "SIGTERM"}

_CAUSES = {
    Cause.SCHEDULE: "its slot fell due",
    Cause.CATCHUP: "its slot had been missed, and the misfire policy runs it late",
    Cause.RETRY: "the attempt before it did not succeed",
    Cause.AFTER: "the run that it follows ended",
    Cause.MANUAL: "somebody asked for it",
}
_UNNOTICED = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened to a run."""

    name: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Upstream:
    """The run that a run follows."""

    job_id: str
    run_id: str | None
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class RunPage:
    """What the page of a run says."""

    line: RunLine
    run: Run
    is_over: bool
    cause: str
    """Why there is this run, in words."""
    moments: tuple[Moment, ...]
    exit_words: str
    waits_for: str
    upstream: Upstream | None
    attempts: tuple[RunLine, ...]
    """At the same slot; empty where this is the only one."""
    followers: tuple[RunLine, ...]
    output: ShownOutput
    next_byte: int
    """Of the output: what to ask from to follow it."""
    output_known: bool


def run_page(
    run: Run,
    *,
    now: datetime,
    attempts: Sequence[Run],
    followers: Iterable[Run],
    waits: Waiting | None,
    output: Stretch | None,
) -> RunPage:
    """Return what the page of *run* says.

    Args:
        run: the run.
        now: the time (UTC).
        attempts: at the same slot, with itself.
        followers: the runs that follow it.
        waits: what it waits for, if it does and that is known.
        output: what it printed; None while nobody knows.
    """
    return RunPage(
        line=run_line(run, now),
        run=run,
        is_over=run.state not in UNSETTLED,
        cause=_CAUSES[run.cause],
        moments=tuple(_moments(run, now)),
        exit_words=exit_words(run),
        waits_for=in_words(waits, now) if waits is not None else "",
        upstream=_upstream(run),
        attempts=run_lines(attempts, now) if len(attempts) > 1 else (),
        followers=run_lines(followers, now),
        output=shown_output(output.text if output else ""),
        next_byte=output.next if output else 0,
        output_known=output is not None,
    )


def exit_words(run: Run) -> str:
    """Return how its process ended: ``0``, ``3``, ``ended by SIGKILL (9)``; empty where it had none that ended."""
    if run.exit_code is None:
        return ""
    if run.exit_code >= 0:
        return str(run.exit_code)
    return f"ended by {_SIGNALS.get(run.exit_code, 'signal')} ({-run.exit_code})"


def _moments(run: Run, now: datetime) -> Iterator[Moment]:
    yield Moment("Slot", run.scheduled_at)
    if run.due_at is not None and run.due_at != run.scheduled_at:
        yield Moment("Due", run.due_at, "after the delay of its retry")
    if run.claimed_at is not None:
        yield Moment("Claimed", run.claimed_at, f"by {run.node}" if run.node else "")
    if run.started_at is not None:
        yield Moment("Started", run.started_at, _lateness(run.started_at - (run.due_at or run.scheduled_at)))
    if run.finished_at is not None:
        yield Moment("Ended", run.finished_at, _took(run, run.finished_at))
    elif run.state is RunState.RUNNING and run.started_at is not None:
        yield Moment("Runs", now, f"for {length(now - run.started_at)} so far")


def _lateness(late: timedelta) -> str:
    return "on time" if late < _UNNOTICED else f"{length(late)} after it was due"


def _took(run: Run, finished_at: datetime) -> str:
    return f"after {length(finished_at - run.started_at)}" if run.started_at is not None else ""


def _upstream(run: Run) -> Upstream | None:
    if run.upstream_job_id is None:
        return None
    state = run.upstream_state
    return Upstream(run.upstream_job_id, run.upstream_run_id, state or "", WORDS[state] if state else "ended")
