"""Whether another attempt at a slot follows, and when."""

from datetime import datetime, timedelta

from schedsync.runs.run import RunState
from schedsync.specs.policy import Retry


def retry_at(policy: Retry, state: RunState, attempt: int, ended_at: datetime) -> datetime | None:
    """Return the instant (UTC) before which the next attempt must not start, or None when none follows."""
    if state not in policy.on or attempt >= policy.attempts:
        return None
    return ended_at + delay(policy, attempt)


def delay(policy: Retry, attempt: int) -> timedelta:
    """Return the wait after *attempt* (1 for the first): delay x backoff^(attempt-1), at most ``max_delay``."""
    longest = policy.max_delay.total_seconds()
    try:
        seconds = policy.delay.total_seconds() * policy.backoff ** (attempt - 1)
    except OverflowError:
        seconds = longest
    return timedelta(seconds=min(seconds, longest))
