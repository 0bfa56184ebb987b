"""``/login``: where a browser shows its token; `api.login` takes it."""

from flask import Blueprint, render_template, request

from schedsync.access import Scope
from schedsync.api.endpoint import needs

blueprint = Blueprint("login", __name__)


@blueprint.get("/login")
@needs(Scope.OPEN)
def show() -> str:
    """Show the form for a token, and how to get one."""
    return render_template("login.html", wanted=request.args.get("next", ""), refused="")
