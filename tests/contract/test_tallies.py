"""Counting the runs of a day: by job, by quarter of an hour, and those themselves that are few."""

from collections import Counter
from datetime import timedelta

import pytest

from schedsync.runs.run import RunState
from schedsync.store.leases import Lease
from schedsync.store.store import Store
from tests.contract.builders import MINUTE, NOW, SLOT, claim, run

STEP = timedelta(minutes=15)
DAY = (NOW, NOW + timedelta(hours=22))
OK, BAD = RunState.SUCCEEDED, RunState.FAILED


@pytest.fixture
def past(store: Store, lease: Lease) -> None:
    """Slots at :05 and :10 and :25 of the job a, at :10 of b; and of a just outside the day, on both sides."""
    outside = run("a", DAY[0] - MINUTE, state=OK), run("a", DAY[1], state=OK)
    first = [run("a", SLOT, state=OK), run("a", SLOT + 5 * MINUTE, state=BAD), run("b", SLOT + 5 * MINUTE, state=OK)]
    claim(store, lease, *first, run("a", SLOT + 20 * MINUTE, state=OK), *outside)


def test_runs_are_counted_by_job_and_by_quarter_of_an_hour(store: Store, past: None) -> None:
    tallies = store.runs.tallies(DAY, STEP)
    by_job = {(t.job_id, t.state): t.count for t in tallies if t.job_id is not None}
    by_step = {(t.at, t.state): t.count for t in tallies if t.job_id is None}
    assert by_job == {("a", OK): 2, ("a", BAD): 1, ("b", OK): 1}
    assert by_step == {(NOW, OK): 2, (NOW, BAD): 1, (NOW + STEP, OK): 1}
    assert all(t.at is None for t in tallies if t.job_id is not None)


def test_runs_of_some_jobs_are_counted_by_quarter_of_an_hour(store: Store, past: None) -> None:
    found = Counter({(t.job_id, t.at, t.state): t.count for t in store.runs.tallies_of(["a", "gone"], DAY, STEP)})
    assert found == {("a", NOW, OK): 1, ("a", NOW, BAD): 1, ("a", NOW + STEP, OK): 1}


def test_runs_of_some_jobs_are_given_oldest_first(store: Store, past: None) -> None:
    found = [(r.job_id, (r.scheduled_at - NOW) // MINUTE) for r in store.runs.within(["a", "b"], DAY, 10)]
    assert sorted(found) == [("a", 5), ("a", 10), ("a", 25), ("b", 10)]
    assert [minute for _, minute in found] == [5, 10, 10, 25]
    assert len(store.runs.within(["a", "b"], DAY, 2)) == 2
    assert store.runs.within([], DAY, 10) == []
