"""The ledger: who may start, who waits for what, and in which order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schedsync.runs.ledger import HTTP, PROCESSES, PYTHON, SQL, Entry, Ledger, Place
from schedsync.runs.run import Run, RunState
from schedsync.runs.slots import Ahead, Decision
from tests.builders import HOUR, NOW, run, spec

MINUTE = timedelta(minutes=1)
PYTHON_JOB = {"run": {"python": "a:b"}}


def ledger(processes: int = 2, python: int = 1) -> Ledger:
    return Ledger({PROCESSES: processes, PYTHON: python, SQL: 1, HTTP: 1})


def entry(job_id: str = "job", *, job: dict[str, Any] | None = None, **fields: Any) -> Entry:
    return Entry(run(job_id=job_id, **fields), spec(id=job_id, **(job or {})), f"{job_id}.yaml")


def claim(book: Ledger, *wanted: tuple[Entry, Decision]) -> list[Entry]:
    """Reserve all, then enter all, as one claim does."""
    reserved = [book.reserve(entry, decision) for entry, decision in wanted]
    for each in reserved:
        book.enter(each)
    return reserved


def start(book: Ledger, *job_ids: str, **fields: Any) -> list[Entry]:
    return claim(book, *((entry(job_id, **fields), Decision.START) for job_id in job_ids))


def places(entries: Sequence[Entry]) -> str:
    return " ".join(each.place.name.lower() for each in entries)


def names(entries: Sequence[Entry]) -> str:
    return " ".join(each.run.job_id for each in entries)


def retry_of(ended: Entry, *, due_at: Any = NOW + MINUTE) -> Run:
    return replace(run(job_id=ended.run.job_id), attempt=ended.run.attempt + 1, due_at=due_at)


# places


def test_a_run_starts_at_once_while_there_is_a_place() -> None:
    entries = start(ledger(), "a", "b", "c")
    assert places(entries) == "running running ready"
    assert [each.run.state for each in entries] == [RunState.RUNNING, RunState.RUNNING, RunState.QUEUED]


def test_each_pool_has_places_of_its_own() -> None:
    book = ledger(processes=1, python=1)
    start(book, "a")
    (python,) = start(book, "b", job=PYTHON_JOB)
    assert (python.pool, python.place) == (PYTHON, Place.RUNNING)
    assert places(start(book, "c", job=PYTHON_JOB)) == "ready"
    sql, plsql = (start(book, kind, job={"run": {kind: "x", "connection": "erp"}})[0] for kind in ("sql", "plsql"))
    assert (sql.pool, sql.place, plsql.pool, plsql.place) == (SQL, Place.RUNNING, SQL, Place.READY)
    (request,) = start(book, "d", job={"run": {"http": {"url": "https://a"}}})
    assert (request.pool, request.place) == (HTTP, Place.RUNNING)


def test_an_ended_run_gives_its_place_to_the_one_that_is_longest_ready() -> None:
    book = ledger(processes=1)
    a, *_ = start(book, "a", "b", "c")
    assert (book.startable, book.promote(NOW)) == (False, [])
    assert book.settle(a.run.id) is a
    assert book.startable
    assert names(book.promote(NOW)) == "b"
    assert not book.startable


def test_nobody_overtakes_those_who_are_ready() -> None:
    book = ledger(processes=1)
    (a, _) = start(book, "a", "b")
    book.settle(a.run.id)
    assert places(start(book, "c")) == "ready"
    assert names(book.promote(NOW)) == "b"


def test_a_withdrawn_claim_gives_its_place_back() -> None:
    book = ledger(processes=1)
    for _ in range(3):
        reserved = book.reserve(entry("a"), Decision.START)
        assert reserved.place is Place.RUNNING
        book.withdraw(reserved)
    assert (len(book), book.unsettled("a")) == (0, 0)


def test_an_ended_run_that_was_not_running_gives_no_place_back() -> None:
    book = ledger(processes=1)
    _, waiting = start(book, "a", "b")
    book.settle(waiting.run.id)
    assert places(start(book, "c")) == "ready"


def test_a_run_that_is_not_here_is_not_settled() -> None:
    book = ledger()
    assert (book.settle("nobody"), book.get("nobody"), book.of_job("nobody")) == (None, None, [])


def test_demoted_runs_have_their_old_turns_again() -> None:
    book = ledger(processes=3)
    running = start(book, "a", "b", "c")
    start(book, "d", "e", "f", "g")
    for each in running:
        book.settle(each.run.id)
    promoted = book.promote(NOW)
    assert names(promoted) == "d e f"
    for each in promoted:
        book.demote(each)
    assert {each.run.state for each in promoted} == {RunState.QUEUED}
    assert names(book.promote(NOW)) == "d e f"
    assert book.startable is False


# overlap


def test_a_run_that_waits_for_its_job_starts_when_the_one_before_it_has_ended() -> None:
    book = ledger()
    first, second, third = claim(book, (entry(), Decision.START), (entry(), Decision.WAIT), (entry(), Decision.WAIT))
    assert (places([first, second, third]), book.unsettled("job")) == ("running blocked blocked", 3)
    assert book.promote(NOW) == []
    book.settle(first.run.id)
    assert book.promote(NOW) == [second]
    assert book.promote(NOW) == []
    book.settle(second.run.id)
    assert book.promote(NOW) == [third]


def test_a_run_whose_predecessor_ended_before_it_was_entered_is_ready() -> None:
    book = ledger()
    (first,) = start(book, "job")
    second = book.reserve(entry(), Decision.WAIT)
    book.settle(first.run.id)
    book.enter(second)
    assert book.promote(NOW) == [second]


def test_of_several_that_waited_for_one_that_ended_meanwhile_the_first_is_ready() -> None:
    book = ledger()
    assert places(claim(book, (entry(), Decision.WAIT), (entry(), Decision.WAIT))) == "ready blocked"


def test_a_replacement_waits_until_what_it_replaces_has_ended() -> None:
    book = ledger()
    (first,) = start(book, "job")
    (second,) = claim(book, (entry(), Decision.REPLACE))
    assert book.promote(NOW) == []
    book.settle(first.run.id)
    assert book.promote(NOW) == [second]


def test_runs_that_may_overlap_start_beside_each_other() -> None:
    assert places(start(ledger(), "job", "job", job={"overlap": "allow"})) == "running running"


def test_a_run_in_the_middle_may_end_first() -> None:
    book = ledger()
    first, second, third = claim(
        book,
        (entry(), Decision.START),
        (entry(), Decision.WAIT),
        (entry(), Decision.WAIT),
    )
    book.settle(second.run.id)
    assert book.of_job("job") == [first, third]
    book.settle(first.run.id)
    assert book.promote(NOW) == [third]


# groups


ERP = {"group": "erp", "overlap": "queue"}
PAIR = {"group": "pair", "overlap": "queue"}


def grouped(processes: int = 9) -> Ledger:
    return Ledger({PROCESSES: processes, PYTHON: 1, SQL: 1}, groups={"pair": 2})


def test_jobs_of_a_group_run_one_after_the_other_in_one_line() -> None:
    book = grouped()
    a, b, c = claim(
        book,
        (entry("a", job=ERP), Decision.START),
        (entry("b", job=ERP), Decision.WAIT),
        (entry("a", job=ERP), Decision.WAIT),
    )
    assert places([a, b, c]) == "running blocked blocked"
    for ended, following in ((a, b), (b, c)):
        book.settle(ended.run.id)
        assert book.promote(NOW) == [following]


def test_what_stands_before_a_run_of_a_group_is_told() -> None:
    book = grouped()
    job = spec(id="b", **ERP)
    assert not book.ahead("b", job)
    (a,) = start(book, "a", job=ERP)
    assert book.ahead("b", job) == Ahead(other="a")
    assert not book.ahead("b", spec(id="b"))
    claim(book, (entry("b", job=ERP), Decision.WAIT))
    assert book.ahead("b", job) == Ahead(own=1, waiting=1, other="a")
    book.settle(a.run.id)
    assert book.ahead("b", job) == Ahead(own=1, waiting=0, other="b")


def test_what_is_being_claimed_stands_before_what_is_claimed_with_it() -> None:
    book = grouped()
    book.reserve(entry("a", job=ERP), Decision.START)
    assert book.ahead("b", spec(id="b", **ERP)) == Ahead(other="a")


def test_a_group_has_as_many_runs_as_it_has_places_and_a_job_still_one() -> None:
    book = grouped()
    a1, b, a2, c = claim(
        book,
        (entry("a", job=PAIR), Decision.START),
        (entry("b", job=PAIR), Decision.START),
        (entry("a", job=PAIR), Decision.WAIT),
        (entry("c", job=PAIR), Decision.WAIT),
    )
    assert places([a1, b, a2, c]) == "running running blocked blocked"
    book.settle(b.run.id)
    assert book.promote(NOW) == [c]
    book.settle(a1.run.id)
    assert book.promote(NOW) == [a2]


def test_what_was_adopted_since_a_start_was_decided_ends_first() -> None:
    book = grouped()
    left = entry("a", job=ERP)
    book.adopt(left, NOW)
    (late,) = claim(book, (entry("b", job=ERP), Decision.START))
    assert (places([left, late]), book.promote(NOW)) == ("ready blocked", [left])


def test_a_retry_keeps_the_place_of_its_group() -> None:
    book = grouped()
    a, b = claim(book, (entry("a", job=ERP), Decision.START), (entry("b", job=ERP), Decision.WAIT))
    retry = retry_of(a)
    book.settle(a.run.id, retry)
    assert book.promote(NOW) == []
    assert [each.run for each in book.promote(NOW + MINUTE)] == [retry]
    book.settle(retry.id)
    assert book.promote(NOW + MINUTE) == [b]


def test_a_run_replaces_those_of_its_job_and_as_many_of_its_group_as_it_needs_the_oldest_first() -> None:
    book = grouped()
    a, b = start(book, "a", "b", job=PAIR)
    new = entry("c", job=PAIR)
    assert book.in_the_way(new, claimed={new.run.id}, going=()) == [a]
    assert book.in_the_way(new, claimed={new.run.id}, going={a.run.id}) == []
    assert book.in_the_way(entry("b", job=PAIR), claimed=(), going=()) == [b]


def test_of_two_that_replace_at_once_the_second_follows_the_first() -> None:
    book = grouped()
    (old,) = start(book, "old", job=ERP)
    first, second = (book.reserve(entry(name, job=ERP), Decision.REPLACE) for name in "ab")
    claimed = {first.run.id, second.run.id}
    assert book.in_the_way(first, claimed=claimed, going=()) == [old]
    book.enter(first)
    assert book.in_the_way(second, claimed=claimed, going={old.run.id}) == []
    book.enter(second)
    book.settle(old.run.id)
    assert book.promote(NOW) == [first]


def test_a_run_stays_in_the_lines_that_it_was_claimed_in_when_its_job_is_moved_to_another_group() -> None:
    book = grouped()
    (before,) = start(book, "a", job={"group": "one"})
    (after,) = claim(book, (entry("a", job={"group": "two"}), Decision.WAIT))
    assert book.ahead("b", spec(id="b", group="one")) == Ahead(other="a")
    assert places([before, after]) == "running blocked"
    book.settle(before.run.id)
    assert book.promote(NOW) == [after]
    assert not book.ahead("b", spec(id="b", group="one"))


def test_a_run_that_is_taken_over_stands_in_the_lines_that_its_job_has_now() -> None:
    book = grouped()
    there = entry("a", job={"group": "one"})
    book.note_elsewhere(there)
    (waiting,) = claim(book, (entry("b", job={"group": "one"}), Decision.WAIT))
    assert book.promote(NOW) == []
    book.hold(replace(there, spec=spec(id="a", group="two")))
    assert book.promote(NOW) == [waiting]
    assert book.ahead("c", spec(id="c", group="two")) == Ahead(other="a")
    book.settle(there.run.id)
    assert not book.ahead("c", spec(id="c", group="two"))


def test_what_is_ready_waits_for_what_is_found_to_run_elsewhere() -> None:
    book = grouped(processes=1)
    start(book, "other")
    first, second = start(book, "a", "b", job=PAIR)
    there = entry("c", job=PAIR)
    book.note_elsewhere(there)
    assert places([first, second]) == "ready blocked"
    book.settle(there.run.id)
    assert places([first, second]) == "ready ready"


@pytest.mark.parametrize("ends", ["settle", "hold"])
def test_it_waits_for_others_as_long_as_their_runs_stand_in_lines_here(ends: str) -> None:
    book = grouped()
    there = entry("a", job=PAIR)
    assert not book.waits_for_others
    book.note_elsewhere(there)
    assert book.waits_for_others
    if ends == "settle":
        book.settle(there.run.id)
    else:
        book.hold(replace(there))
    assert not book.waits_for_others


# a limit for all pools together


def test_all_pools_together_have_no_more_runs_than_their_limit_and_the_longest_ready_is_next() -> None:
    book = Ledger({PROCESSES: 2, PYTHON: 2, SQL: 1}, max_runs=2)
    a, _ = start(book, "a", "b")
    (python,) = start(book, "py", job=PYTHON_JOB)
    assert (python.place, book.startable) == (Place.READY, False)
    book.settle(a.run.id)
    assert places(start(book, "c")) == "ready"
    assert names(book.promote(NOW)) == "py"
    assert not book.startable
    book.settle(python.run.id)
    assert names(book.promote(NOW)) == "c"


# retries


def test_a_retry_waits_for_its_time_and_those_behind_it_wait_on() -> None:
    book = ledger()
    first, second = claim(book, (entry(), Decision.START), (entry(), Decision.WAIT))
    retry = retry_of(first)
    book.settle(first.run.id, retry)
    assert [each.run.id for each in book.of_job("job")] == [retry.id, second.run.id]
    assert (book.next_due(), book.promote(NOW)) == (NOW + MINUTE, [])
    assert [each.run for each in book.promote(NOW + MINUTE)] == [retry]
    assert book.next_due() is None
    book.settle(retry.id)
    assert book.promote(NOW + MINUTE) == [second]


def test_the_retry_of_a_run_in_the_middle_keeps_its_turn() -> None:
    book = ledger()
    jobs = {"job": {"overlap": "allow"}}
    first, second, third = start(book, "job", "job", "job", **jobs)
    retry = retry_of(second)
    book.settle(second.run.id, retry)
    assert [each.run.id for each in book.of_job("job")] == [first.run.id, retry.id, third.run.id]


def test_retries_become_ready_in_the_order_of_their_times() -> None:
    book = ledger(processes=3)
    a, b, c = start(book, "a", "b", "c")
    for each, minutes in ((a, 3), (b, 1), (c, 2)):
        book.settle(each.run.id, retry_of(each, due_at=NOW + minutes * MINUTE))
    assert names(book.promote(NOW + 2 * MINUTE)) == "b c"
    assert names(book.promote(NOW + 3 * MINUTE)) == "a"


def test_a_retry_that_is_cancelled_is_not_promoted() -> None:
    book = ledger()
    (first,) = start(book, "job")
    retry = retry_of(first)
    book.settle(first.run.id, retry)
    book.settle(retry.id)
    assert (book.promote(NOW + HOUR), len(book), book.unsettled("job")) == ([], 0, 0)


# what an earlier process left


@pytest.mark.parametrize(
    ("before", "overlap", "due_at", "place"),
    [
        pytest.param(0, "skip", None, Place.READY, id="alone"),
        pytest.param(0, "skip", NOW, Place.READY, id="due now"),
        pytest.param(0, "skip", NOW + MINUTE, Place.DELAYED, id="due later"),
        pytest.param(1, "skip", None, Place.BLOCKED, id="behind another"),
        pytest.param(1, "replace", NOW, Place.BLOCKED, id="behind another that it replaces"),
        pytest.param(1, "allow", None, Place.READY, id="beside another"),
        pytest.param(1, "skip", NOW + MINUTE, Place.DELAYED, id="due later, behind another"),
    ],
)
def test_a_queued_run_of_an_earlier_process_is_taken_up(before: int, overlap: str, due_at: Any, place: Place) -> None:
    book = ledger()
    start(book, *["job"] * before)
    left = entry(due_at=due_at, job={"overlap": overlap})
    book.adopt(left, NOW)
    assert (left.place, book.get(left.run.id)) == (place, left)


def test_adopted_runs_of_a_job_follow_one_another_in_the_order_of_their_adoption() -> None:
    book = ledger()
    left = [entry() for _ in range(3)]
    for each in left:
        book.adopt(each, NOW)
    assert places(left) == "ready blocked blocked"
    for each in left:
        assert book.promote(NOW) == [each]
        book.settle(each.run.id)


def test_a_run_is_adopted_once() -> None:
    """Two threads may find the same leftovers."""
    book = ledger()
    left = entry()
    book.adopt(left, NOW)
    assert book.promote(NOW) == [left]
    book.adopt(replace(left, place=Place.READY), NOW)
    assert (book.promote(NOW), book.unsettled("job"), left.place) == ([], 1, Place.RUNNING)


def test_a_run_that_is_adopted_while_another_is_being_claimed_waits_for_it() -> None:
    book = ledger()
    reserved = book.reserve(entry(), Decision.START)
    left = entry()
    book.adopt(left, NOW)
    assert book.promote(NOW) == []
    book.enter(reserved)
    assert places([reserved, left]) == "running blocked"
    book.settle(reserved.run.id)
    assert book.promote(NOW) == [left]


def test_a_run_that_was_adopted_while_another_was_being_claimed_goes_on_when_that_claim_fails() -> None:
    book = ledger()
    reserved = book.reserve(entry(), Decision.START)
    left = entry()
    book.adopt(left, NOW)
    book.withdraw(reserved)
    assert book.promote(NOW) == [left]


def test_an_adopted_retry_that_comes_due_beside_another_run_waits_for_it() -> None:
    """Its job may have allowed overlaps when it was claimed."""
    book = ledger()
    late, other = entry(due_at=NOW + MINUTE), entry(due_at=NOW + 2 * MINUTE)
    book.adopt(late, NOW)
    book.adopt(other, NOW)
    assert book.promote(NOW + 3 * MINUTE) == [late]
    assert other.place is Place.BLOCKED
    book.settle(late.run.id)
    assert book.promote(NOW + 3 * MINUTE) == [other]


def test_a_run_that_goes_on_holds_its_job_and_its_place_even_where_there_is_none() -> None:
    book = ledger(processes=1)
    start(book, "other")
    held = entry("job", state=RunState.RUNNING)
    book.hold(held)
    assert (book.running, book.unsettled("job")) == (2, 1)
    (waiting,) = claim(book, (entry("job"), Decision.WAIT))
    book.settle(held.run.id)
    assert places([waiting]) == "ready"
    assert not book.startable
    book.settle(book.of_job("other")[0].run.id)
    assert book.promote(NOW) == [waiting]


def test_what_waits_here_and_is_found_to_run_elsewhere_keeps_its_place_in_line() -> None:
    book = ledger()
    first, second = claim(book, (entry("job"), Decision.START), (entry("job"), Decision.WAIT))
    book.demote(first)  # its leave was never written down; another instance has given it one since
    book.note_elsewhere(Entry(replace(first.run, state=RunState.RUNNING, owner="you"), first.spec, "job.yaml"))
    assert places([first, second]) == "elsewhere blocked"
    assert book.promote(NOW) == []
    book.settle(first.run.id)
    assert book.promote(NOW) == [second]


# jobs with new ids


def test_the_runs_of_a_renamed_job_go_on_in_their_order_before_those_that_its_new_id_has_already() -> None:
    book = ledger()
    (running,) = start(book, "old", job={"group": "erp"})
    (waiting,) = claim(book, (entry("old", job={"group": "erp"}), Decision.WAIT))
    (early,) = claim(book, (entry("new"), Decision.WAIT))
    assert book.rename({"old": "new", "other": "another"}) == [running, waiting]
    assert book.of_job("new") == [running, waiting, early]
    assert (book.of_job("old"), book.unsettled("old")) == ([], 0)
    assert [each.run.job_id for each in book.of_line(("group", "erp"))] == ["new", "new"]
    assert {(each.spec.id, each.spec.renamed_from) for each in (running, waiting)} == {("new", "old")}
    assert book.ahead("new", spec(id="new")) == Ahead(own=3, waiting=1)
    book.settle(running.run.id, retry_of(running))
    assert places(book.of_job("new")) == "delayed blocked ready"


def test_a_claim_that_is_under_way_while_its_job_is_renamed_is_entered_or_withdrawn_under_the_old_id() -> None:
    book = ledger()
    reserved, other = (book.reserve(entry("old"), decision) for decision in (Decision.START, Decision.WAIT))
    book.rename({"old": "new"})
    book.withdraw(other)
    book.enter(reserved)
    assert book.rename({"old": "new"}) == [reserved]
    book.settle(reserved.run.id)
    assert (len(book), book.unsettled("new")) == (0, 0)


def test_a_run_that_its_row_has_under_a_new_id_stays_where_it_is_until_the_ledger_is_told() -> None:
    book = ledger()
    (known,) = claim(book, (entry("old"), Decision.WAIT))
    elsewhere = replace(known.run, job_id="new", state=RunState.RUNNING)
    book.note_elsewhere(Entry(elsewhere, spec(id="new"), "new.yaml"))
    assert places(book.of_job("old")) == "elsewhere"
    book.settle(known.run.id)
    assert len(book) == 0
