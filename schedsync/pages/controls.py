"""What people do on pages: forms that pause, resume, run and sync, and then lead back to where one was."""

from flask import Blueprint, redirect, url_for
from werkzeug import Response

from schedsync.api.backend import backend
from schedsync.api.guard import sender
from schedsync.api.wishes import Nothing, PauseWish, ResumeWish, RunWish
from schedsync.pages.asked import form

blueprint = Blueprint("controls", __name__)


@blueprint.post("/jobs/<job_id>/pause")
def pause_job(job_id: str) -> Response:
    """Pause a job."""
    _pause(job_id, form(PauseWish))
    return _to_job(job_id, "paused")


@blueprint.post("/jobs/<job_id>/resume")
def resume_job(job_id: str) -> Response:
    """End the pause of a job."""
    backend().control.resume(job_id, by=sender(), reason=form(ResumeWish).reason)
    return _to_job(job_id, "resumed")


@blueprint.post("/jobs/<job_id>/run")
def run_job(job_id: str) -> Response:
    """Ask for a run of a job now."""
    backend().control.trigger(job_id, by=sender(), reason=form(RunWish).reason)
    backend().tick()
    return _to_job(job_id, "asked")


@blueprint.post("/pause")
def pause_all() -> Response:
    """Pause all jobs."""
    _pause(None, form(PauseWish))
    return _to_overview("paused")


@blueprint.post("/resume")
def resume_all() -> Response:
    """End the pause of all jobs."""
    backend().control.resume(None, by=sender(), reason=form(ResumeWish).reason)
    return _to_overview("resumed")


@blueprint.post("/sync")
def sync() -> Response:
    """Ask for one more step of the reconcile loop."""
    form(Nothing)
    backend().wake()
    return _to_overview("synced")


def _pause(job_id: str | None, wish: PauseWish) -> None:
    parts = backend()
    parts.control.pause(job_id, by=sender(), reason=wish.reason, until=wish.until_at(parts.clock()))


def _to_job(job_id: str, done: str) -> Response:
    return redirect(url_for("pages.jobs.one", job_id=job_id, done=done), 303)


def _to_overview(done: str) -> Response:
    return redirect(url_for("pages.overview.show", done=done), 303)
