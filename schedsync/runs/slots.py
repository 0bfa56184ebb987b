"""What becomes of due slots: started, made to wait, or skipped with a reason. Exactly one verdict per slot.

A slot is *missed* when it fell into a time when schedsync could not claim it: it was stopped, or without its database.
A slot that is merely late because the loop is busy is not missed, so a burst drops nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schedsync.clock import MICROSECOND
from schedsync.runs.pause import Pause
from schedsync.runs.run import Cause, SkipReason
from schedsync.specs.durations import format_duration
from schedsync.specs.job import JobSpec
from schedsync.specs.policy import MisfirePolicy, Overlap

_SECOND = timedelta(seconds=1)
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
    refused = {slot: reason for slot in due.slots if (reason := _why_not(due, slot, now))}
    runnable = [slot for slot in due.slots if slot not in refused]
    chosen = _by_misfire_policy(due, runnable, up_since)
    policy = f"{SkipReason.MISFIRE}: not run under the policy {due.spec.misfire.policy}"
    decided = dict.fromkeys(runnable, (Decision.SKIP, policy)) | _by_overlap(due, chosen, up_since)
    verdicts = []
    for slot in due.slots:
        cause = Cause.CATCHUP if slot < up_since else Cause.SCHEDULE
        decision, reason = decided.get(slot) or (Decision.SKIP, refused[slot])
        verdicts.append(Verdict(slot, decision, cause, reason))
    return verdicts


def judge_overlap(spec: JobSpec, slot: datetime, *, unsettled: int) -> tuple[Decision, str | None]:
    """Return what becomes of a single run that no schedule made, as far as the job's overlap policy decides that."""
    return _by_overlap(DueJob(spec, [slot], unsettled=unsettled), [slot], up_since=slot)[slot]


def _why_not(due: DueJob, slot: datetime, now: datetime) -> str | None:
    if due.spec.suspend:
        return SkipReason.SUSPENDED.value
    if any(pause.stops(slot, now=now) for pause in due.pauses):
        return SkipReason.PAUSED.value
    late, grace = now - slot, due.spec.misfire.grace
    if late > grace:
        begun = late + _SECOND - MICROSECOND  # or a slot that is 1h and a bit late would be said to be 1h late
        return f"{SkipReason.MISFIRE}: {format_duration(begun)} late, the grace is {format_duration(grace)}"
    return None


def _by_misfire_policy(due: DueJob, runnable: list[datetime], up_since: datetime) -> list[datetime]:
    """Return the slots that the policy lets run. It is about missed ones; those that are merely late all stay."""
    missed = [slot for slot in runnable if slot < up_since]
    late = runnable[len(missed) :]
    match due.spec.misfire.policy:
        case MisfirePolicy.ALL:
            return runnable
        case MisfirePolicy.SKIP:
            return late
        case MisfirePolicy.LATEST:
            return late if late or due.more else missed[-1:]


_Decided = dict[datetime, tuple[Decision, str | None]]


def _by_overlap(due: DueJob, chosen: list[datetime], up_since: datetime) -> _Decided:
    overlap, policy = due.spec.overlap, due.spec.misfire.policy
    if overlap is Overlap.ALLOW:
        return dict.fromkeys(chosen, (Decision.START, None))
    if overlap is Overlap.QUEUE:
        return _one_by_one(chosen, due.unsettled)
    # misfire: all promises each missed slot a run, so with overlap: skip they follow one another instead of skipping.
    promised = [slot for slot in chosen if slot < up_since and (overlap, policy) == (Overlap.SKIP, MisfirePolicy.ALL)]
    queued = _one_by_one(promised, due.unsettled)
    ahead = due.unsettled + sum(decision is not Decision.SKIP for decision, _ in queued.values())
    return queued | _only_latest(due, chosen[len(promised) :], ahead)


def _one_by_one(slots: list[datetime], ahead: int) -> _Decided:
    decided: _Decided = {}
    for slot in slots:
        if ahead > MAX_WAITING:
            decided[slot] = (Decision.SKIP, f"{SkipReason.OVERLAP}: {MAX_WAITING} runs are waiting already")
            continue
        decided[slot] = (Decision.WAIT if ahead else Decision.START, None)
        ahead += 1
    return decided


def _only_latest(due: DueJob, slots: list[datetime], ahead: int) -> _Decided:
    """Decide over *slots* that came due together and may not run beside each other."""
    replaces = due.spec.overlap is Overlap.REPLACE
    if ahead and not replaces:
        return dict.fromkeys(slots, (Decision.SKIP, f"{SkipReason.OVERLAP}: the run before it has not ended"))
    decided: _Decided = dict.fromkeys(slots, (Decision.SKIP, f"{SkipReason.OVERLAP}: a later slot is due already"))
    if slots and not due.more:
        decided[slots[-1]] = (Decision.REPLACE if ahead else Decision.START, None)
    return decided
