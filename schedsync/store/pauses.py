"""Operators' pauses, each with its line in the audit log."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.kept import Kept
from schedsync.store.rows import PAUSE_COLUMNS, pause_from
from schedsync.store.syncs import insert_audit

_pauses = tables.pauses.c
MOST_PAUSES = 10_000
"""How many pauses are kept as they were seen last."""


def kept_pauses() -> Kept[Pause]:
    """Return a memory of what rows of pauses mean."""
    return Kept(PAUSE_COLUMNS, pause_from, most=MOST_PAUSES)


def every_pause(connection: Connection, kept: Kept[Pause]) -> list[Pause]:
    """Return all pauses, also those that have run out."""
    return [kept.value(row[0], row) for row in connection.execute(_asked(kept.columns))]


@cache  # put together once: SQLAlchemy takes longer for that than a database takes to answer
def _asked(columns: tuple[ColumnElement[Any], ...]) -> Select[Any]:
    return select(*columns)


def _has_slots_to_judge() -> ColumnElement[bool]:
    """Return whether the next slot of a job that a pause concerns is before the end of that pause."""
    jobs = tables.jobs.c
    concerned = or_(_pauses.job_id == EVERYTHING, jobs.id == _pauses.job_id)
    return exists(select(jobs.id).where(concerned, jobs.next_fire_at < _pauses.until_at).correlate(tables.pauses))


class PauseTable:
    """The pauses in force or run out. Each method is one transaction and may raise DatabaseUnavailableError."""

    def __init__(self, database: Database, kept: Kept[Pause]) -> None:
        self._database, self._kept = database, kept

    def put(self, pause: Pause, *, now: datetime) -> None:
        """Set *pause*, in place of one for the same job."""
        # When two people pause the same job at once, the later one finds the row at its next try.
        self._database.retrying(lambda: self._put(pause, now), or_after=(IntegrityError,))

    def _put(self, pause: Pause, now: datetime) -> None:
        values = {"paused_by": pause.by, "reason": pause.reason, "since_at": pause.since, "until_at": pause.until}
        same = _pauses.job_id == pause.job_id
        with self._database.write() as connection:
            if not connection.execute(update(tables.pauses).where(same).values(values)).rowcount:
                connection.execute(insert(tables.pauses), {"job_id": pause.job_id, **values})
            insert_audit(connection, at=now, actor=pause.by, action="pause", job_id=pause.job_id, reason=pause.reason)

    def lift(self, job_id: str, *, by: str, reason: str | None, now: datetime) -> bool:
        """End the pause of *job_id*; return whether there was one."""
        return self._database.retrying(lambda: self._lift(job_id, by, reason, now))

    def _lift(self, job_id: str, by: str, reason: str | None, now: datetime) -> bool:
        with self._database.write() as connection:
            lifted = connection.execute(delete(tables.pauses).where(_pauses.job_id == job_id)).rowcount > 0
            if lifted:
                insert_audit(connection, at=now, actor=by, action="resume", job_id=job_id, reason=reason)
        return lifted

    def in_force(self, now: datetime) -> dict[str, Pause]:
        """Return the pauses that have not run out at *now*, by job id."""
        with self._database.read() as connection:
            pauses = every_pause(connection, self._kept)
        return {pause.job_id: pause for pause in pauses if pause.covers(now)}

    def forget_expired(self, now: datetime) -> int:
        """Drop the pauses that have run out at *now*, each with a line in the audit log; return how many.

        A pause stays while a slot that fell into it is still to be judged, as after an outage: it would run otherwise.
        """
        over = select(_pauses.job_id, _pauses.until_at).where(_pauses.until_at <= now, ~_has_slots_to_judge())
        with self._database.read() as connection:
            expired = connection.execute(over).all()
        return sum(self._forget(row.job_id, row.until_at, now) for row in expired)

    def _forget(self, job_id: str, until: datetime, now: datetime) -> bool:
        same = (_pauses.job_id == job_id, _pauses.until_at == until)
        with self._database.write() as connection:
            gone = connection.execute(delete(tables.pauses).where(*same)).rowcount > 0
            if gone:
                end = {"actor": "schedsync", "action": "resume", "reason": "pause ended"}
                insert_audit(connection, at=now, job_id=job_id, **end)
        return gone
