"""What becomes of runs that nobody looks after."""

from dataclasses import replace
from datetime import timedelta

from schedsync.runs.recovery import LOST, KnownJob, Takeover, recover
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
