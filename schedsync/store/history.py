"""The past: what people read of it, and how much of it stays."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, case, delete, func, select

from schedsync.runs.run import UNSETTLED, Run, RunState
from schedsync.runs.selection import RunFilter
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.fetching import AtOnce, as_it_comes
from schedsync.store.kept import Kept
from schedsync.store.rows import chunks

Place = tuple[datetime, str]
"""A place in the history: a slot, and the id of a run in it."""
_runs = tables.runs.c
_RAN = _runs.state != RunState.SKIPPED
_JOB_IDS: BindParameter[Any] = bindparam("job_ids", expanding=True)


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
    rows = AtOnce(statement).rows(connection, bite=limit + 1)
    return [kept.value(row[0], row) for row in rows]


def _such(only: RunFilter) -> list[ColumnElement[bool]]:
    """Return what a row has to be to be taken."""
    # Nearly all runs succeed, so the index of states is no way to find the newest of those.
    state = _runs.state if only.state is not RunState.SUCCEEDED else _runs.state.concat("")
    equal = ((state, only.state), (_runs.cause, only.cause), (_runs.node, only.node))
    conditions: list[ColumnElement[bool]] = [column == value for column, value in equal if value is not None]
    if only.since is not None:
        conditions.append(_runs.scheduled_at >= only.since)
    if only.until is not None:
        conditions.append(_runs.scheduled_at < only.until)
    return conditions


def last_of(connection: Connection, kept: Kept[Run], job_ids: Collection[str]) -> dict[str, Run]:
    """Return each job's run of its newest slot that was not skipped, and of that slot the last attempt."""
    found: dict[str, Run] = {}
    for chunk in chunks(job_ids):
        rows = _last_of_live(kept.columns).rows(connection, {"job_ids": list(chunk)}, bite=len(chunk) + 1)
        runs = [kept.value(row[0], row) for row in rows if row[0] is not None]
        gone = set(chunk).difference(row[-1] for row in rows)
        if gone:
            rows = _last_of_gone(kept.columns).rows(connection, {"job_ids": list(gone)}, bite=len(gone) + 1)
            runs += [kept.value(row[0], row) for row in rows]
        found.update((run.job_id, run) for run in runs)
    return found


# Both are put together once: SQLAlchemy takes longer for that than a database takes to answer.
@cache
def _last_of_live(columns: tuple[ColumnElement[Any], ...]) -> AtOnce:
    """Return a question that finds the newest slot of each live job by one look into the index."""
    jobs = tables.jobs.c
    slot = select(func.max(_runs.scheduled_at)).where(_runs.job_id == jobs.id, _RAN).correlate(tables.jobs)
    live = (
        select(jobs.id.label("live_id"), slot.scalar_subquery().label("slot")).where(jobs.id.in_(_JOB_IDS)).subquery()
    )
    its_slot = (_runs.job_id == live.c.live_id) & (_runs.scheduled_at == live.c.slot) & _RAN
    statement = select(*columns, live.c.live_id).select_from(live.outerjoin(tables.runs, its_slot))
    return AtOnce(statement.order_by(_runs.attempt))


@cache
def _last_of_gone(columns: tuple[ColumnElement[Any], ...]) -> AtOnce:
    """Return a question that needs no rows of jobs."""
    newest = (
        select(_runs.job_id, func.max(_runs.scheduled_at).label("slot"))
        .where(_runs.job_id.in_(_JOB_IDS), _RAN)
        .group_by(_runs.job_id)
        .subquery()
    )
    same_slot = (_runs.job_id == newest.c.job_id) & (_runs.scheduled_at == newest.c.slot)
    return AtOnce(select(*columns).join_from(tables.runs, newest, same_slot).where(_RAN).order_by(_runs.attempt))


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
        for row in AtOnce(statement).rows(connection, bite=len(chunk) * each + 1):
            run = kept.value(row[0], row)
            found.setdefault(run.job_id, []).append(run)
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
    columns = (_runs.id, _runs.scheduled_at, _runs.state, as_it_comes(_runs.finished_at))
    rows = connection.execute(select(*columns).where(*kind).order_by(*newest_first)).all()
    # The newest one stays whatever its age: a monthly job shows how it went last time. So does the one that succeeded
    # last, by which ``max_time_since_success`` is judged, however many have failed since.
    succeeded = (row for row in rows if row.state == RunState.SUCCEEDED)
    last = max(succeeded, key=lambda row: row.finished_at or 0, default=None)
    doomed = [*rows[keep.count :], *(row for row in rows[1 : keep.count] if row.scheduled_at < keep.since)]
    return [row.id for row in doomed if row is not last]
