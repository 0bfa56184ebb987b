"""SQLite: the embedded default. WAL, every commit on disk, one writer at a time."""

import sqlite3
import time
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from schedsync.errors import SettingsError
from schedsync.store.address import Address
from schedsync.store.dialects.base import DatabaseDialect, Failure, arguments_of

BUSY_SECONDS = 30
"""How long a statement waits for another process's write before it fails as busy."""
_MISSING = ("no such table", "no such column", "has no column named")


class SQLite(DatabaseDialect):
    """A file beside the service."""

    name: ClassVar[str] = "sqlite"
    one_writer: ClassVar[bool] = True
    now_micros: ClassVar[str] = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"

    def url(self, address: Address) -> URL:
        """Return the URL, if it names a file.

        Raises:
            SettingsError: it does not; each connection would have a database of its own, in memory.
        """
        url = super().url(address)
        if url.database in {None, "", ":memory:"}:
            raise SettingsError('database.url: SQLite needs a file, e.g. "sqlite:///schedsync.db"')
        return url

    def engine_options(self, address: Address) -> dict[str, Any]:
        """Return a timeout for other processes' locks."""
        timeout = {} if "timeout" in super().url(address).query else {"timeout": BUSY_SECONDS}
        return {"connect_args": {"check_same_thread": False, **timeout}, "pool_size": 20}

    def driver_arguments(self, address: Address) -> dict[str, Any]:
        """Return the path and how long to wait for other processes' locks."""
        (path,), options = arguments_of(self.url(address))
        kept: dict[str, Any] = {name: options[name] for name in ("uri", "timeout") if name in options}
        return {"timeout": BUSY_SECONDS, **kept, "database": path}

    def prepare(self, engine: Engine, address: Address) -> None:
        """Let SQLAlchemy's begin be SQLite's, so that a transaction is one (the driver's own rules begin late)."""
        del address

        @event.listens_for(engine, "connect")
        def _connected(connection: sqlite3.Connection, _record: object) -> None:
            try:
                connection.isolation_level = None
                _write_ahead(connection)
                connection.execute("PRAGMA synchronous = FULL").close()
            except BaseException:
                connection.close()
                raise

        @event.listens_for(engine, "begin")
        def _begun(connection: Connection) -> None:
            # A write that begins as a read may not be upgraded once another process has written: SQLITE_BUSY at once.
            writes = connection.get_execution_options().get("schedsync_write", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def exists(self, address: Address) -> bool:
        """Whether the file is there."""
        name = str(self.url(address).database)
        return name.startswith("file:") or Path(name).exists()

    def classify(self, error: DBAPIError) -> Failure:
        """Return what the message says.

        A busy database is no lost race: the statement has waited for BUSY_SECONDS, and its caller should hear of it.
        """
        if any(sign in str(error.orig) for sign in _MISSING):
            return Failure.NO_SCHEMA
        return super().classify(error)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL, which the file remembers. Others that switch the new file too are not waited for by SQLite."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
