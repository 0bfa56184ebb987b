"""SQLite: the embedded default. WAL, every commit on disk, one writer at a time."""

from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from schedsync.store.dialects.base import DatabaseDialect

BUSY_SECONDS = 30
"""How long a statement waits for another process's write before it fails as busy."""


class SQLite(DatabaseDialect):
    """A file beside the service."""

    name: ClassVar[str] = "sqlite"
    one_writer: ClassVar[bool] = True
    missing_object: ClassVar[tuple[str, ...]] = ("no such table", "no such column")
    now_micros: ClassVar[str] = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"

    def engine_options(self, url: URL) -> dict[str, Any]:
        """Return a timeout for other processes' locks."""
        del url
        return {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}, "pool_size": 20}

    def prepare(self, engine: Engine) -> None:
        """Let SQLAlchemy's begin be SQLite's, so that a transaction is one (the driver's own rules begin late)."""

        @event.listens_for(engine, "connect")
        def _connected(connection: Any, _record: object) -> None:
            connection.isolation_level = None
            for pragma in ("journal_mode = WAL", "synchronous = FULL"):
                connection.execute(f"PRAGMA {pragma}").close()

        @event.listens_for(engine, "begin")
        def _begun(connection: Connection) -> None:
            # A write that begins as a read may not be upgraded once another process has written: SQLITE_BUSY at once.
            writes = connection.get_execution_options().get("schedsync_write", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def exists(self, url: URL) -> bool:
        """Whether the file is there."""
        return bool(url.database) and Path(str(url.database)).exists()

    def lock_schema(self, connection: Connection) -> None:
        """Do nothing: a write transaction is exclusive here."""

    def is_transient(self, error: DBAPIError) -> bool:
        """Whether another process holds the lock."""
        return "locked" in str(error.orig) or "busy" in str(error.orig)
