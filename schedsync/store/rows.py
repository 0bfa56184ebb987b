"""Between rows and values, and lists cut to what a statement may carry."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Executable,
    FromClause,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from schedsync.clock import from_micros
from schedsync.runs.pause import Pause
from schedsync.runs.run import Cause, Run, RunState, run_of
from schedsync.store import tables
from schedsync.store.fetching import as_it_comes
from schedsync.store.writing import ForEach

T = TypeVar("T")
CHUNK = 500
"""The longest IN list: some databases refuse more than 1,000 members."""


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Yield *items* in lists of at most *size*."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


RUN_COLUMNS: tuple[Column[Any], ...] = tuple(tables.runs.c[field.name] for field in fields(Run))


_RUN_NAMES = [column.name for column in RUN_COLUMNS]
_STATES = {state.value: state for state in RunState}
_CAUSES = {cause.value: cause for cause in Cause}
"""Looked up in a third of the time that an enumeration takes."""
_STATE, _UPSTREAM_STATE, _CAUSE = (_RUN_NAMES.index(name) for name in ("state", "upstream_state", "cause"))


def run_from(row: Sequence[Any]) -> Run:
    """Return the run that a row with RUN_COLUMNS holds. By position: pages have hundreds of them."""
    values = list(row)
    values[_STATE], values[_CAUSE] = _STATES[values[_STATE]], _CAUSES[values[_CAUSE]]
    if values[_UPSTREAM_STATE] is not None:
        values[_UPSTREAM_STATE] = _STATES[values[_UPSTREAM_STATE]]
    return run_of(values)


def row_of(run: Run) -> dict[str, Any]:
    """Return *run* as the values of its row."""
    return {name: getattr(run, name) for name in _RUN_NAMES}


def rows_of(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """Return *runs* as the values of new rows, without the columns that none of them has anything in.

    Most runs have nothing in half of the columns, and what is sent for hundreds of them at once takes its time.
    """
    every = list(runs)
    names = [name for name in _RUN_NAMES if any(getattr(run, name) is not None for run in every)]
    return [{name: getattr(run, name) for name in names} for run in every]


def update_each(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *where: ColumnElement[bool]
) -> int:
    """Update *table* once for each of *rows*, in one round trip; return how many rows of it were changed.

    Args:
        connection: a transaction.
        table: what to update.
        rows: new values by column; what begins with ``b_`` is for *where*. All have the same keys.
        where: which row to update, with ``bindparam("b_...")``.
    """
    if not rows:
        return 0
    statement, _ = update_for_each(table, rows, *where)
    return connection.execute(statement, rows).rowcount


def insertion(runs: Iterable[Run]) -> "Write":
    """Return what inserts *runs*."""
    rows = rows_of(runs)
    return _insert_runs(tuple(rows[0]) if rows else ()), rows


@cache
def _insert_runs(names: tuple[str, ...]) -> ForEach:
    def make(new: Mapping[str, Any], source: Any) -> Executable:
        if source is None:
            return insert(tables.runs)
        return insert(tables.runs).from_select(names, select(*new.values()).select_from(source))

    return ForEach({name: tables.runs.c[name].type for name in names}, make)


Write = tuple[Executable | ForEach, Sequence[Mapping[str, Any]]]
"""A statement whose answer nobody needs, and the rows to execute it for."""


def execute_last(connection: Connection, writes: Sequence[Write]) -> None:
    """Execute what ends a transaction; where the database can, the commit travels with the last one."""
    todo = [(statement, rows) for statement, rows in writes if rows]
    for place, (statement, rows) in enumerate(todo):
        last = place == len(todo) - 1
        if isinstance(statement, ForEach):
            statement.execute(connection, rows, LAST if last else None)
        else:
            connection.execute(statement, rows, execution_options=LAST if last else {})


LAST = {"schedsync_last": True}
"""The execution option of a transaction's last statement, whose failure means that nothing was written."""


def update_for_each(
    table: Table, rows: Sequence[Mapping[str, Any]], *where: ColumnElement[bool]
) -> tuple[Executable, Sequence[Mapping[str, Any]]]:
    """Return what updates *table* once for each of *rows*, as ``update_each`` does."""
    columns = [name for name in rows[0] if not name.startswith("b_")] if rows else []
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    return update(table).where(*where).values(values), rows


_PAUSE = ("job_id", "paused_by", "since_at", "reason", "until_at")
PAUSE_WIDTH = len(_PAUSE)
PAUSE_COLUMNS: tuple[Column[Any], ...] = tuple(tables.pauses.c[name] for name in _PAUSE)


def pause_columns(pauses: FromClause) -> list[ColumnElement[Any]]:
    """Return what ``pause_from`` needs, of the pauses table or an alias of it."""
    return [pauses.c[name] for name in _PAUSE]


def pause_from(values: Sequence[Any]) -> Pause:
    """Return the pause that ``pause_columns`` hold."""
    return Pause(*values)


def raw_pause_columns(pauses: FromClause, prefix: str) -> list[ColumnElement[Any]]:
    """Return what ``pause_from_raw`` needs, of an alias of the pauses table, under names that begin with *prefix*."""
    return [as_it_comes(pauses.c[name]).label(f"{prefix}_{name}") for name in _PAUSE]


def pause_from_raw(values: Sequence[Any]) -> Pause:
    """Return the pause that ``raw_pause_columns`` hold."""
    job_id, by, since, reason, until = values
    return Pause(job_id, by, from_micros(since), reason, None if until is None else from_micros(until))
