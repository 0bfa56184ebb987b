"""Runs that people ask for: a row and a line in the audit log, and no owner until somebody starts them."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from schedsync.clock import MICROSECOND
from schedsync.errors import DatabaseUnavailableError
from schedsync.runs.run import Cause, Run, RunState
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store
from tests.contract.builders import MINUTE, SLOT, at_once, claim, live, lost_answer, run, runs_of
from tests.contract.test_pauses import audit


def asked(job_id: str = "a", **fields: Any) -> Run:
    given = {"cause": Cause.MANUAL, "state": RunState.QUEUED, "owner": None, "token": 0, "asked_by": "ann"}
    return run(job_id, **{**given, **fields})


def test_it_comes_back_as_it_was_asked_for_and_the_audit_log_says_so(store: Store) -> None:
    wanted = asked(ask_reason="the export is mended, “really”")
    assert store.runs.ask(wanted) == wanted
    assert store.runs.get(wanted.id) == wanted
    assert audit(store) == [("trigger", "ann", "a", "the export is mended, “really”")]


def test_people_who_ask_within_the_same_moment_all_get_a_run(store: Store, other: Store) -> None:
    wanted = [asked() for _ in range(4)]
    written = at_once([partial((store, other)[n % 2].runs.ask, each) for n, each in enumerate(wanted)])
    assert sorted(each.scheduled_at for each in written) == [SLOT + n * MICROSECOND for n in range(4)]
    assert {each.id for each in runs_of(store, "a")} == {each.id for each in wanted}
    assert len(audit(store)) == 4


def test_a_wish_whose_answer_was_lost_may_be_repeated_and_is_there_once(store: Store) -> None:
    wanted = asked()
    with pytest.raises(DatabaseUnavailableError), lost_answer(store):
        store.runs.ask(wanted)
    assert store.runs.ask(wanted) == wanted
    assert runs_of(store) == [wanted]


def test_a_tick_sees_them_beside_what_is_due_until_they_have_an_owner(store: Store, lease: Lease) -> None:
    live(store, "a", "b")
    first, second = store.runs.ask(asked("a")), store.runs.ask(asked("b"))
    claim(store, lease, run("c", state=RunState.QUEUED), run("d"))
    seen = store.jobs.look(SLOT, 10)
    assert [row.id for row in seen.due] == ["a", "b"]
    assert seen.unowned == {first.id, second.id}
    assert store.runs.unowned() == [first, second]
    taken = replace(first, state=RunState.RUNNING, owner="me", node="n1", token=lease.token)
    assert store.runs.record(RunChanges(promoted=[taken]), lease) == frozenset()
    assert store.jobs.look(SLOT, 10).unowned == {second.id}
    assert store.jobs.look(SLOT - MINUTE, 10).due == []


def test_what_is_due_comes_in_order_and_up_to_the_limit(store: Store) -> None:
    live(store, "b", "a")
    live(store, "c", at=SLOT - MINUTE)
    store.runs.ask(asked("a"))
    assert [row.id for row in store.jobs.look(SLOT, 2).due] == ["c", "a"]


def test_the_attempts_at_a_slot_come_in_their_order(store: Store, lease: Lease) -> None:
    first = run()
    second = replace(run(attempt=2), cause=Cause.RETRY)
    claim(store, lease, second, first, run(slot=SLOT + MINUTE), run("b"))
    assert store.runs.attempts(second.job_id, second.scheduled_at) == [first, second]
