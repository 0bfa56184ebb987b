"""The service as a whole: how it is, pausing everything, and asking for a step."""

from typing import Any

from flask import Blueprint

from schedsync.api.answers import answered, reading_of
from schedsync.api.backend import backend
from schedsync.api.guard import sender
from schedsync.api.parsing import body
from schedsync.api.wishes import Nothing, PauseWish, ResumeWish
from schedsync.status.knowledge import Knowledge
from schedsync.status.views import status_view

blueprint = Blueprint("status", __name__, url_prefix="/api")


@blueprint.get("/status")
def status() -> dict[str, Any]:
    """Answer how the service is."""
    return answered(_shown)


@blueprint.post("/pause")
def pause() -> dict[str, Any]:
    """Pause all jobs, or change the reason and the end of that pause; answer the status."""
    wish = body(PauseWish)
    backend().control.pause(None, by=sender(), reason=wish.reason, until=wish.until_at(backend().clock()))
    return _shown(backend().live)


@blueprint.post("/resume")
def resume() -> dict[str, Any]:
    """End the pause of all jobs; those that are paused themselves stay so. Answer the status."""
    backend().control.resume(None, by=sender(), reason=body(ResumeWish).reason)
    return _shown(backend().live)


@blueprint.post("/sync")
def sync() -> tuple[dict[str, Any], int]:
    """Ask for one more step of the reconcile loop; answer the status as it is before."""
    body(Nothing)
    backend().wake()
    return _shown(backend().live), 202


def _shown(known: Knowledge) -> dict[str, Any]:
    parts = backend()
    view = status_view(known, reading_of(known), node=parts.node, now=parts.clock())
    return view.model_dump(mode="json")
