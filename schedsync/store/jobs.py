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
                _rename(connection, [u for u in plan.update if u.renames])
                _insert(connection, plan.add, plan.revision, now)
                _update(connection, plan.update, plan.revision, now)
                _mark_stale(connection, [keep.before for keep in plan.keep if not keep.before.stale], now)
                _remove(connection, [removal.before for removal in plan.remove])
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


def _insert(connection: Connection, adds: Iterable[Add], revision: str, now: datetime) -> None:
    rows = [
        {
            "id": add.job.spec.id,
            "anchor_at": add.anchor_at,
            "generation": 1,
            "created_at": now,
            "next_fire_at": add.next_fire_at,
            **_values(add, revision, now),
        }
        for add in adds
    ]
    if rows:
        connection.execute(insert(tables.jobs), rows)
        connection.execute(
            insert(tables.specs),
            [{"job_id": a.job.spec.id, "spec_digest": a.job.digest, "spec_text": canonical(a.job.spec)} for a in adds],
        )


def _values(op: Add | Update, revision: str, now: datetime) -> dict[str, Any]:
    job = op.job
    return {
        "suspended": job.spec.suspend,
        "stale": False,
        "prune_policy": job.spec.prune.value,
        "spec_digest": job.digest,
        "schedule_digest": job.schedule_digest,
        "source_file": job.source.file,
        "source_line": job.source.line,
        "revision": revision,
        "updated_at": now,
    }


def _update(connection: Connection, updates: Iterable[Update], revision: str, now: datetime) -> None:
    # An edit that leaves the schedule alone must not write next_fire_at: firing may have moved it since the plan.
    for reschedules in (False, True):
        rows = [
            {
                "b_id": update.job.spec.id,
                "b_generation": update.before.generation,
                "generation": update.before.generation + 1,
                **({"next_fire_at": update.next_fire_at} if reschedules else {}),
                **_values(update, revision, now),
            }
            for update in updates
            if update.reschedules is reschedules
        ]
        _execute_guarded(connection, rows)
    changed = [update for update in updates if update.changes_spec]
    if changed:
        connection.execute(
            update(tables.specs)
            .where(tables.specs.c.job_id == bindparam("b_id"))
            .values(spec_digest=bindparam("spec_digest"), spec_text=bindparam("spec_text")),
            [{"b_id": u.job.spec.id, "spec_digest": u.job.digest, "spec_text": canonical(u.job.spec)} for u in changed],
        )


def _execute_guarded(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    changed = [name for name in rows[0] if not name.startswith("b_")]
    statement = (
        update(tables.jobs)
        .where(_jobs.id == bindparam("b_id"), _jobs.generation == bindparam("b_generation"))
        .values({name: bindparam(name) for name in changed})
    )
    if connection.execute(statement, rows).rowcount != len(rows):
        raise StaleObservationError("another writer changed a job that this plan updates")


def _mark_stale(connection: Connection, stale: list[ObservedJob], now: datetime) -> None:
    rows = [
        {
            "b_id": job.id,
            "b_generation": job.generation,
            "generation": job.generation + 1,
            "stale": True,
            "updated_at": now,
        }
        for job in stale
    ]
    _execute_guarded(connection, rows)


def _remove(connection: Connection, gone: list[ObservedJob]) -> None:
    if not gone:
        return
    guarded = delete(tables.jobs).where(_jobs.id == bindparam("b_id"), _jobs.generation == bindparam("b_generation"))
    rows = [{"b_id": job.id, "b_generation": job.generation} for job in gone]
    if connection.execute(guarded, rows).rowcount != len(rows):
        raise StaleObservationError("another writer changed a job that this plan removes")
    for chunk in chunks([job.id for job in gone]):
        connection.execute(delete(tables.specs).where(tables.specs.c.job_id.in_(chunk)))


def _rename(connection: Connection, renames: list[Update]) -> None:
    """Give jobs their new ids everywhere; the update that follows finds them there."""
    if not renames:
        return
    ids = [{"b_old": rename.before.id, "b_new": rename.job.spec.id} for rename in renames]
    for column in (_jobs.id, tables.specs.c.job_id, tables.pauses.c.job_id, tables.runs.c.job_id):
        statement = update(column.table).where(column == bindparam("b_old")).values({column.name: bindparam("b_new")})
        connection.execute(statement, ids)
