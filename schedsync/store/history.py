"""The past: what people read of it, and how much of it stays."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, case, delete, func, select

from schedsync.runs.run import UNSETTLED, Run, RunState
from schedsync.runs.selection import RunFilter
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.kept import Kept
from schedsync.store.rows import chunks

Place = tuple[datetime, str]
"""A place in the history: a slot, and the id of a run in it."""
_runs = tables.runs.c


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of a job's past stays."""

    job_id: str
    count: int
    since: datetime

    @classmethod
    def of(cls, job_id: str, *, count: int, days: int, now: datetime) -> "Keep":
        """Return what *count* and *days* of a job's history mean at *now*."""
        return cls(job_id, count, now - timedelta(days=days))


@dataclass(frozen=True, slots=True)
class Past:
    """How much of a job's past there is; runs and skipped slots count apart, and the larger number is told."""

    job_id: str
    spec_digest: str | None
    """None: the job is gone."""
    count: int
    oldest: datetime


def pasts(connection: Connection) -> list[Past]:
    """Return how much past each job has, also of jobs that are gone, in one query."""
    skipped = case((_runs.state == RunState.SKIPPED, 1), else_=0)
    settled = select(_runs.job_id, skipped.label("skipped"), _runs.scheduled_at).where(_runs.state.not_in(UNSETTLED))
    each = settled.subquery()
    kinds = (
        select(each.c.job_id, func.count().label("kept"), func.min(each.c.scheduled_at).label("oldest"))
        .group_by(each.c.job_id, each.c.skipped)
        .subquery()
    )
    statement = (
        select(kinds.c.job_id, tables.jobs.c.spec_digest, func.max(kinds.c.kept), func.min(kinds.c.oldest))
        .outerjoin(tables.jobs, tables.jobs.c.id == kinds.c.job_id)
        .group_by(kinds.c.job_id, tables.jobs.c.spec_digest)
        .order_by(kinds.c.job_id)
    )
    return [Past(*row) for row in connection.execute(statement)]


def page(
    connection: Connection, kept: Kept[Run], *, job_id: str | None, before: Place | None, limit: int, only: RunFilter
) -> list[Run]:
    """Return up to *limit* runs, newest slot first.

    Args:
        connection: a transaction.
        kept: the runs as they were.
        job_id: whose runs; None: of all jobs.
        before: a place to go on from.
        limit: how many at most.
        only: which of them.
    """
    conditions = [] if job_id is None else [_runs.job_id == job_id]
    if before is not None:
        slot, run_id = before
        # The first condition follows from the second, and is what lets an index find the place.
        conditions += [_runs.scheduled_at <= slot, (_runs.scheduled_at < slot) | (_runs.id < run_id)]
    newest_first = (_runs.scheduled_at.desc(), _runs.id.desc())
    statement = select(*kept.columns).where(*conditions, *_such(only)).order_by(*newest_first).limit(limit)
    rows = connection.execute(statement, execution_options={"schedsync_rows": limit + 1}).all()
    return [kept.value(row.id, row) for row in rows]


def _such(only: RunFilter) -> list[ColumnElement[bool]]:
    """Return what a row has to be to be taken."""
    equal = {_runs.state: only.state, _runs.cause: only.cause, _runs.node: only.node}
    conditions = [column == value for column, value in equal.items() if value is not None]
    if only.since is not None:
        conditions.append(_runs.scheduled_at >= only.since)
    if only.until is not None:
        conditions.append(_runs.scheduled_at < only.until)
    return conditions


def last_of(connection: Connection, kept: Kept[Run], job_ids: Collection[str]) -> dict[str, Run]:
    """Return each job's run of its newest slot that was not skipped, and of that slot the last attempt."""
    found: dict[str, Run] = {}
    for chunk in chunks(job_ids):
        rows = connection.execute(_last_of(kept.columns), {"job_ids": chunk}).all()
        found.update((row.job_id, kept.value(row.id, row)) for row in rows)
    return found


@cache  # SQLAlchemy takes longer to put it together than a database takes to answer it
def _last_of(columns: tuple[ColumnElement[Any], ...]) -> Select[Any]:
    ran = _runs.state != RunState.SKIPPED
    newest = (
        select(_runs.job_id, func.max(_runs.scheduled_at).label("slot"))
        .where(_runs.job_id.in_(bindparam("job_ids", expanding=True)), ran)
        .group_by(_runs.job_id)
        .subquery()
    )
    same_slot = (_runs.job_id == newest.c.job_id) & (_runs.scheduled_at == newest.c.slot)
    return select(*columns).join_from(tables.runs, newest, same_slot).where(ran).order_by(_runs.attempt)


def recent_of(connection: Connection, kept: Kept[Run], job_ids: Collection[str], each: int) -> dict[str, list[Run]]:
    """Return each job's newest runs, at most *each* of them, newest slot first, skipped slots too."""
    found: dict[str, list[Run]] = {}
    place = func.row_number().over(partition_by=_runs.job_id, order_by=(_runs.scheduled_at.desc(), _runs.id.desc()))
    for chunk in chunks(job_ids):
        # The places are found in the index alone; whole rows are read of the newest ones.
        placed = select(_runs.id, place.label("place")).where(_runs.job_id.in_(chunk)).subquery()
        newest = select(placed.c.id).where(placed.c.place <= each)
        statement = (
            select(*kept.columns).where(_runs.id.in_(newest)).order_by(_runs.scheduled_at.desc(), _runs.id.desc())
        )
        rows = connection.execute(statement, execution_options={"schedsync_rows": len(chunk) * each + 1}).all()
        for row in rows:
            found.setdefault(row.job_id, []).append(kept.value(row.id, row))
    return found


def forget(database: Database, keep: Keep) -> int:
    """Remove what is older than a job's history keeps; return how many runs went."""
    with database.read() as connection:
        doomed = _doomed(connection, keep)
    for chunk in chunks(doomed):
        with database.write() as connection:
            connection.execute(delete(tables.run_output).where(tables.run_output.c.run_id.in_(chunk)))
            connection.execute(delete(tables.runs).where(_runs.id.in_(chunk)))
    return len(doomed)


def _doomed(connection: Connection, keep: Keep) -> list[str]:
    skipped = case((_runs.state == RunState.SKIPPED, 1), else_=0)
    settled = (_runs.job_id == keep.job_id, _runs.state.not_in(UNSETTLED))
    each = select(skipped.label("skipped"), _runs.scheduled_at).where(*settled).subquery()
    kinds = select(each.c.skipped, func.count(), func.min(each.c.scheduled_at)).group_by(each.c.skipped)
    doomed: list[str] = []
    for kind, count, oldest in connection.execute(kinds):
        if count > keep.count or oldest < keep.since:
            doomed += _doomed_of(connection, (*settled, skipped == kind), keep)
    return doomed


def _doomed_of(connection: Connection, kind: Sequence[ColumnElement[bool]], keep: Keep) -> list[str]:
    newest_first = (_runs.scheduled_at.desc(), _runs.attempt.desc())
    rows = connection.execute(select(_runs.id, _runs.scheduled_at).where(*kind).order_by(*newest_first)).all()
    # The newest one stays whatever its age: a monthly job shows how it went last time.
    return [
        row.id for place, row in enumerate(rows) if place >= keep.count or (place and row.scheduled_at < keep.since)
    ]
