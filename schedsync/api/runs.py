"""Runs: what happened, and what was printed."""

from typing import Any

from flask import Blueprint, Response

from schedsync.api.backend import backend
from schedsync.api.paging import RunsQuery, run_cursor
from schedsync.api.parsing import takes
from schedsync.errors import JobNotFoundError
from schedsync.views import log_text, run_view

blueprint = Blueprint("runs", __name__, url_prefix="/api")


@blueprint.get("/runs")
@takes(RunsQuery)
def many(query: RunsQuery) -> dict[str, Any]:
    """Answer a page of the runs of all jobs, newest slot first."""
    return _page(None, query)


@blueprint.get("/jobs/<job_id>/runs")
@takes(RunsQuery)
def of_job(query: RunsQuery, job_id: str) -> dict[str, Any]:
    """Answer a page of the runs of a job, also of one that is gone, newest slot first."""
    page = _page(job_id, query)
    if not page["runs"] and query.cursor is None and not backend().store.jobs.load([job_id]):
        raise JobNotFoundError(job_id)
    return page


@blueprint.get("/runs/<run_id>")
def one(run_id: str) -> dict[str, Any]:
    """Answer a run."""
    return run_view(backend().store.runs.get(run_id)).model_dump(mode="json")


@blueprint.get("/runs/<run_id>/log")
def log(run_id: str) -> Response:
    """Answer what a run printed; while it runs here, what it has printed so far."""
    store = backend().store
    store.runs.get(run_id)
    live = backend().live_output(run_id)  # asked first: a run that ends in between has its output in the store
    return Response(log_text(live or store.runs.output(run_id)), mimetype="text/plain")


def _page(job_id: str | None, query: RunsQuery) -> dict[str, Any]:
    found = backend().store.runs.page(job_id=job_id, before=query.cursor, limit=query.limit + 1)
    runs, more = found[: query.limit], len(found) > query.limit
    return {
        "runs": [run_view(run).model_dump(mode="json") for run in runs],
        "next_cursor": run_cursor(runs[-1]) if more else None,
    }
