"""``/jobs``: all jobs, to be searched, filtered and sorted."""

from dataclasses import dataclass

from flask import Blueprint, render_template

from schedsync.api.answers import remembered
from schedsync.api.backend import backend
from schedsync.api.paging import JobsQuery, job_cursor
from schedsync.pages import asked
from schedsync.pages.shown.jobs import JobLine, job_lines
from schedsync.status.knowledge import Knowledge
from schedsync.status.views import jobs_page

blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")
PAGE = "50"
"""How many jobs a page has, unless the address says otherwise."""


@dataclass(frozen=True, slots=True)
class JobsTable:
    """A page of the table."""

    lines: tuple[JobLine, ...]
    next_cursor: str | None


@blueprint.get("")
def many() -> str:
    """Show a page of the jobs."""
    query = asked.query(JobsQuery, limit=PAGE)
    table = remembered(lambda known: _table(known, query))
    return render_template("jobs.html", table=table, query=query, said=asked.said(), here=asked.here)


def _table(known: Knowledge, query: JobsQuery) -> JobsTable:
    now = backend().clock()
    views, last = jobs_page(known, after=query.cursor, limit=query.limit, now=now)
    return JobsTable(job_lines(known, views, now), None if last is None else job_cursor(last))
