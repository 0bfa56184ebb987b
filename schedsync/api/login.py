"""Logging in with a browser: a token, once shown to be valid, goes on in a cookie that scripts cannot read."""

from flask import Blueprint, redirect, request
from werkzeug import Response

from schedsync.access import Scope
from schedsync.api.endpoint import needs
from schedsync.api.parsing import MalformedRequestError, Mistake
from schedsync.api.tokens import COOKIE, cookie_path, identify

blueprint = Blueprint("access", __name__)
_TOKEN, _NEXT = "token", "next"


@blueprint.post("/login")
@needs(Scope.OPEN)
def login() -> Response:
    """Let a browser keep a token until it is closed, and go on to the page that was wanted.

    Raises:
        MalformedRequestError: there is no token in the form.
        Unauthorized: it is not valid.
        TooManyRequests: likewise, and too many were not that came from there before.
        DatabaseUnavailableError: whether it is, is not known now.
    """
    text = request.form.get(_TOKEN, "").strip()
    if not text:
        raise MalformedRequestError([Mistake(_TOKEN, "nothing", "send the token as a form field of this name")])
    identify(text)
    response = redirect(_local(request.form.get(_NEXT, "")), 303)
    response.set_cookie(COOKIE, text, path=cookie_path(), httponly=True, samesite="Strict", secure=request.is_secure)
    return response


@blueprint.post("/logout")
@needs(Scope.OPEN)
def logout() -> Response:
    """Let a browser forget its token; it stays valid."""
    response = redirect(f"{request.script_root}/login", 303)
    response.delete_cookie(COOKIE, path=cookie_path(), httponly=True, samesite="Strict", secure=request.is_secure)
    return response


def _local(path: str) -> str:
    """Return *path* below this service, as browsers see it; what would lead elsewhere leads to the front page."""
    root = request.script_root
    if not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return f"{root}/"
    return path if path.startswith(f"{root}/") else f"{root}{path}"
