"""Jobs: what is live, the operator's pause, and runs out of turn."""

from typing import Any

from flask import Blueprint

from schedsync.api.answers import answered
from schedsync.api.backend import backend
from schedsync.api.guard import sender
from schedsync.api.paging import JobsQuery, job_cursor
from schedsync.api.parsing import body, takes
from schedsync.api.wishes import PauseWish, ResumeWish, RunWish
from schedsync.status.knowledge import Knowledge
from schedsync.status.views import job_shown, jobs_page, run_view

blueprint = Blueprint("jobs", __name__, url_prefix="/api/jobs")


@blueprint.get("")
@takes(JobsQuery)
def many(query: JobsQuery) -> dict[str, Any]:
    """Answer a page of the jobs, by id."""

    def page(known: Knowledge) -> dict[str, Any]:
        views, last = jobs_page(known, after=query.cursor, limit=query.limit, now=backend().clock())
        cursor = None if last is None else job_cursor(last)
        return {"jobs": [view.model_dump(mode="json") for view in views], "next_cursor": cursor}

    return answered(page)


@blueprint.get("/<job_id>")
def one(job_id: str) -> dict[str, Any]:
    """Answer a job with its spec."""
    return answered(lambda known: _shown(known, job_id))


@blueprint.post("/<job_id>/pause")
def pause(job_id: str) -> dict[str, Any]:
    """Pause a job, or change the reason and the end of its pause; answer the job."""
    wish = body(PauseWish)
    backend().control.pause(job_id, by=sender(), reason=wish.reason, until=wish.until_at(backend().clock()))
    return _shown(backend().live, job_id)


@blueprint.post("/<job_id>/resume")
def resume(job_id: str) -> dict[str, Any]:
    """End the pause of a job, if it has one; answer the job."""
    backend().control.resume(job_id, by=sender(), reason=body(ResumeWish).reason)
    return _shown(backend().live, job_id)


@blueprint.post("/<job_id>/run")
def run(job_id: str) -> tuple[dict[str, Any], int]:
    """Ask for a run of a job now; answer the run, which waits for the instance that leads."""
    asked = backend().control.trigger(job_id, by=sender(), reason=body(RunWish).reason)
    backend().tick()
    return run_view(asked).model_dump(mode="json"), 202


def _shown(known: Knowledge, job_id: str) -> dict[str, Any]:
    return job_shown(known, job_id, backend().clock()).model_dump(mode="json")
