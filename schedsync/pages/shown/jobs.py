"""The table of jobs: each with its state, its schedule in words, its next and its last runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schedsync.pages.shown.runs import RunLine, run_line
from schedsync.pages.shown.strip import RUNS, Strip, strip
from schedsync.pages.shown.verdict import pause_in_words
from schedsync.runs.run import Run
from schedsync.specs.words import in_words
from schedsync.status.knowledge import Knowledge
from schedsync.status.standing import Standing
from schedsync.status.views import JobView, standing_view


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job in the table."""

    job: JobView
    why: str
    """Why it does not fire; empty while it does."""
    schedule: str
    last: RunLine | None
    """The last run that was not skipped."""
    strip: Strip


def job_lines(known: Knowledge, jobs: Sequence[Standing], now: datetime) -> tuple[JobLine, ...]:
    """Return *jobs* with their schedules and their last runs."""
    recent = known.recent_runs([job.job.observed.id for job in jobs], each=RUNS)
    return tuple(_line(job, recent.get(job.job.observed.id, []), now) for job in jobs)


def _line(job: Standing, recent: Sequence[Run], now: datetime) -> JobLine:
    view, spec = standing_view(job, now), job.job.spec
    return JobLine(
        job=view,
        why=why(view, now),
        schedule=in_words(spec) if spec else "not known: its stored spec cannot be read",
        last=None if job.last_run is None else run_line(job.last_run, now),
        strip=strip(recent, now),
    )


def why(job: JobView, now: datetime) -> str:
    """Return why *job* does not fire; empty while it does."""
    match job.state:
        case "paused":
            return pause_in_words(job.pause, now) if job.pause else ""
        case "suspended":
            return "by its author: suspend: true"
        case "finished":
            return "no slot is left"
        case _:
            return ""
