"""``/runs``: what happened, over all jobs."""

from dataclasses import dataclass

from flask import Blueprint, render_template

from schedsync.api.answers import remembered
from schedsync.api.backend import backend
from schedsync.api.paging import RunsQuery, run_cursor
from schedsync.pages import asked
from schedsync.pages.shown.runs import RunLine, run_lines
from schedsync.status.knowledge import Knowledge

blueprint = Blueprint("runs", __name__, url_prefix="/runs")
PAGE = "50"
"""How many runs a page has, unless the address says otherwise."""


@dataclass(frozen=True, slots=True)
class RunsTable:
    """A page of the table."""

    lines: tuple[RunLine, ...]
    next_cursor: str | None


@blueprint.get("")
def many() -> str:
    """Show a page of the runs, newest slot first."""
    query = asked.query(RunsQuery, limit=PAGE)
    table = remembered(lambda known: _table(known, query))
    return render_template("runs.html", table=table, said=asked.said(), here=asked.here)


def _table(known: Knowledge, query: RunsQuery) -> RunsTable:
    found = known.runs(job_id=None, before=query.cursor, limit=query.limit + 1)
    runs, more = found[: query.limit], len(found) > query.limit
    return RunsTable(run_lines(runs, backend().clock()), run_cursor(runs[-1]) if more else None)
