"""Between rows and values, and lists cut to what a statement may carry."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Executable, FromClause, Table, bindparam, update

from schedsync.runs.pause import Pause
from schedsync.runs.run import Cause, Run, RunState
from schedsync.store import tables

T = TypeVar("T")
CHUNK = 500
"""The longest IN list: some databases refuse more than 1,000 members."""


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Yield *items* in lists of at most *size*."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


RUN_COLUMNS: tuple[Column[Any], ...] = tuple(tables.runs.c[field.name] for field in fields(Run))


_STATE, _UPSTREAM_STATE, _CAUSE = (
    [field.name for field in fields(Run)].index(name) for name in ("state", "upstream_state", "cause")
)


def run_from(row: Sequence[Any]) -> Run:
    """Return the run that a row with RUN_COLUMNS holds. By position: pages have hundreds of them."""
    values = list(row)
    values[_STATE], values[_CAUSE] = RunState(values[_STATE]), Cause(values[_CAUSE])
    if values[_UPSTREAM_STATE] is not None:
        values[_UPSTREAM_STATE] = RunState(values[_UPSTREAM_STATE])
    return Run(*values)


def row_of(run: Run) -> dict[str, Any]:
    """Return *run* as the values of its row."""
    return {column.name: getattr(run, column.name) for column in RUN_COLUMNS}


def rows_of(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """Return *runs* as the values of new rows, without the columns that none of them has anything in.

    Most runs have nothing in half of the columns, and what is sent for hundreds of them at once takes its time.
    """
    rows = [row_of(run) for run in runs]
    names = [column.name for column in RUN_COLUMNS if any(row[column.name] is not None for row in rows)]
    return [{name: row[name] for name in names} for row in rows]


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


Write = tuple[Executable, Sequence[Mapping[str, Any]]]
"""A statement whose answer nobody needs, and the rows to execute it for."""


def execute_last(connection: Connection, writes: Sequence[Write]) -> None:
    """Execute what ends a transaction; where the database can, the commit travels with the last one."""
    todo = [(statement, rows) for statement, rows in writes if rows]
    for place, (statement, rows) in enumerate(todo):
        last = place == len(todo) - 1
        connection.execute(statement, rows, execution_options=LAST if last else {})


LAST = {"schedsync_last": True}
"""The execution option of a transaction's last statement, whose failure means that nothing was written."""


def update_for_each(table: Table, rows: Sequence[Mapping[str, Any]], *where: ColumnElement[bool]) -> Write:
    """Return what updates *table* once for each of *rows*, as ``update_each`` does."""
    columns = [name for name in rows[0] if not name.startswith("b_")] if rows else []
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    return update(table).where(*where).values(values), rows


_PAUSE = ("job_id", "paused_by", "since_at", "reason", "until_at")
PAUSE_WIDTH = len(_PAUSE)


def pause_columns(pauses: FromClause) -> list[ColumnElement[Any]]:
    """Return what ``pause_from`` needs, of the pauses table or an alias of it."""
    return [pauses.c[name] for name in _PAUSE]


def pause_from(values: Sequence[Any]) -> Pause:
    """Return the pause that ``pause_columns`` hold."""
    return Pause(*values)
