"""Rows fetched without a pause between them.

Python's ``sqlite3`` lets other threads run before each row, and then has to wait for its turn again: while others
compute, a page of a hundred rows takes a hundred such waits. So SQLite is asked for one row that holds all of them, as
JSON. The drivers of the other databases fetch many rows at a time anyway.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Dialect, Select, func, select, type_coerce
from sqlalchemy.sql.elements import KeyedColumnElement

from schedsync.store.types import Flag, Instant, Upon

CONVERTED = (Flag, Instant, Upon)
"""The column types whose values are not what a driver gives."""
ONE_BY_ONE = "schedsync_one_by_one"
"""The execution option of an engine whose driver gives one row at a time."""
BREAK = "\n"
"""Ends a line of JSON, in which it stands as an escape."""
_NOTHING: Mapping[str, Any] = {}


def as_it_comes(column: KeyedColumnElement[Any]) -> ColumnElement[Any]:
    """Return *column* without the conversion of its type: numbers and texts, as the driver gives them."""
    if not isinstance(column.type, CONVERTED):
        return column
    return type_coerce(column, column.type.impl_instance).label(column.key)


def gives_one_by_one(connection: Connection) -> bool:
    """Whether the driver gives one row at a time, and lets other threads run before each."""
    return bool(connection.get_execution_options().get(ONE_BY_ONE, False))


def in_one_text(statement: Select[Any] | CompoundSelect[Any]) -> Select[Any]:
    """Return the question whose answer is one text: the rows of *statement* as JSON. For such a driver's database."""
    rows = statement.subquery()
    return select(func.json_group_array(func.json_array(*rows.c)))


class Prepared:
    """A question in the words of one database, for which SQLAlchemy has nothing left to do but to ask it."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        """Take a question.

        Args:
            statement: its parameters and columns hold numbers and texts that nothing converts.
            dialect: of the database; its parameters are told by their places.
        """
        compiled = statement.compile(dialect=dialect)
        self._text, self._places = compiled.string, tuple(compiled.positiontup or ())
        self._given = {name: value for name, value in compiled.params.items() if value is not None}

    def rows(self, connection: Connection, given: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Return the rows, given the parameters of the statement that it does not say itself."""
        values = {**self._given, **given}
        return connection.exec_driver_sql(self._text, tuple(values[name] for name in self._places)).all()


class AtOnce:
    """A question whose rows come at once. One that is asked often is worth keeping."""

    def __init__(self, statement: Select[Any] | CompoundSelect[Any]) -> None:
        """Take a question.

        Args:
            statement: its columns hold numbers and texts that nothing converts (``as_it_comes``).
        """
        self.statement = statement

    def rows(
        self, connection: Connection, given: Mapping[str, Any] = _NOTHING, *, bite: int
    ) -> Sequence[Sequence[Any]]:
        """Return the rows in their order, each with what the columns hold.

        Args:
            connection: a transaction.
            given: the parameters of the statement.
            bite: how many rows come in one round trip, where they come in round trips.
        """
        if gives_one_by_one(connection):
            rows: list[list[Any]] = json.loads(connection.execute(self._in_one_row, given).scalar_one())
            return rows
        return connection.execute(self.statement, given, execution_options={"schedsync_rows": bite}).all()

    def lines(self, connection: Connection) -> list[str] | None:
        """Return the rows as JSON, a text for each, in any order; None where the driver has many rows in one answer.

        For who has seen most of them before.
        """
        if not gives_one_by_one(connection):
            return None
        text: str | None = connection.execute(self._in_lines).scalar_one()
        return text.split(BREAK) if text else []

    @cached_property
    def _in_one_row(self) -> Select[Any]:
        return in_one_text(self.statement)

    @cached_property
    def _in_lines(self) -> Select[Any]:
        rows = self.statement.subquery()
        return select(func.group_concat(func.json_array(*rows.c), BREAK))
