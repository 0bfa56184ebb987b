"""What the steps of the loop did, and what people did: the two logs of the store."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, func, insert, select

from schedsync.clock import from_micros, to_micros
from schedsync.plan.ops import Change, Changed
from schedsync.runs.run import first_id_at, new_run_id
from schedsync.specs.fingerprint import ascii_json
from schedsync.specs.problem import Problem
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.rows import CHUNK, LAST
from schedsync.store.types import printable

_audit = tables.audit.c

KEPT_FOR = timedelta(days=90)
"""How long both logs are kept ..."""
KEPT_ENTRIES = 1_000
"""... and how many of their newest entries however old they are."""


@dataclass(frozen=True, slots=True)
class Held:
    """A change that waits."""

    job_id: str
    file: str
    why: str
    change: str = Change.REMOVAL.value
    window: str | None = None
    """The sync window that it waits for, or that denies it; None: it waits for a person, or for the folder."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """One step: what it found and did. Times are UTC."""

    at: datetime
    node: str
    revision: str
    complete: bool
    """Whether everything that the folder said became live."""
    counts: dict[str, int] = field(default_factory=dict)
    changed: Changed = field(default_factory=Changed)
    """Which jobs it changed; of steps of versions that did not write that down, none."""
    problems: tuple[Problem, ...] = ()
    held: tuple[Held, ...] = ()
    drift: bool = False
    """Whether the store had changed although the folder had not."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A report as it is kept."""

    id: str
    report: SyncReport


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided, or what was decided for them. Times are UTC."""

    id: str
    at: datetime
    actor: str
    action: str
    job_id: str | None
    """None where it concerns no single job."""
    reason: str | None


class SyncTable:
    """The log of steps that changed something or failed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, report: SyncReport) -> None:
        """Keep *report*."""
        with self._database.write() as connection:
            insert_sync(connection, report)

    def latest(self, *, complete: bool = False) -> SyncReport | None:
        """Return the newest report, or the newest of a step that made everything live."""
        statement = select(tables.syncs).order_by(tables.syncs.c.id.desc()).limit(1)
        if complete:
            statement = statement.where(tables.syncs.c.complete == 1)
        with self._database.read() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else _report(row)

    def page(self, *, before: str | None, limit: int) -> list[Recorded]:
        """Return up to *limit* reports, the newest first; *before* is the id of one to go on from."""
        statement = select(tables.syncs).order_by(tables.syncs.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(tables.syncs.c.id < before)
        with self._database.read() as connection:
            return [Recorded(row.id, _report(row)) for row in connection.execute(statement)]

    def forget(self, now: datetime) -> int:
        """Remove what is not kept at *now*, but never the newest complete step; return how many reports went."""
        complete = select(func.max(tables.syncs.c.id)).where(tables.syncs.c.complete == 1)
        with self._database.read() as connection:
            keep = connection.execute(complete).scalar()
        return _forget(self._database, tables.syncs, now, keep)


class AuditTable:
    """The log of what people decided."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, *, at: datetime, actor: str, action: str, job_id: str | None, reason: str | None) -> None:
        """Keep one decision."""
        with self._database.write() as connection:
            insert_audit(connection, at=at, actor=actor, action=action, job_id=job_id, reason=reason)

    def page(self, *, job_id: str | None, before: str | None, limit: int) -> list[Decision]:
        """Return up to *limit* decisions, the newest first, over one job or all; *before* is the id to go on from."""
        statement = select(tables.audit).order_by(_audit.id.desc()).limit(limit)
        if job_id is not None:
            statement = statement.where(_audit.job_id == job_id)
        if before is not None:
            statement = statement.where(_audit.id < before)
        with self._database.read() as connection:
            return [_decision(row) for row in connection.execute(statement)]

    def forget(self, now: datetime) -> int:
        """Remove what is not kept at *now*; return how many decisions went."""
        return _forget(self._database, tables.audit, now)


def insert_sync(connection: Connection, report: SyncReport) -> None:
    """Keep *report* at the end of a transaction."""
    summary = {
        "counts": report.counts,
        "problems": [_problem_row(problem) for problem in report.problems],
        "held": [asdict(held) for held in report.held],
        "drift": report.drift,
        "changed": asdict(report.changed),
    }
    connection.execute(
        insert(tables.syncs),
        {
            "id": new_run_id(report.at),
            "happened_at": report.at,
            "node": report.node,
            "revision": report.revision,
            "complete": report.complete,
            "summary_text": ascii_json(printable(json.dumps(summary, ensure_ascii=False))),
        },
        execution_options=LAST,
    )


def insert_audit(
    connection: Connection, *, at: datetime, actor: str, action: str, job_id: str | None, reason: str | None
) -> None:
    """Keep a decision within a transaction."""
    row = {"happened_at": at, "actor": actor, "action": action, "job_id": job_id, "reason": reason}
    connection.execute(insert(tables.audit), {"id": new_run_id(at), **row})


def _report(row: Any) -> SyncReport:
    summary = json.loads(row.summary_text)
    return SyncReport(
        at=row.happened_at,
        node=row.node or "",
        revision=row.revision or "",
        complete=row.complete,
        counts=summary["counts"],
        problems=tuple(_problem(problem) for problem in summary["problems"]),
        held=tuple(Held(**_known(Held, held)) for held in summary["held"]),
        drift=summary["drift"],
        changed=_changed(summary.get("changed", {})),
    )


def _changed(row: dict[str, Any]) -> Changed:
    known = _known(Changed, row)
    lists = {name: tuple(ids) for name, ids in known.items() if name not in {"renamed", "truncated"}}
    renamed = tuple((old, new) for old, new in known.get("renamed", ()))
    return Changed(**lists, renamed=renamed, truncated=known.get("truncated", False))


def _problem_row(problem: Problem) -> dict[str, Any]:
    return asdict(problem) | {"since": to_micros(problem.since) if problem.since else None}


def _problem(row: dict[str, Any]) -> Problem:
    since = row.get("since")
    return Problem(**_known(Problem, row) | {"since": None if since is None else from_micros(since)})


def _known(cls: type[Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return what *cls* has a field for: a newer version, upgraded or rolled back, may have written more."""
    return {each.name: row[each.name] for each in fields(cls) if each.name in row}


def _decision(row: Any) -> Decision:
    return Decision(row.id, row.happened_at, row.actor, row.action, row.job_id, row.reason)


def _forget(database: Database, table: Table, now: datetime, keep: str | None = None) -> int:
    """Remove the entries of *table* that are not kept, except the one with the id *keep*, and return how many went.

    Ids begin with their time, so the key finds what is old.
    """
    newest = select(table.c.id).order_by(table.c.id.desc()).limit(KEPT_ENTRIES).subquery()
    with database.read() as connection:
        count, oldest = connection.execute(select(func.count(), func.min(newest.c.id))).one()
    if count < KEPT_ENTRIES:
        return 0
    doomed = select(table.c.id).where(table.c.id < min(oldest, first_id_at(now - KEPT_FOR))).order_by(table.c.id)
    if keep is not None:
        doomed = doomed.where(table.c.id != keep)
    gone = 0
    while ids := _first(database, doomed):
        with database.write() as connection:
            connection.execute(delete(table).where(table.c.id.in_(ids)), execution_options=LAST)
        gone += len(ids)
    return gone


def _first(database: Database, ids: Select[Any]) -> Sequence[str]:
    with database.read() as connection:
        return connection.execute(ids.limit(CHUNK)).scalars().all()
