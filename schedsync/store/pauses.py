"""Operators' pauses, each with its line in the audit log."""

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from schedsync.runs.pause import Pause
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.rows import pause_from
from schedsync.store.syncs import insert_audit

_pauses = tables.pauses.c


class PauseTable:
    """The pauses in force or run out. Each method is one transaction and may raise DatabaseUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, pause: Pause, *, now: datetime) -> None:
        """Set *pause*, in place of one for the same job."""
        self._database.retrying(lambda: self._put(pause, now))

    def _put(self, pause: Pause, now: datetime) -> None:
        values = {
            "paused_by": pause.by,
            "reason": pause.reason,
            "since_at": pause.since,
            "until_at": pause.until,
        }
        with self._database.write() as connection:
            changed = connection.execute(
                update(tables.pauses).where(_pauses.job_id == pause.job_id).values(values)
            ).rowcount
            if not changed:
                connection.execute(insert(tables.pauses), {"job_id": pause.job_id, **values})
            insert_audit(connection, at=now, actor=pause.by, action="pause", job_id=pause.job_id, reason=pause.reason)

    def lift(self, job_id: str, *, by: str, reason: str | None, now: datetime) -> bool:
        """End the pause of *job_id*; return whether there was one."""
        with self._database.write() as connection:
            lifted = connection.execute(delete(tables.pauses).where(_pauses.job_id == job_id)).rowcount > 0
            if lifted:
                insert_audit(connection, at=now, actor=by, action="resume", job_id=job_id, reason=reason)
        return lifted

    def in_force(self, now: datetime) -> dict[str, Pause]:
        """Return the pauses that have not run out at *now*, by job id."""
        with self._database.read() as connection:
            pauses = [pause_from(row) for row in connection.execute(select(tables.pauses))]
        return {pause.job_id: pause for pause in pauses if pause.covers(now)}

    def forget_expired(self, now: datetime) -> int:
        """Drop the pauses that ran out before *now*, each with a line in the audit log; return how many."""
        with self._database.read() as connection:
            expired = connection.execute(select(tables.pauses).where(_pauses.until_at <= now)).all()
        for row in expired:
            with self._database.write() as connection:
                same = (_pauses.job_id == row.job_id, _pauses.until_at == row.until_at)
                if connection.execute(delete(tables.pauses).where(*same)).rowcount:
                    insert_audit(
                        connection, at=now, actor="schedsync", action="resume", job_id=row.job_id, reason="pause ended"
                    )
        return len(expired)
