"""The service as a whole: how it is, pausing everything, and asking for a step."""

from typing import Any

from flask import Blueprint

from schedsync.access import Scope
from schedsync.api.answers import answered, reading_of
from schedsync.api.backend import backend
from schedsync.api.endpoint import Endpoint, endpoint
from schedsync.api.guard import sender
from schedsync.api.wishes import Nothing, PauseWish, ResumeWish
from schedsync.status.knowledge import Knowledge
from schedsync.status.views import StatusView, status_view

blueprint = Blueprint("status", __name__, url_prefix="/api")


@blueprint.get("/status")
@endpoint(Endpoint(StatusView))
def status() -> dict[str, Any]:
    """Answer how the service is."""
    return answered(_shown)


@blueprint.post("/pause")
@endpoint(Endpoint(StatusView, body=PauseWish, scope=Scope.CONTROL))
def pause(wish: PauseWish) -> dict[str, Any]:
    """Pause all jobs, or change the reason and the end of that pause; answer the status."""
    backend().control.pause(None, by=sender(), reason=wish.reason, until=wish.until_at(backend().clock()))
    return _shown(backend().live)


@blueprint.post("/resume")
@endpoint(Endpoint(StatusView, body=ResumeWish, scope=Scope.CONTROL))
def resume(wish: ResumeWish) -> dict[str, Any]:
    """End the pause of all jobs; those that are paused themselves stay so. Answer the status."""
    backend().control.resume(None, by=sender(), reason=wish.reason)
    return _shown(backend().live)


@blueprint.post("/sync")
@endpoint(Endpoint(StatusView, 202, body=Nothing, scope=Scope.CONTROL))
def sync(_wish: Nothing) -> tuple[dict[str, Any], int]:
    """Ask for one more step of the reconcile loop; answer the status as it is before."""
    backend().wake()
    return _shown(backend().live), 202


def _shown(known: Knowledge) -> dict[str, Any]:
    parts = backend()
    view = status_view(known, reading_of(known), node=parts.node, now=parts.clock(), blackouts=parts.blackouts)
    return view.model_dump(mode="json")
