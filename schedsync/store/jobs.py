"""Applied jobs: the hot rows that firing reads, and the specs beside them."""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Row, Select, bindparam, case, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from schedsync.errors import StaleObservationError
from schedsync.plan.ops import Add, Plan, Update
from schedsync.plan.state import Observed, ObservedJob, Source
from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.specs.fingerprint import canonical, from_canonical
from schedsync.specs.job import JobSpec
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.rows import chunks
from schedsync.store.syncs import SyncReport, insert_sync

log = logging.getLogger(__name__)
_jobs = tables.jobs.c


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job as it is live. Times are UTC."""

    observed: ObservedJob
    spec: JobSpec | None
    """None when the stored text is no spec: changed by hand, or written by a newer version."""
    revision: str | None


@dataclass(frozen=True, slots=True)
class DueRow:
    """What firing needs of a job's hot row, with the pauses that concern it."""

    id: str
    next_fire_at: datetime
    anchor_at: datetime
    spec_digest: str
    generation: int
    revision: str | None
    source_file: str
    pauses: tuple[Pause, ...]


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How many jobs there are, by the state they show."""

    by_state: Mapping[str, int]
    stale: int


class JobTable:
    """The jobs and their specs. Each method is one transaction and may raise DatabaseUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def observe(self) -> Observed:
        """Return what is live, without the specs."""
        with self._database.read() as connection:
            rows = connection.execute(select(tables.jobs)).all()
        return Observed({row.id: _observed(row) for row in rows})

    def load(self, ids: Collection[str]) -> dict[str, StoredJob]:
        """Return the live jobs of these ids, with their specs; unknown ids are left out."""
        found: dict[str, StoredJob] = {}
        with self._database.read() as connection:
            for chunk in chunks(ids):
                rows = connection.execute(_with_specs().where(_jobs.id.in_(chunk)))
                found.update((row.id, _stored(row)) for row in rows)
        return found

    def specs(self, digests: Mapping[str, str]) -> dict[str, JobSpec]:
        """Return the specs of these jobs, given as id -> digest, by id; what changed meanwhile is left out."""
        found: dict[str, JobSpec] = {}
        with self._database.read() as connection:
            for chunk in chunks(digests):
                for row in connection.execute(select(tables.specs).where(tables.specs.c.job_id.in_(chunk))):
                    spec = _spec(row.job_id, row.spec_text)
                    if spec is not None and row.spec_digest == digests[row.job_id]:
                        found[row.job_id] = spec
        return found

    def page(self, *, after: str, limit: int) -> list[StoredJob]:
        """Return up to *limit* live jobs whose id sorts behind *after*, by id."""
        with self._database.read() as connection:
            rows = connection.execute(_with_specs().where(_jobs.id > after).order_by(_jobs.id).limit(limit))
            return [_stored(row) for row in rows]

    def due(self, horizon: datetime, limit: int) -> list[DueRow]:
        """Return up to *limit* jobs whose next slot is at or before *horizon*, earliest first."""
        own, every = tables.pauses.alias("p"), tables.pauses.alias("e")
        columns = (tables.jobs.c[field.name] for field in fields(DueRow) if field.name != "pauses")
        statement = (
            select(*columns, *(c.label(f"p_{c.name}") for c in own.c), *(c.label(f"e_{c.name}") for c in every.c))
            .outerjoin(own, own.c.job_id == _jobs.id)
            .outerjoin(every, every.c.job_id == EVERYTHING)
            .where(_jobs.next_fire_at <= horizon)
            .order_by(_jobs.next_fire_at)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_due(row) for row in connection.execute(statement)]

    def next_fire_at(self) -> datetime | None:
        """Return the earliest next slot of all jobs (UTC)."""
        with self._database.read() as connection:
            return connection.execute(select(func.min(_jobs.next_fire_at))).scalar()

    def counts(self, now: datetime) -> JobCounts:
        """Return how many jobs there are, each counted under the one state it shows at *now*."""
        in_force = select(tables.pauses.c.job_id).where(
            tables.pauses.c.job_id.in_([_jobs.id, EVERYTHING]),
            tables.pauses.c.until_at.is_(None) | (tables.pauses.c.until_at > now),
        )
        state = case(
            (_jobs.next_fire_at.is_(None), "finished"),
            (exists(in_force.correlate(tables.jobs)), "paused"),
            (_jobs.suspended == 1, "suspended"),
            else_="active",
        )
        each = select(state.label("shown_state"), _jobs.stale).subquery()
        statement = select(each.c.shown_state, func.count(), func.sum(each.c.stale)).group_by(each.c.shown_state)
        with self._database.read() as connection:
            rows = {name: (int(count), int(stale)) for name, count, stale in connection.execute(statement)}
        by_state = {name: count for name, (count, _) in rows.items()}
        return JobCounts(by_state=by_state, stale=sum(stale for _, stale in rows.values()))

    def apply(self, plan: Plan, *, now: datetime, report: SyncReport) -> None:
        """Make the store what *plan* says, and keep *report*, in one transaction.

        Raises:
            StaleObservationError: another writer was faster; nothing was changed.
        """
        self._database.retrying(lambda: self._apply(plan, now, report))

    def _apply(self, plan: Plan, now: datetime, report: SyncReport) -> None:
        try:
            with self._database.write() as connection:
                apply_plan(connection, plan, now)
                insert_sync(connection, report)
        except IntegrityError as error:
            raise StaleObservationError("another writer added a job of the same id") from error


def _observed(row: Row[Any]) -> ObservedJob:
    return ObservedJob(
        id=row.id,
        digest=row.spec_digest,
        schedule_digest=row.schedule_digest,
        source=Source(row.source_file, row.source_line),
        anchor_at=row.anchor_at,
        next_fire_at=row.next_fire_at,
        generation=row.generation,
        prune=row.prune_policy,
        suspended=row.suspended,
        stale=row.stale,
    )


def _with_specs() -> Select[Any]:
    return select(tables.jobs, tables.specs.c.spec_text).join(tables.specs, tables.specs.c.job_id == _jobs.id)


def _stored(row: Row[Any]) -> StoredJob:
    return StoredJob(observed=_observed(row), spec=_spec(row.id, row.spec_text), revision=row.revision)


def _spec(job_id: str, text: str) -> JobSpec | None:
    try:
        return from_canonical(text)
    except ValidationError:
        log.warning("stored spec cannot be read", extra={"job_id": job_id})
        return None


def _due(row: Row[Any]) -> DueRow:
    values = row._mapping  # noqa: SLF001 - the public name of a row's mapping
    pauses = tuple(
        Pause(
            job_id=values[f"{side}_job_id"],
            by=values[f"{side}_paused_by"],
            since=values[f"{side}_since_at"],
            reason=values[f"{side}_reason"],
            until=values[f"{side}_until_at"],
        )
        for side in ("p", "e")
        if values[f"{side}_job_id"] is not None
    )
    return DueRow(**{f.name: values[f.name] for f in fields(DueRow) if f.name != "pauses"}, pauses=pauses)


