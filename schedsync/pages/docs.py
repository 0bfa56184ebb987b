"""``/docs``: the description of the API, to be read; it needs no other machine."""

from flask import Blueprint, render_template, request

from schedsync.access import Scope
from schedsync.api.description import description
from schedsync.api.endpoint import needs
from schedsync.pages.shown.reference import reference

blueprint = Blueprint("docs", __name__)


@blueprint.get("/docs")
@needs(Scope.OPEN)
def show() -> str:
    """Show what there is to ask for, in groups, and the shapes of what is asked and answered."""
    return render_template("docs.html", reference=reference(description(), request.url_root.rstrip("/")))
