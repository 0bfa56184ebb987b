"""The table of jobs: each with its state, its schedule in words, its next and its last runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from schedsync.pages.shown.runs import RunLine, run_line
from schedsync.pages.shown.strip import RUNS, Strip, strip
from schedsync.pages.shown.verdict import pause_in_words
from schedsync.runs.run import Run, RunState
from schedsync.specs.job import JobSpec
from schedsync.specs.words import in_words
from schedsync.status.knowledge import Knowledge
from schedsync.status.views import JobView


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


def job_lines(known: Knowledge, jobs: Sequence[JobView], now: datetime) -> tuple[JobLine, ...]:
    """Return *jobs* with their schedules and their last runs."""
    ids = [job.id for job in jobs]
    specs, recent = known.specs(ids), known.recent_runs(ids, each=RUNS)
    last = _last(known, jobs, recent)
    return tuple(_line(job, specs.get(job.id), recent.get(job.id, []), last.get(job.id), now) for job in jobs)


def _last(known: Knowledge, jobs: Sequence[JobView], recent: Mapping[str, list[Run]]) -> dict[str, Run]:
    """Return the last runs that were not skipped; those behind many skipped slots are asked for."""
    found = {
        job_id: run
        for job_id, runs in recent.items()
        for run in [next((run for run in runs if run.state is not RunState.SKIPPED), None)]
        if run is not None
    }
    missing = [job.id for job in jobs if job.last_run is not None and job.id not in found]
    return found | known.last_runs(missing) if missing else found


def _line(job: JobView, spec: JobSpec | None, recent: list[Run], last: Run | None, now: datetime) -> JobLine:
    return JobLine(
        job=job,
        why=why(job, now),
        schedule=in_words(spec.schedule, spec.after) if spec else "not known: its stored spec cannot be read",
        last=None if last is None else run_line(last, now),
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
