"""What the steps of the loop did, and what people did: the two logs of the store."""

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from schedsync.clock import from_micros, to_micros
from schedsync.runs.run import new_run_id
from schedsync.specs.fingerprint import ascii_json
from schedsync.specs.problem import Problem
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.rows import LAST
from schedsync.store.types import printable


@dataclass(frozen=True, slots=True)
class Held:
    """A removal that waits."""

    job_id: str
    file: str
    why: str


@dataclass(frozen=True, slots=True)
class SyncReport:
    """One step: what it found and did. Times are UTC."""

    at: datetime
    node: str
    revision: str
    complete: bool
    """Whether everything that the folder said became live."""
    counts: dict[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    held: tuple[Held, ...] = ()
    drift: bool = False
    """Whether the store had changed although the folder had not."""


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


class AuditTable:
    """The log of what people decided."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, *, at: datetime, actor: str, action: str, job_id: str | None, reason: str | None) -> None:
        """Keep one decision."""
        with self._database.write() as connection:
            insert_audit(connection, at=at, actor=actor, action=action, job_id=job_id, reason=reason)


def insert_sync(connection: Connection, report: SyncReport) -> None:
    """Keep *report* at the end of a transaction."""
    summary = {
        "counts": report.counts,
        "problems": [_problem_row(problem) for problem in report.problems],
        "held": [asdict(held) for held in report.held],
        "drift": report.drift,
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
    )


def _problem_row(problem: Problem) -> dict[str, Any]:
    return asdict(problem) | {"since": to_micros(problem.since) if problem.since else None}


def _problem(row: dict[str, Any]) -> Problem:
    since = row.get("since")
    return Problem(**_known(Problem, row) | {"since": None if since is None else from_micros(since)})


def _known(cls: type[Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return what *cls* has a field for: a newer version, upgraded or rolled back, may have written more."""
    return {each.name: row[each.name] for each in fields(cls) if each.name in row}
