"""Whether another attempt follows, and when."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedsync.runs.retry import concluded, delay, jitter, next_attempt, retry_at
from schedsync.runs.run import RunState
from schedsync.specs.policy import Retry, RetryOn
from tests.builders import HOUR, NOW, run


def policy(**fields: Any) -> Retry:
    return Retry.model_validate({"attempts": 3, "delay": "10s", **fields})


@pytest.mark.parametrize(
    ("state", "retried"),
    [
        ("failed", True),
        ("timed_out", True),
        ("lost", True),
        ("succeeded", False),
        ("cancelled", False),
        ("skipped", False),
    ],
)
def test_ends_that_a_retry_may_mend_are_tried_again(state: str, retried: bool) -> None:
    due = retry_at(policy(), RunState(state), 1, NOW)
    assert due == (NOW + timedelta(seconds=10) if retried else None)


def test_only_the_ends_that_the_job_names_are_tried_again() -> None:
    assert retry_at(policy(on=["lost"]), RunState.FAILED, 1, NOW) is None
    assert retry_at(policy(on=["lost"]), RunState.LOST, 1, NOW) is not None
    assert retry_at(policy(on=[]), RunState.LOST, 1, NOW) is None


@pytest.mark.parametrize(("attempt", "retried"), [(1, True), (2, True), (3, False), (9, False)])
def test_attempts_are_counted_with_the_first(attempt: int, retried: bool) -> None:
    assert (retry_at(policy(), RunState.FAILED, attempt, NOW) is not None) is retried


def test_a_job_without_a_policy_is_tried_once() -> None:
    assert retry_at(Retry(), RunState.FAILED, 1, NOW) is None


def test_a_retry_without_delay_is_due_at_once() -> None:
    assert retry_at(policy(delay="0s", backoff=100), RunState.FAILED, 2, NOW) == NOW


@pytest.mark.parametrize(
    ("fields", "waits"),
    [
        pytest.param({}, [10, 10, 10], id="the same each time"),
        pytest.param({"backoff": 2}, [10, 20, 40], id="doubling"),
        pytest.param({"backoff": 1.5}, [10, 15, 22.5], id="half as long again"),
        pytest.param({"backoff": 3, "max_delay": "60s"}, [10, 30, 60], id="up to the longest"),
        pytest.param({"delay": "2h", "backoff": 2}, [7200, 7200, 7200], id="never less than the delay"),
    ],
)
def test_waits_grow(fields: dict[str, Any], waits: list[float]) -> None:
    assert [delay(policy(**fields), attempt).total_seconds() for attempt in (1, 2, 3)] == waits


def test_the_hundredth_wait_of_the_steepest_policy_is_the_longest() -> None:
    assert delay(policy(attempts=100, backoff=100), 100) == timedelta(hours=1)


@settings(deadline=None, derandomize=True)
@given(
    st.builds(
        Retry,
        attempts=st.integers(1, 100),
        delay=st.integers(0, 100_000).map(lambda n: timedelta(seconds=n)),
        backoff=st.floats(1, 100),
        max_delay=st.integers(0, 100_000).map(lambda n: timedelta(seconds=n)),
    ),
    st.integers(1, 99),
)
def test_waits_never_shrink_and_stay_within_bounds(retry: Retry, attempt: int) -> None:
    assert retry.delay <= delay(retry, attempt) <= delay(retry, attempt + 1) <= max(retry.delay, retry.max_delay)


def test_jitter_is_added_to_the_wait_and_the_same_whoever_decides() -> None:
    ended = run(state=RunState.FAILED, finished_at=NOW)
    retries = [next_attempt(ended, policy(jitter="1h"), node=node, owner=node) for node in ("a", "b")]
    (due,) = {retry.due_at for retry in retries if retry is not None and retry.due_at is not None}
    assert due == NOW + timedelta(seconds=10) + jitter(policy(jitter="1h"), ended)


def test_jitter_spreads_slots_jobs_and_attempts_and_stays_within_its_bound() -> None:
    runs = [
        *(run(scheduled_at=NOW + n * HOUR) for n in range(100)),
        *(run(job_id=f"job-{n}") for n in range(100)),
        *(run(attempt=n) for n in range(1, 101)),
    ]
    waits = [jitter(policy(jitter="10s"), each) for each in runs]
    assert len(set(waits)) > 250
    assert timedelta(0) <= min(waits) < timedelta(seconds=1)
    assert timedelta(seconds=9) < max(waits) <= timedelta(seconds=10)
    assert {jitter(policy(), each) for each in runs} == {timedelta(0)}


@pytest.mark.parametrize(
    ("attempt", "state", "reason", "said"),
    [
        pytest.param(3, "failed", "exit code 1", "exit code 1; gave up after 3 attempts", id="the last one"),
        pytest.param(4, "lost", "gone", "gone; gave up after 4 attempts", id="the policy was changed meanwhile"),
        pytest.param(3, "failed", None, "gave up after 3 attempts", id="no reason"),
        pytest.param(2, "failed", "exit code 1", "exit code 1", id="another follows"),
        pytest.param(3, "succeeded", None, None, id="no failure"),
        pytest.param(3, "cancelled", "replaced", "replaced", id="an end that is not tried again"),
    ],
)
def test_the_last_attempt_says_that_there_is_no_further_one(
    attempt: int, state: str, reason: str | None, said: str | None
) -> None:
    ended = concluded(run(attempt=attempt, state=RunState(state), reason=reason), policy())
    assert ended.reason == said
    assert concluded(ended, policy()) == ended


def test_the_only_attempt_gives_nothing_up() -> None:
    assert concluded(run(state=RunState.FAILED, reason="exit code 1"), Retry()).reason == "exit code 1"


def test_that_it_gave_up_is_not_lost_behind_a_long_reason() -> None:
    ended = concluded(run(state=RunState.FAILED, attempt=3, reason="x" * 2000), policy())
    assert ended.reason is not None
    assert len(ended.reason) < 1000
    assert ended.reason.endswith("; gave up after 3 attempts")


def test_what_may_be_retried_is_a_state() -> None:
    assert {state.value for state in RetryOn} < {state.value for state in RunState}
