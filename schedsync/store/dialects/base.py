"""The seam between the store and a database."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Dialect, Engine, make_url
from sqlalchemy.exc import DataError, DBAPIError, NotSupportedError, ProgrammingError

from schedsync.errors import SettingsError
from schedsync.sql.request import Target
from schedsync.store import grants
from schedsync.store.address import Address, Storage
from schedsync.store.dialects.explanation import Explanation
from schedsync.store.dialects.session import Session


class Failure(Enum):
    """What an error of a driver means for whoever asked."""

    LOST_RACE = auto()
    """The database chose another transaction over this one (deadlock, serialisation); at once it may succeed."""
    NO_SCHEMA = auto()
    """A table or a column is not there."""
    FORBIDDEN = auto()
    """The connected user may not do it, until somebody lets it."""
    UNAVAILABLE = auto()
    """The database cannot do it now; later it may."""
    OUR_MISTAKE = auto()
    """The statement or its values are wrong, and stay so."""


def arguments_of(url: URL) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments that SQLAlchemy calls the driver with, by place and by name."""
    kind: Any = url.get_dialect()
    by_place, by_name = kind(dbapi=kind.import_dbapi()).create_connect_args(url)
    return list(by_place), dict(by_name)


class DatabaseDialect(ABC):
    """What the store has to know about a database."""

    name: ClassVar[str]
    package: ClassVar[str | None] = None
    """What pip installs for the driver, as a shell takes it; None: Python brings it."""
    one_writer: ClassVar[bool] = False
    """Whether write transactions of this process take turns instead of meeting in the database."""
    computes_here: ClassVar[bool] = False
    """Whether it is a part of this process, so that who asks it computes and does not wait for a server."""
    now_micros: ClassVar[str]
    """SQL for the database's clock, in epoch microseconds."""
    ddl_commits: ClassVar[bool] = False
    """Whether DDL cannot be undone, so that an upgrade that failed has left something behind."""
    replaces_views: ClassVar[bool] = True
    """Whether a view can be exchanged for another one of its name, which keeps the rights on it."""
    own_tables: ClassVar[tuple[str, ...]] = ()
    """Tables that only this database needs, made by ``own_ddl``."""
    read_right: ClassVar[str] = "SELECT"
    """The least right that lets a user read a table."""

    def url(self, address: Address) -> URL:
        """Return the URL with the driver that schedsync uses.

        Raises:
            SettingsError: schedsync cannot use what it names.
        """
        return make_url(address.url or "")

    def engine_options(self, address: Address) -> dict[str, Any]:
        """Return the arguments of ``create_engine`` for this database; what the URL says itself is left to it."""
        del address
        return {}

    def target(self, address: Address) -> Target:
        """Return how the driver itself is called to reach *address*.

        Raises:
            SettingsError: schedsync cannot use what it names.
            ImportError: the driver is not installed.
            sqlalchemy.exc.SQLAlchemyError: the URL has something that the driver does not know; so has ValueError.
        """
        return Target(self.name, self.driver_arguments(address), address.connect_timeout.total_seconds())

    @abstractmethod
    def driver_arguments(self, address: Address) -> dict[str, Any]:
        """Return the arguments of the driver's ``connect``, of kinds that JSON has; errors are those of ``target``."""

    def connector(self, engine: Engine, address: Address) -> Callable[..., Any]:
        """Return what makes the connections of *engine*, from the arguments of the driver's ``connect``."""
        del address
        return engine.dialect.connect

    def refuses(self, error: BaseException) -> bool:
        """Whether *error* of a logon says that user and password are no good: another try may lock the account."""
        del error
        return False

    def check_arguments(self, address: Address) -> None:  # noqa: B027 - as with many below, some databases need none of it
        """Let the driver look at what the URL says, without connecting: it is all its business.

        Raises:
            Exception: it does not know a name or take a value; which kind, is the driver's choice.
        """

    def prepare(self, engine: Engine, address: Address) -> None:  # noqa: B027 - many databases need none of it
        """Set up what every connection of *engine* needs."""

    def begin_write(self, connection: Connection) -> None:  # noqa: B027 - likewise
        """Make *connection* ready for a transaction that changes something."""

    def end_write(self, connection: Connection) -> None:  # noqa: B027 - likewise
        """Note that the transaction is committed."""

    @abstractmethod
    def exists(self, address: Address) -> bool:
        """Whether there may be a database to read; asking creates none."""

    def cannot_be_made(self, address: Address) -> str | None:
        """Return why a database that does not exist would not be made by using it; None: it would."""
        del address
        return None

    def exposed(self, address: Address) -> tuple[str, ...]:
        """Say who may read what is kept there without being a user of the database, and how to mend it."""
        del address
        return ()

    @contextmanager
    def patiently(self, connection: Connection) -> Iterator[None]:
        """Let statements on *connection* take as long as they like; where one fails, nobody uses it again."""
        del connection
        yield

    @contextmanager
    def schema_lock(self, engine: Engine, connection: Connection, address: Address) -> Iterator[None]:
        """Let one process at a time change the schema, which it does on *connection*, in its transaction."""
        del engine, connection, address
        yield

    @abstractmethod
    def session(self, connection: Connection) -> Session:
        """Return who is connected to what, and what they may do; asking changes nothing."""

    @abstractmethod
    def explain(self, error: BaseException) -> Explanation | None:
        """Return what an error of the driver means and what to do; None when it is none that people can mend."""

    @abstractmethod
    def timestamp(self, column: str) -> str:
        """Return SQL that shows *column*, which has epoch microseconds, as a timestamp in UTC."""

    def furnish(self, dialect: Dialect, storage: Storage, *, partitioned: bool = False) -> None:
        """Let what SQLAlchemy's *dialect* creates be put where *storage* says.

        Raises:
            SettingsError: runs cannot be kept in partitions here.
        """
        del dialect, storage
        if partitioned:
            raise SettingsError(f"{self.name} has no partitioned variant of the tables; only oracle has one")

    def own_ddl(self, storage: Storage) -> tuple[str, ...]:
        """Return the statements that create ``own_tables``."""
        del storage
        return ()

    def script(self, statements: Iterable[str], schema: str | None) -> Iterator[str]:
        """Yield *statements* as this database's own client runs them in *schema*, all or none of them.

        Raises:
            SettingsError: the database knows no schemas.
        """
        yield "BEGIN;"
        yield from ([] if schema is None else [f"{self.enter(schema)};"])
        yield from (f"{statement};" for statement in statements)
        yield "COMMIT;"

    @abstractmethod
    def enter(self, schema: str) -> str:
        """Return the statement after which names are those of *schema*.

        Raises:
            SettingsError: the database knows no schemas.
        """

    def grants(self, rights: Mapping[str, Sequence[str]], user: str, schema: str | None) -> list[str]:
        """Return the statements that give *rights* (table -> rights) to *user*.

        Raises:
            SettingsError: this database knows no users.
        """
        return list(grants.statements(rights, self.identifier(user), schema))

    def identifier(self, name: str) -> str:
        """Return the name of a user, quoted where it must be."""
        return grants.identifier(name)

    def user(self, address: Address) -> str | None:
        """Return who connects; None when the database knows that in another way."""
        return self.url(address).username

    def forbidden(self, error: DBAPIError, address: Address) -> str:
        """Return the sentence that says what the user may not do, and what lets it."""
        user = self.user(address)
        return grants.sentence(
            error.statement or "",
            str(error.orig),
            user=user,
            grantee=None if user is None else self.identifier(user),
            schema=address.schema,
            read=self.read_right,
        )

    def missing_rights(
        self, connection: Connection, address: Address, wanted: Mapping[str, Sequence[str]]
    ) -> list[tuple[str, str]] | None:
        """Return which of *wanted* (table -> rights) the connected user lacks; None when that cannot be known."""
        del connection, address, wanted
        return None

    def classify(self, error: DBAPIError) -> Failure:
        """Return what *error* means; the classes of drivers are a first guess, which each database refines."""
        mistakes = (DataError, ProgrammingError, NotSupportedError)
        return Failure.OUR_MISTAKE if isinstance(error, mistakes) else Failure.UNAVAILABLE
