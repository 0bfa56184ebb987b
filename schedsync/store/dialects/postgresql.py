"""PostgreSQL, through psycopg 3."""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

from schedsync.store.address import Address
from schedsync.store.dialects import postgresql_errors
from schedsync.store.dialects.base import DatabaseDialect, Failure, arguments_of
from schedsync.store.dialects.explanation import Explanation
from schedsync.store.dialects.session import CREATE_TABLES, USE_TABLES, Session
from schedsync.store.grants import identifier

PING = 5.0
"""Seconds within which a pooled connection has to show that it lives, so that a tick has time left for a new one."""
LONGEST_PAUSE = "60s"
"""After such a pause within a transaction the server ends it: its client is gone, and its locks must not outlive it."""
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
    "42501": Failure.FORBIDDEN,  # insufficient_privilege
    "42P07": Failure.UNAVAILABLE,  # duplicate_table: until somebody has looked at what is in the way
}


_SESSION = text("""
    SELECT current_setting('server_version') AS version, current_user AS name, current_schema() AS schema,
           has_schema_privilege(current_schema(), 'CREATE') AS may_create,
           has_table_privilege(to_regclass('schedsync_runs'), 'INSERT')
           AND has_table_privilege(to_regclass('schedsync_runs'), 'SELECT')
           AND has_table_privilege(to_regclass('schedsync_runs'), 'UPDATE')
           AND has_table_privilege(to_regclass('schedsync_runs'), 'DELETE') AS may_use
""")
"""Rights on a table or a schema that is not there are NULL: not known."""


class PostgreSQL(DatabaseDialect):
    """A server that several instances may share."""

    name: ClassVar[str] = "postgresql"
    package: ClassVar[str | None] = "'psycopg[binary]'"
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
            "pool_recycle": 1800,
            "pool_size": address.pool_size,
            "max_overflow": address.pool_size,
            "pool_timeout": max(address.connect_timeout.total_seconds(), 1.0),
        }

    def connector(self, engine: Engine, address: Address) -> Callable[..., Any]:
        """Return what makes connections that bound every wait for the server."""
        del engine
        bounded, limit = _bounded_connection(), address.call_timeout.total_seconds()

        def connect(*args: Any, **given: Any) -> Any:
            options = f"{given.get('options', '')} -cidle_in_transaction_session_timeout={LONGEST_PAUSE}".strip()
            connection = bounded.connect(*args, **given | {"options": options})
            connection.limit = limit or None
            return connection

        return connect

    def refuses(self, error: BaseException) -> bool:
        """Whether the server does not let this user in with what it gave."""
        return postgresql_errors.refuses(error)

    def check_arguments(self, address: Address) -> None:
        """Make a connect string of them, which only looks at names."""
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - an optional dependency

        make_conninfo(**self.driver_arguments(address))

    def prepare(self, engine: Engine, address: Address) -> None:
        """Ask pooled connections whether they live."""
        limit = address.call_timeout.total_seconds()

        @event.listens_for(engine, "checkout")
        def _checked_out(connection: Any, _record: Any, _proxy: Any) -> None:
            before, connection.limit = connection.limit, min(limit or PING, PING)
            try:
                engine.dialect.do_ping(connection)
            except Exception as error:  # whatever it is: this connection, and those that are as old, are not trusted
                raise InvalidatePoolError(str(error)) from error
            connection.limit = before

    def driver_arguments(self, address: Address) -> dict[str, Any]:
        """Return what the URL says, and the same bounds."""
        _, options = arguments_of(self.url(address))
        options.pop("context", None)  # SQLAlchemy's own conversion of values
        return options | self._bounds(address)

    def _bounds(self, address: Address) -> dict[str, Any]:
        """Return bounds for connecting and for silence; what the URL says itself is left to it."""
        bounds = _CONNECT | {"connect_timeout": max(2, round(address.connect_timeout.total_seconds()))}
        given = self.url(address).query
        return {
            **{name: value for name, value in bounds.items() if name not in given},
            **_search_path(given.get("options", ""), address.schema),
        }

    def exists(self, address: Address) -> bool:
        """Whether it can be reached shows when it is connected to."""
        del address
        return True

    @contextmanager
    def patiently(self, connection: Connection) -> Iterator[None]:
        """Lift the bound on one answer: an index on many rows takes its time."""
        driver: Any = connection.connection.dbapi_connection
        before, driver.limit = driver.limit, None
        yield
        driver.limit = before

    @contextmanager
    def schema_lock(self, engine: Engine, connection: Connection, address: Address) -> Iterator[None]:
        """Take an advisory lock until the transaction ends."""
        del engine, address
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
        yield

    def session(self, connection: Connection) -> Session:
        """Return what the server says; the rights are those in the current schema."""
        row = connection.execute(_SESSION).one()
        rights = {CREATE_TABLES: row.may_create, USE_TABLES: row.may_use}
        driver = f"psycopg {connection.dialect.dbapi.__version__}"  # type: ignore[union-attr] # it is connected
        return Session(f"PostgreSQL {row.version}", driver, row.name, row.schema, rights)

    def explain(self, error: BaseException) -> Explanation | None:
        """Return what the SQLSTATE means, or until there is a connection the message."""
        return postgresql_errors.explain(error)

    def enter(self, schema: str) -> str:
        """Return what holds until the transaction ends."""
        return f"SET LOCAL search_path TO {schema}"

    def timestamp(self, column: str) -> str:
        """Return a timestamp without a zone, exact to the microsecond."""
        return f"TIMESTAMP '1970-01-01' + ({column}) * INTERVAL '1 microsecond'"

    def grants(self, rights: Mapping[str, Sequence[str]], user: str, schema: str | None) -> list[str]:
        """Return the statements, with the right to see what is in *schema*."""
        usage = [] if schema is None else [f"GRANT USAGE ON SCHEMA {schema} TO {self.identifier(user)}"]
        return [*usage, *super().grants(rights, user, schema)]

    def identifier(self, name: str) -> str:
        """Return a role's name, quoted where it would be folded to another one."""
        return identifier(name) if name == name.lower() else f'"{name}"'

    def missing_rights(
        self, connection: Connection, address: Address, wanted: Mapping[str, Sequence[str]]
    ) -> list[tuple[str, str]] | None:
        """Ask for each; tables that are not there are left out."""
        del address
        pairs = [(table, right) for table, rights in wanted.items() for right in rights]
        lacks = text(
            "SELECT t, r FROM unnest(CAST(:tables AS text[]), CAST(:rights AS text[])) AS wanted (t, r)"
            " WHERE NOT has_table_privilege(to_regclass(t), r)"
        )
        given = {"tables": [table for table, _ in pairs], "rights": [right for _, right in pairs]}
        return [(table, right) for table, right in connection.execute(lacks, given)]

    def classify(self, error: DBAPIError) -> Failure:
        """Return what the SQLSTATE says; messages are in the server's language."""
        return _FAILURES.get(getattr(error.orig, "sqlstate", None) or "", super().classify(error))


def _search_path(options: str | Sequence[str], schema: str | None) -> dict[str, str]:
    """Return the option that makes *schema* the place of all tables; what the URL has as options stays."""
    if schema is None:
        return {}
    given = options if isinstance(options, str) else " ".join(options)
    return {"options": f"{given} -csearch_path={schema}".strip()}


def _bounded_connection() -> Any:
    import psycopg  # noqa: PLC0415 - an optional dependency

    class BoundedConnection(psycopg.Connection[Any]):
        """A connection that is closed when the server is silent for too long.

        What the kernel offers does not see it: a proxy, or a server whose process hangs, goes on acknowledging.
        """

        limit: float | None = None
        """Seconds within which one request is answered; None: without bound."""

        def wait(self, gen: Any, *args: Any, **more: Any) -> Any:
            """Wait until *gen* has what it wants from the server.

            Raises:
                psycopg.OperationalError: that took longer than ``limit``; the connection is closed.
            """
            if self.limit is None:
                return super().wait(gen, *args, **more)
            return super().wait(self._within(gen, self.limit), *args, **more)

        def _within(self, gen: Any, limit: float) -> Generator[Any, Any, Any]:
            deadline = time.monotonic() + limit
            try:
                wanted = next(gen)
                while True:
                    ready = yield wanted
                    # Nothing is ready: the driver looks up each tenth of a second, so that Ctrl-C is noticed.
                    if not ready and time.monotonic() > deadline:
                        self.pgconn.finish()
                        raise psycopg.OperationalError(f"no answer within {limit:g} s, the connection is given up")
                    wanted = gen.send(ready)
            except StopIteration as end:
                return end.value

    return BoundedConnection
