"""PostgreSQL, through psycopg 3."""

from typing import Any, ClassVar

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from schedsync.store.dialects.base import DatabaseDialect, Failure

_SCHEMA_LOCK = 0x5C4ED5
_CONNECT = {
    "application_name": "schedsync",
    "connect_timeout": 10,
    # A server that vanished without a word is noticed within half a minute, not after the kernel's many.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_FAILURES = {
    "40001": Failure.LOST_RACE,  # serialization_failure
    "40P01": Failure.LOST_RACE,  # deadlock_detected
    "55P03": Failure.LOST_RACE,  # lock_not_available
    "42P01": Failure.NO_SCHEMA,  # undefined_table
    "42703": Failure.NO_SCHEMA,  # undefined_column
    "3F000": Failure.NO_SCHEMA,  # invalid_schema_name
    "42501": Failure.UNAVAILABLE,  # insufficient_privilege: until somebody grants it
    "42P07": Failure.UNAVAILABLE,  # duplicate_table: until somebody has looked at what is in the way
}


class PostgreSQL(DatabaseDialect):
    """A server that several instances may share."""

    name: ClassVar[str] = "postgresql"
    extra: ClassVar[str | None] = "postgresql"
    now_micros: ClassVar[str] = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"

    def url(self, url: URL) -> URL:
        """Return *url* with psycopg as its driver."""
        return url.set(drivername="postgresql+psycopg")

    def engine_options(self, url: URL) -> dict[str, Any]:
        """Return bounds for connecting and for silence, and a name that a DBA recognises."""
        return {
            "connect_args": {name: value for name, value in _CONNECT.items() if name not in url.query},
            # Claims rely on it: a guarded UPDATE that waited for another transaction sees what that one wrote.
            "isolation_level": "READ COMMITTED",
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

    def classify(self, error: DBAPIError) -> Failure:
        """Return what the SQLSTATE says; messages are in the server's language."""
        return _FAILURES.get(getattr(error.orig, "sqlstate", None) or "", super().classify(error))
