"""The live jobs as lists show them: hot rows, the newest slots, and how many there are. No specs, no LOBs."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, bindparam, func, select

from schedsync.clock import from_micros
from schedsync.plan.state import ObservedJob
from schedsync.runs.run import RunState
from schedsync.store import tables
from schedsync.store.fetching import AtOnce, as_it_comes
from schedsync.store.kept import Kept

_jobs, _runs = tables.jobs.c, tables.runs.c
ONE_BITE = 10_000
"""Where rows come in round trips: so many in one."""
TOTAL = select(func.count()).select_from(tables.jobs).scalar_subquery().label("total")
"""How many live jobs there are."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Live jobs; one that is as it was at the last look is the same object."""

    jobs: list[ObservedJob]
    total: int
    """How many live jobs there are."""


def overview(
    connection: Connection, kept: Kept[ObservedJob], *, behind: str | None, limit: int | None, downwards: bool
) -> Overview:
    """Return live jobs by id.

    Args:
        connection: a transaction.
        kept: the jobs as they were.
        behind: the id after which they begin; None: with the first one.
        limit: how many at most; None: all of them.
        downwards: whether the last id comes first, so that *behind* means before it.
    """
    asked = _asked(kept.columns, behind is not None, limit is not None, downwards)
    given = {"behind": behind, "most": limit}
    rows = asked.rows(connection, given, bite=ONE_BITE)
    jobs = [kept.value(row[0], row) for row in rows]
    if limit is None:
        return Overview(jobs, len(jobs))
    return Overview(jobs, int(rows[0][-1] if rows else connection.execute(select(TOTAL)).scalar_one()))


@cache  # put together once: SQLAlchemy takes longer for that than a database takes to answer
def _asked(columns: tuple[ColumnElement[Any], ...], behind: bool, limited: bool, downwards: bool) -> AtOnce:  # noqa: FBT001 - a key of the cache
    # The number comes with the rows of a page: it would be a question of its own.
    statement = select(*columns, *((TOTAL,) if limited else ()))
    if behind:
        place = bindparam("behind", type_=_jobs.id.type)
        statement = statement.where(_jobs.id < place if downwards else _jobs.id > place)
    if limited:
        statement = statement.limit(bindparam("most", type_=Integer))
    return AtOnce(statement.order_by(_jobs.id.desc() if downwards else _jobs.id))


def last_slots(connection: Connection) -> dict[str, datetime]:
    """Return the newest slot of each live job that was not skipped; jobs that have none are left out."""
    ran = (_runs.job_id == _jobs.id) & (_runs.state != RunState.SKIPPED)
    newest = select(func.max(as_it_comes(_runs.scheduled_at))).where(ran).correlate(tables.jobs).scalar_subquery()
    rows = AtOnce(select(_jobs.id, newest.label("slot"))).rows(connection, bite=ONE_BITE)
    return {job_id: from_micros(slot) for job_id, slot in rows if slot is not None}
