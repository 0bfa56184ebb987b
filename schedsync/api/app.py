"""The Flask app: the checks before each request, the views, and how errors are answered.

`server` serves it; `service` makes its `Backend`.
"""

from flask import Flask, Response
from flask.json.provider import DefaultJSONProvider

from schedsync.api import (
    answers,
    endpoint,
    guard,
    headers,
    health,
    index,
    jobs,
    login,
    logs,
    parsing,
    places,
    problems,
    proxies,
    queue,
    runs,
    status,
)
from schedsync.api.backend import Backend, attach

__all__ = ["Backend", "create_app"]

LARGEST_BODY = 64 << 10
"""In bytes."""


def create_app(backend: Backend) -> Flask:
    """Return the API over *backend*."""
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.url_map.merge_slashes = False  # a doubled slash is a mistake to name, not one to redirect
    app.json = _JsonInOrder(app)
    attach(app, backend)
    proxies.believe(app, backend.rules.proxies)
    guard.register(app, backend)
    for check in (parsing.check_ids, endpoint.check_query):
        app.before_request(check)
    places.register(app)
    app.after_request(answers.say_how_old)
    app.after_request(_for_this_request_only)
    app.after_request(headers.protect)
    problems.register(app)
    for module in (index, health, jobs, login, logs, queue, runs, status):
        app.register_blueprint(module.blueprint)
    return app


class _JsonInOrder(DefaultJSONProvider):
    """Shows fields in the order of the view models, not of the alphabet."""

    sort_keys = False


def _for_this_request_only(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
