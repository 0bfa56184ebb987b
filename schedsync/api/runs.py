"""Runs: what happened, and what was printed."""

from typing import Any

from flask import Blueprint, Response

from schedsync.api.answers import answered, remembered
from schedsync.api.backend import backend
from schedsync.api.endpoint import TEXT, Endpoint, endpoint
from schedsync.api.selecting import RunsQuery
from schedsync.runs.run import RunState
from schedsync.status.knowledge import Knowledge
from schedsync.status.views import RunsPage, log_text, run_view

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
@endpoint(Endpoint(None, also=(404,), media=TEXT))
def log(run_id: str) -> Response:
    """Answer what a run printed; while it runs on this machine, what it has printed so far."""

    def text(known: Knowledge) -> str:
        run = known.run(run_id)
        live = backend().live_output(run_id)  # asked first: a run that ends in between has its output in the store
        if live is None and run.state is RunState.RUNNING:
            live = backend().spooled_output(run_id)
        return log_text(live or known.output(run_id))

    return Response(remembered(text), mimetype=TEXT)


def _page(job_id: str | None, query: RunsQuery) -> dict[str, Any]:
    def page(known: Knowledge) -> dict[str, Any]:
        found = known.runs(job_id=job_id, before=query.cursor, limit=query.limit + 1, only=query.filter)
        runs, more, now = found[: query.limit], len(found) > query.limit, backend().clock()
        return {
            "runs": [run_view(run, now).model_dump(mode="json") for run in runs],
            "next_cursor": query.cursor_behind(runs[-1]) if more else None,
        }

    return answered(page)
