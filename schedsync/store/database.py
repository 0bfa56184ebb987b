"""A database: its engine, its transactions, and its errors in our words."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from schedsync.errors import DatabaseUnavailableError, SchemaError, SettingsError
from schedsync.store.dialects import dialect_named
from schedsync.store.dialects.base import DatabaseDialect

T = TypeVar("T")
ATTEMPTS = 5
"""How often a transaction is tried that loses a deadlock or a serialisation conflict."""


class Database:
    """An engine and its dialect. Methods may be called from any thread.

    A connection is used for one transaction: ``read`` for queries, ``write`` for changes. Errors of the driver leave
    as DatabaseUnavailableError, except IntegrityError, which says something about the data.
    """

    def __init__(self, engine: Engine, dialect: DatabaseDialect) -> None:
        self.engine = engine
        self.dialect = dialect
        self._turn = threading.Lock() if dialect.one_writer else nullcontext()

    @classmethod
    def open(cls, url: str) -> "Database":
        """Return the database at *url*; nothing is connected yet.

        Raises:
            SettingsError: the URL is not one, names an unknown database, or its driver is not installed.
        """
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise SettingsError(f'database.url: "{url}" is not a database URL; {_EXAMPLES}') from None
        dialect = dialect_named(parsed.get_backend_name())
        parsed = dialect.url(parsed)
        try:
            engine = create_engine(parsed, **dialect.engine_options(parsed))
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            hint = f'; install it with "pip install schedsync[{dialect.extra}]"' if dialect.extra else ""
            raise SettingsError(f"the driver for {dialect.name} is missing ({error}){hint}") from None
        dialect.prepare(engine)
        return cls(engine, dialect)

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def exists(self) -> bool:
        """Whether there may be a database to read; asking creates nothing."""
        return self.dialect.exists(self.engine.url)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for one read-only transaction.

        Raises:
            DatabaseUnavailableError: the database cannot be reached or ended the connection.
            SchemaError: a table or column is missing.
        """
        with self._translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection for one transaction that is committed at the end and rolled back on an error.

        Raises:
            DatabaseUnavailableError: as for ``read``.
            SchemaError: as for ``read``.
            sqlalchemy.exc.IntegrityError: a unique row existed already.
        """
        with self._translated(), self._turn, self.engine.connect() as plain:
            connection = plain.execution_options(schedsync_write=True)
            with connection.begin():
                yield connection

    def retrying(self, transaction: Callable[[], T]) -> T:
        """Call *transaction* again, a few times, while the database says that it lost to another one."""
        for _ in range(ATTEMPTS - 1):
            try:
                return transaction()
            except _TransientError:
                continue
        return transaction()

    def close(self) -> None:
        """Close the pool's connections."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise self._in_our_words(error) from error
        except SQLAlchemyError as error:
            raise DatabaseUnavailableError(f"{self.dialect.name}: {_first_line(error)}") from error

    def _in_our_words(self, error: DBAPIError) -> Exception:
        line = f"{self.dialect.name}: {_first_line(error.orig)}"
        if self.dialect.is_transient(error):
            return _TransientError(line)
        if any(sign in line for sign in self.dialect.missing_object):
            return SchemaError(f"{line}; run `schedsync run` or `schedsync apply` to create or upgrade the tables")
        return DatabaseUnavailableError(line)


class _TransientError(DatabaseUnavailableError):
    """The database chose another transaction over this one; it may simply be tried again."""


_EXAMPLES = 'write e.g. "sqlite:///schedsync.db" or "postgresql://user:password@host/database"'


def _first_line(error: BaseException | None) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
