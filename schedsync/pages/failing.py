"""Errors as pages: a problem document is laid out where a browser asked for a page."""

from http import HTTPStatus
from typing import Any

from flask import Response, render_template, request
from werkzeug.exceptions import BadHost

from schedsync.api.problems import MEDIA_TYPE

_API = "/api/"
_HINTS = {
    400: "Go back, and correct what the sentence names.",
    403: "The sentence says what is allowed, and how to get leave.",
    404: "It may have been removed, or the address has a mistake.",
    429: "Wait a little.",
    503: "This page tries again by itself.",
}


def as_page(response: Response) -> Response:
    """Return *response*, as a page if it is a problem and its reader is a browser."""
    if response.mimetype != MEDIA_TYPE or request.path.startswith(_API) or not _wants_page():
        return response
    if isinstance(request.routing_exception, BadHost):  # no page can be linked to from there
        return response
    said = response.get_json()
    response.set_data(_login(said) if response.status_code == HTTPStatus.UNAUTHORIZED else _problem(said))
    response.mimetype = "text/html"
    return response


def _login(said: dict[str, Any]) -> str:
    """Return the login page, which goes on to what was asked for."""
    wanted = "" if request.method == "POST" else request.full_path.rstrip("?")
    if request.endpoint == "access.login":  # other forms are not read: they may be too large to be
        wanted = request.form.get("next", "")
    return render_template("login.html", wanted=wanted, refused=said["detail"])


def _problem(said: dict[str, Any]) -> str:
    return render_template(
        "problem.html",
        status=said["status"],
        title=said["title"],
        detail=said["detail"],
        mistakes=said.get("errors", []),
        hint=_HINTS.get(said["status"], ""),
    )


def _wants_page() -> bool:
    accepts = request.accept_mimetypes
    return accepts.best_match(["application/json", "text/html"]) == "text/html"
