"""Statements on PostgreSQL, through psycopg."""

from collections.abc import Iterator
from typing import Any, cast

import psycopg
from psycopg.errors import Diagnostic

from schedsync.sql.request import Request, Statement
from schedsync.sql.session import Answer, Failure, Session, cut, lines_of
from schedsync.sql.text import for_psycopg, place

CANCEL_SECONDS = 3.0
"""A cancel is a connection of its own, which may hang."""
ENDED = ("08", "40003", "57P")
"""How the SQLSTATEs begin after which it is not known what was done: of a connection, of a statement, of operators."""


class PostgreSQLSession(Session):
    """A session that pg_stat_activity shows with the job as its application_name."""

    error = psycopg.Error

    def __init__(self, request: Request) -> None:
        """Connect, and say who asks."""
        name = cut(f"schedsync:{request.job_id}", 63)
        arguments: dict[str, Any] = {**request.target.arguments, "application_name": name}
        self._connection = psycopg.connect(**arguments)
        self._notices: list[str] = []
        self._connection.add_notice_handler(self._note)

    def _note(self, notice: Diagnostic) -> None:
        self._notices.append(f"{notice.severity}: {notice.message_primary}")

    def execute(self, statement: Statement, text: str) -> Answer:
        """Execute a statement; prepared, because the simple protocol takes several at once."""
        query = for_psycopg(text, frozenset(statement.binds)).encode()
        cursor = self._connection.execute(query, cast("dict[str, Any]", statement.binds), prepare=True)
        if cursor.description is None:
            return Answer(changed=cursor.rowcount)
        return Answer(tuple(column.name for column in cursor.description), iter(cursor))

    def printed(self) -> Iterator[str]:
        """Give the notices and warnings since the last time."""
        notices, self._notices = self._notices, []
        return iter(notices)

    def cancel(self) -> None:
        """Ask the server to interrupt the statement."""
        self._connection.cancel_safe(timeout=CANCEL_SECONDS)

    def commit(self) -> None:
        """Commit."""
        self._connection.commit()

    def lost(self, error: Exception) -> bool:
        """Whether there is no SQLSTATE, because there was no answer, or one that ends the connection."""
        state = error.sqlstate if isinstance(error, psycopg.Error) else None
        return self._connection.closed or state is None or state.startswith(ENDED)

    def rollback(self) -> None:
        """Roll back."""
        self._connection.rollback()

    def close(self) -> None:
        """Say goodbye."""
        self._connection.close()

    @classmethod
    def failure(cls, error: Exception, statement: Statement, text: str) -> Failure:
        """Return the server's words, and the place if there are no binds, which are shorter there than in the text."""
        lines = lines_of(error)
        position = error.diag.statement_position if isinstance(error, psycopg.Error) else None
        where = f" ({place(text, int(position) - 1)})" if position and not statement.binds else ""
        return Failure(lines, f"{lines[0]}{where}")
