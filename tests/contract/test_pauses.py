"""Operators' pauses: one per job or for everything, each decision in the audit log."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select

from schedsync.runs.pause import EVERYTHING
from schedsync.store import tables
from schedsync.store.leases import Lease
from schedsync.store.store import Store
from tests.contract.builders import MINUTE, NOW, SLOT, advance, live, pause, run


def audit(store: Store) -> list[tuple[str, str, str | None, str | None]]:
    """Action, actor, job and reason of each decision, in their order."""
    columns = tables.audit.c
    with store.database.read() as connection:
        rows = connection.execute(select(tables.audit).order_by(columns.happened_at, columns.id))
        return [(row.action, row.actor, row.job_id, row.reason) for row in rows]


def test_a_pause_comes_back_as_it_was_set(store: Store) -> None:
    for_a = pause("a", reason="invoices are late, “really”", until=NOW + MINUTE)
    for_all = pause(EVERYTHING, by="bob")
    store.pauses.put(for_a, now=NOW)
    store.pauses.put(for_all, now=NOW)
    assert store.pauses.in_force(NOW) == {"a": for_a, EVERYTHING: for_all}


def test_a_new_pause_of_a_job_replaces_the_one_before(store: Store) -> None:
    store.pauses.put(pause("a", reason="first", until=NOW + MINUTE), now=NOW)
    later = pause("a", by="bob", reason="second")
    store.pauses.put(later, now=NOW)
    assert store.pauses.in_force(NOW + 2 * MINUTE) == {"a": later}


def test_a_pause_ends_at_its_end_and_not_before(store: Store) -> None:
    ends = pause("a", until=NOW + MINUTE)
    store.pauses.put(ends, now=NOW)
    assert store.pauses.in_force(NOW + 0.999 * MINUTE) == {"a": ends}
    assert store.pauses.in_force(NOW + MINUTE) == {}


def test_a_lifted_pause_is_over_at_once_and_can_be_lifted_only_once(store: Store) -> None:
    store.pauses.put(pause("a"), now=NOW)
    assert store.pauses.lift("a", by="bob", reason=None, now=NOW)
    assert store.pauses.in_force(NOW) == {}
    assert not store.pauses.lift("a", by="bob", reason=None, now=NOW)


def test_lifting_the_pause_of_everything_leaves_those_of_jobs(store: Store) -> None:
    store.pauses.put(pause("a"), now=NOW)
    store.pauses.put(pause(EVERYTHING), now=NOW)
    store.pauses.lift(EVERYTHING, by="bob", reason=None, now=NOW)
    assert store.pauses.in_force(NOW).keys() == {"a"}


def test_each_decision_is_in_the_audit_log(store: Store) -> None:
    store.pauses.put(pause("a", reason="why"), now=NOW)
    store.pauses.put(pause("a", by="cy"), now=NOW + MINUTE)
    store.pauses.lift("a", by="bob", reason="done", now=NOW + 2 * MINUTE)
    store.pauses.lift("a", by="bob", reason="again", now=NOW + 3 * MINUTE)
    assert audit(store) == [("pause", "ann", "a", "why"), ("pause", "cy", "a", None), ("resume", "bob", "a", "done")]


def test_pauses_that_ran_out_are_dropped_with_a_line_in_the_audit_log(store: Store) -> None:
    store.pauses.put(pause("over", until=NOW), now=NOW - MINUTE)
    store.pauses.put(pause("lasts", until=NOW + MINUTE), now=NOW - MINUTE)
    store.pauses.put(pause("endless"), now=NOW - MINUTE)
    assert store.pauses.forget_expired(NOW) == 1
    assert store.pauses.in_force(NOW - MINUTE).keys() == {"lasts", "endless"}
    assert audit(store)[-1] == ("resume", "schedsync", "over", "pause ended")
    assert store.pauses.forget_expired(NOW) == 0


@pytest.mark.parametrize("paused", ["a", EVERYTHING])
def test_a_pause_that_ran_out_stays_while_a_slot_that_fell_into_it_is_to_be_judged(
    store: Store, lease: Lease, paused: str
) -> None:
    """After an outage slots are looked at when their pause is over; without it they would run."""
    live(store, "a", "b")
    live(store, "c", at=None)
    store.pauses.put(pause(paused, until=SLOT + MINUTE), now=NOW)
    later = SLOT + 2 * MINUTE
    store.runs.claim(lease, [run("b")], [advance("b")])
    assert store.pauses.forget_expired(later) == 0
    assert store.pauses.in_force(later) == {}
    store.runs.claim(lease, [run("a")], [advance("a")])
    assert store.pauses.forget_expired(later) == 1


def test_slots_of_other_jobs_and_from_its_end_on_do_not_keep_a_pause_that_ran_out(store: Store) -> None:
    live(store, "a")
    store.pauses.put(pause("a", until=SLOT), now=NOW)
    store.pauses.put(pause("b", until=SLOT + MINUTE), now=NOW)
    assert store.pauses.forget_expired(SLOT + 2 * MINUTE) == 2


def test_a_pause_that_is_set_anew_while_the_old_one_is_dropped_stays(store: Store, other: Store) -> None:
    anew = pause("a", until=NOW + MINUTE)
    store.pauses.put(pause("a", until=NOW), now=NOW - MINUTE)
    # When the look at what has run out ends, and before the first of it is dropped.
    event.listen(store.database.engine, "rollback", lambda _: other.pauses.put(anew, now=NOW), once=True)
    assert store.pauses.forget_expired(NOW) == 0
    assert store.pauses.in_force(NOW) == {"a": anew}


def test_a_pause_that_somebody_else_sets_at_the_same_moment_is_replaced(store: Store, other: Store) -> None:
    asked = threading.Event()

    def note(_connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO schedsync_pauses"):
            asked.set()

    event.listen(store.database.engine, "before_cursor_execute", note)
    with ThreadPoolExecutor() as threads:
        with other.database.write() as connection:
            connection.execute(insert(tables.pauses), {"job_id": "a", "paused_by": "ann", "since_at": NOW})
            put = threads.submit(store.pauses.put, pause("a", by="bob"), now=NOW)
            asked.wait(0.3)  # where writers take turns it is not asked before the other one has ended
        put.result(timeout=30)
    assert store.pauses.in_force(NOW) == {"a": pause("a", by="bob")}


def test_a_long_reason_is_cut_and_text_that_databases_refuse_is_replaced(store: Store) -> None:
    store.pauses.put(pause("a", by="x\0y\ud800z", reason="ü" * 5_000), now=NOW)
    kept = store.pauses.in_force(NOW)["a"]
    assert kept.by == "x\ufffdy?z"
    assert kept.reason == "ü" * 997 + "..."


def test_an_empty_reason_is_no_reason(store: Store) -> None:
    store.pauses.put(pause("a", reason=""), now=NOW)
    assert store.pauses.in_force(NOW)["a"].reason is None
