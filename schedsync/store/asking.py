"""Runs that people ask for: rows that no instance owns until the leader takes them up."""

from dataclasses import replace
from functools import partial

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from schedsync.clock import MICROSECOND
from schedsync.runs.run import Run
from schedsync.store import tables
from schedsync.store.claims import known_slots, slot_of
from schedsync.store.database import Database
from schedsync.store.rows import LAST, row_of
from schedsync.store.syncs import insert_audit

TRIES = 20
"""How many people may ask for the same job within the same microsecond."""


def ask(database: Database, run: Run) -> Run:
    """Write down that somebody wants *run*, with a line in the audit log; return it as it is written.

    Where another run has its moment already, it gets the next one that is free. After a DatabaseUnavailableError it may
    have been written.
    """
    for _ in range(TRIES - 1):
        if _is_taken_down(database, run):
            return run
        run = replace(run, scheduled_at=run.scheduled_at + MICROSECOND)
    database.retrying(partial(_write, database, run))
    return run


def _is_taken_down(database: Database, run: Run) -> bool:
    """Write *run*; return whether it is there now."""
    try:
        database.retrying(partial(_write, database, run))
        return True
    except IntegrityError:
        return _is_written(database, run)


def _write(database: Database, run: Run) -> None:
    with database.write() as connection:
        who, why = str(run.asked_by), run.ask_reason
        insert_audit(connection, at=run.scheduled_at, actor=who, action="trigger", job_id=run.job_id, reason=why)
        connection.execute(insert(tables.runs), row_of(run), execution_options=LAST)


def _is_written(database: Database, run: Run) -> bool:
    """Whether it is there, by a try whose answer was lost."""
    with database.read() as connection:
        return known_slots(connection, [run]).get(slot_of(run)) == run.id
