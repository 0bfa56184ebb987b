"""The decision: what would make the store equal the folder. No side effects, time is an argument.

Rules, in the order in which they are asked for a job that the store has and the folder does not:

1. its file, or a folder above it, cannot be read or parsed, or claims an id that another place has: it is kept, marked
   stale;
2. a broken file elsewhere mentions its id, or something new cannot be read at all: it may have moved there, the removal
   is held;
3. the folder as a whole says nothing, or the job's last good spec says so, or the folder is being changed, or too many
   jobs would go at once: held;
4. otherwise it is removed.

A person's word (``PruneGuard.allow``) lifts what is held for numbers, for ``prune: confirm``, and for an empty folder;
it makes nothing known that is unknown.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schedsync.plan.following import following_problems, may_exist
from schedsync.plan.ops import Add, Hold, Keep, Plan, Remove, Update
from schedsync.plan.renames import settle_renames
from schedsync.plan.state import Located, Observed, ObservedJob, PruneGuard, Snapshot
from schedsync.specs.policy import Prune
from schedsync.specs.problem import Problem
from schedsync.specs.schedule import next_fire

Pace = Callable[[Iterable[Any]], Iterable[Any]]


def diff(
    snapshot: Snapshot,
    observed: Observed,
    *,
    now: datetime,
    guard: PruneGuard,
    pace: Pace = iter,
) -> Plan:
    """Say what would make *observed* equal *snapshot*.

    Args:
        snapshot: what the folder says.
        observed: what the store has.
        now: the instant (UTC); an edit never schedules a slot at or before it.
        guard: which removals wait for a person.
        pace: yields what it is given, and may take its time.
    """
    desired, conflicts = _settle_conflicts(snapshot, observed)
    renames = _settle_renames(desired, conflicts, snapshot, observed)
    befores = {job_id: observed.jobs.get(renames.get(job_id, job_id)) for job_id in sorted(desired)}
    gone = [observed.jobs[i] for i in sorted(observed.jobs.keys() - desired.keys() - set(renames.values()))]
    keep, remove, hold = _settle_gone(gone, snapshot, conflicts, observed, guard)
    stay = [*(kept.before.id for kept in keep), *(held.before.id for held in hold)]
    misled = following_problems(desired, may_exist(snapshot, stay))
    keep += [Keep(before) for job_id in misled if (before := befores.pop(job_id)) is not None]
    updates = [_update(desired[job_id], before, now) for job_id, before in pace(befores.items()) if before is not None]
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
    """Jobs that nothing certain is known of because ids are claimed that others have."""

    ids: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    """Files whose claim did not win: the job that was theirs is kept, as for any other mistake in them."""
    problems: list[Problem] = field(default_factory=list)

    def concern(self, job: ObservedJob) -> bool:
        return job.id in self.ids or job.source.file in self.files

    def refuse(self, job: Located, problem: Problem) -> None:
        """Let *job* not become live: what is live by its id, and by the one that it had, is kept."""
        self.ids |= {job.spec.id, job.spec.renamed_from or job.spec.id}
        self.files.add(job.source.file)
        self.problems.append(problem)


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
            conflicts.files |= {place.source.file for place in places}  # each may be another job that was given this id
            conflicts.ids |= {job_id, *(place.spec.renamed_from or job_id for place in places)}
    return desired, conflicts


def _settle_renames(
    desired: dict[str, Located], conflicts: _Conflicts, snapshot: Snapshot, observed: Observed
) -> Mapping[str, str]:
    """Return new id -> old id for the renames that are done now, and take the jobs that wait out of *desired*."""
    renames = settle_renames(desired, snapshot, observed)
    for job_id, problem in renames.refused.items():
        conflicts.refuse(desired.pop(job_id), problem)
    return renames.done


def _add(job: Located, now: datetime) -> Add:
    # Whole seconds, so that the slots of "every" read well; the first is after now all the same.
    anchor = now.replace(microsecond=0)
    return Add(job=job, next_fire_at=_next(job, now, anchor=anchor), anchor_at=anchor)


def _update(job: Located, before: ObservedJob, now: datetime) -> Update | None:
    source = before.source
    has = (
        *(before.digest, before.schedule_digest, before.id, source.file, source.line),
        *(before.suspended, before.prune, before.follows),
    )
    as_wanted = job.wanted == has and not before.stale
    if as_wanted and before.next_fire_at is not None:  # nearly all, at each step
        return None
    update = Update(job=job, before=before, next_fire_at=_next_after_edit(job, before, now))
    return None if as_wanted and not update.reschedules else update


def _next_after_edit(job: Located, before: ObservedJob, now: datetime) -> datetime | None:
    kept = before.next_fire_at
    # No next slot although the schedule has one is a change made by hand: drift, healed like an edit.
    if kept is None or job.schedule_digest != before.schedule_digest:
        return _next(job, now, anchor=before.anchor_at)
    # Jitter and H follow the id: the slot of the old id would come a second time, as one of the new id.
    if job.spec.id != before.id and kept > now and any(trigger.follows_id for trigger in job.spec.schedule):
        return _next(job, now, anchor=before.anchor_at)
    return kept


def _next(job: Located, now: datetime, *, anchor: datetime) -> datetime | None:
    return next_fire(job.spec.schedule, now, job_id=job.spec.id, anchor=anchor)


def _settle_gone(
    gone: list[ObservedJob], snapshot: Snapshot, conflicts: _Conflicts, observed: Observed, guard: PruneGuard
) -> tuple[list[Keep], list[Remove], list[Hold]]:
    keep: list[Keep] = []
    remove: list[Remove] = []
    hold: list[Hold] = []
    hidden = _new_and_unreadable(snapshot, observed) if gone else None
    for job in gone:
        if conflicts.concern(job) or any(unknown.covers(job.source.file) for unknown in snapshot.unknown):
            keep.append(Keep(job))
        elif why := _why_held(job, snapshot, hidden, guard) or guard.not_now:
            hold.append(Hold(job, why))
        else:
            remove.append(Remove(job))
    total = len(observed.jobs)
    if guard.holds(len(remove), total):
        why = f"{len(remove)} of {total} jobs would be removed at once; `schedsync apply --allow-prune` removes them"
        hold.extend(Hold(removal.before, why) for removal in remove)
        remove = []
    return keep, remove, sorted(hold, key=lambda held: held.before.id)


def _new_and_unreadable(snapshot: Snapshot, observed: Observed) -> str | None:
    """Return a path of which nothing can be read, and from which no live job came: one that moved may be there.

    An old one stops nothing, or one broken corner would stop everybody's clean-up.
    """
    unread = (unknown for unknown in snapshot.unknown if unknown.text is None)
    files = {job.source.file for job in observed.jobs.values()}
    return next((unknown.path for unknown in unread if not any(map(unknown.covers, files))), None)


def _why_held(job: ObservedJob, snapshot: Snapshot, hidden: str | None, guard: PruneGuard) -> str | None:
    mentioned = next((u.path for u in snapshot.unknown if u.mentions(job.id)), None)
    if mentioned is not None:
        return f"{mentioned} cannot be parsed and mentions this id: the job may have moved there"
    if hidden is not None:
        return f"{hidden} cannot be read: the job may have moved there"
    if job.prune == Prune.NEVER:
        return "its last good spec says prune: never"
    for problem in _of_the_folder(snapshot, guard):
        return problem.message
    if job.prune == Prune.CONFIRM and not guard.allow:
        return "its last good spec says prune: confirm; `schedsync apply --allow-prune` removes it"
    return None
