"""The decision: what would make the store equal the folder. No side effects, time is an argument.

Rules, in the order in which they are asked for a job that the store has and the folder does not:

1. its file, or a folder above it, cannot be read or parsed, or claims an id that another place has: it is kept, marked
   stale;
2. a broken file elsewhere mentions its id: it may have moved there, the removal is held;
3. the folder as a whole says nothing, or the job's last good spec says so, or too many jobs would go at once: held;
4. otherwise it is removed.

A person's word (``PruneGuard.allow``) lifts what is held for numbers, for ``prune: confirm``, and for an empty folder;
it makes nothing known that is unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from schedsync.plan.following import following_problems, may_exist
from schedsync.plan.ops import Add, Hold, Keep, Plan, Remove, Update
from schedsync.plan.state import Located, Observed, ObservedJob, PruneGuard, Snapshot
from schedsync.specs.policy import Prune
from schedsync.specs.problem import Problem
from schedsync.specs.schedule import next_fire


def diff(snapshot: Snapshot, observed: Observed, *, now: datetime, guard: PruneGuard) -> Plan:
    """Say what would make *observed* equal *snapshot*; an edit never schedules a slot at or before *now* (UTC)."""
    desired, conflicts = _settle_conflicts(snapshot, observed)
    renames = _renames(desired, snapshot, observed)
    befores = {job_id: observed.jobs.get(renames.get(job_id, job_id)) for job_id in sorted(desired)}
    gone = [observed.jobs[i] for i in sorted(observed.jobs.keys() - desired.keys() - set(renames.values()))]
    keep, remove, hold = _settle_gone(gone, snapshot, conflicts, len(observed.jobs), guard)
    stay = [*(kept.before.id for kept in keep), *(held.before.id for held in hold)]
    misled = following_problems(desired, may_exist(snapshot, stay))
    keep += [Keep(before) for job_id in misled if (before := befores.pop(job_id)) is not None]
    updates = [_update(desired[job_id], before, now) for job_id, before in befores.items() if before is not None]
    changed = [update for update in updates if update is not None]
    return Plan(
        add=tuple(_add(desired[job_id], now) for job_id, before in befores.items() if before is None),
        update=tuple(changed),
        keep=tuple(sorted(keep, key=lambda kept: kept.before.id)),
        remove=tuple(remove),
        hold=tuple(hold),
        unchanged=len(updates) - len(changed),
        problems=(
            *_of_the_folder(snapshot, guard),
            *snapshot.problems,
            *conflicts.problems,
            *(problem for job_id in sorted(misled) for problem in misled[job_id]),
        ),
        revision=snapshot.revision,
    )


def _of_the_folder(snapshot: Snapshot, guard: PruneGuard) -> list[Problem]:
    """Return why the folder as a whole says nothing, unless it is empty and a person has said that it may be."""
    if snapshot.unavailable is None or (guard.allow and snapshot.empty):
        return []
    return [Problem(file=".", line=None, column=None, message=snapshot.unavailable)]


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
    return " and ".join(f"{other.source.file}:{other.source.line}" for other in places if other is not job)


@dataclass(slots=True)
class _Conflicts:
    """Jobs that nothing certain is known of because an id is claimed in several places."""

    ids: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    """Files whose claim lost: the job that was theirs is kept, as for any other mistake in them."""
    problems: list[Problem] = field(default_factory=list)

    def concern(self, job: ObservedJob) -> bool:
        return job.id in self.ids or job.source.file in self.files


def _settle_conflicts(snapshot: Snapshot, observed: Observed) -> tuple[dict[str, Located], _Conflicts]:
    """Choose one place per id: where there are more, only the one that is live already."""
    desired: dict[str, Located] = {}
    conflicts = _Conflicts()
    for job_id, places in snapshot.jobs.items():
        if len(places) == 1:
            desired[job_id] = places[0]
            continue
        conflicts.problems += duplicate_problems(job_id, places)
        live = observed.jobs.get(job_id)
        chosen = [place for place in places if live is not None and place.source.file == live.source.file]
        conflicts.files |= {place.source.file for place in places if place not in chosen}
        if len(chosen) == 1:
            desired[job_id] = chosen[0]
        else:
            conflicts.ids |= {job_id, *(place.spec.renamed_from or job_id for place in places)}
    return desired, conflicts


def _renames(desired: dict[str, Located], snapshot: Snapshot, observed: Observed) -> dict[str, str]:
    """Return new id -> old id for the renames that can be done: the old one is live and wanted by nobody else."""
    renames: dict[str, str] = {}
    taken: set[str] = set()
    for job_id in sorted(desired.keys() - observed.jobs.keys()):
        old = desired[job_id].spec.renamed_from
        if old is not None and old in observed.jobs and old not in snapshot.jobs and old not in taken:
            renames[job_id] = old
            taken.add(old)
    return renames


def _add(job: Located, now: datetime) -> Add:
    # Whole seconds, so that the slots of "every" read well; the first is after now all the same.
    anchor = now.replace(microsecond=0)
    return Add(job=job, next_fire_at=_next(job, now, anchor=anchor), anchor_at=anchor)


def _update(job: Located, before: ObservedJob, now: datetime) -> Update | None:
    update = Update(job=job, before=before, next_fire_at=_next_after_edit(job, before, now))
    same = (
        not update.changes_spec
        and not update.moves
        and not update.reschedules
        and job.spec.suspend == before.suspended
        and job.spec.prune.value == before.prune
        and bool(job.spec.after) == before.follows
        and not before.stale
    )
    return None if same else update


def _next_after_edit(job: Located, before: ObservedJob, now: datetime) -> datetime | None:
    kept = before.next_fire_at
    # No next slot although the schedule has one is a change made by hand: drift, healed like an edit.
    if kept is None or job.schedule_digest != before.schedule_digest:
        return _next(job, now, anchor=before.anchor_at)
    # Jitter follows the id: the slot of the old id would come a second time, as one of the new id.
    if job.spec.id != before.id and kept > now and any(trigger.jitter for trigger in job.spec.schedule):
        return _next(job, now, anchor=before.anchor_at)
    return kept


def _next(job: Located, now: datetime, *, anchor: datetime) -> datetime | None:
    return next_fire(job.spec.schedule, now, job_id=job.spec.id, anchor=anchor)


def _settle_gone(
    gone: list[ObservedJob], snapshot: Snapshot, conflicts: _Conflicts, observed: int, guard: PruneGuard
) -> tuple[list[Keep], list[Remove], list[Hold]]:
    keep: list[Keep] = []
    remove: list[Remove] = []
    hold: list[Hold] = []
    for job in gone:
        if conflicts.concern(job) or any(unknown.covers(job.source.file) for unknown in snapshot.unknown):
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
    mentioned = next((u.path for u in snapshot.unknown if u.mentions(job.id)), None)
    if mentioned is not None:
        return f"{mentioned} cannot be parsed and mentions this id: the job may have moved there"
    if job.prune == Prune.NEVER:
        return "its last good spec says prune: never"
    for problem in _of_the_folder(snapshot, guard):
        return problem.message
    if job.prune == Prune.CONFIRM and not guard.allow:
        return "its last good spec says prune: confirm; `schedsync apply --allow-prune` removes it"
    return None
