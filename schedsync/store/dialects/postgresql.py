"""PostgreSQL, through psycopg 3."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from schedsync.store.address import Address
from schedsync.store.dialects.base import DatabaseDialect, Failure, arguments_of

_SCHEMA_LOCK = 0x5C4ED5
_CONNECT = {
    "application_name": "schedsync",
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

    def url(self, address: Address) -> URL:
        """Return the URL with psycopg as its driver, and user and password where they are given apart."""
        url = super().url(address).set(drivername="postgresql+psycopg")
        return url.set(username=url.username or address.user, password=url.password or address.password)

    def engine_options(self, address: Address) -> dict[str, Any]:
        """Return bounds for connecting and for silence, and a name that a DBA recognises."""
        return {
            "connect_args": self._bounds(address),
            # Claims rely on it: a guarded UPDATE that waited for another transaction sees what that one wrote.
            "isolation_level": "READ COMMITTED",
            "pool_pre_ping": True,
            "pool_recycle": 1800,
            "pool_size": address.pool_size,
            "max_overflow": address.pool_size,
        }

    def driver_arguments(self, address: Address) -> dict[str, Any]:
        """Return what the URL says, and the same bounds."""
        _, options = arguments_of(self.url(address))
        options.pop("context", None)  # SQLAlchemy's own conversion of values
        return options | self._bounds(address)

    def _bounds(self, address: Address) -> dict[str, Any]:
        """Return bounds for connecting and for silence; what the URL says itself is left to it."""
        bounds = _CONNECT | {"connect_timeout": max(2, round(address.connect_timeout.total_seconds()))}
        given = self.url(address).query
        return {name: value for name, value in bounds.items() if name not in given}

    def exists(self, address: Address) -> bool:
        """Whether it can be reached shows when it is connected to."""
        del address
        return True

    @contextmanager
    def schema_lock(self, engine: Engine, connection: Connection) -> Iterator[None]:
        """Take an advisory lock until the transaction ends."""
        del engine
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
        yield

    def classify(self, error: DBAPIError) -> Failure:
        """Return what the SQLSTATE says; messages are in the server's language."""
        return _FAILURES.get(getattr(error.orig, "sqlstate", None) or "", super().classify(error))
