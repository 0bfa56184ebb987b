"""The front door of programs: where to look. That of people is a page."""

from flask import Blueprint

from schedsync import __version__
from schedsync.access import Scope
from schedsync.api.endpoint import Endpoint, endpoint
from schedsync.status.views import View

blueprint = Blueprint("index", __name__)

PLACES = (
    *("/health", "/ready", "/metrics", "/openapi.json"),
    *("/api/status", "/api/jobs", "/api/runs", "/api/queue", "/api/syncs", "/api/audit"),
)


class Index(View):
    """What this is, and where to look."""

    service: str
    version: str
    read: list[str]


@blueprint.get("/api")
@endpoint(Endpoint(Index, scope=Scope.OPEN))
def index() -> dict[str, str | list[str]]:
    """Answer what this is, and the paths to read."""
    return {"service": "schedsync", "version": __version__, "read": list(PLACES)}
