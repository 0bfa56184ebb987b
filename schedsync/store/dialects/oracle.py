"""Oracle Database 19c or later, through python-oracledb.

What is special about it, each thing once: how one connects; that connecting and closing may hang and must not hang us;
what the errors mean; that a rollback, a commit and every hundred rows are round trips of their own; that DDL commits.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import URL, Connection, Dialect, Engine, event, text
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

from schedsync.errors import SettingsError
from schedsync.sql.request import Target
from schedsync.store.address import Address, Storage
from schedsync.store.dialects import oracle_errors, oracle_session, oracle_settings
from schedsync.store.dialects.base import DatabaseDialect, Failure, arguments_of
from schedsync.store.dialects.explanation import Explanation
from schedsync.store.dialects.oracle_ddl import ddl_compiler, tablespace
from schedsync.store.dialects.oracle_rights import missing
from schedsync.store.dialects.session import Session

if TYPE_CHECKING:
    import oracledb

MODULE = "schedsync"
"""What V$SESSION.MODULE says; ACTION is the thread, CLIENT_IDENTIFIER the node."""
ROWS = 500
"""Rows that a query brings in one round trip, unless it says otherwise (option ``schedsync_rows``)."""
PING_AFTER = 60.0
"""Seconds without use after which a pooled connection is asked whether it lives: the firing loop's never is."""
RECYCLE = 1800
"""Seconds after which a connection is replaced, before firewalls forget it."""
KEEPALIVE = 1
"""Minutes between two probes of an idle connection."""
CLOSE_SECONDS = 2.0
"""How long somebody who closes a connection waits for the database's goodbye."""
SILENCE_SECONDS = 10.0
"""For so long after that was in vain nobody waits again: a whole pool is closed in the time of one connection."""

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
_NO_SCHEMA = frozenset({904, 942, 4043})
_FORBIDDEN = frozenset({
    1031,  # insufficient privileges
    1749,  # no privileges to oneself
    41900,  # missing privilege, as 23ai says it
})  # fmt: skip
_MISTAKES = frozenset({
    *(code for code in range(900, 1000) if code not in {904, 942, 955}),  # syntax and names
    *range(1400, 1500),  # values and columns
    *range(1700, 1800),  # literals and expressions
    *range(1800, 1900),  # dates
    932, 2014, 2070, 6502, 6550, 12899, 22835, 22858, 22859, 24816, 38104,
})  # fmt: skip


class Oracle(DatabaseDialect):
    """A server that several instances may share."""

    name: ClassVar[str] = "oracle"
    extra: ClassVar[str | None] = "oracle"
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
        _choose_mode(address)
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
        return options | _connect_args(address)

    def prepare(self, engine: Engine, address: Address) -> None:
        """Bound connecting, name the sessions, ask old connections whether they live, fetch in large bites."""
        connect_args = _connect_args(address) | {"conn_class": _patient_connection()}
        self.furnish(engine.dialect, address.storage)

        @event.listens_for(engine, "do_connect")
        def _connect(_dialect: Any, _record: Any, _args: Any, given: dict[str, Any]) -> Any:
            return connect(given | connect_args, address)

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
        with engine.connect() as holder:
            self.begin_write(holder)
            with holder.begin():
                try:
                    holder.execute(text("LOCK TABLE schedsync_lock IN EXCLUSIVE MODE"))
                except DBAPIError as error:
                    raise (unmade or error) from None
                yield
            self.end_write(holder)

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


def connect(arguments: dict[str, Any], address: Address) -> "oracledb.Connection":
    """Connect within ``address.connect_timeout``, whatever the listener does.

    A listener that accepts and stays silent blocks the driver without end, so a thread does it that may be left alone.

    Raises:
        oracledb.OperationalError: it took too long.
        oracledb.Error: as the driver says.
    """
    import oracledb  # noqa: PLC0415 - an optional dependency

    limit = address.connect_timeout.total_seconds()
    made: list[oracledb.Connection] = []
    failed: list[BaseException] = []
    turn, abandoned = threading.Lock(), threading.Event()

    def attempt() -> None:
        try:
            connection = oracledb.connect(**arguments)
        except BaseException as error:
            failed.append(error)
            return
        with turn:
            if not abandoned.is_set():
                made.append(connection)
                return
        connection.close()  # nobody waits for it any more

    thread = threading.Thread(target=attempt, name="schedsync-connect", daemon=True)
    thread.start()
    thread.join(limit)
    with turn:
        if not made and not failed:
            abandoned.set()
            raise oracledb.OperationalError(f"DPY-6005: no connection within {limit:g} s") from TimeoutError()
    if failed:
        raise _as_drivers(failed[0])
    return _introduced(made[0], address)


def _as_drivers(error: BaseException) -> BaseException:
    """Return *error* as one of the driver's: it lets those of the name service through as they are."""
    import oracledb  # noqa: PLC0415 - an optional dependency

    if not isinstance(error, OSError):
        return error
    wrapped = oracledb.OperationalError(f"DPY-6005: {error}")
    wrapped.__cause__ = error
    return wrapped


def _introduced(connection: "oracledb.Connection", address: Address) -> "oracledb.Connection":
    """Say who we are: sent along with the first statement, at no cost."""
    connection.call_timeout = address.call_timeout // timedelta(milliseconds=1)
    connection.module, connection.client_identifier = MODULE, address.client_name[:64]
    if address.schema is not None:
        connection.current_schema = address.schema.upper()
    return connection


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


def _connect_args(address: Address) -> dict[str, Any]:
    client = address.oracle
    given: dict[str, Any] = {
        "dsn": address.dsn,
        "config_dir": client.config_dir,
        "wallet_location": client.wallet_dir,
        "wallet_password": client.wallet_password,
        "externalauth": True if client.external_auth else None,
    }
    return {
        "tcp_connect_timeout": address.connect_timeout.total_seconds(),
        "expire_time": KEEPALIVE,
        "program": MODULE,
        **{name: value for name, value in given.items() if value is not None},
    }


def _choose_mode(address: Address) -> None:
    """Decide for the whole process between the driver's own code and Oracle's client libraries.

    Until the first connection of a process has succeeded the driver does not know which it will be, and lets everybody
    wait for that one; so it is said at once.
    """
    try:
        import oracledb  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise SettingsError(
            f'the driver for oracle is missing ({error}); install it with "pip install schedsync[oracle]"'
        ) from None
    client = address.oracle
    try:
        if client.thick:
            oracledb.init_oracle_client(lib_dir=client.library_dir, config_dir=client.config_dir)
        else:
            oracledb.enable_thin_mode()  # type: ignore[no-untyped-call] # the driver leaves it without types
    except oracledb.Error as error:
        raise SettingsError(f"Oracle's driver cannot be used as the settings say: {_in_words(error)}") from None


def _in_words(error: BaseException) -> str:
    explanation = oracle_errors.explain(error)
    return str(error).partition("\n")[0] if explanation is None else explanation.sentence


def _ping(connection: Any) -> None:
    try:
        connection.ping()
    except Exception as error:  # whatever it is: this connection, and those that are as old, are not to be trusted
        raise InvalidatePoolError(str(error)) from error


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _patient_connection() -> "type[oracledb.Connection]":
    import oracledb  # noqa: PLC0415 - an optional dependency

    class PatientConnection(oracledb.Connection):
        """A connection that commits once and whose goodbye keeps nobody waiting."""

        def commit(self) -> None:
            """Commit, unless the last statement of the transaction has done so on its way (``schedsync_last``)."""
            if not self.autocommit:
                super().commit()

        silent_since: ClassVar[float] = -SILENCE_SECONDS
        """When a connection of this engine last waited for the server's goodbye in vain."""

        def close(self) -> None:
            """Close, and wait for it no longer than CLOSE_SECONDS; not at all, when another has just waited in vain."""
            if sys.is_finalizing():  # no thread starts any more, and the system closes what is open
                return
            kind = type(self)
            patience = 0.0 if time.monotonic() - kind.silent_since < SILENCE_SECONDS else CLOSE_SECONDS
            call: Callable[[], None] = super().close
            failed: list[BaseException] = []

            def attempt() -> None:
                try:
                    call()
                except BaseException as error:
                    failed.append(error)

            thread = threading.Thread(target=attempt, name="schedsync-close", daemon=True)
            thread.start()
            thread.join(patience)
            if patience and thread.is_alive():
                kind.silent_since = time.monotonic()
            if failed:
                raise failed[0]

    return PatientConnection
