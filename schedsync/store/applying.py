"""A plan, written down: each kind of change in a few statements, guarded by the generation that the plan saw."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, exists, insert, select, update

from schedsync.errors import StaleObservationError
from schedsync.plan.ops import Add, Plan, Remove, Update
from schedsync.plan.state import Located, ObservedJob
from schedsync.specs.fingerprint import ascii_json, canonical
from schedsync.store import tables
from schedsync.store.rows import update_each

_jobs, _specs, _pauses, _runs = tables.jobs.c, tables.specs.c, tables.pauses.c, tables.runs.c
_alarms = tables.alarms.c
_AS_SEEN = (_jobs.id == bindparam("b_id"), _jobs.generation == bindparam("b_generation"))


def apply_plan(connection: Connection, plan: Plan, now: datetime) -> None:
    """Make the store what *plan* says, within a transaction.

    Raises:
        StaleObservationError: another writer changed a job that the plan changes.
        sqlalchemy.exc.IntegrityError: another writer added a job that the plan adds.
    """
    _rename(connection, [update for update in plan.update if update.renames])
    _add(connection, plan.add, plan.revision, now)
    _update(connection, plan.update, plan.revision, now)
    _mark_stale(connection, [keep.before for keep in plan.keep if not keep.before.stale], now)
    _remove(connection, plan.remove)


def _rename(connection: Connection, renames: Sequence[Update]) -> None:
    """Give jobs their new ids; the update that follows finds them there, and writes their specs."""
    ids = [{"b_old": rename.before.id, "b_new": rename.job.spec.id} for rename in renames]
    if not ids:
        return
    _drop_specs(connection, [rename.before.id for rename in renames])
    for statement in (_RENAME_JOBS, *_RENAME_BESIDE, _RENAME_RUNS):
        connection.execute(statement, ids)


_OLD: BindParameter[str] = bindparam("b_old")
_NEW: BindParameter[str] = bindparam("b_new")
_RENAME_JOBS = update(tables.jobs).where(_jobs.id == _OLD).values(id=_NEW)
_RENAME_PAUSES = update(tables.pauses).where(_pauses.job_id == _OLD).values(job_id=_NEW)
# A pause that an earlier job of the new id left behind gives way to the one that the renamed job brings.
_other_pauses = tables.pauses.alias("o")
_DROP_OVERRIDDEN_PAUSES = delete(tables.pauses).where(
    _pauses.job_id == _NEW, exists(select(_other_pauses.c.job_id).where(_other_pauses.c.job_id == _OLD))
)
_DROP_OTHER_ALARMS = delete(tables.alarms).where(_alarms.job_id == _NEW)
_RENAME_ALARMS = update(tables.alarms).where(_alarms.job_id == _OLD).values(job_id=_NEW)
_RENAME_BESIDE = (_DROP_OVERRIDDEN_PAUSES, _RENAME_PAUSES, _DROP_OTHER_ALARMS, _RENAME_ALARMS)
# Where an earlier job of the new id had the same slot, that one keeps its run, and the renamed job's stays as it was.
_other_runs = tables.runs.alias("o")
_RENAME_RUNS = (
    update(tables.runs)
    .where(
        _runs.job_id == _OLD,
        ~exists(
            select(_other_runs.c.id).where(
                _other_runs.c.job_id == _NEW,
                _other_runs.c.scheduled_at == _runs.scheduled_at,
                _other_runs.c.attempt == _runs.attempt,
            )
        ),
    )
    .values(job_id=_NEW)
)


def _add(connection: Connection, adds: Sequence[Add], revision: str, now: datetime) -> None:
    rows = [
        {
            "id": add.job.spec.id,
            "anchor_at": add.anchor_at,
            "generation": 1,
            "created_at": now,
            "next_fire_at": add.next_fire_at,
            **_values(add.job, revision, now),
        }
        for add in adds
    ]
    if rows:
        connection.execute(insert(tables.jobs), rows)
    _put_specs(connection, [add.job for add in adds])


def _update(connection: Connection, updates: Sequence[Update], revision: str, now: datetime) -> None:
    # An edit that leaves the schedule alone must not write next_fire_at: firing may have moved it since the plan.
    for reschedules in (False, True):
        rows = [
            {
                "b_id": update.job.spec.id,
                "b_generation": update.before.generation,
                "generation": update.before.generation + 1,
                **({"next_fire_at": update.next_fire_at} if reschedules else {}),
                **_values(update.job, revision, now),
            }
            for update in updates
            if update.reschedules is reschedules
        ]
        _update_as_seen(connection, rows)
    _put_specs(connection, [update.job for update in updates if update.changes_spec])


def _values(job: Located, revision: str, now: datetime) -> dict[str, Any]:
    return {
        "suspended": job.spec.suspend,
        "follows": job.spec.follows,
        "stale": False,
        "prune_policy": job.spec.prune.value,
        "spec_digest": job.digest,
        "schedule_digest": job.schedule_digest,
        "source_file": job.source.file,
        "source_line": job.source.line,
        "revision": revision,
        "updated_at": now,
    }


def _mark_stale(connection: Connection, stale: Iterable[ObservedJob], now: datetime) -> None:
    rows = [
        {
            "b_id": job.id,
            "b_generation": job.generation,
            "generation": job.generation + 1,
            "stale": True,
            "updated_at": now,
        }
        for job in stale
    ]
    _update_as_seen(connection, rows)


def _update_as_seen(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if update_each(connection, tables.jobs, rows, *_AS_SEEN) != len(rows):
        raise StaleObservationError("another writer changed a job that this plan changes")


def _remove(connection: Connection, removals: Sequence[Remove]) -> None:
    rows = [{"b_id": removal.before.id, "b_generation": removal.before.generation} for removal in removals]
    if rows and connection.execute(delete(tables.jobs).where(*_AS_SEEN), rows).rowcount != len(rows):
        raise StaleObservationError("another writer changed a job that this plan removes")
    if rows:
        connection.execute(delete(tables.alarms).where(_alarms.job_id == bindparam("b_id")), rows)
    _drop_specs(connection, [removal.before.id for removal in removals])


def _put_specs(connection: Connection, jobs: Sequence[Located]) -> None:
    # Replaced, not updated: a row that was removed or left behind by hand is healed on the way.
    _drop_specs(connection, [job.spec.id for job in jobs])
    rows = [
        {"job_id": job.spec.id, "spec_digest": job.digest, "spec_text": ascii_json(canonical(job.spec))} for job in jobs
    ]
    if rows:
        connection.execute(insert(tables.specs), rows)


def _drop_specs(connection: Connection, job_ids: Iterable[str]) -> None:
    rows = [{"b_id": job_id} for job_id in job_ids]
    if rows:
        connection.execute(delete(tables.specs).where(_specs.job_id == bindparam("b_id")), rows)
