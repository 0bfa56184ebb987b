"""Applying twice changes nothing: whatever the folder and the store were, a plan that is applied leaves none."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schedsync.plan.diff import diff
from schedsync.plan.ops import Add, Plan, Update
from schedsync.plan.state import Located, Observed, ObservedJob, PruneGuard, Snapshot, UnknownPath
from tests.builders import HOUR, NOW, located, observed, snapshot, store

REPRODUCIBLE = settings(deadline=None, derandomize=True, max_examples=100)
LATER = NOW + HOUR / 2
NAMES = ("a", "b", "c", "d")
FILES = ("a.yaml", "b.yaml", "sub/c.yaml")


def applied(plan: Plan, before: Observed) -> Observed:
    """Return what the store holds after *plan*."""
    jobs = dict(before.jobs)
    renamed = [update.before.id for update in plan.update if update.renames]
    for gone in (*(removal.before.id for removal in plan.remove), *renamed):
        del jobs[gone]
    for add in plan.add:
        jobs[add.job.spec.id] = _row(add.job, anchor_at=add.anchor_at, next_fire_at=add.next_fire_at, generation=1)
    for update in plan.update:
        kept = update.next_fire_at if update.reschedules else update.before.next_fire_at
        jobs[update.job.spec.id] = _row(
            update.job, anchor_at=update.before.anchor_at, next_fire_at=kept, generation=update.before.generation + 1
        )
    for keep in plan.keep:
        jobs[keep.before.id] = replace(keep.before, stale=True)
    return Observed(jobs)


def _row(job: Located, **fields: Any) -> ObservedJob:
    return observed(job=job, **fields)


schedules = st.sampled_from(
    [
        {"every": "1h"},
        {"every": "1h", "jitter": "10m"},
        {"cron": "0 * * * *"},
        {"at": "2020-01-01"},
        {"at": "2030-01-01"},
        {"cron": "@reboot"},
        [{"cron": "@reboot"}, {"every": "1h"}],
    ]
)
jobs = st.builds(
    located,
    id=st.sampled_from(NAMES),
    file=st.sampled_from(FILES),
    line=st.integers(1, 2),
    schedule=schedules,
    suspend=st.booleans(),
    prune=st.sampled_from(["auto", "confirm", "never"]),
    renamed_from=st.sampled_from([None, "old-a", "old-b"]),
)


@st.composite
def entangled(draw: st.DrawFn) -> Located:
    """A job that says that it was one of the others, or runs after one of them: swaps, chains, and copies."""
    name = draw(st.sampled_from(NAMES))
    others = st.sampled_from([other for other in NAMES if other != name])
    starts = draw(st.none() | st.none() | others)
    fields = {"schedule": draw(schedules)} if starts is None else {"after": {starts: "any"}}
    return located(id=name, file=draw(st.sampled_from(FILES)), renamed_from=draw(others | st.none()), **fields)


@st.composite
def folders(draw: st.DrawFn) -> Snapshot:
    unknown = st.builds(UnknownPath, st.sampled_from([*FILES, "sub", "."]), st.sampled_from([None, "", "id: a", "b"]))
    found = draw(st.lists(jobs | entangled(), max_size=5))
    return snapshot(
        *found,
        unknown=tuple(path for path in draw(st.lists(unknown, max_size=1)) if _is_possible(path, found)),
        unavailable=draw(st.sampled_from([None, None, "the folder is missing"])),
    )


def _is_possible(unknown: UnknownPath, found: list[Located]) -> bool:
    """Say whether *unknown* can be, beside what was found: where nothing could be read, there is no job."""
    return unknown.text is not None or not any(unknown.covers(job.source.file) for job in found)


@st.composite
def stores(draw: st.DrawFn) -> Observed:
    found = draw(st.lists(jobs | entangled(), max_size=4, unique_by=lambda job: job.spec.id))
    rows = [
        observed(
            job=job,
            id=draw(st.sampled_from([job.spec.id, *(["old-a", "old-b"] if job.spec.id in "ab" else [])])),
            next_fire_at=draw(st.sampled_from([None, NOW - HOUR, NOW, NOW + HOUR])),
            suspended=draw(st.booleans()),
            stale=draw(st.booleans()),
        )
        for job in found
    ]
    return store(*rows)


guards = st.builds(
    PruneGuard, max_jobs=st.integers(0, 3), max_fraction=st.sampled_from([0.0, 0.5]), allow=st.booleans()
)


@REPRODUCIBLE
@given(folders(), stores(), guards)
def test_a_plan_that_is_applied_leaves_nothing_to_write(folder: Snapshot, before: Observed, guard: PruneGuard) -> None:
    after = applied(diff(folder, before, now=NOW, guard=guard), before)
    again = diff(folder, after, now=NOW, guard=guard)
    assert (again.add, again.update, again.remove, again.writes) == ((), (), (), False)


@REPRODUCIBLE
@given(folders(), stores(), guards)
def test_a_plan_that_is_applied_leaves_nothing_to_write_half_an_hour_later(
    folder: Snapshot, before: Observed, guard: PruneGuard
) -> None:
    """Time alone is no edit: next slots are moved on by firing, not by the folder."""
    after = applied(diff(folder, before, now=NOW, guard=guard), before)
    assert not diff(folder, after, now=LATER, guard=guard).writes


@REPRODUCIBLE
@given(folders(), stores(), guards)
def test_each_job_has_one_fate(folder: Snapshot, before: Observed, guard: PruneGuard) -> None:
    plan = diff(folder, before, now=NOW, guard=guard)
    touched = [op.before.id for ops in (plan.update, plan.keep, plan.remove, plan.hold) for op in ops]
    assert len(touched) == len(set(touched))
    assert plan.unchanged == len(before.jobs) - len(touched)
    assert set(touched) <= set(before.jobs)
    assert sum(plan.counts().values()) == len(touched) + plan.unchanged + len(plan.add)


@REPRODUCIBLE
@given(folders(), stores(), guards)
def test_no_plan_schedules_a_slot_in_the_past(folder: Snapshot, before: Observed, guard: PruneGuard) -> None:
    plan = diff(folder, before, now=NOW, guard=guard)
    set_anew: list[Add | Update] = [*plan.add, *(update for update in plan.update if update.reschedules)]
    assert all(op.next_fire_at is None or op.next_fire_at > NOW for op in set_anew)


@REPRODUCIBLE
@given(folders(), stores(), guards)
def test_what_is_unknown_is_never_removed(folder: Snapshot, before: Observed, guard: PruneGuard) -> None:
    removed = [removal.before for removal in diff(folder, before, now=NOW, guard=guard).remove]
    assert not any(path.covers(job.source.file) for job in removed for path in folder.unknown)
    assert not (removed and folder.unavailable)
    assert not any(job.id in folder.jobs for job in removed)
    assert not any(job.prune == "never" for job in removed)


@REPRODUCIBLE
@given(st.lists(entangled(), max_size=4), st.lists(entangled(), max_size=4, unique_by=lambda job: job.spec.id))
def test_no_job_is_new_or_changes_beside_the_one_that_it_was(wanted: list[Located], rows: list[Located]) -> None:
    before = store(*(observed(job=job) for job in rows))
    plan = diff(snapshot(*wanted), before, now=NOW, guard=PruneGuard(allow=True))
    renamed = {update.before.id for update in plan.update if update.renames}
    changed = [*(add.job for add in plan.add), *(update.job for update in plan.update if update.changes_spec)]
    were = {job.spec.renamed_from for job in changed if job.spec.renamed_from not in renamed}
    assert not were & {removal.before.id for removal in plan.remove}
    assert not {add.job.spec.renamed_from for add in plan.add} & before.jobs.keys() - renamed
