"""The seam between the store and a database."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError


class DatabaseDialect(ABC):
    """What the store has to know about a database."""

    name: ClassVar[str]
    extra: ClassVar[str | None] = None
    """The optional dependency group that brings the driver."""
    one_writer: ClassVar[bool] = False
    """Whether write transactions of this process take turns instead of meeting in the database."""
    missing_object: ClassVar[tuple[str, ...]]
    """What its errors say when a table or a column is not there."""
    now_micros: ClassVar[str]
    """SQL for the database's clock, in epoch microseconds."""

    def url(self, url: URL) -> URL:
        """Return *url* with the driver that schedsync uses."""
        return url

    def engine_options(self, url: URL) -> dict[str, Any]:
        """Return the arguments of ``create_engine`` for this database."""
        del url
        return {}

    def prepare(self, engine: Engine) -> None:  # noqa: B027 - many databases need none of it
        """Set up what every connection of *engine* needs."""

    @abstractmethod
    def exists(self, url: URL) -> bool:
        """Whether there is a database that could be read, without creating one."""

    @abstractmethod
    def lock_schema(self, connection: Connection) -> None:
        """Take the lock under which one process migrates at a time; the transaction's end frees it."""

    @abstractmethod
    def is_transient(self, error: DBAPIError) -> bool:
        """Whether the same transaction may succeed when it is tried again at once (deadlock, serialisation, busy)."""
