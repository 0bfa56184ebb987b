"""Where programs find the description of the API."""

from typing import cast

from flask import Blueprint, current_app, request

from schedsync.access import Scope
from schedsync.api.endpoint import Endpoint, endpoint
from schedsync.api.openapi import document
from schedsync.api.shapes import Schema

blueprint = Blueprint("description", __name__)
_KEY = "schedsync-description"


@blueprint.get("/openapi.json")
@endpoint(Endpoint(None, scope=Scope.OPEN))
def openapi() -> Schema:
    """Answer this description of the API (OpenAPI 3.1)."""
    return {**description(), "servers": [{"url": request.script_root or "/"}]}


def description() -> Schema:
    """Return the document of the app that serves the current request; it is made once."""
    kept = current_app.extensions
    if _KEY not in kept:
        kept[_KEY] = document(current_app)
    return cast("Schema", kept[_KEY])
