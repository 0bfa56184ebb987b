"""Whether another attempt follows, and when."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedsync.runs.retry import delay, retry_at
from schedsync.runs.run import RunState
from schedsync.specs.policy import Retry, RetryOn
from tests.builders import NOW


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


def test_what_may_be_retried_is_a_state() -> None:
    assert {state.value for state in RetryOn} < {state.value for state in RunState}
