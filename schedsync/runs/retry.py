"""Whether another attempt at a slot follows, and when."""

from dataclasses import replace
from datetime import datetime, timedelta

from schedsync.runs.run import Cause, Run, RunState, new_run_id
from schedsync.specs.policy import Retry


def retry_at(policy: Retry, state: RunState, attempt: int, ended_at: datetime) -> datetime | None:
    """Return the instant (UTC) before which the next attempt must not start, or None when none follows."""
    if state.value not in policy.on or attempt >= policy.attempts:
        return None
    return ended_at + delay(policy, attempt)


def delay(policy: Retry, attempt: int) -> timedelta:
    """Return the wait after *attempt* (1 for the first): delay x backoff^(attempt-1), growing up to ``max_delay``."""
    longest = max(policy.delay, policy.max_delay).total_seconds()
    seconds = policy.delay.total_seconds() * policy.backoff ** (attempt - 1)
    return timedelta(seconds=min(seconds, longest))


def next_attempt(ended: Run, policy: Retry, *, node: str, owner: str) -> Run | None:
    """Return the queued run that follows an ended one, or None.

    Args:
        ended: a run with its final state and ``finished_at``.
        policy: the job's.
        node: the machine that the attempt is queued on.
        owner: the instance that queues it.
    """
    ended_at = ended.finished_at
    due_at = None if ended_at is None else retry_at(policy, ended.state, ended.attempt, ended_at)
    if ended_at is None or due_at is None:
        return None
    return replace(
        ended,
        id=new_run_id(ended_at),
        attempt=ended.attempt + 1,
        cause=Cause.RETRY,
        state=RunState.QUEUED,
        reason=f"attempt {ended.attempt} {ended.state}",
        due_at=due_at,
        claimed_at=ended_at,
        started_at=None,
        finished_at=None,
        exit_code=None,
        pid=None,
        node=node,
        owner=owner,
    )
