"""``/runs``: what happened, over all jobs."""

from dataclasses import dataclass

from flask import Blueprint, render_template

from schedsync.api.answers import remembered
from schedsync.api.backend import backend
from schedsync.api.selecting import RunsQuery
from schedsync.pages import asked
from schedsync.pages.shown.runs import CAUSES, WORDS, RunLine, run_lines
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
    return render_template("runs.html", table=table, said=asked.said(), here=asked.here, states=WORDS, causes=CAUSES)


def _table(known: Knowledge, query: RunsQuery) -> RunsTable:
    found = known.runs(job_id=None, before=query.cursor, limit=query.limit + 1, only=query.filter)
    runs, more = found[: query.limit], len(found) > query.limit
    return RunsTable(run_lines(runs, backend().clock()), query.cursor_behind(runs[-1]) if more else None)
