"""Values made of rows: while a row stays as it is, so does its value, which is the same object then.

Readers ask for the same rows again and again, of which few have changed meanwhile. Rows are compared as the driver
gives them, so those that are as they were cost no conversion.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, ColumnElement, Row, type_coerce
from sqlalchemy.engine.default import DefaultDialect

from schedsync.store.types import Flag, Instant

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
        self.columns: tuple[ColumnElement[Any], ...] = tuple(_as_it_comes(column) for column in columns)
        """What to ask for."""
        types = enumerate(column.type for column in columns)
        self._conversions = [(place, kind) for place, kind in types if isinstance(kind, Instant | Flag)]
        self._make, self._most = make, most
        self._values: dict[str, tuple[Sequence[Any], T]] = {}

    def value(self, key: str, row: Row[Any]) -> T:
        """Return the value of *row*, which begins with ``columns``; *key* says what it is about."""
        values = row[: len(self.columns)]
        known = self._values.get(key)
        if known is not None and known[0] == values:
            return known[1]
        if len(self._values) >= self._most:
            self._values.clear()
        made = self._make(self._converted(values))
        self._values[key] = values, made
        return made

    def _converted(self, values: Sequence[Any]) -> list[Any]:
        converted = list(values)
        for place, kind in self._conversions:
            converted[place] = kind.process_result_value(converted[place], _ANY)
        return converted


def _as_it_comes(column: Column[Any]) -> ColumnElement[Any]:
    if not isinstance(column.type, Instant | Flag):
        return column
    return type_coerce(column, column.type.impl_instance).label(column.name)
