"""Whether another attempt at a slot follows, and when."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from schedsync.clock import to_micros
from schedsync.runs.run import Cause, Run, RunState, new_run_id
from schedsync.specs.policy import Retry

_ROOM = 900
"""How many characters of a reason stay when something is added: stores keep 1,000."""


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


def jitter(policy: Retry, run: Run) -> timedelta:
    """Return what is added to the wait after *run*: fixed per slot and attempt, so whoever decides finds the same."""
    digest = hashlib.sha256(f"{run.job_id}@{to_micros(run.scheduled_at)}#{run.attempt}".encode()).digest()
    milliseconds = int(policy.jitter.total_seconds() * 1000)
    return timedelta(milliseconds=int.from_bytes(digest[:8]) % (milliseconds + 1))


def concluded(ended: Run, policy: Retry) -> Run:
    """Return *ended*, whose reason says so when the last of several attempts was in vain. Said once only."""
    if ended.state.value not in policy.on or ended.attempt == 1 or ended.attempt < policy.attempts:
        return ended
    said = f"gave up after {ended.attempt} attempts"
    if ended.reason is None:
        return replace(ended, reason=said)
    return ended if ended.reason.endswith(said) else replace(ended, reason=f"{ended.reason[:_ROOM]}; {said}")


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
        due_at=due_at + jitter(policy, ended),
        claimed_at=ended_at,
        started_at=None,
        finished_at=None,
        exit_code=None,
        pid=None,
        node=node,
        owner=owner,
    )
