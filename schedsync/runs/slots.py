"""What becomes of due slots: started, made to wait, or skipped with a reason. Exactly one verdict per slot.

A slot is *missed* when it fell into a time when schedsync could not claim it: it was stopped, without its database, or
its machine was suspended.
A slot that is merely late because the loop is busy is not missed, so a burst drops nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from schedsync.clock import MICROSECOND
from schedsync.runs.blackouts import Blackout, covering
from schedsync.runs.pause import Pause
from schedsync.runs.run import Cause, SkipReason
from schedsync.specs.durations import format_duration
from schedsync.specs.job import JobSpec
from schedsync.specs.policy import Misfire, MisfirePolicy, Overlap

_SECOND = timedelta(seconds=1)


class Decision(StrEnum):
    """What to do with a slot."""

    START = "start"
    WAIT = "wait"
    """Start when the runs before it have ended, of the job and of its group."""
    REPLACE = "replace"
    """End the runs before it, then start."""
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one slot, and why."""

    slot: datetime
    decision: Decision
    cause: Cause
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Ahead:
    """What has not ended and stands before the next slot of a job; true when the slot may not start beside it."""

    own: int = 0
    """How many runs of the job itself, those waiting for a retry included."""
    waiting: int = 0
    """How many of them wait for other runs."""
    other: str | None = None
    """Another job of the group, one of whose runs has to end first; None: the group has a place."""

    def __bool__(self) -> bool:
        return self.own > 0 or self.other is not None

    @property
    def said(self) -> str:
        """What keeps the slot from starting."""
        if self.own or self.other is None:
            return "the run before it has not ended"
        return f"a run of {self.other}, which is in the same group, has not ended"


@dataclass(frozen=True, slots=True)
class DueJob:
    """A job with slots that are due, oldest first."""

    spec: JobSpec
    slots: Sequence[datetime]
    more: bool = False
    """Whether still later slots are due that may run; the next tick judges them."""
    pauses: Sequence[Pause] = ()
    ahead: Ahead = field(default_factory=Ahead)
    missed_later: int = 0
    """How many of the still later slots were missed and may run; counted up to the limit of its misfire policy."""
    blackouts: tuple[Blackout, ...] = ()
    """Those that are about the job."""


def judge(due: DueJob, *, now: datetime, up_since: datetime) -> list[Verdict]:
    """Return one verdict for each due slot, oldest first.

    Args:
        due: the job and its slots.
        now: the instant of the tick.
        up_since: since when slots could be claimed without a break; slots before it were missed.
    """
    if len(due.slots) == 1 and due.slots[0] >= up_since and not due.more and not due.ahead:
        return [_judge_alone(due, due.slots[0], now)]
    refused = {slot: reason for slot in due.slots if (reason := _why_not(due, slot, now))}
    runnable = [slot for slot in due.slots if slot not in refused]
    chosen = _by_misfire_policy(due, runnable, up_since)
    decided = dict.fromkeys(runnable, (Decision.SKIP, _left_out(due.spec.misfire))) | _by_overlap(due, chosen, up_since)
    verdicts = []
    for slot in due.slots:
        cause = Cause.CATCHUP if slot < up_since else Cause.SCHEDULE
        decision, reason = decided.get(slot) or (Decision.SKIP, refused[slot])
        verdicts.append(Verdict(slot, decision, cause, reason))
    return verdicts


def _judge_alone(due: DueJob, slot: datetime, now: datetime) -> Verdict:
    """Return the verdict for a slot that was not missed and stands beside no other: all policies say the same of it."""
    reason = _why_not(due, slot, now)
    return Verdict(slot, Decision.SKIP if reason else Decision.START, Cause.SCHEDULE, reason)


def judge_overlap(spec: JobSpec, slot: datetime, ahead: Ahead) -> tuple[Decision, str | None]:
    """Return what becomes of a single run that no schedule made, as far as the job's overlap policy decides that."""
    return _by_overlap(DueJob(spec, [slot], ahead=ahead), [slot], up_since=slot)[slot]


def _why_not(due: DueJob, slot: datetime, now: datetime) -> str | None:
    if due.spec.suspend:
        return SkipReason.SUSPENDED.value
    if any(pause.stops(slot, now=now) for pause in due.pauses):
        return SkipReason.PAUSED.value
    if due.blackouts and (blackout := covering(due.blackouts, slot)) is not None:
        return blackout.said
    late, grace = now - slot, due.spec.misfire.grace
    if late > grace:
        begun = late + _SECOND - MICROSECOND  # or a slot that is 1h and a bit late would be said to be 1h late
        return f"{SkipReason.MISFIRE}: {format_duration(begun)} late, the grace is {format_duration(grace)}"
    return None


def _left_out(misfire: Misfire) -> str:
    if misfire.policy is MisfirePolicy.ALL:
        return f"{SkipReason.MISFIRE}: of the missed slots only the newest {misfire.limit} run"
    return f"{SkipReason.MISFIRE}: not run under the policy {misfire.policy}"


def _by_misfire_policy(due: DueJob, runnable: list[datetime], up_since: datetime) -> list[datetime]:
    """Return the slots that the policy lets run. It is about missed ones; those that are merely late all stay."""
    missed = [slot for slot in runnable if slot < up_since]
    late = runnable[len(missed) :]
    match due.spec.misfire.policy:
        case MisfirePolicy.ALL:
            room = max(due.spec.misfire.limit - due.missed_later, 0)
            return missed[max(len(missed) - room, 0) :] + late
        case MisfirePolicy.SKIP:
            return late
        case MisfirePolicy.LATEST:
            return late if late or due.more else missed[-1:]


_Decided = dict[datetime, tuple[Decision, str | None]]


def _by_overlap(due: DueJob, chosen: list[datetime], up_since: datetime) -> _Decided:
    spec = due.spec
    if spec.overlap is Overlap.ALLOW:
        return dict.fromkeys(chosen, (Decision.START, None))
    # misfire: all promises each missed slot a run, so with overlap: skip they follow one another instead of skipping.
    follow = spec.overlap in {Overlap.SKIP, Overlap.QUEUE} and spec.misfire.policy is MisfirePolicy.ALL
    promised = [slot for slot in chosen if follow and slot < up_since]
    queued = _one_by_one(promised, due.ahead, max(spec.misfire.limit, spec.max_queued))
    ahead, rest = _behind(due.ahead, queued), chosen[len(promised) :]
    if spec.overlap is Overlap.QUEUE:
        return queued | _one_by_one(rest, ahead, spec.max_queued)
    return queued | _only_latest(due, rest, ahead)


def _one_by_one(slots: list[datetime], ahead: Ahead, most: int) -> _Decided:
    decided: _Decided = {}
    waits, waiting = bool(ahead), ahead.waiting
    for slot in slots:
        if waits and waiting >= most:
            decided[slot] = (Decision.SKIP, f"{SkipReason.OVERLAP}: {most} runs are waiting already")
            continue
        decided[slot] = (Decision.WAIT if waits else Decision.START, None)
        waiting += waits
        waits = True
    return decided


def _behind(ahead: Ahead, decided: _Decided) -> Ahead:
    """Return what a slot finds before it that comes after *decided* ones."""
    decisions = [decision for decision, _ in decided.values()]
    own = ahead.own + len(decisions) - decisions.count(Decision.SKIP)
    return replace(ahead, own=own, waiting=ahead.waiting + decisions.count(Decision.WAIT))


def _only_latest(due: DueJob, slots: list[datetime], ahead: Ahead) -> _Decided:
    """Decide over *slots* that came due together and may not run beside each other."""
    if ahead and due.spec.overlap is not Overlap.REPLACE:
        return dict.fromkeys(slots, (Decision.SKIP, f"{SkipReason.OVERLAP}: {ahead.said}"))
    decided: _Decided = dict.fromkeys(slots, (Decision.SKIP, f"{SkipReason.OVERLAP}: a later slot is due already"))
    if slots and not due.more:
        decided[slots[-1]] = (Decision.REPLACE if ahead else Decision.START, None)
    return decided
