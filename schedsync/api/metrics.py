"""The metrics, and what is counted of requests. A scrape asks no database: it is needed most when that is away."""

import time

from flask import Blueprint, Flask, Response, g, request

from schedsync.api.backend import backend
from schedsync.api.endpoint import Endpoint, endpoint
from schedsync.metrics.metrics import CONTENT_TYPE

blueprint = Blueprint("metrics", __name__)
MEDIA_TYPE = CONTENT_TYPE.partition(";")[0]


@blueprint.get("/metrics")
@endpoint(Endpoint(None, media=MEDIA_TYPE))
def metrics() -> Response:
    """Answer what there is to count and to measure, in Prometheus's text format."""
    return Response(backend().metrics.text(), content_type=CONTENT_TYPE)


def register(app: Flask) -> None:
    """Count the requests of *app*; before anything else looks at them, so that what is refused is counted, too."""
    app.before_request(_begin)
    app.after_request(_count)


def _begin() -> None:
    g.began = time.monotonic()


def _count(response: Response) -> Response:
    rule = None if request.url_rule is None else request.url_rule.rule
    seconds = time.monotonic() - g.get("began", time.monotonic())
    backend().metrics.requests.answered(rule, request.method, response.status_code, seconds)
    return response
