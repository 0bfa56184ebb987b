"""Statements on SQLite."""

import sqlite3

from schedsync.sql.request import Request, Statement
from schedsync.sql.session import Answer, Session


class SQLiteSession(Session):
    """A connection to a file."""

    error = sqlite3.Error

    def __init__(self, request: Request) -> None:
        """Open the file; nothing in it can say who asks."""
        # Without the driver's own rules about when a transaction begins, which leave some statements out.
        self._connection = sqlite3.connect(**request.target.arguments, isolation_level=None)

    def execute(self, statement: Statement, text: str) -> Answer:
        """Begin a transaction and execute a statement in it."""
        self._connection.execute("BEGIN")
        cursor = self._connection.execute(text, dict(statement.binds))
        if cursor.description is None:
            return Answer(changed=cursor.rowcount)
        return Answer(tuple(column[0] for column in cursor.description), iter(cursor))

    def cancel(self) -> None:
        """Interrupt the statement."""
        self._connection.interrupt()

    def commit(self) -> None:
        """Commit."""
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Roll back, unless SQLite has done so: it does for a statement that was interrupted."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
