"""How many runs there are of a span of time, by state, and by job or by when: counted in the database."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Subquery, func, null, select, type_coerce, union_all

from schedsync.clock import MICROSECOND, from_micros
from schedsync.runs.run import Run, RunState
from schedsync.store import tables
from schedsync.store.fetching import AtOnce
from schedsync.store.rows import RUN_COLUMNS, chunks, run_from

_runs = tables.runs.c
_MANY = 10_000
"""Where rows come in round trips: so many in one."""
Span = tuple[datetime, datetime]
"""From when, and until before when."""


@dataclass(frozen=True, slots=True)
class Tally:
    """So many runs of one state."""

    job_id: str | None
    """None: of all jobs."""
    at: datetime | None
    """The beginning of the step that their slots are in (UTC); None: of the whole span."""
    state: RunState
    count: int


def of_all(connection: Connection, span: Span, step: timedelta) -> list[Tally]:
    """Return how many runs have their slots in *span*, in one query: of each job, and in each step of all jobs.

    Steps begin at whole multiples of *step* since 1970.
    """
    by_job, by_step = _counted(span, job=_runs.job_id), _counted(span, at=_beginning(step))
    statement = union_all(
        select(by_job.c.job, null().label("at"), by_job.c.state, by_job.c.number),
        select(null(), by_step.c.at, by_step.c.state, by_step.c.number),
    )
    return [_tally(row) for row in AtOnce(statement).rows(connection, bite=_MANY)]


def of_jobs(connection: Connection, job_ids: Collection[str], span: Span, step: timedelta) -> list[Tally]:
    """Return how many runs of these jobs have their slots in each step of *span*."""
    found: list[Tally] = []
    for chunk in chunks(job_ids):
        counted = _counted(span, _runs.job_id.in_(chunk), job=_runs.job_id, at=_beginning(step))
        statement = select(counted.c.job, counted.c.at, counted.c.state, counted.c.number)
        found += [_tally(row) for row in AtOnce(statement).rows(connection, bite=_MANY)]
    return found


def runs(connection: Connection, job_ids: Collection[str], span: Span, limit: int) -> list[Run]:
    """Return the runs of these jobs with slots in *span*, oldest first; at most *limit* for every 500 jobs."""
    found: list[Run] = []
    for chunk in chunks(job_ids):
        statement = select(*RUN_COLUMNS).where(_runs.job_id.in_(chunk), *_within(span))
        ordered = statement.order_by(_runs.scheduled_at, _runs.id).limit(limit)
        found += [run_from(row) for row in connection.execute(ordered, execution_options={"schedsync_rows": _MANY})]
    return found


def _counted(span: Span, *where: ColumnElement[bool], **by: ColumnElement[Any]) -> Subquery:
    # Grouped outside: with parameters in it, an expression is another one in the list of groups for some databases.
    each = select(*(column.label(name) for name, column in by.items()), _runs.state).where(*where, *_within(span))
    rows = each.subquery()
    keys = [rows.c[name] for name in (*by, "state")]
    return select(*keys, func.count().label("number")).group_by(*keys).subquery()


def _within(span: Span) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _runs.scheduled_at >= span[0], _runs.scheduled_at < span[1]


def _beginning(step: timedelta) -> ColumnElement[int]:
    slot = type_coerce(_runs.scheduled_at, BigInteger)
    return slot - slot % (step // MICROSECOND)


def _tally(row: Any) -> Tally:
    job_id, at, state, count = row
    return Tally(job_id, None if at is None else from_micros(int(at)), RunState(state), int(count))
