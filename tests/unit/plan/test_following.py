"""Who runs after whom: what is missing and what goes in circles hurts the jobs concerned, and no others."""

from dataclasses import replace
from typing import Any

import pytest

from schedsync.plan.diff import diff
from schedsync.plan.ops import Plan
from schedsync.plan.state import Located, Observed, PruneGuard, UnknownPath
from tests.builders import NOW, located, observed, snapshot, store

OPEN = PruneGuard(allow=True)


def job(job_id: str, *after: str, **fields: Any) -> Located:
    """A job that runs after others, or by itself."""
    given: dict[str, Any] = {"after": dict.fromkeys(after, "succeeded")} if after else {}
    return located(id=job_id, **given, **fields)


def planned(*jobs: Located, live: Observed | None = None, **folder: Any) -> Plan:
    return diff(snapshot(*jobs, **folder), live or store(), now=NOW, guard=OPEN)


def messages(plan: Plan) -> list[str]:
    return [str(problem) for problem in plan.problems]


def added(plan: Plan) -> list[str]:
    return [add.job.spec.id for add in plan.add]


def test_a_chain_is_added_with_slots_for_its_first_job_only() -> None:
    plan = planned(job("a"), job("b", "a"), job("c", "a", "b"))
    assert plan.problems == ()
    assert [(add.job.spec.id, add.next_fire_at is None) for add in plan.add] == [("a", False), ("b", True), ("c", True)]


def test_an_upstream_that_is_not_there_is_a_problem_where_it_is_written() -> None:
    plan = planned(job("erp.close-books"), job("b", "erp.close-book"), job("c", "nothing.like.it"))
    assert messages(plan) == [
        'b.yaml:2:3: after: no job has the id "erp.close-book"; did you mean "erp.close-books"?',
        'c.yaml:2:3: after: no job has the id "nothing.like.it"; write the id of a job in this folder',
    ]
    assert (plan.problems[0].job_id, plan.problems[0].field) == ("b", "after.erp.close-book")
    assert added(plan) == ["erp.close-books"]


def test_a_circle_draws_itself_from_each_of_its_jobs_and_hurts_no_other() -> None:
    plan = planned(job("a", "c"), job("b", "a"), job("c", "b"), job("d", "a"), job("e", "d"), job("f"))
    assert messages(plan) == [
        "a.yaml:2:3: after: a would run after itself: a -> b -> c -> a; take one of these steps out",
        "b.yaml:2:3: after: b would run after itself: b -> c -> a -> b; take one of these steps out",
        "c.yaml:2:3: after: c would run after itself: c -> a -> b -> c; take one of these steps out",
    ]
    assert added(plan) == ["d", "e", "f"]


def test_a_job_that_runs_after_itself_is_a_circle() -> None:
    plan = planned(job("a", "a"))
    assert messages(plan) == ["a.yaml:2:3: after: a would run after itself: a -> a; take one of these steps out"]
    assert plan.add == ()


def test_what_lies_between_two_circles_is_on_none() -> None:
    plan = planned(job("a", "b"), job("b", "a"), job("between", "a"), job("c", "d", "between"), job("d", "c"))
    assert [problem.job_id for problem in plan.problems] == ["a", "b", "c", "d"]
    assert added(plan) == ["between"]


def test_the_shortest_circle_of_several_is_drawn() -> None:
    plan = planned(job("a", "b", "c"), job("b", "a"), job("c", "b"))
    assert "a would run after itself: a -> b -> a;" in messages(plan)[0]


def test_a_live_job_keeps_its_last_good_spec_and_is_healed_when_the_circle_is_gone() -> None:
    good, bad = job("b", "a"), job("a", "b")
    live = store(observed(job=job("a")), observed(job=good))
    plan = planned(bad, good, live=live)
    assert [keep.before.id for keep in plan.keep] == ["a", "b"]
    assert (plan.update, plan.unchanged, plan.complete) == ((), 0, False)
    stale = store(*(replace(each, stale=True) for each in live.jobs.values()))
    healed = planned(job("a"), good, live=stale)
    assert [update.heals for update in healed.update] == [True, True]


def test_when_an_upstream_is_removed_its_followers_get_the_problem_and_stay() -> None:
    follower = job("b", "a")
    live = store(observed(job=job("a")), observed(job=follower))
    plan = planned(follower, live=live)
    assert [removal.before.id for removal in plan.remove] == ["a"]
    assert [keep.before.id for keep in plan.keep] == ["b"]
    assert 'no job has the id "a"' in messages(plan)[0]


def test_an_upstream_whose_removal_is_held_is_still_there() -> None:
    follower = job("b", "a")
    kept = observed(job=job("a"), prune="never")
    plan = planned(follower, live=store(kept, observed(job=follower)))
    assert [held.before.id for held in plan.hold] == ["a"]
    assert plan.problems == ()


@pytest.mark.parametrize(
    "folder",
    [
        {"unknown": (UnknownPath("a.yaml", "id: a\nschedule: {"),)},
        {"unknown": (UnknownPath("sub"),)},
        {"unavailable": "Git is at work in the folder"},
    ],
    ids=["a broken file that names it", "a folder that cannot be read", "a checkout"],
)
def test_an_upstream_that_is_not_known_now_is_not_absent(folder: dict[str, Any]) -> None:
    plan = planned(job("b", "a"), **folder)
    assert added(plan) == ["b"]
    assert not [problem for problem in plan.problems if problem.file == "b.yaml"]


def test_a_broken_file_that_does_not_name_it_leaves_a_slip_a_slip() -> None:
    plan = planned(job("b", "a"), unknown=(UnknownPath("x.yaml", "id: aa"),))
    assert len(plan.problems) == 1


def test_an_id_that_two_files_claim_is_there() -> None:
    plan = planned(located(id="a", file="1.yaml"), located(id="a", file="2.yaml"), job("b", "a"))
    assert added(plan) == ["b"]


def test_a_renamed_upstream_is_understood_by_its_old_name_also_in_a_circle() -> None:
    assert planned(job("new", renamed_from="old"), job("b", "old")).problems == ()
    plan = planned(job("new", "b", renamed_from="old"), job("b", "old"))
    assert [problem.field for problem in plan.problems] == ["after.old", "after.b"]


def test_from_a_schedule_to_a_follower_and_back_the_slots_go_and_come() -> None:
    scheduled, following = job("b"), job("b", "a")
    (there,) = planned(job("a"), following, live=store(observed(job=job("a")), observed(job=scheduled))).update
    assert (there.reschedules, there.next_fire_at) == (True, None)
    live = store(observed(job=job("a")), observed(job=following, next_fire_at=None))
    assert planned(job("a"), following, live=live).update == ()
    (back,) = planned(job("a"), scheduled, live=live).update
    assert back.next_fire_at is not None


def test_a_long_chain_is_looked_at_quickly() -> None:
    jobs = [job("j0"), *(job(f"j{n}", f"j{n - 1}") for n in range(1, 2_000))]
    assert planned(*jobs).problems == ()
