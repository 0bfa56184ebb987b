"""The outbox of notices, and the alarms that last. A notice that is taken is out for a while, and then due again."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from schedsync.clock import from_micros
from schedsync.runs.notices import OVERDUE, Notice
from schedsync.runs.run import RunState
from schedsync.specs.notify import Event
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.fetching import AtOnce, as_it_comes
from schedsync.store.rows import LAST, chunks
from schedsync.store.telling import PENDING, notice_row

SENT, FAILED = "sent", "failed"
"""The further states of a notice."""
_notices, _alarms, _runs, _jobs = tables.notices.c, tables.alarms.c, tables.runs.c, tables.jobs.c
_COLUMNS = tuple(_notices[field.name] for field in fields(Notice))


@dataclass(frozen=True, slots=True)
class Posted:
    """A notice with what became of it."""

    notice: Notice
    state: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Succeeded:
    """When a job that is not finished succeeded last, and since when there is such a job (UTC)."""

    last: datetime | None
    created_at: datetime


class NoticeTable:
    """The notices and alarms. Each method is one transaction and may raise DatabaseUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending(self, *, without: Collection[str] = (), limit: int = 1_000) -> list[Notice]:
        """Return up to *limit* notices that are to be sent, oldest first; not those of the channels *without* names."""
        statement = select(*_COLUMNS).where(_notices.state == PENDING).order_by(_notices.happened_at).limit(limit)
        if without:
            statement = statement.where(_notices.channel.not_in(without))
        with self._database.read() as connection:
            return [_notice(row) for row in connection.execute(statement)]

    def newest(self, *, state: str | None, limit: int) -> list[Posted]:
        """Return up to *limit* notices, newest first, of one state or of all."""
        statement = select(*_COLUMNS, _notices.state, _notices.error)
        statement = statement.order_by(_notices.happened_at.desc(), _notices.id).limit(limit)
        if state is not None:
            statement = statement.where(_notices.state == state)
        with self._database.read() as connection:
            return [Posted(_notice(row[:-2]), row[-2], row[-1]) for row in connection.execute(statement)]

    def take(self, notice: Notice, *, until: datetime) -> bool:
        """Reserve *notice* for one try that is over *until* then; return False when another one has it, or had it."""
        same = (_notices.id == notice.id, _notices.state == PENDING, _notices.tries == notice.tries)
        return self._change(same, tries=notice.tries + 1, next_try_at=until)

    def sent(self, notice_id: str, at: datetime) -> None:
        """Note that a notice has arrived."""
        self._change((_notices.id == notice_id,), state=SENT, settled_at=at, error=None)

    def postponed(self, notice_id: str, *, until: datetime, error: str) -> None:
        """Note that a try failed, and when the next one is due."""
        self._change((_notices.id == notice_id,), next_try_at=until, error=error)

    def given_up(self, notice_id: str, at: datetime, *, error: str) -> None:
        """Note that a notice is not tried any more."""
        self._change((_notices.id == notice_id,), state=FAILED, settled_at=at, error=error)

    def given_up_before(self, then: datetime, at: datetime, *, error: str) -> int:
        """Note that notices from before *then* are not tried any more; return how many.

        Args:
            then: what is older is given up.
            at: the time.
            error: the reason for those that no try has failed.
        """
        return self._give_up(_notices.happened_at < then, at, func.coalesce(_notices.error, error))

    def given_up_for(self, channel: str, at: datetime, *, error: str) -> int:
        """Note that what waits for a channel is not tried any more, because of *error*; return how many notices did."""
        return self._give_up(_notices.channel == channel, at, error)

    def _give_up(self, which: ColumnElement[bool], at: datetime, error: object) -> int:
        values = {"state": FAILED, "settled_at": at, "error": error}
        statement = update(tables.notices).where(_notices.state == PENDING, which).values(values)
        with self._database.write() as connection:
            return connection.execute(statement, execution_options=LAST).rowcount

    def _change(self, where: Sequence[Any], **values: object) -> bool:
        with self._database.write() as connection:
            changed = connection.execute(update(tables.notices).where(*where).values(values), execution_options=LAST)
        return changed.rowcount == 1

    def counts(self) -> dict[str, int]:
        """Return how many notices wait and how many were given up, by state."""
        statement = select(_notices.state, func.count()).where(_notices.state != SENT).group_by(_notices.state)
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}

    def forget(self, before: datetime) -> int:
        """Remove what is settled and from before then; return how many notices went."""
        old = (_notices.state != PENDING, _notices.happened_at < before)
        with self._database.read() as connection:
            ids = connection.execute(select(_notices.id).where(*old)).scalars().all()
        for chunk in chunks(ids):
            with self._database.write() as connection:
                connection.execute(delete(tables.notices).where(_notices.id.in_(chunk)))
        return len(ids)

    def post(self, notices: Sequence[Notice]) -> bool:
        """Put *notices* into the outbox, except those that are or were there; return whether there was one."""
        return self._database.retrying(lambda: self._post(notices, None), or_after=(IntegrityError,))

    def raise_overdue(self, job_id: str, since: datetime, notices: Sequence[Notice]) -> bool:
        """Note that a job is overdue, and put *notices* into the outbox; return False when it was noted before."""
        return self._database.retrying(lambda: self._post(notices, (job_id, since)), or_after=(IntegrityError,))

    def _post(self, notices: Sequence[Notice], alarm: tuple[str, datetime] | None) -> bool:
        with self._database.write() as connection:
            if alarm is not None:
                same = (_alarms.job_id == alarm[0], _alarms.kind == OVERDUE)
                if connection.execute(select(_alarms.kind).where(*same)).first() is not None:
                    return False
                row = {"job_id": alarm[0], "kind": OVERDUE, "since_at": alarm[1]}
                connection.execute(insert(tables.alarms), row)
            known: set[str] = set()
            for chunk in chunks([notice.id for notice in notices]):
                known.update(connection.execute(select(_notices.id).where(_notices.id.in_(chunk))).scalars())
            rows = [notice_row(notice) for notice in notices if notice.id not in known]
            if rows:
                connection.execute(insert(tables.notices), rows)
        return bool(rows) or alarm is not None

    def lower_overdue(self, job_ids: Iterable[str]) -> None:
        """Note that these jobs are not overdue any more."""
        for chunk in chunks(job_ids):
            with self._database.write() as connection:
                gone = delete(tables.alarms).where(_alarms.job_id.in_(chunk), _alarms.kind == OVERDUE)
                connection.execute(gone, execution_options=LAST)

    def overdue(self, job_ids: Collection[str] | None = None) -> dict[str, datetime]:
        """Return since when jobs are overdue, by id: those of *job_ids*, or all."""
        found: dict[str, datetime] = {}
        statement = select(_alarms.job_id, _alarms.since_at).where(_alarms.kind == OVERDUE)
        with self._database.read() as connection:
            for chunk in [None] if job_ids is None else chunks(job_ids):
                some = statement if chunk is None else statement.where(_alarms.job_id.in_(chunk))
                found.update((row.job_id, row.since_at) for row in connection.execute(some))
        return found

    def successes(self, job_ids: Collection[str]) -> dict[str, Succeeded]:
        """Return when these jobs succeeded last; jobs that are gone or have no slot left are left out."""
        found: dict[str, Succeeded] = {}
        with self._database.read() as connection:
            for chunk in chunks(job_ids):
                rows = _SUCCESSES.rows(connection, {"job_ids": list(chunk)}, bite=len(chunk) + 1)
                found.update((job_id, Succeeded(_instant(last), from_micros(since))) for job_id, last, since in rows)
        return found


def _successes() -> AtOnce:
    """Return what asks for the newest success of each of some jobs."""
    # Nearly all runs succeed: by the index of states each job would look through those of all the others.
    succeeded = (_runs.job_id == _jobs.id) & (_runs.state.concat("") == RunState.SUCCEEDED)
    since = as_it_comes(tables.jobs.c.created_at)
    return AtOnce(
        select(_jobs.id, func.max(as_it_comes(tables.runs.c.finished_at)).label("last"), since)
        .outerjoin_from(tables.jobs, tables.runs, succeeded)
        .where(_jobs.id.in_(bindparam("job_ids", expanding=True)), _jobs.next_fire_at.is_not(None))
        .group_by(_jobs.id, _jobs.created_at)
    )


_SUCCESSES = _successes()


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _notice(row: Row[Any] | Sequence[Any]) -> Notice:
    given: dict[str, Any] = dict(zip((column.name for column in _COLUMNS), row, strict=True))
    return Notice(**given | {"event": Event(given["event"])})
