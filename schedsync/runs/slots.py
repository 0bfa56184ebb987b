"""What becomes of due slots: started, made to wait, or skipped with a reason. Exactly one verdict per slot.

A slot is *missed* when it fell into a time when schedsync could not claim it: it was stopped, or without its database.
A slot that is merely late because the loop is busy is not missed, so a burst drops nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schedsync.runs.pause import Pause
from schedsync.runs.run import Cause, SkipReason
from schedsync.specs.durations import format_duration
from schedsync.specs.job import JobSpec
from schedsync.specs.policy import MisfirePolicy, Overlap

MAX_WAITING = 100
"""How many slots of one job may wait behind each other before further ones are skipped."""


class Decision(StrEnum):
    """What to do with a slot."""

    START = "start"
    WAIT = "wait"
    """Start when the runs of the job before it have ended."""
    REPLACE = "replace"
    """End the runs of the job before it, then start."""
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one slot, and why."""

    slot: datetime
    decision: Decision
    cause: Cause
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DueJob:
    """A job with slots that are due, oldest first."""

    spec: JobSpec
    slots: Sequence[datetime]
    more: bool = False
    """Whether still later slots are due that the next tick will judge."""
    pauses: Sequence[Pause] = ()
    unsettled: int = 0
    """How many of its runs have not ended, those waiting for a retry included."""


def judge(due: DueJob, *, now: datetime, up_since: datetime) -> list[Verdict]:
    """Return one verdict for each due slot, oldest first.

    Args:
        due: the job and its slots.
        now: the instant of the tick.
        up_since: since when slots could be claimed without a break; slots before it were missed.
    """
    skipped = {slot: reason for slot in due.slots if (reason := _why_not(due, slot, now))}
    runnable = [slot for slot in due.slots if slot not in skipped]
    chosen = _by_misfire_policy(due, runnable, up_since)
    policy = due.spec.misfire.policy
    skipped |= dict.fromkeys(
        (slot for slot in runnable if slot not in chosen), f"{SkipReason.MISFIRE}: not run under the policy {policy}"
    )
    started = _by_overlap(due, chosen)
    verdicts = []
    for slot in due.slots:
        cause = Cause.CATCHUP if slot < up_since else Cause.SCHEDULE
        decision, reason = started.get(slot) or (Decision.SKIP, skipped[slot])
        verdicts.append(Verdict(slot, decision, cause, reason))
    return verdicts


def _why_not(due: DueJob, slot: datetime, now: datetime) -> str | None:
    if due.spec.suspend:
        return SkipReason.SUSPENDED.value
    if any(pause.covers(slot) for pause in due.pauses):
        return SkipReason.PAUSED.value
    late, grace = now - slot, due.spec.misfire.grace
    if late > grace:
        return f"{SkipReason.MISFIRE}: {format_duration(late)} late, the grace is {format_duration(grace)}"
    return None


def _by_misfire_policy(due: DueJob, runnable: list[datetime], up_since: datetime) -> list[datetime]:
    policy = due.spec.misfire.policy
    if policy is MisfirePolicy.ALL:
        return runnable
    if policy is MisfirePolicy.SKIP:
        runnable = [slot for slot in runnable if slot >= up_since]
    return [] if due.more else runnable[-1:]


def _by_overlap(due: DueJob, chosen: list[datetime]) -> dict[datetime, tuple[Decision, str | None]]:
    verdicts: dict[datetime, tuple[Decision, str | None]] = {}
    ahead = due.unsettled
    for index, slot in enumerate(chosen):
        verdicts[slot] = _overlapping(due.spec, ahead, catching_up=len(chosen) > 1, last=index == len(chosen) - 1)
        ahead += verdicts[slot][0] is not Decision.SKIP
    return verdicts


def _overlapping(spec: JobSpec, ahead: int, *, catching_up: bool, last: bool) -> tuple[Decision, str | None]:
    overlap = spec.overlap
    if ahead == 0 or overlap is Overlap.ALLOW:
        return Decision.START, None
    if overlap is Overlap.REPLACE:
        return (Decision.REPLACE, None) if last else (Decision.SKIP, f"{SkipReason.OVERLAP}: a later slot replaces it")
    # misfire: all promises each missed slot a run, so with overlap: skip they follow one another instead of skipping.
    if overlap is Overlap.SKIP and not catching_up:
        return Decision.SKIP, f"{SkipReason.OVERLAP}: the run before it has not ended"
    if ahead > MAX_WAITING:
        return Decision.SKIP, f"{SkipReason.OVERLAP}: {MAX_WAITING} runs are waiting already"
    return Decision.WAIT, None
