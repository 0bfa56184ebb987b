"""The decision: what would make the store equal the folder. No side effects, time is an argument.

Rules, in the order in which they are asked for a job that the store has and the folder does not:

1. its file, or a folder above it, cannot be read or parsed: the job is kept and marked stale;
2. a broken file elsewhere mentions its id: it may have moved there, the removal is held;
3. the folder as a whole says nothing, or too many jobs would go at once, or the job's last good spec says so: held;
4. otherwise it is removed.
"""

import re
from collections.abc import Iterable
from datetime import datetime

from schedsync.plan.ops import Add, Hold, Keep, Plan, Remove, Update
from schedsync.plan.state import Located, Observed, ObservedJob, PruneGuard, Snapshot
from schedsync.specs.policy import Prune
from schedsync.specs.problem import Problem
from schedsync.specs.schedule import next_fire


def diff(snapshot: Snapshot, observed: Observed, *, now: datetime, guard: PruneGuard) -> Plan:
    """Say what would make *observed* equal *snapshot*; an edit never schedules a slot at or before *now* (UTC)."""
    desired, conflicts, problems = _settle_conflicts(snapshot, observed)
    renames = _renames(desired, observed)
    updates, unchanged = [], 0
    for job_id in sorted(desired):
        before = observed.jobs.get(renames.get(job_id, job_id))
        if before is not None:
            update = _update(desired[job_id], before, now)
            updates.append(update) if update else None
            unchanged += update is None
    gone = [observed.jobs[i] for i in sorted(observed.jobs.keys() - desired.keys() - set(renames.values()))]
    keep, remove, hold = _settle_gone(gone, snapshot, conflicts, len(observed.jobs), guard)
    return Plan(
        add=tuple(
            _add(desired[job_id], now) for job_id in sorted(desired.keys() - observed.jobs.keys() - renames.keys())
        ),
        update=tuple(updates),
        keep=tuple(keep),
        remove=tuple(remove),
        hold=tuple(hold),
        unchanged=unchanged,
        problems=(*snapshot.problems, *problems),
        revision=snapshot.revision,
    )


def duplicate_problems(job_id: str, places: Iterable[Located]) -> list[Problem]:
    """Return a problem for each of the *places* that claim one id, each naming all the others."""
    located = list(places)
    return [
        Problem(
            file=job.source.file,
            line=job.source.line,
            column=1,
            message=f'the id "{job_id}" is also in {_others(job, located)}; give one of them another id',
            job_id=job_id,
            field="id",
            found=f'"{job_id}"',
            expected="an id that no other job has",
        )
        for job in located
    ]


def _others(job: Located, places: list[Located]) -> str:
    return " and ".join(f"{o.source.file}:{o.source.line}" for o in places if o.source != job.source)


def _settle_conflicts(snapshot: Snapshot, observed: Observed) -> tuple[dict[str, Located], set[str], list[Problem]]:
    """Choose one place per id: where there are more, only the one that is live already."""
    desired: dict[str, Located] = {}
    conflicts: set[str] = set()
    problems: list[Problem] = []
    for job_id, places in snapshot.jobs.items():
        live = observed.jobs.get(job_id)
        chosen = [place for place in places if live is not None and place.source.file == live.source.file]
        if len(places) == 1:
            desired[job_id] = places[0]
            continue
        problems.extend(duplicate_problems(job_id, places))
        if len(chosen) == 1:
            desired[job_id] = chosen[0]
        else:
            conflicts.add(job_id)
    return desired, conflicts, problems


def _renames(desired: dict[str, Located], observed: Observed) -> dict[str, str]:
    """Return new id -> old id for the renames that can be done: the old one is live and wanted by nobody else."""
    renames: dict[str, str] = {}
    for job_id, job in sorted(desired.items()):
        old = job.spec.renamed_from
        wanted = old in desired or old in renames.values()
        if old is not None and old in observed.jobs and not wanted and job_id not in observed.jobs:
            renames[job_id] = old
    return renames


def _add(job: Located, now: datetime) -> Add:
    return Add(job=job, next_fire_at=_next(job, now, anchor=now), anchor_at=now)


def _update(job: Located, before: ObservedJob, now: datetime) -> Update | None:
    next_fire_at = before.next_fire_at
    # No next slot although the schedule has one is a change made by hand: drift, healed like an edit.
    if job.schedule_digest != before.schedule_digest or next_fire_at is None:
        next_fire_at = _next(job, now, anchor=before.anchor_at)
    same = (
        job.spec.id == before.id
        and job.digest == before.digest
        and job.schedule_digest == before.schedule_digest
        and job.source == before.source
        and job.spec.suspend == before.suspended
        and job.spec.prune.value == before.prune
        and next_fire_at == before.next_fire_at
        and not before.stale
    )
    return None if same else Update(job=job, before=before, next_fire_at=next_fire_at)


def _next(job: Located, now: datetime, *, anchor: datetime) -> datetime | None:
    return next_fire(job.spec.schedule, now, job_id=job.spec.id, anchor=anchor)


def _settle_gone(
    gone: list[ObservedJob], snapshot: Snapshot, conflicts: set[str], observed: int, guard: PruneGuard
) -> tuple[list[Keep], list[Remove], list[Hold]]:
    keep: list[Keep] = []
    remove: list[Remove] = []
    hold: list[Hold] = []
    for job in gone:
        if job.id in conflicts or any(unknown.covers(job.source.file) for unknown in snapshot.unknown):
            keep.append(Keep(job))
        elif why := _why_held(job, snapshot, guard):
            hold.append(Hold(job, why))
        else:
            remove.append(Remove(job))
    if guard.holds(len(remove), observed):
        why = f"{len(remove)} of {observed} jobs would be removed at once; `schedsync apply --allow-prune` removes them"
        hold.extend(Hold(removal.before, why) for removal in remove)
        remove = []
    return keep, remove, sorted(hold, key=lambda held: held.before.id)


def _why_held(job: ObservedJob, snapshot: Snapshot, guard: PruneGuard) -> str | None:
    mentioned = next((u.path for u in snapshot.unknown if _mentions(u.text, job.id)), None)
    if mentioned is not None:
        return f"{mentioned} cannot be parsed and mentions this id: the job may have moved there"
    if job.prune == Prune.NEVER:
        return "its last good spec says prune: never"
    if guard.allow:
        return None
    if snapshot.unavailable is not None:
        return snapshot.unavailable
    if job.prune == Prune.CONFIRM:
        return "its last good spec says prune: confirm; `schedsync apply --allow-prune` removes it"
    return None


def _mentions(text: str, job_id: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(job_id)}(?![\w.-])", text) is not None
