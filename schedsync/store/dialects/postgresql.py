"""PostgreSQL, through psycopg 3."""

from typing import Any, ClassVar

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from schedsync.store.dialects.base import DatabaseDialect

_SCHEMA_LOCK = 0x5C4ED5
_SERIALISATION_FAILURE, _DEADLOCK, _LOCK_NOT_AVAILABLE = "40001", "40P01", "55P03"


class PostgreSQL(DatabaseDialect):
    """A server that several instances may share."""

    name: ClassVar[str] = "postgresql"
    extra: ClassVar[str | None] = "postgresql"
    missing_object: ClassVar[tuple[str, ...]] = ("relation", "column")
    now_micros: ClassVar[str] = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"

    def url(self, url: URL) -> URL:
        """Return *url* with psycopg as its driver."""
        return url.set(drivername="postgresql+psycopg")

    def engine_options(self, url: URL) -> dict[str, Any]:
        """Return bounds for connecting, and a name that a DBA recognises."""
        del url
        return {
            "connect_args": {"connect_timeout": 10, "application_name": "schedsync"},
            "pool_pre_ping": True,
            "pool_recycle": 1800,
            "pool_size": 10,
            "max_overflow": 10,
        }

    def exists(self, url: URL) -> bool:
        """Whether it can be reached shows when it is connected to."""
        del url
        return True

    def lock_schema(self, connection: Connection) -> None:
        """Take an advisory lock until the transaction ends."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})

    def is_transient(self, error: DBAPIError) -> bool:
        """Whether it was a deadlock or a serialisation failure."""
        state = getattr(error.orig, "sqlstate", None)
        return state in {_SERIALISATION_FAILURE, _DEADLOCK, _LOCK_NOT_AVAILABLE}
