"""SQLite: the embedded default. WAL, every commit on disk, one writer at a time."""

import os
import shlex
import sqlite3
import stat
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from schedsync.errors import SettingsError
from schedsync.store.address import Address
from schedsync.store.dialects import sqlite_errors
from schedsync.store.dialects.base import DatabaseDialect, Failure, arguments_of
from schedsync.store.dialects.explanation import Explanation
from schedsync.store.dialects.session import CREATE_TABLES, USE_TABLES, Session
from schedsync.store.fetching import ONE_BY_ONE

BUSY_SECONDS = 30
"""How long a statement waits for another process's write before it fails as busy."""
RIGHTS = 0o640
"""Of a new file, less what the umask takes: outputs, specs and decisions of people stand there. SQLite gives the same
to the write-ahead log and to the shared memory beside it."""
_BESIDE = ("", "-wal", "-shm", "-journal")
"""What follows the name of the file in those that hold parts of it."""
_MISSING = ("no such table", "no such column", "has no column named")


class SQLite(DatabaseDialect):
    """A file beside the service."""

    name: ClassVar[str] = "sqlite"
    one_writer: ClassVar[bool] = True
    computes_here: ClassVar[bool] = True
    replaces_views: ClassVar[bool] = False
    now_micros: ClassVar[str] = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"

    def url(self, address: Address) -> URL:
        """Return the URL, if it names a file.

        Raises:
            SettingsError: it does not, and each connection would have a database of its own, in memory; or a schema
                is asked for.
        """
        url = super().url(address)
        if address.schema is not None:
            self.enter(address.schema)
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
        engine.update_execution_options(**{ONE_BY_ONE: True})
        file = self._file(address)

        @event.listens_for(engine, "do_connect")
        def _connecting(*_arguments: object) -> None:
            if file is not None and not address.untouched:
                _make(file)

        @event.listens_for(engine, "connect")
        def _connected(connection: sqlite3.Connection, _record: object) -> None:
            try:
                connection.isolation_level = None
                if not address.untouched:
                    _write_ahead(connection)
                connection.execute("PRAGMA synchronous = FULL").close()
            except BaseException:
                connection.close()
                raise

        @event.listens_for(engine, "begin")
        def _begun(connection: Connection) -> None:
            # A write that begins as a read may not be upgraded once another process has written: SQLITE_BUSY at once.
            writes = connection.get_execution_options().get("schedsync_write", False)
            _begin(connection, "BEGIN IMMEDIATE" if writes else "BEGIN")

    def exists(self, address: Address) -> bool:
        """Whether the file is there."""
        name = str(self.url(address).database)
        return name.startswith("file:") or Path(name).exists()

    def cannot_be_made(self, address: Address) -> str | None:
        """Return what is wrong with the folder of the file."""
        folder = Path(str(self.url(address).database)).absolute().parent
        if not folder.is_dir():
            return f"the folder {folder} is missing; create it, or name another file"
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"the folder {folder} is not writable for this user; give it the right, or name another file"
        return None

    def exposed(self, address: Address) -> tuple[str, ...]:
        """Say so when everybody on this machine may read the file, or what lies beside it."""
        file = self._file(address)
        readable = [] if file is None else [path for path in map(f"{file}{{}}".format, _BESIDE) if _is_for_all(path)]
        if not readable:
            return ()
        them = " ".join(shlex.quote(path) for path in readable)
        return (f"everybody on this machine may read outputs, specs and the audit log; run `chmod o= {them}`",)

    def session(self, connection: Connection) -> Session:
        """Return the library's version, and whether this user may write the file and beside it."""
        file = Path(str(connection.engine.url.database).removeprefix("file:").partition("?")[0])
        may = os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)  # the write-ahead log lies beside it
        rights = {CREATE_TABLES: may, USE_TABLES: may}
        return Session(f"SQLite {sqlite3.sqlite_version}", "Python's sqlite3", None, None, rights)

    def _file(self, address: Address) -> Path | None:
        """Return which file is made by using it, links followed; None: none is made."""
        arguments = self.driver_arguments(address)
        name = str(arguments["database"])
        if arguments.get("uri") and name.startswith("file:"):
            parts = urlsplit(name)
            if parse_qs(parts.query).get("mode", ["rwc"]) != ["rwc"]:
                return None
            name = unquote(parts.path)
        return None if name in {"", ":memory:"} else Path(os.path.realpath(name))

    def explain(self, error: BaseException) -> Explanation | None:
        """Return what the message means."""
        return sqlite_errors.explain(error)

    def enter(self, schema: str) -> NoReturn:
        """Refuse."""
        raise SettingsError(f'database.schema: SQLite has no schemas; remove "{schema}"')

    def timestamp(self, column: str) -> str:
        """Return text, exact to the microsecond."""
        return f"datetime(({column}) / 1000000, 'unixepoch') || printf('.%06d', ({column}) % 1000000)"

    def grants(self, rights: Mapping[str, Sequence[str]], user: str, schema: str | None) -> NoReturn:
        """Refuse: the rights are those of the file."""
        del rights, user, schema
        raise SettingsError("SQLite has no users; who may read and write the file may do so with the tables")

    def user(self, address: Address) -> str | None:
        """There are no users but the system's."""
        del address
        return None

    def forbidden(self, error: DBAPIError, address: Address) -> str:
        """Return what the file's rights are to let."""
        name = self.url(address).database
        return f"{error.orig}; let the user of this process write to {name} and to the folder that it is in"

    def missing_rights(
        self, connection: Connection, address: Address, wanted: Mapping[str, Sequence[str]]
    ) -> list[tuple[str, str]] | None:
        """The file is writable or is not."""
        del connection
        name = str(self.url(address).database)
        if name.startswith("file:"):
            return None
        if os.access(name, os.W_OK):
            return []
        return [(table, right) for table, rights in wanted.items() for right in rights if right != self.read_right]

    def classify(self, error: DBAPIError) -> Failure:
        """Return what the message says.

        A busy database is no lost race: the statement has waited for BUSY_SECONDS, and its caller should hear of it.
        """
        if any(sign in str(error.orig) for sign in _MISSING):
            return Failure.NO_SCHEMA
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY:
            return Failure.FORBIDDEN
        return super().classify(error)


_making = threading.Lock()


def _make(file: Path) -> None:
    """Let *file* be there with its RIGHTS; one that is there stays as it is."""
    # One after another, and never opened when it is there: closing a file takes away all locks that this process has on
    # it, also those of another connection of SQLite.
    with _making:
        try:
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, RIGHTS))
        except OSError:
            return  # it is there, or cannot be made, which SQLite says better


def _is_for_all(path: str) -> bool:
    """Whether everybody may read the file at *path*, which no folder above it keeps from them."""
    try:
        if not Path(path).stat().st_mode & stat.S_IROTH:
            return False
        return all(folder.stat().st_mode & stat.S_IXOTH for folder in Path(path).parents)
    except OSError:
        return False


def _begin(connection: Connection, statement: str) -> None:
    """Execute *statement* on the driver's connection: SQLAlchemy's way to it takes longer than all that SQLite does."""
    driver: Any = connection.connection.dbapi_connection
    try:
        driver.execute(statement).close()
    except sqlite3.Error as error:
        raise DBAPIError.instance(statement, None, error, sqlite3.Error, hide_parameters=True) from error


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
