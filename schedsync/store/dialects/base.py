"""The seam between the store and a database."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import DataError, DBAPIError, NotSupportedError, ProgrammingError

from schedsync.sql.request import Target
from schedsync.store.address import Address


class Failure(Enum):
    """What an error of a driver means for whoever asked."""

    LOST_RACE = auto()
    """The database chose another transaction over this one (deadlock, serialisation); at once it may succeed."""
    NO_SCHEMA = auto()
    """A table or a column is not there."""
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
    extra: ClassVar[str | None] = None
    """The optional dependency group that brings the driver."""
    one_writer: ClassVar[bool] = False
    """Whether write transactions of this process take turns instead of meeting in the database."""
    now_micros: ClassVar[str]
    """SQL for the database's clock, in epoch microseconds."""

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

    def prepare(self, engine: Engine, address: Address) -> None:  # noqa: B027 - many databases need none of it
        """Set up what every connection of *engine* needs."""

    def begin_write(self, connection: Connection) -> None:  # noqa: B027 - likewise
        """Make *connection* ready for a transaction that changes something."""

    def end_write(self, connection: Connection) -> None:  # noqa: B027 - likewise
        """Note that the transaction is committed."""

    @abstractmethod
    def exists(self, address: Address) -> bool:
        """Whether there may be a database to read; asking creates none."""

    @contextmanager
    def schema_lock(self, engine: Engine, connection: Connection) -> Iterator[None]:
        """Let one process at a time change the schema, which it does on *connection*, in its transaction."""
        del engine, connection
        yield

    def classify(self, error: DBAPIError) -> Failure:
        """Return what *error* means; the classes of drivers are a first guess, which each database refines."""
        mistakes = (DataError, ProgrammingError, NotSupportedError)
        return Failure.OUR_MISTAKE if isinstance(error, mistakes) else Failure.UNAVAILABLE
