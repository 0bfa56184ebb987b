"""``/jobs``: all jobs, to be searched, filtered and sorted; and ``/jobs/{id}``: one of them."""

from dataclasses import dataclass, replace

from flask import Blueprint, render_template

from schedsync.api.answers import remembered
from schedsync.api.backend import backend
from schedsync.api.selecting import JobsQuery, RunsQuery
from schedsync.errors import JobNotFoundError
from schedsync.pages import asked
from schedsync.pages.runs import known_runs
from schedsync.pages.shown.job import JobPage, in_blackouts, job_page
from schedsync.pages.shown.jobs import JobLine, job_lines
from schedsync.pages.shown.plot import RUNS
from schedsync.pages.shown.runs import RunLine, run_lines
from schedsync.runs.pause import EVERYTHING
from schedsync.runs.run import Run
from schedsync.status.knowledge import Knowledge
from schedsync.status.mirror import NotRememberedError
from schedsync.status.selection import Sort
from schedsync.status.standing import STATES, overdue_since, standing
from schedsync.status.views import listing
from schedsync.store.syncs import Decision

blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")
PAGE = "50"
"""How many jobs a page has, unless the address says otherwise."""
RUNS_SHOWN = "25"
"""The same of the runs of one job."""
DECISIONS = 10
_DONE = {
    "paused": "It is paused.",
    "resumed": "It fires again.",
    "asked": "It was asked to run; the run stands below, and starts as soon as the instance that leads takes it up.",
}


@dataclass(frozen=True, slots=True)
class JobsTable:
    """A page of the table."""

    lines: tuple[JobLine, ...]
    total: int
    next_cursor: str | None


@blueprint.get("")
def many() -> str:
    """Show a page of the jobs."""
    query = asked.query(JobsQuery, limit=PAGE)
    table = remembered(lambda known: _table(known, query))
    said = asked.said()
    filtered = bool(said.keys() - {"limit", "cursor", "sort"})
    return render_template(
        "jobs.html", table=table, said=said, filtered=filtered, here=asked.here, order=_order, states=STATES
    )


def _table(known: Knowledge, query: JobsQuery) -> JobsTable:
    now = backend().clock()
    found = listing(known, query.wanted, now)
    return JobsTable(job_lines(known, found.jobs, now), found.total, query.cursor_behind(found.more))


@dataclass(frozen=True, slots=True)
class Order:
    """How the heading of a column sorts the table."""

    address: str
    """Of the table in that order; the other way round where it is in that order already."""
    direction: str
    """ascending or descending, where the table is in this order; else none."""


def _order(sort: str) -> Order:
    now = asked.said().get("sort", Sort.ID.value)
    direction = {sort: "ascending", f"-{sort}": "descending"}.get(now, "none")
    return Order(asked.here(sort=f"-{sort}" if now == sort else sort), direction)


@dataclass(frozen=True, slots=True)
class _Found:
    page: JobPage
    everything: bool
    """Whether it is the pause of everything that holds it."""
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Gone:
    """What is left of a job that is not there any more."""

    id: str
    runs: tuple[RunLine, ...]
    next_cursor: str | None
    decisions: tuple[Decision, ...]


@blueprint.get("/<job_id>")
def one(job_id: str) -> str:
    """Show a job."""
    query, done = asked.query(RunsQuery, limit=RUNS_SHOWN), asked.done(_DONE)
    found = remembered(lambda known: _one_or_gone(known, job_id, query))
    if isinstance(found, Gone):
        return render_template("gone.html", page=found, said=asked.said(), here=asked.here)
    return render_template("job.html", found=found, page=found.page, done=done, said=asked.said(), here=asked.here)


def _one_or_gone(known: Knowledge, job_id: str, query: RunsQuery) -> _Found | Gone:
    """Return the page of a job, or of what is left of one that is gone.

    Raises:
        JobNotFoundError: nothing is left of it, or there was none.
    """
    try:
        return _one(known, job_id, query)
    except JobNotFoundError as error:
        runs, cursor = _runs(known, job_id, query)
        if not runs and query.cursor is None:
            raise error from None
        return Gone(job_id, run_lines(runs, backend().clock()), cursor, tuple(_decisions(known, job_id) or ()))


def _runs(known: Knowledge, job_id: str, query: RunsQuery) -> tuple[list[Run], str | None]:
    """Return a page of the runs of a job, and the cursor of the next one."""
    found = known_runs(known, job_id, query)
    return found.runs, query.cursor_behind(found.more)


def _one(known: Knowledge, job_id: str, query: RunsQuery) -> _Found:
    now = backend().clock()
    stored, pauses = known.job(job_id), known.pauses(now)
    recent = known.recent_runs([job_id], each=RUNS).get(job_id, [])
    last = known.last_runs([job_id]).get(job_id)
    runs, cursor = _runs(known, job_id, query)
    job = stored.observed
    page = job_page(
        standing(stored, pauses, last, overdue_since(known, [stored]).get(job_id)),
        recent=recent,
        runs=runs,
        decisions=_decisions(known, job_id),
        followers=backend().mirror.followers_of(job_id),
        origins=backend().origins(job_id, job.source.file, job.digest),
        now=now,
    )
    tags = stored.spec.tags if stored.spec else ()
    page = replace(page, fires=in_blackouts(page.fires, backend().blackouts.concerning(job_id, tags)))
    return _Found(page, job_id not in pauses and EVERYTHING in pauses, cursor)


def _decisions(known: Knowledge, job_id: str) -> list[Decision] | None:
    try:
        return known.audit(job_id=job_id, before=None, limit=DECISIONS)
    except NotRememberedError:
        return None
