"""The steps of migrations. Where DDL commits, a step that an earlier attempt has made already is passed over."""

from typing import Any

from alembic import op
from sqlalchemy import Column, Inspector, inspect
from sqlalchemy.schema import SchemaItem

from schedsync.errors import SchemaError
from schedsync.store.dialects import dialect_named
from schedsync.store.dialects.base import DatabaseDialect


def create_table(name: str, *items: SchemaItem) -> None:
    """Create a table.

    Raises:
        SchemaError: a table of this name is there and is not what an earlier attempt made.
    """
    there = _there()
    if there is not None and there.has_table(name):
        _require(name, {item.name for item in items if isinstance(item, Column)}, there)
        return
    op.create_table(name, *items)


def create_index(name: str, table: str, columns: list[str]) -> None:
    """Create an index."""
    there = _there()
    if there is None or name not in {index["name"] for index in there.get_indexes(table)}:
        op.create_index(name, table, columns)


def add_column(table: str, column: Column[Any]) -> None:
    """Add a column to a table."""
    there = _there()
    if there is None or column.name not in {found["name"] for found in there.get_columns(table)}:
        op.add_column(table, column)


def create_view(name: str, columns: dict[str, str], source: str) -> None:
    """Create a view.

    Args:
        name: of the view.
        columns: name -> expression.
        source: what stands behind FROM.

    Raises:
        SchemaError: a view of this name is there and is not what an earlier attempt made.
    """
    there = _there()
    if there is not None and name in there.get_view_names():
        _require(name, set(columns), there)
        return
    op.execute(f"CREATE VIEW {name} AS\n{_select(columns, source)}")


def replace_view(name: str, columns: dict[str, str], source: str) -> None:
    """Let a view show something else. Rights on it stay.

    Args:
        name: of the view.
        columns: name -> expression; those that the view has already come first.
        source: what stands behind FROM.
    """
    create = "CREATE OR REPLACE VIEW"
    if not _dialect().replaces_views:
        op.execute(f"DROP VIEW IF EXISTS {name}")
        create = "CREATE VIEW"
    op.execute(f"{create} {name} AS\n{_select(columns, source)}")


def _select(columns: dict[str, str], source: str) -> str:
    listed = ",\n    ".join(f"{expression} AS {column}" for column, expression in columns.items())
    return f"SELECT\n    {listed}\nFROM {source}"


def timestamp(column: str) -> str:
    """Return the expression that shows a column of epoch microseconds as a timestamp in UTC."""
    return _dialect().timestamp(column)


def _dialect() -> DatabaseDialect:
    return dialect_named(op.get_context().dialect.name)


def _there() -> Inspector | None:
    """Return what tells what an earlier attempt has left; None where it cannot have left anything."""
    if op.get_context().as_sql or not _dialect().ddl_commits:
        return None
    return inspect(op.get_bind())


def _require(name: str, columns: set[str | None], there: Inspector) -> None:
    missing = columns - {column["name"] for column in there.get_columns(name)}
    if missing:
        listed = ", ".join(sorted(map(str, missing)))
        raise SchemaError(
            f"{name} is in the way: it is there and has no {listed}; rename or drop it, then upgrade again"
            " (what is made already is kept)"
        )
