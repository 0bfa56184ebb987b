"""The seam between the worker and a database: one module beside this one for each, over its driver and nothing else."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from schedsync.sql.request import Request, Statement


class RefusedError(Exception):
    """The run cannot be made; the text says why, to the job's author."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a database says about what it could not do."""

    lines: tuple[str, ...]
    """Its own words."""
    summary: str
    """The one line that matters, with the place in the statement where there is one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement brought."""

    columns: tuple[str, ...] | None = None
    """Of the rows; None: it is no query."""
    rows: Iterator[tuple[Any, ...]] = field(default_factory=lambda: iter(()))
    changed: int = -1
    """How many rows were changed; negative where the driver does not say."""
    values: tuple[tuple[str, Any], ...] = ()
    """The OUT binds of a block, in the order of the job file."""
    warning: str | None = None


class Session(ABC):
    """A connection with a transaction. All methods but ``cancel`` are for one thread."""

    error: type[Exception]
    """What the driver raises."""

    @abstractmethod
    def __init__(self, request: Request) -> None:
        """Connect, and say who asks."""

    @abstractmethod
    def execute(self, statement: Statement, text: str) -> Answer:
        """Execute *text*, the text of *statement*."""

    @abstractmethod
    def cancel(self) -> None:
        """Interrupt what another thread is executing; it may come too late, or too early."""

    def printed(self) -> Iterator[str]:
        """Give what the statement printed inside the database."""
        return iter(())

    @abstractmethod
    def commit(self) -> None:
        """Commit."""

    def lost(self, error: Exception) -> bool:
        """Whether *error*, of a commit, leaves open what became of it: the connection ended before the answer came."""
        del error
        return False

    @abstractmethod
    def rollback(self) -> None:
        """Roll back."""

    @abstractmethod
    def close(self) -> None:
        """Say goodbye."""

    @classmethod
    def failure(cls, error: Exception, statement: Statement, text: str) -> Failure:
        """Return what the driver's *error* says; *text*, the text of *statement*, is empty when there was none yet."""
        del statement, text
        lines = lines_of(error)
        return Failure(lines, lines[0])

    def shown(self, value: Any) -> object:
        """Return *value* as something whose ``str`` is worth reading."""
        return value


def lines_of(error: BaseException) -> tuple[str, ...]:
    """Return the lines of an error that have something on them; at least one."""
    return tuple(line for line in str(error).splitlines() if line.strip()) or (type(error).__name__,)


def cut(text: str, most: int) -> str:
    """Return the beginning of *text* that fits into *most* bytes of UTF-8, without half a character."""
    return text.encode()[:most].decode(errors="ignore")
