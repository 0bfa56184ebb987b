"""Oracle Database 19c or later, through python-oracledb.

What is special about it, each thing once: what the errors mean to the store; that a rollback, a commit and every few
rows are round trips of their own; that DDL commits. ``oracle_connecting`` makes and ends the connections.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Dialect, Engine, event, text
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

from schedsync.sql.request import Target
from schedsync.store.address import Address, Storage
from schedsync.store.dialects import oracle_connecting, oracle_errors, oracle_session, oracle_settings
from schedsync.store.dialects.base import DatabaseDialect, Failure, arguments_of
from schedsync.store.dialects.explanation import Explanation
from schedsync.store.dialects.oracle_ddl import ddl_compiler, tablespace
from schedsync.store.dialects.oracle_rights import missing
from schedsync.store.dialects.session import Session

ROWS = 500
"""Rows that a query brings in one round trip, unless it says otherwise (option ``schedsync_rows``)."""
PING_AFTER = 60.0
"""Seconds without use after which a pooled connection is asked whether it lives: the firing loop's never is."""
RECYCLE = 1800
"""Seconds after which a connection is replaced, before firewalls forget it."""

GONE = frozenset({
    28, 1012, 1033, 1034, 1089, 1090, 1092, 2396, 2399, 3113, 3114, 3135, 12153, 12514, 12528, 12537, 12541, 12547,
    12570, 12571, 12757, 25408,
})  # fmt: skip
"""ORA numbers after which the connection, and all that are as old, are worth nothing any more."""
GONE_DRIVER = frozenset({"DPY-1001", "DPY-4011", "DPY-4024", "DPY-6000", "DPY-6001", "DPY-6003", "DPY-6005"})
"""What the driver says itself when a connection is gone; SQLAlchemy does not know 4024 (time limit) and 6005."""
_LOST_RACE = frozenset({
    54,  # resource busy, with NOWAIT or a time limit
    60,  # deadlock
    1555,  # snapshot too old: asked again, the query sees a new one
    4020,  # deadlock in the dictionary
    8177,  # cannot serialize
    30006,  # resource busy, after WAIT
})  # fmt: skip
_REFUSED = frozenset({
    1005,  # no password
    1017,  # wrong user or password
    28000,  # locked
    28001,  # expired
})  # fmt: skip
_NO_SCHEMA = frozenset({904, 942, 4043})
_FORBIDDEN = frozenset({
    1031,  # insufficient privileges
    1749,  # no privileges to oneself
    41900,  # missing privilege, as 23ai says it
})  # fmt: skip
_MISTAKES = frozenset({
    *(code for code in range(900, 1000) if code not in {904, 942, 955, 959}),  # syntax and names
    *(code for code in range(1400, 1500) if code not in {1408, 1435, 1450}),  # values and columns
    *range(1700, 1800),  # literals and expressions
    *range(1800, 1900),  # dates
    932, 2014, 2070, 6502, 6550, 12899, 22835, 22858, 22859, 24816, 38104,
})  # fmt: skip


class Oracle(DatabaseDialect):
    """A server that several instances may share."""

    name: ClassVar[str] = "oracle"
    package: ClassVar[str | None] = "oracledb"
    _SINCE_EPOCH: ClassVar[str] = "(SYS_EXTRACT_UTC(SYSTIMESTAMP) - TIMESTAMP '1970-01-01 00:00:00')"
    now_micros: ClassVar[str] = (
        f"ROUND((EXTRACT(DAY FROM {_SINCE_EPOCH}) * 86400 + EXTRACT(HOUR FROM {_SINCE_EPOCH}) * 3600"
        f" + EXTRACT(MINUTE FROM {_SINCE_EPOCH}) * 60 + EXTRACT(SECOND FROM {_SINCE_EPOCH})) * 1000000)"
    )

    ddl_commits: ClassVar[bool] = True
    own_tables: ClassVar[tuple[str, ...]] = ("schedsync_lock",)
    read_right: ClassVar[str] = "READ"  # SELECT would let its holder lock rows

    def url(self, address: Address) -> URL:
        """Return the URL with python-oracledb as its driver; a connect string travels beside it."""
        url = URL.create("oracle") if address.url is None else super().url(address)
        user, password = url.username or address.user, url.password or address.password
        return url.set(drivername="oracle+oracledb", username=user, password=password)

    def engine_options(self, address: Address) -> dict[str, Any]:
        """Return pool and driver options.

        Raises:
            SettingsError: the driver is missing, or cannot do what is asked.
        """
        url = self.url(address)
        oracle_settings.check(address, url.username, url.password)
        oracle_connecting.choose_mode(address)
        return {
            # A query's end is no transaction's end: without this each costs a rollback. ``write`` begins a transaction.
            "isolation_level": "AUTOCOMMIT",
            "skip_autocommit_rollback": True,
            "pool_size": address.pool_size,
            "max_overflow": address.pool_size,
            "pool_recycle": RECYCLE,
            "pool_timeout": max(address.connect_timeout.total_seconds(), 1.0),
            # The connection that was used last is warm, and the others may grow old and go.
            "pool_use_lifo": True,
            "coerce_to_decimal": False,
        }

    def target(self, address: Address) -> Target:
        """Return how the driver itself is called, with its own code or with Oracle's client libraries."""
        url, client = self.url(address), address.oracle
        oracle_settings.check(address, url.username, url.password)
        libraries = {"lib_dir": client.library_dir, "config_dir": client.config_dir} if client.thick else None
        seconds = address.call_timeout.total_seconds()
        return replace(super().target(address), call_seconds=seconds, client_libraries=libraries)

    def driver_arguments(self, address: Address) -> dict[str, Any]:
        """Return what the URL says and what the address has beside it."""
        _, options = arguments_of(self.url(address))
        return options | oracle_connecting.arguments(address)

    def connector(self, engine: Engine, address: Address) -> Callable[..., Any]:
        """Return what connects within a bound."""
        del engine
        connect_args = oracle_connecting.arguments(address) | {"conn_class": oracle_connecting.patient_connection()}
        return lambda **given: oracle_connecting.connect(given | connect_args, address)

    def refuses(self, error: BaseException) -> bool:
        """Whether the password is wrong, missing or expired, or the account locked."""
        return ora_code(error) in _REFUSED

    def check_arguments(self, address: Address) -> None:
        """Make of them what ``connect`` makes of them first."""
        import oracledb  # noqa: PLC0415 - an optional dependency

        _, options = arguments_of(self.url(address))
        oracledb.ConnectParams(**{name: value for name, value in options.items() if name != "dsn"})

    def prepare(self, engine: Engine, address: Address) -> None:
        """Name the sessions, ask old connections whether they live, fetch in large bites."""
        self.furnish(engine.dialect, address.storage)

        @event.listens_for(engine, "checkout")
        def _checked_out(connection: Any, record: Any, _proxy: Any) -> None:
            now = time.monotonic()
            if now - record.info.get("schedsync_used_at", now) > PING_AFTER:
                _ping(connection)
            record.info["schedsync_used_at"] = now
            connection.autocommit = True  # whatever the transaction before did
            connection.action = threading.current_thread().name[:32]

        @event.listens_for(engine, "checkin")
        def _checked_in(_connection: Any, record: Any) -> None:
            record.info["schedsync_used_at"] = time.monotonic()

        @event.listens_for(engine, "before_cursor_execute")
        def _executing(connection: Connection, cursor: Any, _text: str, _given: Any, context: Any, _many: bool) -> None:  # noqa: FBT001 - SQLAlchemy's signature
            options = connection.get_execution_options() if context is None else context.execution_options
            rows = options.get("schedsync_rows", ROWS)
            # One more than will come, so that the end is seen in the same round trip.
            cursor.arraysize, cursor.prefetchrows = rows, rows + 1
            if options.get("schedsync_last", False):
                cursor.connection.autocommit = True

        @event.listens_for(engine, "handle_error")
        def _failed(context: ExceptionContext) -> None:
            if is_gone(context.original_exception):
                context.is_disconnect = True
            elif context.connection is not None and context.connection.get_execution_options().get("schedsync_write"):
                # What was written before is not committed: without this, nobody would roll it back.
                _driver(context.connection).autocommit = False

    def begin_write(self, connection: Connection) -> None:
        """Begin a transaction: from here on nothing is committed by itself."""
        _driver(connection).autocommit = False

    def end_write(self, connection: Connection) -> None:
        """Note that it is committed, so that nobody sends a rollback after it."""
        _driver(connection).autocommit = True

    def exists(self, address: Address) -> bool:
        """Whether it can be reached shows when it is connected to."""
        del address
        return True

    @contextmanager
    def schema_lock(self, engine: Engine, connection: Connection, address: Address) -> Iterator[None]:
        """Lock a table of ours from a connection of its own, because DDL commits and would free the lock."""
        del connection
        with engine.connect() as maker:
            unmade = _attempt(maker, self.own_ddl(address.storage))
        with engine.connect() as holder, self.patiently(holder):
            self.begin_write(holder)
            with holder.begin():
                try:
                    holder.execute(text("LOCK TABLE schedsync_lock IN EXCLUSIVE MODE"))
                except DBAPIError as error:
                    because = self.classify(error) in {Failure.NO_SCHEMA, Failure.FORBIDDEN}
                    raise (unmade if unmade is not None and because else error) from None
                yield
            self.end_write(holder)

    @contextmanager
    def patiently(self, connection: Connection) -> Iterator[None]:
        """Lift the bound on one round trip: an index on many rows takes its time."""
        driver = _driver(connection)
        before, driver.call_timeout = driver.call_timeout, 0
        yield
        driver.call_timeout = before

    def session(self, connection: Connection) -> Session:
        """Return what the server says; rights that no view of the dictionary shows are not known."""
        return oracle_session.session(connection)

    def explain(self, error: BaseException) -> Explanation | None:
        """Return what the ORA or DPY number means."""
        return oracle_errors.explain(error)

    def enter(self, schema: str) -> str:
        """Return what holds for the session."""
        return f"ALTER SESSION SET CURRENT_SCHEMA = {schema}"

    def timestamp(self, column: str) -> str:
        """Return a TIMESTAMP without a zone, exact to the microsecond."""
        return f"TO_TIMESTAMP('1970-01-01', 'YYYY-MM-DD') + NUMTODSINTERVAL(({column}) / 1000000, 'SECOND')"

    def furnish(self, dialect: Dialect, storage: Storage, *, partitioned: bool = False) -> None:
        """Put things into tablespaces, and runs into partitions where that is asked for."""
        dialect.ddl_compiler = ddl_compiler(storage, partitioned=partitioned)

    def own_ddl(self, storage: Storage) -> tuple[str, ...]:
        """Return what makes the table that an upgrade locks."""
        return (f"CREATE TABLE schedsync_lock (held NUMBER(1)){tablespace(storage.table_tablespace)}",)

    def script(self, statements: Iterable[str], schema: str | None) -> Iterator[str]:
        """Yield *statements* for SQL*Plus, which ends at the first error; what is made by then stays."""
        yield "WHENEVER SQLERROR EXIT FAILURE ROLLBACK"
        yield from ([] if schema is None else [f"{self.enter(schema)};"])
        yield from (f"{statement};" for statement in statements)
        yield "COMMIT;"

    def missing_rights(
        self, connection: Connection, address: Address, wanted: Mapping[str, Sequence[str]]
    ) -> list[tuple[str, str]] | None:
        """Ask the dictionary; an owner may do everything."""
        del address
        return missing(connection, wanted)

    def classify(self, error: DBAPIError) -> Failure:
        """Return what the ORA number says; those of the driver itself (DPY) are about connections, or ours."""
        code = ora_code(error.orig)
        if code in _LOST_RACE:
            return Failure.LOST_RACE
        if code in _NO_SCHEMA:
            return Failure.NO_SCHEMA
        if code in _FORBIDDEN:
            return Failure.FORBIDDEN
        driver = driver_code(error.orig)
        if error.statement is None:
            return Failure.UNAVAILABLE  # while connecting: an old server, no credentials, a wallet
        if code in _MISTAKES or driver.startswith(("DPY-2", "DPY-3")):
            return Failure.OUR_MISTAKE
        return Failure.UNAVAILABLE


def _attempt(connection: Connection, statements: Iterable[str]) -> DBAPIError | None:
    """Execute *statements*; return why one failed. That may be because somebody else was faster."""
    try:
        for statement in statements:
            connection.execute(text(statement))
    except DBAPIError as error:
        return error
    return None


def ora_code(error: object) -> int:
    """Return the ORA number of a driver's error; 0 where it has none."""
    details = _details(error)
    code = getattr(details, "code", 0)
    return code if isinstance(code, int) else 0


def driver_code(error: object) -> str:
    """Return an error's full code, such as "ORA-00060" or "DPY-4024"; empty where it has none."""
    full = getattr(_details(error), "full_code", None)
    return full or str(error).partition(":")[0]


def is_gone(error: object) -> bool:
    """Whether the connection on which *error* came is of no use any more."""
    return ora_code(error) in GONE or driver_code(error) in GONE_DRIVER


def _details(error: object) -> object:
    args = getattr(error, "args", ())
    return args[0] if args else None


def _ping(connection: Any) -> None:
    try:
        connection.ping()
    except Exception as error:  # whatever it is: this connection, and those that are as old, are not to be trusted
        raise InvalidatePoolError(str(error)) from error


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection
