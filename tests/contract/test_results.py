"""Recording what happened to runs: in groups, repeatable, and never over the head of a later leader."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schedsync.errors import DatabaseUnavailableError, LeadershipLostError
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run, RunState
from schedsync.store.leases import Lease
from schedsync.store.runs import HandedOver, RunChanges
from schedsync.store.store import Store
from tests.contract.builders import GONE, NOW, TTL, at_once, claim, ended, lost_answer, retry, run, runs_of, settle

LATER_LEASE = 2


def queued(job_id: str = "a", **fields: Any) -> Run:
    return run(job_id, state=RunState.QUEUED, **fields)


def with_leave(waiting: Run, **fields: Any) -> Run:
    return replace(waiting, state=RunState.RUNNING, **fields)


def everything_at_once(store: Store, lease: Lease) -> tuple[RunChanges, list[Run]]:
    """Changes of each kind, and how the runs stand when they are recorded."""
    waiting, starting, failing = queued("waits"), run("starts"), run("fails")
    claim(store, lease, waiting, starting, failing)
    started = replace(starting, started_at=NOW, pid=4711)
    failed = ended(failing, RunState.FAILED, exit_code=3, reason="exit code 3")
    changes = RunChanges(
        started=[started],
        promoted=[with_leave(waiting, node="n1")],
        settled=[(failed, Output(head=b"no!", total=3))],
        retries=[retry(failing)],
    )
    return changes, [started, *changes.promoted, failed, *changes.retries]


def by_id(runs: list[Run]) -> dict[str, Run]:
    return {run.id: run for run in runs}


def test_every_kind_of_change_is_written(store: Store, lease: Lease) -> None:
    changes, expected = everything_at_once(store, lease)
    assert store.runs.record(changes, lease) == frozenset()
    assert by_id(runs_of(store)) == by_id(expected)


def test_recording_twice_changes_nothing(store: Store, lease: Lease) -> None:
    changes, expected = everything_at_once(store, lease)
    store.runs.record(changes, lease)
    assert store.runs.record(changes, lease) == frozenset()
    assert by_id(runs_of(store)) == by_id(expected)


def test_what_was_recorded_although_the_answer_was_lost_may_be_recorded_again(store: Store, lease: Lease) -> None:
    changes, expected = everything_at_once(store, lease)
    with pytest.raises(DatabaseUnavailableError), lost_answer(store):
        store.runs.record(changes, lease)
    assert store.runs.record(changes, lease) == frozenset()
    assert by_id(runs_of(store)) == by_id(expected)


def test_the_first_result_of_a_run_stays(store: Store, lease: Lease) -> None:
    running = run()
    claim(store, lease, running)
    settle(store, ended(running, RunState.LOST))
    settle(store, ended(running, RunState.SUCCEEDED))
    assert store.runs.get(running.id).state is RunState.LOST


def test_a_start_that_is_told_after_the_end_changes_nothing(store: Store, lease: Lease) -> None:
    running = run()
    claim(store, lease, running)
    settle(store, ended(running))
    store.runs.record(RunChanges(started=[replace(running, started_at=NOW, pid=4711)]), None)
    assert store.runs.get(running.id) == ended(running)


def test_results_are_written_also_by_who_leads_no_more(store: Store) -> None:
    mine = store.leases.acquire("me", GONE)
    running = run(token=mine.token)
    claim(store, mine, running)
    store.leases.acquire("you", TTL)
    settle(store, ended(running))
    assert store.runs.get(running.id).state is RunState.SUCCEEDED


def test_a_waiting_run_that_a_later_leader_has_started_is_not_settled_by_the_one_before(store: Store) -> None:
    mine = store.leases.acquire("me", GONE)
    waiting = queued(token=mine.token)
    claim(store, mine, waiting)
    yours = store.leases.acquire("you", TTL)
    taken = with_leave(waiting, owner="you", token=yours.token)
    store.runs.record(RunChanges(promoted=[taken]), yours)
    settle(store, ended(waiting, RunState.SKIPPED, reason="paused"))
    assert store.runs.get(waiting.id) == taken


def test_a_run_that_another_one_has_started_or_ended_must_not_start(store: Store, lease: Lease) -> None:
    taken, over, free = queued("taken"), queued("over"), queued("free")
    claim(store, lease, taken, over, free)
    elsewhere = with_leave(taken, owner="you")
    store.runs.record(RunChanges(promoted=[elsewhere], settled=[(ended(over), Output())]), lease)
    wanted = [with_leave(taken), with_leave(over), with_leave(free)]
    assert store.runs.record(RunChanges(promoted=wanted), lease) == {taken.id, over.id}
    assert by_id(runs_of(store)) == by_id([elsewhere, ended(over), with_leave(free)])


def test_a_retry_whose_attempt_has_a_row_must_not_start_and_the_rest_is_written(store: Store, lease: Lease) -> None:
    failing, other = run("a"), run("b")
    theirs = retry(failing)
    claim(store, lease, failing, other, theirs)
    ours, new = retry(failing), retry(other)
    settled = [(ended(failing, RunState.FAILED), Output()), (ended(other, RunState.FAILED), Output())]
    assert store.runs.record(RunChanges(settled=settled, retries=[ours, new]), lease) == {ours.id}
    assert by_id(runs_of(store)) == by_id([*(run for run, _ in settled), theirs, new])


@pytest.mark.parametrize("lease_now", [None, Lease("me", LATER_LEASE)], ids=["none", "not the one in force"])
def test_without_the_lease_in_force_nothing_of_a_group_with_starts_is_written(
    store: Store, lease: Lease, lease_now: Lease | None
) -> None:
    changes, _ = everything_at_once(store, lease)
    before = runs_of(store)
    with pytest.raises(LeadershipLostError):
        store.runs.record(changes, lease_now)
    assert runs_of(store) == before


def followed(running: Run) -> Run:
    """The retry of a run that has failed, as an instance decides it that leads no more."""
    return retry(running, claimed_at=NOW)


def test_retries_are_queued_for_the_leader_by_who_leads_no_more(store: Store, lease: Lease) -> None:
    one, two = run("a"), run("b")
    claim(store, lease, one, two)
    settle(store, ended(one, RunState.FAILED), ended(two, RunState.FAILED))
    retries = [followed(one), followed(two)]
    for _ in range(2):  # the answer to the first time may have been lost
        assert store.runs.hand_over(retries) == HandedOver()
    assert by_id(store.runs.unsettled()) == by_id(retries)


def test_a_retry_is_not_queued_before_the_end_of_the_attempt_before_it_is_known(store: Store, lease: Lease) -> None:
    running = run()
    claim(store, lease, running)
    early = followed(running)
    assert store.runs.hand_over([early]) == HandedOver(early=frozenset({early.id}))
    assert store.runs.unsettled() == [running]


def test_a_retry_is_refused_when_the_leader_has_settled_the_attempt_before_it(store: Store, lease: Lease) -> None:
    lost, retried = run("a"), run("b")
    claim(store, lease, lost, retried)
    later = NOW + timedelta(seconds=1)
    settle(store, replace(ended(lost, RunState.LOST), finished_at=later), ended(retried, RunState.FAILED))
    theirs = retry(retried)
    store.runs.record(RunChanges(retries=[theirs]), lease)
    ours = [followed(lost), followed(retried)]
    assert store.runs.hand_over(ours) == HandedOver(refused=frozenset(each.id for each in ours))
    assert store.runs.unsettled() == [theirs]


def test_a_retry_is_refused_when_another_instance_looks_after_the_attempt_before_it(store: Store, lease: Lease) -> None:
    adopted = run("a", owner="you")
    claim(store, lease, adopted)
    ours = [followed(replace(adopted, owner="me")), followed(run("gone"))]
    assert store.runs.hand_over(ours) == HandedOver(refused=frozenset(each.id for each in ours))


def test_of_two_who_queue_the_same_retry_one_does(store: Store, other: Store, lease: Lease) -> None:
    running = run()
    claim(store, lease, running)
    settle(store, ended(running, RunState.FAILED))
    ours, theirs = followed(running), followed(running)
    answers = at_once([lambda: store.runs.hand_over([ours]), lambda: other.runs.hand_over([theirs])])
    (written,) = store.runs.unsettled()
    (refused,) = {ours.id, theirs.id} - {written.id}
    assert sorted(answer.refused for answer in answers) == [frozenset(), frozenset({refused})]


def test_more_results_than_a_statement_may_name_are_written_together(store: Store, lease: Lease) -> None:
    running = [run(f"job-{number}") for number in range(1_100)]
    claim(store, lease, *running)
    settle(store, *(ended(each) for each in running), output=b"done")
    settle(store, *(ended(each) for each in running), output=b"done")
    assert {row.state for row in runs_of(store)} == {RunState.SUCCEEDED}
    assert store.runs.output(running[-1].id) is not None


def test_nothing_to_record_is_no_change() -> None:
    assert not RunChanges()
    assert RunChanges(started=[run()])


def test_a_run_of_an_instance_that_is_gone_is_taken_up_while_it_runs(store: Store, lease: Lease) -> None:
    running, over = run("runs"), run("over")
    claim(store, lease, running, over)
    settle(store, ended(over))
    mine = [replace(each, owner="n2/me", token=lease.token) for each in (running, over)]
    assert store.runs.record(RunChanges(taken_up=mine), lease) == {over.id}
    assert {each.id: each.owner for each in runs_of(store)}[running.id] == "n2/me"
    assert store.runs.record(RunChanges(taken_up=mine), lease) == {over.id}


def test_nothing_is_taken_up_without_the_lease(store: Store, lease: Lease) -> None:
    running = run("runs")
    claim(store, lease, running)
    with pytest.raises(LeadershipLostError):
        store.runs.record(RunChanges(taken_up=[replace(running, owner="n2/me")]), None)
    assert by_id(runs_of(store))[running.id].owner == running.owner


def test_a_further_attempt_that_ends_before_it_has_a_row_gets_its_end_with_it(store: Store, lease: Lease) -> None:
    failing = run("fails")
    claim(store, lease, failing)
    again = retry(failing)
    replaced = ended(again, RunState.CANCELLED)
    changes = RunChanges(settled=[(ended(failing, RunState.FAILED), Output()), (replaced, Output())], retries=[again])
    assert store.runs.record(changes, lease) == frozenset()
    assert by_id(runs_of(store))[again.id].state is RunState.CANCELLED
