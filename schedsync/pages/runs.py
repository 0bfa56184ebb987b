"""``/runs``: what happened, over all jobs."""

from dataclasses import dataclass

from flask import Blueprint, render_template

from schedsync.api.answers import remembered
from schedsync.api.backend import backend
from schedsync.api.selecting import RunsQuery
from schedsync.pages import asked
from schedsync.pages.shown.runs import CAUSES, WORDS, RunLine, run_lines
from schedsync.status.knowledge import Knowledge
from schedsync.status.mirror import NotRememberedError
from schedsync.status.selection import FoundRuns

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
    found = known_runs(known, None, query)
    return RunsTable(run_lines(found.runs, backend().clock()), query.cursor_behind(found.more))


def known_runs(known: Knowledge, job_id: str | None, query: RunsQuery) -> FoundRuns:
    """Return the runs that are wanted, of one job or of all.

    A first page has none where none is remembered: what else is on the page may be known.
    """
    try:
        return known.runs_page(job_id=job_id, before=query.cursor, limit=query.limit, only=query.filter)
    except NotRememberedError:
        if query.cursor is not None:
            raise
        return FoundRuns([], None)
