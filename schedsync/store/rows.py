"""Between rows and values, and lists cut to what a statement may carry."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Column, Row

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


def run_from(row: Row[Any]) -> Run:
    """Return the run that a row with RUN_COLUMNS holds."""
    values = row._mapping  # noqa: SLF001 - the public name of a row's mapping
    given: dict[str, Any] = {field.name: values[tables.runs.c[field.name]] for field in fields(Run)}
    return Run(**given | {"state": RunState(given["state"]), "cause": Cause(given["cause"])})


def row_of(run: Run) -> dict[str, Any]:
    """Return *run* as the values of its row."""
    return {field.name: getattr(run, field.name) for field in fields(Run)}


def pause_from(row: Row[Any]) -> Pause:
    """Return the pause that a row of the pauses table holds."""
    return Pause(job_id=row.job_id, by=row.paused_by, since=row.since_at, reason=row.reason, until=row.until_at)
