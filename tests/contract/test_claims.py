"""Claiming slots: once, in one transaction, by the leader only."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from schedsync.errors import DatabaseUnavailableError, LeadershipLostError, StaleObservationError
from schedsync.plan.ops import Plan
from schedsync.runs.run import RunState
from schedsync.store.leases import Lease
from schedsync.store.store import Store
from tests.contract.builders import (
    GONE,
    MINUTE,
    SLOT,
    TTL,
    advance,
    apply,
    at_once,
    claim,
    edit,
    live,
    lost_answer,
    observed,
    run,
    runs_of,
)

JOBS = [f"job-{number:02}" for number in range(20)]


def test_a_claim_writes_the_runs_and_moves_the_jobs_on(store: Store, lease: Lease) -> None:
    live(store, "a", "b")
    runs = [run("a"), run("b", state=RunState.SKIPPED, reason="paused")]
    written = store.runs.claim(lease, runs, [advance("a"), advance("b", to=None)])
    assert written == runs
    assert {row.id: row for row in runs_of(store)} == {row.id: row for row in runs}
    assert observed(store, "a").next_fire_at == SLOT + 5 * MINUTE
    assert observed(store, "b").next_fire_at is None


def test_every_field_of_a_run_comes_back_as_it_was_written(store: Store, lease: Lease) -> None:
    micro = timedelta(microseconds=1)
    written = run(
        state=RunState.FAILED,
        reason="it said: ✗ 💥",
        due_at=SLOT + micro,
        claimed_at=SLOT + 2 * micro,
        started_at=SLOT + 3 * micro,
        finished_at=SLOT + 4 * micro,
        exit_code=-9,
        node="n1",
        pid=4_194_304,
        token=2**53 + 1,
        generation=7,
        revision="abc",
    )
    claim(store, lease, written)
    assert store.runs.get(written.id) == written


def test_a_slot_that_has_a_row_is_left_out_and_its_job_moves_on_all_the_same(store: Store, lease: Lease) -> None:
    live(store, "a", "b")
    earlier = run("a")
    claim(store, lease, earlier)
    again, new = run("a"), run("b")
    assert store.runs.claim(lease, [again, new], [advance("a"), advance("b")]) == [new]
    assert runs_of(store, "a") == [earlier]
    assert observed(store, "a").next_fire_at == observed(store, "b").next_fire_at == SLOT + 5 * MINUTE


def test_a_further_attempt_is_not_taken_for_the_slot_itself(store: Store, lease: Lease) -> None:
    claim(store, lease, run("a", attempt=2))
    assert len(claim(store, lease, run("a"), run("a", attempt=2))) == 1
    assert sorted(row.attempt for row in runs_of(store)) == [1, 2]


def test_a_job_that_moved_meanwhile_makes_the_whole_claim_fail(store: Store, lease: Lease) -> None:
    live(store, "a", "b")
    store.runs.claim(lease, [run("b")], [advance("b")])
    with pytest.raises(StaleObservationError):
        store.runs.claim(lease, [run("a"), run("b", SLOT + MINUTE)], [advance("a"), advance("b")])
    assert runs_of(store, "a") == []
    assert observed(store, "a").next_fire_at == SLOT


def test_one_of_many_jobs_that_moved_is_noticed(store: Store, lease: Lease) -> None:
    live(store, *JOBS)
    store.runs.claim(lease, [], [advance(JOBS[7])])
    with pytest.raises(StaleObservationError):
        store.runs.claim(lease, [run(job_id) for job_id in JOBS], [advance(job_id) for job_id in JOBS])
    assert runs_of(store) == []


@pytest.mark.parametrize("late", [Lease("me", 2), Lease("you", 1)], ids=["older token", "other owner"])
def test_who_does_not_lead_claims_nothing(store: Store, lease: Lease, late: Lease) -> None:
    live(store, "a")
    with pytest.raises(LeadershipLostError):
        store.runs.claim(late, [run("a")], [advance("a")])
    assert runs_of(store) == []
    assert observed(store, "a").next_fire_at == SLOT


def test_a_leader_that_was_replaced_claims_nothing(store: Store, other: Store) -> None:
    live(store, "a")
    replaced = store.leases.acquire("me", GONE)
    other.leases.acquire("you", TTL)
    with pytest.raises(LeadershipLostError):
        store.runs.claim(replaced, [run("a")], [advance("a")])


def test_a_run_that_the_tables_refuse_for_itself_is_an_error_and_no_reason_to_look_again(
    store: Store, lease: Lease
) -> None:
    live(store, "a")
    twice = run("a")
    with pytest.raises(IntegrityError):
        store.runs.claim(lease, [twice, replace(twice, id="another")], [advance("a")])
    assert runs_of(store) == []


def test_two_connections_that_claim_the_same_slots_at_once_write_each_once(
    store: Store, other: Store, lease: Lease
) -> None:
    live(store, *JOBS)

    def claim_all(by: Store) -> int:
        return len(by.runs.claim(lease, [run(job_id) for job_id in JOBS], [advance(job_id) for job_id in JOBS]))

    won = at_once([lambda: claim_all(store), lambda: claim_all(other)], losing=(StaleObservationError,))
    assert won == [len(JOBS)]
    assert sorted(row.job_id for row in runs_of(store)) == JOBS


def test_a_claim_and_an_edit_that_meet_on_the_same_jobs_both_succeed(store: Store, other: Store, lease: Lease) -> None:
    live(store, *JOBS)
    edits = Plan(update=tuple(edit(store, job_id, description="new") for job_id in JOBS))
    runs, moves = [run(job_id) for job_id in JOBS], [advance(job_id) for job_id in reversed(JOBS)]
    calls: list[Callable[[], object]] = [lambda: apply(other, edits), lambda: store.runs.claim(lease, runs, moves)]
    assert len(at_once(calls)) == 2
    jobs = store.jobs.observe().jobs.values()
    assert {(job.generation, job.next_fire_at) for job in jobs} == {(2, SLOT + 5 * MINUTE)}
    assert sorted(row.job_id for row in runs_of(store)) == JOBS


def test_a_claim_that_was_decided_by_an_older_schedule_fails_also_where_the_slot_stayed(
    store: Store, lease: Lease
) -> None:
    live(store, *JOBS)
    apply(store, Plan(update=(edit(store, JOBS[7], schedule={"every": "1m"}),)))
    with pytest.raises(StaleObservationError):
        store.runs.claim(lease, [run(job_id) for job_id in JOBS], [advance(job_id) for job_id in JOBS])
    assert runs_of(store) == []
    assert {job.next_fire_at for job in store.jobs.observe().jobs.values()} == {SLOT}


def test_a_claim_whose_answer_was_lost_is_recognised_when_it_is_made_again(store: Store, lease: Lease) -> None:
    live(store, "a", "b")
    earlier, runs, moves = run("b"), [run("a"), run("b")], [advance("a"), advance("b")]
    claim(store, lease, earlier)
    with pytest.raises(DatabaseUnavailableError), lost_answer(store):
        store.runs.claim(lease, runs, moves)
    assert store.runs.claim(lease, runs, moves) == runs[:1]
    assert runs_of(store, "a") == runs[:1]
    assert runs_of(store, "b") == [earlier]
    assert observed(store, "a").next_fire_at == SLOT + 5 * MINUTE
