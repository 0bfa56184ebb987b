"""Applying a plan: all of it or nothing, and never over what another writer has done meanwhile."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from schedsync.errors import StaleObservationError
from schedsync.plan.diff import diff
from schedsync.plan.ops import Keep, Plan, Remove, Update
from schedsync.plan.state import Located, PruneGuard, Source
from schedsync.store import tables
from schedsync.store.leases import Lease
from schedsync.store.store import Store
from tests.builders import snapshot
from tests.contract.builders import (
    MINUTE,
    NOW,
    SLOT,
    add,
    advance,
    apply,
    at_once,
    claim,
    edit,
    live,
    located,
    observed,
    pause,
    remove,
    report,
    run,
    runs_of,
)


def planned(store: Store, *jobs: Located) -> Plan:
    """What a step would do whose folder holds these jobs."""
    return diff(snapshot(*jobs, revision="r2"), store.jobs.observe(), now=NOW, guard=PruneGuard())


def spec_of(store: Store, job_id: str) -> Any:
    return store.jobs.load([job_id])[job_id].spec


def kept_specs(store: Store) -> set[str]:
    with store.database.read() as connection:
        return set(connection.execute(select(tables.specs.c.job_id)).scalars())


def test_an_added_job_is_live_with_its_spec(store: Store) -> None:
    new = add("a", description="Ünïcode 🎉 'quoted' %s :b", tags=["x"])
    apply(store, Plan(add=(new,), revision="r1"))
    job = store.jobs.load(["a"])["a"]
    assert job.spec == new.job.spec
    assert job.revision == "r1"
    assert (job.observed.next_fire_at, job.observed.anchor_at) == (SLOT, NOW)
    assert (job.observed.source, job.observed.generation) == (Source("a.yaml", 1), 1)


def test_applying_a_plan_leaves_nothing_to_plan(store: Store) -> None:
    live(store, "edited", "gone", "old-name", "same")
    jobs = [located("edited", schedule={"every": "1h"}), located("same"), located("new")]
    renamed = located("new-name", renamed_from="old-name")
    plan = planned(store, *jobs, renamed)
    assert plan.writes
    apply(store, plan)
    assert not planned(store, *jobs, renamed).writes


def test_an_edit_of_the_description_leaves_the_next_slot_to_firing(store: Store, lease: Lease) -> None:
    live(store, "a")
    change = edit(store, "a", description="new")
    store.runs.claim(lease, [run("a")], [advance("a")])
    apply(store, Plan(update=(change,)))
    assert observed(store, "a").next_fire_at == SLOT + 5 * MINUTE
    assert spec_of(store, "a").description == "new"
    assert observed(store, "a").generation == 2


def test_an_edit_of_the_schedule_sets_the_next_slot(store: Store) -> None:
    live(store, "a")
    change = replace(edit(store, "a", schedule={"every": "1h"}), next_fire_at=SLOT + MINUTE)
    apply(store, Plan(update=(change,)))
    assert observed(store, "a").next_fire_at == SLOT + MINUTE
    assert observed(store, "a").schedule_digest == change.job.schedule_digest


def test_a_job_that_moved_to_another_file_keeps_its_spec(store: Store) -> None:
    live(store, "a")
    before = observed(store, "a")
    moved = replace(located("a"), source=Source("sub/b.yaml", 12))
    apply(store, Plan(update=(Update(moved, before, before.next_fire_at),)))
    assert observed(store, "a").source == Source("sub/b.yaml", 12)
    assert spec_of(store, "a") == moved.spec


def test_a_job_whose_file_broke_is_stale_until_it_is_updated(store: Store) -> None:
    live(store, "a")
    apply(store, Plan(keep=(Keep(observed(store, "a")),)))
    assert observed(store, "a").stale
    apply(store, Plan(keep=(Keep(observed(store, "a")),)))
    assert observed(store, "a").generation == 2
    apply(store, Plan(update=(edit(store, "a"),)))
    assert not observed(store, "a").stale


def test_a_removed_job_is_gone_with_its_spec_and_its_history_and_pause_are_not(store: Store, lease: Lease) -> None:
    live(store, "a", "b")
    claim(store, lease, run("a"))
    store.pauses.put(pause("a"), now=NOW)
    apply(store, Plan(remove=(remove(store, "a"),)))
    assert store.jobs.observe().jobs.keys() == {"b"}
    assert store.jobs.load(["a"]) == {}
    assert kept_specs(store) == {"b"}
    assert len(runs_of(store, "a")) == 1
    assert store.pauses.in_force(NOW).keys() == {"a"}


def test_a_renamed_job_takes_history_pause_and_phase_along(store: Store, lease: Lease) -> None:
    live(store, "old")
    ran, held = run("old"), pause("old", reason="why")
    claim(store, lease, ran)
    store.pauses.put(held, now=NOW)
    apply(store, Plan(update=(edit(store, "old", to="new"),)))
    assert store.jobs.observe().jobs.keys() == {"new"}
    assert observed(store, "new").anchor_at == NOW
    assert spec_of(store, "new").id == "new"
    assert kept_specs(store) == {"new"}
    assert runs_of(store) == [replace(ran, job_id="new")]
    assert store.pauses.in_force(NOW) == {"new": replace(held, job_id="new")}


def test_a_renamed_job_brings_its_pause_where_an_earlier_job_of_that_name_had_one(store: Store) -> None:
    live(store, "old")
    store.pauses.put(pause("new", reason="left behind"), now=NOW)
    store.pauses.put(pause("old", reason="brought along"), now=NOW)
    apply(store, Plan(update=(edit(store, "old", to="new"),)))
    assert [(p.job_id, p.reason) for p in store.pauses.in_force(NOW).values()] == [("new", "brought along")]


def test_the_pause_of_a_name_holds_for_the_job_that_gets_the_name(store: Store) -> None:
    live(store, "old")
    store.pauses.put(pause("new"), now=NOW)
    apply(store, Plan(update=(edit(store, "old", to="new"),)))
    assert store.pauses.in_force(NOW).keys() == {"new"}


def test_a_job_renamed_to_one_with_the_same_slots_loses_no_run(store: Store, lease: Lease) -> None:
    live(store, "old")
    theirs, same_slot, another_slot = run("new"), run("old"), run("old", SLOT + MINUTE)
    claim(store, lease, theirs, same_slot, another_slot)
    apply(store, Plan(update=(edit(store, "old", to="new"),)))
    assert runs_of(store, "new") == [replace(another_slot, job_id="new"), theirs]
    assert runs_of(store, "old") == [same_slot]


def test_the_report_is_kept_with_the_changes(store: Store) -> None:
    kept = report(counts={"added": 1})
    store.jobs.apply(Plan(add=(add("a"),)), now=NOW, report=kept)
    assert store.syncs.latest() == kept


def edited_meanwhile(store: Store) -> Plan:
    return Plan(update=(edit(store, "a", description="mine"),))


def marked_meanwhile(store: Store) -> Plan:
    return Plan(keep=(Keep(observed(store, "a")),))


def removed_meanwhile(store: Store) -> Plan:
    return Plan(remove=(remove(store, "a"),))


def renamed_meanwhile(store: Store) -> Plan:
    return Plan(update=(edit(store, "a", to="z"),))


def added_meanwhile(_: Store) -> Plan:
    return Plan(add=(add("theirs"),))


@pytest.mark.parametrize(
    "plan_of", [edited_meanwhile, marked_meanwhile, removed_meanwhile, renamed_meanwhile, added_meanwhile]
)
def test_a_plan_that_another_writer_overtook_changes_nothing(store: Store, other: Store, plan_of: Any) -> None:
    live(store, "a", "b")
    plan = replace(plan_of(store), add=(add("mine"), *plan_of(store).add))
    theirs = edit(other, "a", description="theirs")
    apply(other, Plan(update=(theirs,), add=(add("theirs"),), revision="theirs"))
    with pytest.raises(StaleObservationError):
        apply(store, plan)
    assert store.jobs.observe().jobs.keys() == {"a", "b", "theirs"}
    assert spec_of(store, "a").description == "theirs"
    latest = store.syncs.latest()
    assert latest is not None
    assert latest.revision == "theirs"


def test_of_two_plans_that_add_the_same_job_at_once_one_is_applied(store: Store, other: Store) -> None:
    applied = at_once(
        [lambda: apply(store, Plan(add=(add("a"),))), lambda: apply(other, Plan(add=(add("a"),)))],
        losing=(StaleObservationError,),
    )
    assert len(applied) == 1
    assert store.jobs.observe().jobs.keys() == {"a"}


@pytest.mark.parametrize("lost", [tables.jobs, tables.specs], ids=["the job", "the spec"])
def test_a_row_that_was_deleted_by_hand_comes_back_with_the_next_step(store: Store, lost: Any) -> None:
    live(store, "a", "b")
    with store.database.write() as connection:
        connection.execute(delete(lost))
    apply(store, planned(store, located("a"), located("b")))
    assert {job_id: job.spec for job_id, job in store.jobs.load(["a", "b"]).items()} == {
        "a": located("a").spec,
        "b": located("b").spec,
    }
    assert not planned(store, located("a"), located("b")).writes


def test_a_digest_that_was_changed_by_hand_is_healed(store: Store) -> None:
    live(store, "a")
    with store.database.write() as connection:
        connection.execute(update(tables.specs).values(spec_digest="0" * 64))
    apply(store, planned(store, located("a")))
    assert store.jobs.specs({"a": located("a").digest}) == {"a": located("a").spec}


def test_a_plan_of_more_jobs_than_a_statement_may_name(store: Store) -> None:
    names = [f"job-{number:04}" for number in range(1_100)]
    live(store, *names)
    apply(store, planned(store, *(located(name, description="new") for name in names)))
    jobs = store.jobs.load(names)
    assert jobs.keys() == set(names)
    assert {job.spec.description for job in jobs.values() if job.spec} == {"new"}
    apply(store, Plan(remove=tuple(Remove(job.observed) for job in jobs.values())))
    assert store.jobs.load(names) == {}
