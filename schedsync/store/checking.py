"""A live schema, held against what the program needs. Changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Index, Inspector, Table, UniqueConstraint, inspect

from schedsync.errors import SchemaError
from schedsync.store import rights, tables
from schedsync.store.database import Database
from schedsync.store.migrate import is_current, version
from schedsync.store.versions import NEWEST, VERSION_TABLE

_UPGRADE = "run `schedsync db upgrade`, or what `schedsync db ddl` prints"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as the program needs it."""

    object: str
    """The table, view, index or column."""
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A schema, judged."""

    version: str | None
    """The one that is written down."""
    differences: tuple[Difference, ...]
    rights_known: bool
    """Whether the database told which rights the connected user has."""


def check(database: Database, *, read_only: bool = False) -> Checked:
    """Hold the schema of *database* against what the program needs.

    Args:
        database: where.
        read_only: whether the connected user is only to read.

    Raises:
        DatabaseUnavailableError: the database cannot be reached.
    """
    if not database.exists:
        return Checked(None, (Difference(VERSION_TABLE, f"there is no database yet; {_UPGRADE}"),), rights_known=True)
    found = version(database)
    with database.read() as connection:
        shape = [*_shape(connection), *_keys(inspect(connection)), *_views(database, inspect(connection))]
    rights = _rights(database, read_only=read_only)
    return Checked(found, (*_version(found), *shape, *(rights or ())), rights_known=rights is not None)


def _version(found: str | None) -> Iterator[Difference]:
    try:
        if is_current(found):
            return
    except SchemaError as error:
        yield Difference(VERSION_TABLE, str(error))
        return
    what = "no version is written down" if found is None else f'the schema is of version "{found}"'
    yield Difference(VERSION_TABLE, f'{what}, needed is "{NEWEST}"; {_UPGRADE}')


def _shape(connection: Connection) -> Iterator[Difference]:
    """Compare tables, columns, indexes and unique keys. What a DBA has added stays, as long as rows can be added."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - only a check needs it
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name in tables.metadata.tables

    context = MigrationContext.configure(connection, opts={"include_name": ours, "version_table": VERSION_TABLE})
    for found in compare_metadata(context, tables.metadata):
        for each in found if isinstance(found, list) else [found]:
            yield from _difference(each)


def _difference(found: tuple[Any, ...]) -> Iterator[Difference]:
    match found:
        case ("add_table", Table() as table):
            yield Difference(table.name, "is missing")
        case ("add_column", _, table, Column() as column):
            yield Difference(f"{table}.{column.name}", "is missing")
        case ("remove_column", _, table, Column() as column) if not column.nullable and not column.server_default:
            yield Difference(f"{table}.{column.name}", "is required, and this version does not know it")
        case ("modify_type", _, table, column, _, there, needed):
            yield Difference(f"{table}.{column}", f"is {there!r}, needed is {needed!r}")
        case ("modify_nullable", _, table, column, _, there, _):
            yield Difference(f"{table}.{column}", "may be NULL" if there else "may not be NULL")
        case ("add_index" | "add_constraint", Index() | UniqueConstraint() as index):
            columns = ", ".join(column.name for column in index.columns)
            yield Difference(str(index.name), f"is missing on {_table(index)} ({columns})")
        case ("remove_index", Index(unique=True) as index) | ("remove_constraint", UniqueConstraint() as index):
            yield Difference(str(index.name), f"allows fewer rows in {_table(index)} than this version needs")


def _table(index: Index | UniqueConstraint) -> str:
    return "" if index.table is None else index.table.name


def _keys(there: Inspector) -> Iterator[Difference]:
    present = set(there.get_table_names())
    for table in tables.metadata.sorted_tables:
        needed = [column.name for column in table.primary_key]
        found = there.get_pk_constraint(table.name)["constrained_columns"] if table.name in present else needed
        if found != needed:
            shown = ", ".join(found) or "none"
            yield Difference(table.name, f"has the primary key ({shown}), needed is ({', '.join(needed)})")


def _views(database: Database, there: Inspector) -> Iterator[Difference]:
    present = set(there.get_table_names())
    # What only an upgrade uses nobody but the owner has to see.
    own = database.dialect.own_tables if database.address.schema is None else ()
    yield from (Difference(name, "is missing") for name in own if name not in present)
    views = set(there.get_view_names())
    for name, columns in tables.VIEWS.items():
        if name not in views:
            yield Difference(name, "is missing")
            continue
        found = {column["name"] for column in there.get_columns(name)}
        yield from (Difference(f"{name}.{column}", "is missing") for column in columns if column not in found)


def _rights(database: Database, *, read_only: bool) -> list[Difference] | None:
    lacking = rights.lacking(database, read_only=read_only)
    if lacking is None:
        return None
    return [Difference(table, f"the connected user lacks {', '.join(each)}") for table, each in lacking.items()]
