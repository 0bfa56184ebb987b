"""Runs: what happened, and what was printed."""

from typing import Any

from flask import Blueprint, Response

from schedsync.api import following
from schedsync.api.answers import answered
from schedsync.api.backend import backend
from schedsync.api.endpoint import TEXT, Endpoint, endpoint
from schedsync.api.following import DONE, NEXT, LogQuery, Part
from schedsync.api.ranges import ranged
from schedsync.api.selecting import RunsQuery
from schedsync.status.knowledge import Knowledge
from schedsync.status.views import RunsPage, run_view

blueprint = Blueprint("runs", __name__, url_prefix="/api")


@blueprint.get("/runs")
@endpoint(Endpoint(RunsPage, query=RunsQuery))
def many(query: RunsQuery) -> dict[str, Any]:
    """Answer a page of the runs of all jobs, newest slot first."""
    return _page(None, query)


@blueprint.get("/jobs/<job_id>/runs")
@endpoint(Endpoint(RunsPage, also=(404,), query=RunsQuery))
def of_job(query: RunsQuery, job_id: str) -> dict[str, Any]:
    """Answer a page of the runs of a job, also of one that is gone, newest slot first."""
    return _page(job_id, query)


@blueprint.get("/runs/<run_id>/log")
@endpoint(Endpoint(None, also=(206, 304, 404, 416), headers=(NEXT, DONE), query=LogQuery, media=TEXT))
def log(query: LogQuery, run_id: str) -> Response:
    """Answer what a run printed, or what there is from a byte on, as soon as there is some."""
    if query.follows:
        return _text(following.behind(run_id, query.start or 0, query.wait or 0))
    part = following.whole(run_id)
    return ranged(_text(part, final=part.done))


def _text(part: Part, *, final: bool = False) -> Response:
    response = Response(part.stretch.text, mimetype=TEXT)
    if final:
        response.add_etag()
    else:
        response.cache_control.no_store = True
    response.headers[NEXT], response.headers[DONE] = str(part.stretch.next), "true" if part.done else "false"
    return response


def _page(job_id: str | None, query: RunsQuery) -> dict[str, Any]:
    def page(known: Knowledge) -> dict[str, Any]:
        found = known.runs_page(job_id=job_id, before=query.cursor, limit=query.limit, only=query.filter)
        now = backend().clock()
        return {
            "runs": [run_view(run, now).model_dump(mode="json") for run in found.runs],
            "next_cursor": query.cursor_behind(found.more),
        }

    return answered(page)
