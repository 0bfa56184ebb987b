"""The claim: the one transaction that says that runs exist, and moves their jobs on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from schedsync.errors import StaleObservationError
from schedsync.runs.run import Run
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.leases import Lease, fence
from schedsync.store.rows import chunks, execute_last, insertion
from schedsync.store.writing import ForEach

Slot = tuple[str, datetime, int]
"""What there is one row of: job, slot and attempt."""
_runs, _jobs = tables.runs.c, tables.jobs.c
_STAY = (
    update(tables.jobs)
    .where(_jobs.id == bindparam("b_id"), _jobs.generation == bindparam("b_generation"))
    .values(generation=_jobs.generation)
)
_ADVANCE = ForEach(
    {
        "b_id": _jobs.id.type,
        "b_schedule": _jobs.schedule_digest.type,
        "b_from": _jobs.next_fire_at.type,
        "next_fire_at": _jobs.next_fire_at.type,
    },
    lambda new, _: (
        update(tables.jobs)
        .where(
            _jobs.id == new["b_id"],
            _jobs.schedule_digest == new["b_schedule"],
            _jobs.next_fire_at == new["b_from"],
        )
        .values(next_fire_at=new["next_fire_at"])
    ),
)


@dataclass(frozen=True, slots=True)
class Advance:
    """Moves a job on to its next slot, if it still stands where the claim was decided, and has the same schedule.

    An edit may keep the slot that is due; which one follows is then another matter. One that leaves the schedule alone
    does not keep a claim from being made.
    """

    job_id: str
    schedule_digest: str
    from_slot: datetime
    to_slot: datetime | None


@dataclass(frozen=True, slots=True)
class Stay:
    """Leaves a job where it stands, if it is still what a claim was decided for, whose slots are not in its row."""

    job_id: str
    generation: int


def claim(database: Database, lease: Lease, runs: Sequence[Run], advances: Sequence[Advance | Stay]) -> list[Run]:
    """Write *runs*, except those whose slot has a row already, and *advances*; return the runs that are written.

    A claim whose answer was lost may be repeated: what it wrote is recognised.

    Raises:
        LeadershipLostError: another instance leads now; nothing was written.
        StaleObservationError: a job changed since it was looked at; nothing was written.
        sqlalchemy.exc.IntegrityError: the tables refuse a run for what it is; nothing was written.
    """
    try:
        return _write(database, lease, runs, advances)
    except StaleObservationError:
        ours = _written_before(database, runs)[0]
        if not ours:
            raise
        return ours
    except IntegrityError:
        ours, new = _written_before(database, runs)
    try:
        return ours or _write(database, lease, new, advances)
    except IntegrityError as error:
        if len(new) == len(runs):
            raise
        raise StaleObservationError("another writer claims the same slots") from error


def _written_before(database: Database, runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """Return those of *runs* that are written, by a claim whose answer was lost, and those whose slot has no row."""
    if not runs:
        return [], []
    with database.read() as connection:
        known = known_slots(connection, runs)
    ours = [run for run in runs if known.get(slot_of(run)) == run.id]
    return ours, [run for run in runs if slot_of(run) not in known]


def _write(database: Database, lease: Lease, runs: Sequence[Run], advances: Sequence[Advance | Stay]) -> list[Run]:
    with database.write() as connection:
        fence(connection, lease)
        _advance(connection, advances)
        execute_last(connection, [insertion(runs)])
    return list(runs)


def _advance(connection: Connection, advances: Sequence[Advance | Stay]) -> None:
    # By id, as a plan is applied: transactions that lock rows in one order do not block each other.
    ordered = sorted(advances, key=lambda advance: advance.job_id)
    moved = [
        {
            "b_id": each.job_id,
            "b_schedule": each.schedule_digest,
            "b_from": each.from_slot,
            "next_fire_at": each.to_slot,
        }
        for each in ordered
        if isinstance(each, Advance)
    ]
    stayed = [{"b_id": each.job_id, "b_generation": each.generation} for each in ordered if isinstance(each, Stay)]
    changed = _ADVANCE.execute(connection, moved) if moved else 0
    changed += connection.execute(_STAY, stayed).rowcount if stayed else 0
    if changed != len(ordered):
        raise StaleObservationError("a job changed while its slots were claimed")


def slot_of(run: Run) -> Slot:
    """Return what there is only one row of."""
    return run.job_id, run.scheduled_at, run.attempt


def known_slots(connection: Connection, runs: Sequence[Run]) -> dict[Slot, str]:
    """Return slots that have a row, with the id of the run in it: all those of *runs* that have one, and others."""
    attempts = sorted({run.attempt for run in runs})
    span = min(run.scheduled_at for run in runs), max(run.scheduled_at for run in runs)
    known: dict[Slot, str] = {}
    for chunk in chunks(sorted({run.job_id for run in runs})):
        rows = connection.execute(
            select(_runs.job_id, _runs.scheduled_at, _runs.attempt, _runs.id).where(
                _runs.job_id.in_(chunk), _runs.scheduled_at.between(*span), _runs.attempt.in_(attempts)
            )
        )
        known.update({(row.job_id, row.scheduled_at, row.attempt): row.id for row in rows})
    return known
