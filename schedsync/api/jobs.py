"""Jobs: what is live, the operator's pause, and runs out of turn."""

from typing import Any

from flask import Blueprint, Response

from schedsync.access import Scope
from schedsync.api.answers import answered, answered_text
from schedsync.api.backend import backend
from schedsync.api.endpoint import Endpoint, endpoint
from schedsync.api.guard import sender
from schedsync.api.selecting import JobsQuery
from schedsync.api.wishes import PauseWish, ResumeWish, RunWish
from schedsync.status.knowledge import Knowledge
from schedsync.status.views import JobDetail, JobsPage, RunView, job_shown, listing, run_view

blueprint = Blueprint("jobs", __name__, url_prefix="/api/jobs")


@blueprint.get("")
@endpoint(Endpoint(JobsPage, query=JobsQuery))
def many(query: JobsQuery) -> Response:
    """Answer a page of the jobs, by id or in another order."""

    def page(known: Knowledge) -> str:
        found = listing(known, query.wanted, backend().clock())
        return backend().texts.page(found, query.cursor_behind(found.more))

    return answered_text(page)


@blueprint.get("/<job_id>")
@endpoint(Endpoint(JobDetail, also=(404,)))
def one(job_id: str) -> dict[str, Any]:
    """Answer a job with its spec."""
    return answered(lambda known: _shown(known, job_id))


@blueprint.post("/<job_id>/pause")
@endpoint(Endpoint(JobDetail, also=(404,), body=PauseWish, scope=Scope.CONTROL))
def pause(wish: PauseWish, job_id: str) -> dict[str, Any]:
    """Pause a job, or change the reason and the end of its pause; answer the job."""
    backend().control.pause(job_id, by=sender(), reason=wish.reason, until=wish.until_at(backend().clock()))
    return _shown(backend().live, job_id)


@blueprint.post("/<job_id>/resume")
@endpoint(Endpoint(JobDetail, also=(404,), body=ResumeWish, scope=Scope.CONTROL))
def resume(wish: ResumeWish, job_id: str) -> dict[str, Any]:
    """End the pause of a job, if it has one; answer the job."""
    backend().control.resume(job_id, by=sender(), reason=wish.reason)
    return _shown(backend().live, job_id)


@blueprint.post("/<job_id>/run")
@endpoint(Endpoint(RunView, 202, also=(404,), body=RunWish, scope=Scope.CONTROL))
def run(wish: RunWish, job_id: str) -> tuple[dict[str, Any], int]:
    """Ask for a run of a job now; answer the run, which waits for the instance that leads."""
    asked = backend().control.trigger(job_id, by=sender(), reason=wish.reason)
    backend().tick()
    return run_view(asked).model_dump(mode="json"), 202


def _shown(known: Knowledge, job_id: str) -> dict[str, Any]:
    return job_shown(known, job_id, backend().clock()).model_dump(mode="json")
