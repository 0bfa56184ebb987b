"""A database: its engine, its transactions, and its errors in our words."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from schedsync.errors import DatabaseUnavailableError, MissingRightError, SchemaError, SettingsError
from schedsync.store.address import Address
from schedsync.store.dialects import URL_EXAMPLES, dialect_of
from schedsync.store.dialects.base import DatabaseDialect, Failure
from schedsync.store.logons import Logons
from schedsync.store.redaction import without_secrets

log = logging.getLogger(__name__)

T = TypeVar("T")
LOOK_TURN = 0.1
"""Seconds that a look waits at most for the one before it."""
ATTEMPTS = 5
"""How often a transaction is tried that loses a deadlock or a serialisation conflict."""


class Database:
    """An engine and its dialect. Methods may be called from any thread.

    A connection is used for one transaction: ``read`` for queries, ``write`` for changes. Errors of the driver leave
    as DatabaseUnavailableError or SchemaError, except those that say something about a statement and its values, which
    are mistakes of ours, and IntegrityError, which says something about the data.
    """

    def __init__(self, engine: Engine, dialect: DatabaseDialect, address: Address) -> None:
        self.engine = engine
        self.dialect = dialect
        self.address = address
        self.on_transaction: Callable[[str, float, bool], None] = lambda _kind, _seconds, _answered: None
        """Told of each transaction that has ended: ``read`` or ``write``, how many seconds it took with the wait for a
        connection, and whether the database answered. Returns quickly."""
        self._here = threading.local()
        self._turn = threading.Lock() if dialect.one_writer else nullcontext()
        self._looks = threading.Lock() if self.is_here else None

    @classmethod
    def open(cls, address: Address | str) -> "Database":
        """Return the database at *address*, or at a URL; nothing is connected yet.

        Raises:
            SettingsError: the URL is not one, names an unknown database, or its driver is not installed.
        """
        if isinstance(address, str):
            address = Address(url=address)
        dialect = dialect_of(address)
        url = dialect.url(address)
        try:
            engine = create_engine(url, hide_parameters=True, **dialect.engine_options(address))
        except (ImportError, NoSuchModuleError) as error:
            hint = f"; install it with `pip install {dialect.package}`" if dialect.package else ""
            raise SettingsError(f"the driver for {dialect.name} is missing ({error}){hint}") from None
        except (SQLAlchemyError, ValueError):  # not shown: what is no URL may hold a password all the same
            raise SettingsError(f"url is not a database URL; {URL_EXAMPLES}") from None
        try:
            dialect.check_arguments(address)
        except Exception as error:  # the boundary to the driver, which raises what Python raises about arguments
            raise SettingsError(f"url: {_unknown_argument(error, dialect.name)}") from None
        dialect.prepare(engine, address)
        opened = cls(engine, dialect, address)
        opened._guard_logons()
        return opened

    def _guard_logons(self) -> None:
        if self.is_here:  # a file knows no users
            return
        logons = Logons(
            self.dialect.connector(self.engine, self.address),
            refuses=self.dialect.refuses,
            words=self._unavailable,
            read_password=None if self._has_password_in_url else self.address.read_password,
        )

        @event.listens_for(self.engine, "do_connect")
        def _connect(_dialect: object, _record: object, args: list[Any], given: dict[str, Any]) -> Any:
            return logons.connect(args, given)

    @property
    def _has_password_in_url(self) -> bool:
        return self.address.url is not None and make_url(self.address.url).password is not None

    @property
    def shown(self) -> str:
        """The URL, or the user and the connect string, without passwords."""
        if self.address.dsn is not None:
            return f"{self.dialect.name}: {self.address.user or 'external'}@{without_secrets(self.address.dsn)}"
        url = self.engine.url
        secret = [name for name in url.query if "password" in name.lower()]
        return url.difference_update_query(secret).render_as_string(hide_password=True)

    @property
    def is_here(self) -> bool:
        """Whether it is a part of this process, so that an answer takes longer to be looked into than to be had."""
        return self.dialect.computes_here

    @property
    def exists(self) -> bool:
        """Whether there may be a database to read; asking creates nothing."""
        return self.dialect.exists(self.address)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for one read-only transaction.

        Raises:
            DatabaseUnavailableError: the database cannot be reached or ended the connection.
            MissingRightError: the connected user may not.
            SchemaError: a table or column is missing.
        """
        look: _Look | None = getattr(self._here, "look", None)
        with self._told("read"), self._translated():
            if look is None:
                with self.engine.connect() as connection:
                    yield connection
            else:
                yield look.connection(self.engine)

    @contextmanager
    def one_look(self) -> Iterator[None]:
        """Let all that this thread reads meanwhile be one transaction, where the database can: of one moment.

        It begins with the first read. One begin, one way to the pool and one end instead of one for each read. Where
        the database is a part of this process looks take turns: together they would not be done earlier, and each
        thread that computes keeps those waiting that fire. One that takes long is not waited for.
        """
        with self._translated(), ExitStack() as stack:
            if self._looks is not None and self._looks.acquire(timeout=LOOK_TURN):
                stack.callback(self._looks.release)
            self._here.look = _Look(stack)
            stack.callback(delattr, self._here, "look")
            yield

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection for one transaction that is committed at the end and rolled back on an error.

        Raises:
            DatabaseUnavailableError: as for ``read``; when the commit's answer was lost, it may have been written.
            MissingRightError: as for ``read``.
            SchemaError: as for ``read``.
            sqlalchemy.exc.IntegrityError: a unique row existed already.
        """
        with self._told("write"), self._translated(), self._turn, self.engine.connect() as plain:
            connection = plain.execution_options(schedsync_write=True)
            self.dialect.begin_write(connection)
            with connection.begin():
                yield connection
            self.dialect.end_write(connection)

    def retrying(self, transaction: Callable[[], T], *, or_after: tuple[type[Exception], ...] = ()) -> T:
        """Call *transaction* again, a few times, while the database says that it lost to another one.

        Args:
            transaction: what to do; each call is a transaction of its own.
            or_after: further exceptions by which it says so.
        """
        losing: tuple[type[Exception], ...] = (_LostRaceError, *or_after)
        for attempt in range(ATTEMPTS - 1):
            try:
                return transaction()
            except losing as error:
                # Once for each transaction, however often it has to be tried.
                log.log(
                    logging.DEBUG if attempt or not isinstance(error, _LostRaceError) else logging.WARNING,
                    "the database chose another transaction, this one is tried again",
                    extra={"error": str(error)},
                )
        return transaction()

    def close(self) -> None:
        """Close the pool's connections."""
        self.engine.dispose()

    @contextmanager
    def _told(self, kind: str) -> Iterator[None]:
        began, answered = time.monotonic(), True
        try:
            yield
        except DatabaseUnavailableError as error:
            answered = isinstance(error, _LostRaceError)
            raise
        finally:
            self.on_transaction(kind, time.monotonic() - began, answered)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            translated = self._in_our_words(error)
            if translated is None:
                raise
            raise translated from error
        except PoolTimeoutError as error:
            raise DatabaseUnavailableError(f"{self.shown}: {_first_line(error)}") from error

    @property
    def _without_tables(self) -> str:
        make = "run `schedsync run` or `schedsync apply` to create or upgrade the tables"
        if self.address.schema is None:
            return make
        return f"{make}, or let this user see those of {self.address.schema} (`schedsync db ddl --grants`)"

    def _in_our_words(self, error: DBAPIError) -> Exception | None:
        line = f"{self.shown}: {without_secrets(_first_line(error.orig))}{_step(error.statement)}"
        match self.dialect.classify(error):
            case Failure.LOST_RACE:
                return _LostRaceError(line)
            case Failure.NO_SCHEMA:
                return SchemaError(f"{line}; {self._without_tables}")
            case Failure.FORBIDDEN:
                return MissingRightError(f"{self.shown}: {self.dialect.forbidden(error, self.address)}")
            case Failure.UNAVAILABLE:
                return DatabaseUnavailableError(line if error.orig is None else self._unavailable(error.orig, line))
            case Failure.OUR_MISTAKE:
                return None

    def _unavailable(self, error: BaseException, line: str | None = None) -> str:
        """Return what people are told of a driver's *error*; *line*, where nothing is known of it."""
        explanation = self.dialect.explain(error)
        if explanation is not None:
            return f"{self.shown}: {without_secrets(explanation.sentence)}"
        return line or f"{self.shown}: {without_secrets(_first_line(error))}"


def _unknown_argument(error: Exception, database: str) -> str:
    """Return what is wrong with the arguments of a URL: Python's sentence has the name of a function of the driver."""
    unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    if unknown is None:
        return (
            f'the driver for {database} does not take what follows the "?" ({_first_line(error)}); correct or remove it'
        )
    return f'the driver for {database} knows no argument "{unknown[1]}"; correct its name, or remove it'


class _Look:
    """The connection of what is read together, once something was read."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._connection: Connection | None = None

    def connection(self, engine: Engine) -> Connection:
        if self._connection is None:
            self._connection = self._stack.enter_context(engine.connect())
        return self._connection


class _LostRaceError(DatabaseUnavailableError):
    """The database chose another transaction over this one; it may simply be tried again."""


_DDL = ("CREATE ", "ALTER ", "COMMENT ")


def _step(statement: str | None) -> str:
    """Return what a statement that changes the schema was about, since the database may not say it."""
    words = (statement or "").split()
    return f" ({' '.join(words[:3])})" if " ".join(words).startswith(_DDL) else ""


def _first_line(error: BaseException | None) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
