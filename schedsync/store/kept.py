"""Values made of rows: while a row stays as it is, so does its value, which is the same object then.

Readers ask for the same rows again and again, of which few have changed meanwhile. Rows are compared as the driver
gives them, so those that are as they were cost no conversion.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, ColumnElement
from sqlalchemy.engine.default import DefaultDialect

from schedsync.store.fetching import CONVERTED, as_it_comes
from schedsync.store.types import Flag, Instant, Upon, instant_or_none

T = TypeVar("T")
_ANY = DefaultDialect()
"""These types mean the same on each."""


class Kept(Generic[T]):
    """The value of the last row of each key. Safe to use from any thread."""

    def __init__(self, columns: Sequence[Column[Any]], make: Callable[[Sequence[Any]], T], *, most: int) -> None:
        """Begin with nothing.

        Args:
            columns: what the rows have.
            make: returns the value that a row's values mean.
            most: how many values are kept; when there are more, all are forgotten and come again as they are asked for.
        """
        self.columns: tuple[ColumnElement[Any], ...] = tuple(as_it_comes(column) for column in columns)
        """What to ask for."""
        types = enumerate(column.type for column in columns)
        self._conversions = [(place, _conversion(kind)) for place, kind in types if isinstance(kind, CONVERTED)]
        self._make, self._most = make, most
        self._values: dict[str, tuple[Sequence[Any], T]] = {}

    def value(self, key: str, row: Sequence[Any]) -> T:
        """Return the value of *row*, which begins with ``columns``; *key* says what it is about."""
        values = tuple(row[: len(self.columns)])
        known = self._values.get(key)
        if known is not None and known[0] == values:
            return known[1]
        if len(self._values) >= self._most:
            self._values.clear()
        made = self._make(self._converted(values))
        self._values[key] = values, made
        return made

    def fresh(self, row: Sequence[Any]) -> T:
        """Return the value of *row* without a look at what is kept, and without keeping it."""
        return self._make(self._converted(row[: len(self.columns)]))

    def _converted(self, values: Sequence[Any]) -> list[Any]:
        converted = list(values)
        for place, convert in self._conversions:
            converted[place] = convert(converted[place])
        return converted


def _conversion(kind: Instant | Flag | Upon) -> Callable[[Any], Any]:
    if isinstance(kind, Instant):
        return instant_or_none
    return lambda value: kind.process_result_value(value, _ANY)
