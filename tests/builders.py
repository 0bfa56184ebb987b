"""Minimal valid values: a test says only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from schedsync.plan.state import Located, Observed, ObservedJob, Snapshot, Source
from schedsync.runs.run import Cause, Run, RunState
from schedsync.specs.fingerprint import schedule_digest, spec_digest
from schedsync.specs.job import JobSpec

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
_serial = count(1)


def document(**fields: Any) -> dict[str, Any]:
    """A job as YAML gives it; with ``after`` in *fields* it has no schedule."""
    schedule = {} if "after" in fields else {"schedule": {"every": "1h"}}
    return {"id": "job", **schedule, "run": {"shell": "true"}, **fields}


def spec(**fields: Any) -> JobSpec:
    """A job that runs every hour."""
    return JobSpec.model_validate(document(**fields))


def located(*, file: str | None = None, line: int = 1, **fields: Any) -> Located:
    """A job in a file that is named after it."""
    job = spec(**fields)
    return Located(
        job,
        Source(file or f"{job.id}.yaml", line),
        spec_digest(job),
        schedule_digest(job),
        upstreams=dict.fromkeys(job.after or (), (line + 1, 3)),
        renamed_at=(line + 1, 15) if job.renamed_from else None,
    )


def observed(*, job: Located | None = None, **fields: Any) -> ObservedJob:
    """A job as the store has it after *job* was applied an hour ago; its next slot is now."""
    job = job or located()
    live = ObservedJob(
        id=job.spec.id,
        digest=job.digest,
        schedule_digest=job.schedule_digest,
        source=job.source,
        anchor_at=NOW - HOUR,
        next_fire_at=NOW,
        generation=1,
        prune=job.spec.prune.value,
        suspended=job.spec.suspend,
        follows=job.spec.follows,
    )
    return replace(live, **fields)


def snapshot(*jobs: Located, **fields: Any) -> Snapshot:
    """A folder with these jobs, all of which could be read."""
    places: dict[str, tuple[Located, ...]] = {}
    for job in jobs:
        places[job.spec.id] = (*places.get(job.spec.id, ()), job)
    return Snapshot(**{"jobs": places, "revision": "r1", **fields})


def store(*jobs: ObservedJob) -> Observed:
    """A store with these jobs."""
    return Observed({job.id: job for job in jobs})


def run(**fields: Any) -> Run:
    """A queued first attempt at the slot that is now, with an id of its own."""
    queued = Run(
        id=f"run-{next(_serial):06}",
        job_id="job",
        scheduled_at=NOW,
        attempt=1,
        cause=Cause.SCHEDULE,
        state=RunState.QUEUED,
    )
    return replace(queued, **fields)
