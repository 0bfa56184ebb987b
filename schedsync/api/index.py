"""The front door: where to look. The pages come here later."""

from flask import Blueprint

from schedsync import __version__

blueprint = Blueprint("index", __name__)

PLACES = ("/health", "/ready", "/api/status", "/api/jobs", "/api/runs", "/api/queue")


@blueprint.get("/")
def index() -> dict[str, str | list[str]]:
    """Answer what this is, and the paths to read."""
    return {"service": "schedsync", "version": __version__, "read": list(PLACES)}
