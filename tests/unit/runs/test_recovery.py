"""What becomes of runs that nobody looks after."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schedsync.runs.ledger import PROCESSES, Entry, Ledger, Place
from schedsync.runs.recovery import LOST, KnownJob, Takeover, interrupted, outdated, recover
from schedsync.runs.run import RunState
from tests.builders import HOUR, NOW, run, spec

TAKEOVER = Takeover("node", "node/new", NOW)


def _jobs(**fields: object) -> dict[str, KnownJob]:
    return {"job": KnownJob(spec(**fields), "job.yaml")}


def test_a_running_one_is_lost_and_not_retried_unless_its_job_says_so() -> None:
    recovered = recover([run(state=RunState.RUNNING)], _jobs(), TAKEOVER)
    (lost,) = recovered.lost
    assert (lost.state, lost.reason, lost.finished_at) == (RunState.LOST, LOST, NOW)
    assert recovered.retries == []


def test_a_lost_one_is_retried_where_its_job_says_so() -> None:
    jobs = _jobs(retry={"attempts": 2, "delay": "10s", "on": ["lost"]})
    recovered = recover([run(state=RunState.RUNNING)], jobs, TAKEOVER)
    (retry,) = recovered.retries
    assert (retry.attempt, retry.owner, retry.due_at) == (2, "node/new", NOW + timedelta(seconds=10))
    assert [entry.run for entry in recovered.adopted] == [retry]


def test_a_lost_one_that_was_the_last_attempt_says_so() -> None:
    jobs = _jobs(retry={"attempts": 2, "delay": "10s"})
    recovered = recover([run(state=RunState.RUNNING, attempt=2)], jobs, TAKEOVER)
    assert recovered.retries == []
    assert recovered.lost[0].reason == f"{LOST}; gave up after 2 attempts"


def test_what_had_begun_keeps_its_place_before_what_had_not() -> None:
    group = {"group": "erp", "overlap": "queue", "retry": {"attempts": 2}}
    jobs = {name: KnownJob(spec(id=name, **group), "") for name in "ab"}
    waiting, running = run(job_id="a"), run(job_id="b", state=RunState.RUNNING)
    recovered = recover([waiting, running], jobs, TAKEOVER)
    assert [(entry.run.job_id, entry.run.attempt) for entry in recovered.adopted] == [("b", 2), ("a", 1)]
    book = Ledger({PROCESSES: 2})
    for entry in recovered.adopted:
        book.adopt(entry, NOW)
    assert [entry.place for entry in recovered.adopted] == [Place.DELAYED, Place.BLOCKED]


def test_a_lost_one_of_a_removed_job_is_only_settled() -> None:
    recovered = recover([run(state=RunState.RUNNING)], {}, TAKEOVER)
    assert len(recovered.lost) == 1
    assert recovered.adopted == []


def test_a_queued_one_is_taken_up_within_its_grace_and_skipped_after_it() -> None:
    in_time, late = run(scheduled_at=NOW - HOUR), run(scheduled_at=NOW - 2 * HOUR)
    recovered = recover([in_time, late], _jobs(), TAKEOVER)
    assert [entry.run for entry in recovered.adopted] == [in_time]
    assert [(r.id, r.state, r.reason) for r in recovered.skipped] == [
        (late.id, RunState.SKIPPED, "misfire: it could start only 2h late")
    ]


def test_a_retry_is_late_by_its_own_time_not_by_its_slot() -> None:
    waiting = run(scheduled_at=NOW - 5 * HOUR, due_at=NOW, attempt=2)
    assert [entry.run for entry in recover([waiting], _jobs(), TAKEOVER).adopted] == [waiting]


def test_a_queued_one_of_a_removed_job_is_skipped() -> None:
    assert recover([run()], {}, TAKEOVER).skipped[0].reason == "removed: the job is gone"


def test_what_is_known_not_to_have_started_is_taken_up_whatever_its_row_says() -> None:
    running = run(state=RunState.RUNNING)
    takeover = replace(TAKEOVER, unstarted=lambda _run: True)
    assert [entry.run for entry in recover([running], _jobs(), takeover).adopted] == [running]


def test_one_whose_result_was_kept_has_that_and_its_retry_is_counted_from_its_end() -> None:
    running = run(state=RunState.RUNNING, token=3, node="node")
    ended = replace(running, state=RunState.FAILED, exit_code=3, pid=7, finished_at=NOW - HOUR, token=1)
    jobs = _jobs(retry={"attempts": 2, "delay": "10s"})
    recovered = recover([running], jobs, TAKEOVER, {running.id: ended})
    assert recovered.known == [replace(ended, token=3)]
    assert recovered.lost == []
    assert [(r.attempt, r.due_at) for r in recovered.retries] == [(2, NOW - HOUR + timedelta(seconds=10))]


def test_a_kept_result_counts_for_a_queued_one_too() -> None:
    queued = run()
    ended = replace(queued, state=RunState.CANCELLED, finished_at=NOW)
    recovered = recover([queued], _jobs(), TAKEOVER, {queued.id: ended})
    assert (recovered.known, recovered.adopted) == ([ended], [])


def test_a_lost_one_whose_processes_live_on_is_not_tried_again() -> None:
    jobs = _jobs(retry={"attempts": 2, "delay": "10s", "on": ["lost"]})
    stuck, gone, waits = (
        run(state=state, scheduled_at=NOW - n * HOUR / 10)
        for n, state in enumerate([RunState.RUNNING, RunState.RUNNING, RunState.QUEUED])
    )
    assert interrupted([stuck, gone, waits], TAKEOVER, {gone.id}) == [stuck]
    recovered = recover([stuck, gone, waits], jobs, replace(TAKEOVER, remaining={stuck.id: [12, 13]}))
    assert [retry.scheduled_at for retry in recovered.retries] == [gone.scheduled_at]
    assert [entry.run.scheduled_at for entry in recovered.adopted] == [gone.scheduled_at, waits.scheduled_at]
    said = "; some of its processes could not be ended (pid 12, 13), so it is not tried again"
    assert [lost.reason for lost in recovered.lost] == [LOST + said, LOST]


@pytest.mark.parametrize(
    ("place", "row", "dropped"),
    [
        pytest.param(Place.READY, {"state": RunState.QUEUED}, False, id="it waits as its row says"),
        pytest.param(Place.READY, {"state": RunState.QUEUED, "owner": "you"}, False, id="another one had queued it"),
        pytest.param(Place.READY, {"state": RunState.RUNNING, "owner": "me"}, False, id="leave whose answer was lost"),
        pytest.param(Place.BLOCKED, {"state": RunState.RUNNING, "owner": "you"}, True, id="another one has started it"),
        pytest.param(Place.DELAYED, None, True, id="it has ended elsewhere"),
        pytest.param(Place.RUNNING, None, False, id="it runs here, whatever its row says"),
        pytest.param(Place.RUNNING, {"state": RunState.RUNNING, "owner": "you"}, False, id="it runs here as well"),
        pytest.param(Place.ELSEWHERE, {"state": RunState.RUNNING, "owner": "you"}, False, id="it still runs elsewhere"),
        pytest.param(Place.ELSEWHERE, None, True, id="it ran elsewhere, and has ended"),
    ],
)
def test_entries_that_the_rows_contradict_are_outdated(place: Place, row: dict[str, Any] | None, dropped: bool) -> None:
    known = Entry(run(owner="me"), spec(), "job.yaml", place)
    rows = {} if row is None else {known.run.id: replace(known.run, **row)}
    assert outdated([known], rows, "me") == ([known] if dropped else [])
