"""The seam between the store and a database."""

from abc import ABC, abstractmethod
from enum import Enum, auto
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, NotSupportedError, ProgrammingError


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


class DatabaseDialect(ABC):
    """What the store has to know about a database."""

    name: ClassVar[str]
    extra: ClassVar[str | None] = None
    """The optional dependency group that brings the driver."""
    one_writer: ClassVar[bool] = False
    """Whether write transactions of this process take turns instead of meeting in the database."""
    now_micros: ClassVar[str]
    """SQL for the database's clock, in epoch microseconds."""

    def url(self, url: URL) -> URL:
        """Return *url* with the driver that schedsync uses.

        Raises:
            SettingsError: schedsync cannot use what it names.
        """
        return url

    def engine_options(self, url: URL) -> dict[str, Any]:
        """Return the arguments of ``create_engine`` for this database; what *url* says itself is left to it."""
        del url
        return {}

    def prepare(self, engine: Engine) -> None:  # noqa: B027 - many databases need none of it
        """Set up what every connection of *engine* needs."""

    @abstractmethod
    def exists(self, url: URL) -> bool:
        """Whether there may be a database to read; asking creates none."""

    @abstractmethod
    def lock_schema(self, connection: Connection) -> None:
        """Take the lock under which one process migrates at a time; the transaction's end frees it."""

    def classify(self, error: DBAPIError) -> Failure:
        """Return what *error* means; the classes of drivers are a first guess, which each database refines."""
        mistakes = (DataError, ProgrammingError, NotSupportedError)
        return Failure.OUR_MISTAKE if isinstance(error, mistakes) else Failure.UNAVAILABLE
