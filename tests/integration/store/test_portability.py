"""What keeps the store portable, checked without a database: names, types, and the DDL that Oracle would be given."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import JSON, Boolean, Column, DateTime, Float, Numeric, String, Table, Text, Uuid
from sqlalchemy.dialects import oracle
from sqlalchemy.schema import ColumnCollectionConstraint, CreateIndex, CreateTable, ExecutableDDLElement
from sqlalchemy.types import TypeDecorator

import schedsync.store
from schedsync.store import tables
from schedsync.store.dialects import DIALECTS
from schedsync.store.versions import VERSION_TABLE

STORE = Path(schedsync.store.__file__).parent
TABLES = tables.metadata.sorted_tables
COLUMNS = [column for table in TABLES for column in table.c]
WORDS = """
access add all alter and any as asc audit between by char check cluster column column_value comment compress connect
create current date decimal default delete desc distinct drop else exclusive exists file float for from grant group
having identified immediate in increment index initial insert integer intersect into is level like lock long maxextents
minus mlslabel mode modify nested_table_id noaudit nocompress not nowait null number of offline on online option or
order pctfree prior public raw rename resource revoke row rowid rownum rows select session set share size smallint
start successful synonym sysdate table then to trigger uid union unique update user validate values varchar varchar2
view whenever where with

analyse analyze array asymmetric authorization binary both case cast collate collation concurrently constraint cross
current_catalog current_date current_role current_schema current_time current_timestamp current_user deferrable do end
except false fetch foreign freeze full ilike initially inner isnull join lateral leading left limit localtime
localtimestamp natural notnull offset only outer overlaps placing primary references returning right session_user
similar some symmetric system_user tablesample trailing true using variadic verbose when window
"""
RESERVED = frozenset(WORDS.split())
"""Oracle's reserved words, and those that PostgreSQL reserves besides."""


def names() -> Iterator[str]:
    yield from (VERSION_TABLE, *tables.VIEWS)
    yield from (column for columns in tables.VIEWS.values() for column in columns)
    yield from (table for dialect in DIALECTS.values() for table in dialect.own_tables)
    for table in TABLES:
        yield table.name
        yield from (column.name for column in table.c)
        yield from (str(index.name) for index in table.indexes)
        yield from (str(constraint.name) for constraint in table.constraints)


def ddl(element: ExecutableDDLElement) -> str:
    dialect = oracle.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's dialect classes are not typed
    return str(element.compile(dialect=dialect))


@pytest.mark.parametrize("name", sorted(set(names())))
def test_a_name_is_short_and_needs_no_quotes_anywhere(name: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert len(name.encode()) <= 30
    assert name not in RESERVED


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_no_column_has_a_type_that_means_something_else_on_another_database(column: Column[object]) -> None:
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    assert not isinstance(kind, Boolean | DateTime | Float | Numeric | JSON | Uuid)


@pytest.mark.parametrize("column", [c for c in COLUMNS if not isinstance(c.type, Text)], ids=str)
def test_a_text_column_that_is_no_lob_has_a_length_that_fits_in_any_encoding(column: Column[object]) -> None:
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    if isinstance(kind, String):
        assert kind.length is not None
        assert kind.length <= 1_000


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_tables_can_be_made_on_oracle(table: Table) -> None:
    statement = ddl(CreateTable(table))
    lines = [line.strip().rstrip(",") for line in statement.splitlines()]
    columns = [line for line in lines if line.split(" ")[0] in table.c]
    known = re.compile(r"\w+ (NUMBER\(19\)|INTEGER|SMALLINT|CLOB|VARCHAR2\((\d+) CHAR\))( NOT NULL)?")
    assert len(columns) == len(table.c)
    for line in columns:
        match = known.fullmatch(line)
        assert match, line
        assert int(match[2] or 0) * 4 <= 4_000, line
    assert '"' not in statement


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_indexes_can_be_made_on_oracle(table: Table) -> None:
    keys = [tuple(each.columns.keys()) for each in table.constraints if isinstance(each, ColumnCollectionConstraint)]
    for index in table.indexes:
        assert ddl(CreateIndex(index)).startswith("CREATE INDEX ")
        assert tuple(index.columns.keys()) not in keys  # ORA-01408: such column list already indexed


@pytest.mark.parametrize("table", [tables.jobs, tables.runs, tables.pauses, tables.leases], ids=lambda t: t.name)
def test_hot_rows_carry_no_lob(table: Table) -> None:
    assert not [column.name for column in table.c if isinstance(column.type, Text)]


def test_only_the_dialects_ask_which_database_it_is() -> None:
    asking = [
        f"{path.relative_to(STORE)}:{node.lineno}"
        for path in STORE.rglob("*.py")
        if path.parent.name != "dialects"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare | ast.Match)
        if re.search(r"\bdialect\b.*\bname\b|\bbackend_name\b|'(sqlite|postgresql|oracle)'", ast.unparse(node))
    ]
    assert asking == []
