"""The overview: is it well, and what happens now."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schedsync.pages.shown.runs import FAILURES, RunLine, run_line, run_lines
from schedsync.pages.shown.verdict import Complaint, Verdict, as_planned, of_service, verdict
from schedsync.pages.shown.waiting import in_words
from schedsync.runs.run import Run, RunState
from schedsync.runs.selection import RunFilter
from schedsync.runs.waiting import Waiting
from schedsync.status.knowledge import Knowledge
from schedsync.status.views import HeldView, ProblemView, StatusView

MOST = 25
"""How many of a kind are listed; how many more there are is said."""
FEW = 10
"""The same of what has its own page."""
_FAILED_WITHIN = timedelta(hours=24)
_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Coming:
    """A slot that is to come."""

    job_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class QueuedLine:
    """A run that waits, and what for."""

    run: RunLine
    waits_for: str


@dataclass(frozen=True, slots=True)
class Overview:
    """What the first page says."""

    verdict: Verdict
    status: StatusView
    counts: tuple[tuple[str, int], ...]
    """Of what there is, by state: the jobs, then the runs."""
    problems: tuple[ProblemView, ...]
    """The first of them."""
    held: tuple[HeldView, ...]
    """The first of them."""
    running: tuple[RunLine, ...]
    queued: tuple[QueuedLine, ...]
    failed: tuple[RunLine, ...]
    coming: tuple[Coming, ...]
    """What fires within an hour."""


def overview(
    known: Knowledge, status: StatusView, *, told: Sequence[Waiting], now: datetime, wrong: Iterable[Complaint]
) -> Overview:
    """Return the overview.

    Args:
        known: the jobs and runs.
        status: the service.
        told: what waits.
        now: the time (UTC).
        wrong: what is wrong with this instance.
    """
    running = [run for run in known.unsettled() if run.state is RunState.RUNNING] if status.counts.running else []
    failed = _failed(known, now)
    complaints = [*wrong, *of_service(status, _failing(known, failed), now), *as_planned(status, now)]
    return Overview(
        verdict=verdict(complaints, status),
        status=status,
        counts=tuple(_counts(status)),
        problems=tuple(status.problems[:MOST]),
        held=tuple(status.held[:MOST]),
        running=run_lines(running[:MOST], now),
        queued=tuple(QueuedLine(run_line(each.run, now), in_words(each, now)) for each in told[:MOST]),
        failed=run_lines(failed[:FEW], now),
        coming=tuple(Coming(*slot) for slot in known.coming(now, until=now + _WITHIN, limit=FEW)),
    )


def _counts(status: StatusView) -> Iterator[tuple[str, int]]:
    """Yield what is always there, and the others where there are some."""
    counts = status.counts.model_dump()
    for name in ("active", "paused", "suspended", "finished", "stale", "running", "queued"):
        if counts[name] or name in {"active", "running"}:
            yield name, counts[name]


def _failed(known: Knowledge, now: datetime) -> list[Run]:
    """Return the newest runs that failed lately, the newest first."""
    since = now - _FAILED_WITHIN
    found: list[Run] = []
    for state in sorted(FAILURES):
        found += known.runs(job_id=None, before=None, limit=MOST, only=RunFilter(state=state, since=since))
    return sorted(found, key=lambda run: (run.scheduled_at, run.id), reverse=True)


def _failing(known: Knowledge, failed: Iterable[Run]) -> list[str]:
    """Return the jobs of *failed* that have not succeeded since."""
    job_ids = {run.job_id for run in failed}
    last = known.last_runs(job_ids) if job_ids else {}
    return sorted(job_id for job_id, run in last.items() if run.state in FAILURES)
