"""One statement for many rows, as few calls of the driver as can be.

Python's ``sqlite3`` lets other threads run at each row that it writes, as at each that it fetches
(``schedsync.store.fetching``), and waits for its turn again. So SQLite is given all rows at once, as JSON in one
parameter. Of the others each driver has a way of its own to send many rows.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, func, literal_column
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from schedsync.store.fetching import ONE_BY_ONE

_ANY = DefaultDialect()
"""Our types mean the same on each."""
_ROWS = "rows_as_json"
Values = Mapping[str, Any]
"""What stands for the values of a row in a statement, by name."""


class ForEach:
    """A statement that is executed for each of many rows. One that is executed often is worth keeping."""

    def __init__(self, types: Mapping[str, TypeEngine[Any]], make: Callable[[Values, Any], Executable]) -> None:
        """Take a statement.

        Args:
            types: the values that a row has, by name, in any order; all are numbers or texts in the database.
            make: returns the statement, given what stands for the values, and what they come from: None where they
                are parameters.
        """
        self._types, self._make = types, make

    def execute(
        self, connection: Connection, rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any] | None = None
    ) -> int:
        """Execute it for *rows*, of which there are some; return how many rows of the table were written."""
        if connection.get_execution_options().get(ONE_BY_ONE, False):
            given = {_ROWS: json.dumps([self._as_json(row) for row in rows], ensure_ascii=False)}
            return connection.execute(self._all_at_once, given).rowcount
        return connection.execute(self._each, rows, execution_options=options or {}).rowcount

    def _as_json(self, row: Mapping[str, Any]) -> list[Any]:
        return [convert(row[name]) for name, convert in self._conversions]

    @cached_property
    def _conversions(self) -> list[tuple[str, Callable[[Any], Any]]]:
        return [(name, _conversion(kind)) for name, kind in self._types.items()]

    @cached_property
    def _each(self) -> Executable:
        return self._make({name: bindparam(name, type_=kind) for name, kind in self._types.items()}, None)

    @cached_property
    def _all_at_once(self) -> Executable:
        each = func.json_each(bindparam(_ROWS)).table_valued("value", name="each_row")
        # Of no type: what is in the JSON is as the database has it.
        values = {
            name: func.json_extract(each.c.value, literal_column(f"'$[{place}]'"))
            for place, name in enumerate(self._types)
        }
        return self._make(values, each)


def _conversion(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    """Return what makes of a value what the database has."""
    if not isinstance(kind, TypeDecorator):
        return lambda value: value
    return lambda value: kind.process_bind_param(value, _ANY)
