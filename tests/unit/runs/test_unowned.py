"""What becomes of runs that no schedule made, when the leader finds them."""

from datetime import timedelta
from typing import Any

import pytest

from schedsync.runs.recovery import ASKED_GRACE, KnownJob, Takeover, recover
from schedsync.runs.run import Run
from schedsync.runs.slots import Ahead, Decision
from schedsync.runs.unowned import judge_unowned
from tests.builders import HOUR, NOW, run, spec

MOMENT = timedelta(microseconds=1)
FREE = Ahead()


def asked(**fields: Any) -> Run:
    return run(**{"asked_by": "ann", **fields})


def judged(wanted: Run, *, ahead: Ahead = FREE, **job: Any) -> tuple[Decision, str | None]:
    known = KnownJob(spec(**job), "job.yaml")
    return judge_unowned(wanted, known, ahead, NOW)


def test_it_starts_when_no_other_run_of_its_job_is_there() -> None:
    assert judged(asked()) == (Decision.START, None)


@pytest.mark.parametrize(
    ("overlap", "decision", "reason"),
    [
        ("skip", Decision.SKIP, "overlap: the run before it has not ended"),
        ("queue", Decision.WAIT, None),
        ("allow", Decision.START, None),
        ("replace", Decision.REPLACE, None),
    ],
)
def test_beside_another_run_the_overlap_policy_decides(overlap: str, decision: Decision, reason: str | None) -> None:
    assert judged(asked(), ahead=Ahead(own=1), overlap=overlap) == (decision, reason)


def test_a_queue_that_is_full_takes_no_more() -> None:
    decision, reason = judged(asked(), ahead=Ahead(own=4, waiting=3), overlap="queue", max_queued=3)
    assert (decision, reason) == (Decision.SKIP, "overlap: 3 runs are waiting already")


def test_a_run_of_the_group_stands_before_it_as_one_of_its_own() -> None:
    decision, reason = judged(asked(), ahead=Ahead(other="books"), group="erp")
    assert (decision, reason) == (Decision.SKIP, "overlap: a run of books, which is in the same group, has not ended")


def test_the_authors_pause_does_not_stop_what_a_person_asked_for() -> None:
    assert judged(asked(), suspend=True) == (Decision.START, None)
    assert judged(run(), suspend=True) == (Decision.SKIP, "suspended")


def test_what_a_person_asked_for_starts_within_a_day_whatever_the_grace_of_the_job() -> None:
    grace: dict[str, Any] = {"misfire": {"grace": "1m"}}
    assert judged(asked(scheduled_at=NOW - ASKED_GRACE), **grace) == (Decision.START, None)
    late = judged(asked(scheduled_at=NOW - ASKED_GRACE - MOMENT), **grace)
    assert late == (Decision.SKIP, "misfire: it could start only 1d late")
    assert judged(run(scheduled_at=NOW - HOUR), **grace) == (Decision.SKIP, "misfire: it could start only 1h late")


def test_the_same_holds_for_its_further_attempts_after_a_crash() -> None:
    job = {"job": KnownJob(spec(misfire={"grace": "1m"}), "job.yaml")}
    waiting = [asked(attempt=2, due_at=NOW - HOUR), run(attempt=2, due_at=NOW - HOUR)]
    recovered = recover(waiting, job, Takeover("node", "node/new", NOW))
    assert [entry.run for entry in recovered.adopted] == waiting[:1]


def test_without_its_job_it_is_skipped() -> None:
    assert judge_unowned(asked(), None, FREE, NOW) == (Decision.SKIP, "removed: the job is gone")
