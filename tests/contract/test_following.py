"""Runs that follow others: written with the end that they follow, once, and only if that end is the one on record."""

from dataclasses import replace
from typing import Any

import pytest

from schedsync.errors import DatabaseUnavailableError
from schedsync.plan.ops import Plan
from schedsync.runs.following import Follower, Followers, what_follows
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run, RunState
from schedsync.specs.following import End
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store
from tests.contract.builders import (
    NOW,
    SLOT,
    add,
    apply,
    claim,
    edit,
    ended,
    live,
    lost_answer,
    observed,
    run,
    runs_of,
    settle,
)

CHAIN = Followers([Follower(name, {"a": tuple(End)}, "0" * 64, 2, "r1") for name in ("b", "c")])


def follower(job_id: str, *after: str, **fields: Any) -> Any:
    """A job that runs after others, to be added."""
    return add(job_id, at=None, schedule=[], after=dict.fromkeys(after, "any"), **fields)


def end_of(running: Run, state: RunState = RunState.SUCCEEDED) -> RunChanges:
    """The end of a run, with what follows it."""
    end = ended(running, state)
    follows = what_follows(end, None, CHAIN, node="n1", owner="me")
    return RunChanges(settled=[(end, Output())], followers=list(follows.followers))


def test_they_are_written_with_the_end_that_they_follow_and_wait_for_the_leader(store: Store, lease: Lease) -> None:
    running = run("a")
    claim(store, lease, running)
    changes = end_of(running)
    assert store.runs.record(changes, None) == frozenset()
    assert store.runs.unowned() == sorted(changes.followers, key=lambda each: each.id)
    (b,) = runs_of(store, "b")
    assert (b.upstream_run_id, b.upstream_state, b.scheduled_at) == (running.id, RunState.SUCCEEDED, NOW)


def test_however_often_they_are_written_they_are_there_once(store: Store, lease: Lease) -> None:
    running = run("a")
    claim(store, lease, running)
    with pytest.raises(DatabaseUnavailableError), lost_answer(store):
        store.runs.record(end_of(running), None)
    for _ in range(2):  # decided anew, as after a crash
        store.runs.record(end_of(running), None)
    assert len(runs_of(store, "b")) == len(runs_of(store, "c")) == 1


@pytest.mark.parametrize("on_record", [{"state": RunState.LOST}, {"finished_at": SLOT}], ids=["how", "when"])
def test_where_another_one_has_settled_the_run_otherwise_nothing_comes_after_this_end(
    store: Store, lease: Lease, on_record: dict[str, Any]
) -> None:
    running = run("a")
    claim(store, lease, running)
    settle(store, replace(ended(running), **on_record))
    store.runs.record(end_of(running), None)
    assert store.runs.unowned() == []


def test_an_end_that_is_refused_leaves_no_followers(store: Store, lease: Lease) -> None:
    running = run("a", token=lease.token + 1)
    claim(store, lease, running)
    store.runs.record(end_of(replace(running, token=lease.token)), None)
    assert [each.id for each in runs_of(store)] == [running.id]


def test_ends_at_the_same_moment_make_one_run_of_what_comes_after_both(store: Store, lease: Lease) -> None:
    first, second = run("a"), run("a", attempt=2)
    claim(store, lease, first, second)
    changes = [end_of(first), end_of(second)]
    both = [each for change in changes for each in change.followers]
    store.runs.record(RunChanges(settled=[s for c in changes for s in c.settled], followers=both), None)
    assert [each.upstream_run_id for each in runs_of(store, "b")] == [first.id]


def test_ends_of_many_runs_and_their_followers_are_one_transaction(store: Store, lease: Lease) -> None:
    running = [run("a", SLOT.replace(microsecond=n)) for n in range(1_100)]
    claim(store, lease, *running)
    ends = [replace(ended(each), finished_at=each.scheduled_at) for each in running]
    followers = [each for end in ends for each in what_follows(end, None, CHAIN, node="", owner="").followers]
    store.runs.record(RunChanges(settled=[(end, Output()) for end in ends], followers=followers), None)
    assert len(store.runs.unowned()) == 2_200


def test_live_followers_are_found_with_what_they_follow(store: Store) -> None:
    live(store, "a", "other")
    apply(store, Plan(add=(follower("b", "a"), follower("c", "a", "old")), revision="r2"))
    followers = store.jobs.followers()
    assert set(followers.digests) == {"b", "c"}
    found = followers.of(ended(run("a")), None)
    assert {(each.job_id, each.generation, each.revision) for each in found} == {("b", 1, "r2"), ("c", 1, "r2")}
    assert [each.job_id for each in followers.of(ended(run("old")), None)] == ["c"]


def test_a_follower_is_active_without_a_slot_and_finished_as_nothing_else(store: Store) -> None:
    apply(store, Plan(add=(follower("b", "a"), follower("s", "a", suspend=True), add("done", at=None)), revision="r1"))
    assert observed(store, "b").follows
    assert store.jobs.counts(NOW).by_state == {"active": 1, "suspended": 1, "finished": 1}
    apply(store, Plan(update=(edit(store, "b"),)))
    assert not observed(store, "b").follows
    assert store.jobs.followers().digests.keys() == {"s"}


def test_runs_that_follow_a_run_are_found(store: Store, lease: Lease) -> None:
    claim(store, lease, first := ended(run("a")), other := ended(run("c")))
    after = {"upstream_job_id": "a", "upstream_run_id": first.id, "upstream_state": RunState.SUCCEEDED}
    follows, later = run("b", NOW, **after), run("d", NOW)
    claim(store, lease, follows, later)
    assert [each.id for each in store.runs.following(first)] == [follows.id]
    assert store.runs.following(other) == store.runs.following(run("e")) == []
