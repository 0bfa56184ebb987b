"""What each run waits for, as the leader knows it and as the rows say it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schedsync.runs.ledger import PROCESSES, PYTHON, SQL, Entry, Ledger, Place
from schedsync.runs.run import Run, RunState
from schedsync.runs.slots import Decision
from schedsync.runs.waiting import Waiting, WaitsFor, waiting, waiting_in_rows
from tests.builders import NOW, run, spec

MINUTE = timedelta(minutes=1)
ERP = {"group": "erp", "overlap": "queue"}
SPECS = {
    "a": spec(id="a", **ERP),
    "b": spec(id="b", **ERP),
    "c": spec(id="c", overlap="queue"),
    "py": spec(id="py", overlap="allow", run={"python": "a:b"}),
    "sql": spec(id="sql", run={"sql": "SELECT 1", "connection": "erp"}),
}


def book(**limits: Any) -> Ledger:
    return Ledger({PROCESSES: 2, PYTHON: 1, SQL: 1}, **limits)


def claimed(ledger: Ledger, job_id: str, decision: Decision = Decision.START) -> Run:
    entry = ledger.reserve(Entry(run(job_id=job_id), SPECS[job_id], ""), decision)
    ledger.enter(entry)
    return entry.run


def test_what_runs_does_not_wait() -> None:
    ledger = book()
    claimed(ledger, "a")
    assert waiting(ledger) == []


def test_a_run_waits_for_a_place_behind_those_that_are_ready_for_longer() -> None:
    ledger = book()
    _, first, second = (claimed(ledger, "py") for _ in range(3))
    assert waiting(ledger) == [
        Waiting(first, WaitsFor.CAPACITY, PYTHON, 1, before=0),
        Waiting(second, WaitsFor.CAPACITY, PYTHON, 1, before=1),
    ]


def test_a_run_that_its_own_pool_has_a_place_for_waits_for_one_among_all() -> None:
    ledger = book(max_runs=1)
    claimed(ledger, "a")
    claimed(ledger, "sql")
    (told,) = waiting(ledger)
    assert (told.pool, told.places) == ("all", 1)


def test_a_run_waits_for_those_at_it_in_its_job_and_group_behind_those_before_it() -> None:
    ledger = book()
    first = claimed(ledger, "a")
    second, third = claimed(ledger, "b", Decision.WAIT), claimed(ledger, "a", Decision.WAIT)
    assert waiting(ledger) == [
        Waiting(second, WaitsFor.OVERLAP, group="erp", behind=(first,), before=0),
        Waiting(third, WaitsFor.OVERLAP, group="erp", behind=(first,), before=1),
    ]


def test_a_retry_waits_for_its_time_and_others_for_the_retry() -> None:
    ledger = book()
    first = claimed(ledger, "a")
    second = claimed(ledger, "b", Decision.WAIT)
    retry = run(job_id="a", attempt=2, due_at=NOW + MINUTE)
    ledger.settle(first.id, retry)
    overlap, delay = waiting(ledger)
    assert (overlap.run, overlap.behind) == (second, (retry,))
    assert (delay.run, delay.kind, delay.until) == (retry, WaitsFor.DELAY, NOW + MINUTE)


def rows(*unsettled: Run) -> list[Waiting]:
    return waiting_in_rows(unsettled, SPECS, NOW, {})


def test_rows_say_what_a_run_waits_for_but_not_how_many_places_there_are() -> None:
    running = run(job_id="b", scheduled_at=NOW + MINUTE, state=RunState.RUNNING)
    behind, free, late = run(job_id="a"), run(job_id="c"), run(job_id="c", attempt=2, due_at=NOW + MINUTE)
    told = rows(behind, free, late, running)
    assert [(each.run, each.kind) for each in told] == [
        (free, WaitsFor.CAPACITY),
        (behind, WaitsFor.OVERLAP),
        (late, WaitsFor.DELAY),
    ]
    assert (told[0].pool, told[0].places, told[1].behind) == (PROCESSES, None, (running,))


def test_what_a_run_of_a_job_that_is_gone_waits_for_is_not_known() -> None:
    gone = run(job_id="gone")
    assert rows(gone, run(job_id="gone", state=RunState.RUNNING)) == [Waiting(gone)]


def test_rows_know_how_many_places_a_group_has() -> None:
    one, two, three = (run(job_id=name, state=RunState.RUNNING) for name in ("a", "b", "b"))
    queued = replace(three, state=RunState.QUEUED, job_id="a")
    (told,) = waiting_in_rows([two, queued], SPECS, NOW, {"erp": 2})
    assert told.kind is WaitsFor.CAPACITY
    (told,) = waiting_in_rows([one, two, queued], SPECS, NOW, {"erp": 2})
    assert told.behind == (one, two)


jobs = st.sampled_from(sorted(SPECS))


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.tuples(jobs, st.booleans(), st.booleans()), max_size=12), st.integers(1, 3))
def test_each_run_that_is_queued_is_told_once_and_waits_for_something_that_is_there(
    drawn: list[tuple[str, bool, bool]], places: int
) -> None:
    unsettled = [
        run(
            job_id=job_id,
            scheduled_at=NOW + number * MINUTE,
            state=RunState.RUNNING if running else RunState.QUEUED,
            due_at=NOW + MINUTE if delayed else NOW,
        )
        for number, (job_id, running, delayed) in enumerate(drawn)
    ]
    told = waiting_in_rows(unsettled, SPECS, NOW, {"erp": places})
    assert sorted(each.run.id for each in told) == sorted(r.id for r in unsettled if r.state is RunState.QUEUED)
    for each in told:
        assert (each.kind is WaitsFor.OVERLAP) == bool(each.behind)
        assert set(each.behind) <= set(unsettled)
        assert each.run not in each.behind


def test_a_run_of_another_instance_takes_no_place_and_those_behind_it_wait() -> None:
    ledger = book()
    there = Entry(run(job_id="a", state=RunState.RUNNING), SPECS["a"], "")
    ledger.note_elsewhere(there)
    ledger.note_elsewhere(replace(there))
    here = claimed(ledger, "b", Decision.WAIT)
    assert (there.place, len(ledger.entries())) == (Place.ELSEWHERE, 2)
    claimed(ledger, "c")
    claimed(ledger, "py")
    assert [each.run for each in waiting(ledger)] == [here]
    ledger.settle(there.run.id)
    assert [entry.run.id for entry in ledger.promote(NOW)] == [here.id]
