"""What a tick costs: the same few statements however many jobs are due, and none that touches a LOB."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Text, event

from schedsync.runs.notices import Ending
from schedsync.runs.outcome import Output
from schedsync.runs.run import RunState
from schedsync.specs.notify import Notify
from schedsync.status.knowledge import FromStore
from schedsync.status.mirror import Mirror
from schedsync.status.selection import JobFilter, Sort, Wanted
from schedsync.status.views import listing
from schedsync.store import tables
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store
from tests.contract.builders import MINUTE, NOW, SLOT, TTL, advance, claim, ended, live, retry, run

JOBS = [f"job-{number:04}" for number in range(1_000)]
LOBS = {
    column.table.name for table in tables.metadata.sorted_tables for column in table.c if isinstance(column.type, Text)
}


@contextmanager
def traffic(store: Store) -> Iterator[list[str]]:
    """The statements that are sent meanwhile; one for many rows counts once, a begin without a trip not at all."""
    sent: list[str] = []

    def statement(_connection: Connection, _cursor: Any, text: str, *_: Any) -> None:
        if not text.startswith("BEGIN"):
            sent.append(text)

    def commit(_connection: Connection) -> None:
        sent.append("COMMIT")

    engine = store.database.engine
    listeners: dict[str, Callable[..., None]] = {"before_cursor_execute": statement, "commit": commit}
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    try:
        yield sent
    finally:
        for name, listener in listeners.items():
            event.remove(engine, name, listener)


def verbs(sent: list[str]) -> list[str]:
    return [text.split()[0] for text in sent]


def test_a_thousand_due_jobs_are_found_in_one_statement_and_claimed_in_three(store: Store, lease: Lease) -> None:
    live(store, *JOBS)
    with traffic(store) as looking:
        due = store.jobs.due(run().scheduled_at, 5_000)
    with traffic(store) as claiming:
        written = store.runs.claim(lease, [run(row.id) for row in due], [advance(row.id) for row in due])
    assert len(written) == len(JOBS)
    assert verbs(looking) == ["SELECT"]
    assert verbs(claiming) == ["UPDATE", "UPDATE", "INSERT", "COMMIT"]
    assert not [text for text in looking + claiming if any(table in text for table in LOBS)]


def test_a_claim_that_meets_known_slots_costs_little_more(store: Store, lease: Lease) -> None:
    live(store, *JOBS)
    claim(store, lease, *(run(job_id) for job_id in JOBS[:10]))
    with traffic(store) as claiming:
        store.runs.claim(lease, [run(job_id) for job_id in JOBS], [advance(job_id) for job_id in JOBS])
    assert verbs(claiming) == ["UPDATE", "UPDATE", "INSERT", "SELECT", "SELECT", "UPDATE", "UPDATE", "INSERT", "COMMIT"]


def test_a_thousand_results_are_written_in_as_many_statements_as_ten(store: Store, lease: Lease) -> None:
    def record(*job_ids: str) -> list[str]:
        running = [run(job_id) for job_id in job_ids]
        claim(store, lease, *running)
        results = [(ended(each, RunState.FAILED), Output(b"no", total=2)) for each in running]
        with traffic(store) as recording:
            store.runs.record(RunChanges(settled=results, retries=[retry(each) for each in running]), lease)
        return verbs(recording)

    few = record(*JOBS[:10])
    assert few == ["UPDATE", "SELECT", "INSERT", "UPDATE", "INSERT", "COMMIT"]
    assert len(record(*JOBS[10:])) == len(few) + 1  # ids are named 500 at a time


def test_results_of_jobs_that_tell_somebody_cost_a_question_more_and_what_is_new_two_writes(
    store: Store, lease: Lease
) -> None:
    def record(*job_ids: str, state: RunState, slot: datetime) -> list[str]:
        running = [run(job_id, slot=slot) for job_id in job_ids]
        claim(store, lease, *running)
        ends = [ended(each, state) for each in running]
        endings = [Ending(each, Notify(to=("mail",))) for each in ends]
        with traffic(store) as recording:
            store.runs.record(RunChanges(settled=[(each, Output()) for each in ends], endings=endings), lease)
        return verbs(recording)

    live(store, *JOBS[:400])
    assert record(*JOBS[:400], state=RunState.SUCCEEDED, slot=SLOT) == ["SELECT", "UPDATE", "COMMIT"]
    new = ["SELECT", "UPDATE", "INSERT", "INSERT", "COMMIT"]
    assert record(*JOBS[:400], state=RunState.FAILED, slot=SLOT + MINUTE) == new
    assert record(*JOBS[:400], state=RunState.FAILED, slot=SLOT + 2 * MINUTE) == ["SELECT", "UPDATE", "COMMIT"]


def test_a_renewal_is_one_statement(store: Store, lease: Lease) -> None:
    with traffic(store) as renewing:
        store.leases.renew(lease.owner, TTL)
    assert verbs(renewing) == ["UPDATE", "COMMIT"]


def test_a_page_of_jobs_is_three_questions_at_most_and_its_specs_are_read_once(store: Store, lease: Lease) -> None:
    live(store, *JOBS)
    claim(store, lease, *(run(job_id) for job_id in JOBS[::2]))
    known = FromStore(store, Mirror())

    def page(wanted: Wanted) -> list[str]:
        with traffic(store) as asking:
            assert len(listing(known, wanted, NOW).jobs) == wanted.limit
        return asking

    by_id = 1 if store.database.dialect.name == "sqlite" else 3
    assert verbs(page(Wanted(100))) == ["SELECT"] * (by_id + 1)
    for wanted, questions in (
        (Wanted(100), by_id),
        (Wanted(50, JobFilter(state="active")), 3),
        (Wanted(10, sort=Sort.NEXT_FIRE), 3),
    ):
        asked = page(wanted)
        assert verbs(asked) == ["SELECT"] * questions
        assert not [text for text in asked if any(table in text for table in LOBS)]


@pytest.mark.parametrize("jobs", [10, 1_000])
def test_a_first_step_writes_any_number_of_jobs_in_few_statements(store: Store, jobs: int) -> None:
    with traffic(store) as applying:
        live(store, *JOBS[:jobs])
    assert len(applying) <= 5 + 1
