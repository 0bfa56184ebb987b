"""Errors as pages: a problem document is laid out where a browser asked for a page."""

from flask import Response, render_template, request
from werkzeug.http import HTTP_STATUS_CODES

from schedsync.api.problems import MEDIA_TYPE

_API = "/api/"
_HINTS = {
    400: "Go back, and correct what the sentence names.",
    401: "Show a token on the login page.",
    403: "The sentence says what is allowed, and how to get leave.",
    404: "It may have been removed, or the address has a mistake.",
    429: "Wait a little.",
    503: "This page tries again by itself.",
}


def as_page(response: Response) -> Response:
    """Return *response*, as a page if it is a problem and its reader is a browser."""
    if response.mimetype != MEDIA_TYPE or request.path.startswith(_API) or not _wants_page():
        return response
    said = response.get_json()
    status = response.status_code
    response.set_data(
        render_template(
            "problem.html",
            status=status,
            title=said.get("title") or HTTP_STATUS_CODES[status],
            detail=said.get("detail", ""),
            mistakes=said.get("errors", []),
            hint=_HINTS.get(status, ""),
        )
    )
    response.mimetype = "text/html"
    return response


def _wants_page() -> bool:
    accepts = request.accept_mimetypes
    return accepts.best_match(["application/json", "text/html"]) == "text/html"
