"""What people are told of the end of a slot: decided by how it ended and by what they were told before. Pure.

An alarm is what was told and lasts until the job succeeds: while it lasts, the same is not told again. Alarms are rows,
so a restart and another instance decide alike.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schedsync.runs.run import Run, RunState
from schedsync.specs.durations import format_duration
from schedsync.specs.job import JobSpec
from schedsync.specs.notify import Event, Notify

OVERDUE = "overdue"
"""The alarm of a job that has not succeeded for too long."""
_FAILURES = (Event.GAVE_UP, Event.LOST, Event.FAILED)
"""What says that a slot did not succeed, the most telling first. Each of them is an alarm, too."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that one channel is told. Times are UTC."""

    id: str
    channel: str
    event: Event
    job_id: str
    happened_at: datetime
    run_id: str | None = None
    scheduled_at: datetime | None = None
    """The slot; None when it is about the job."""
    reason: str | None = None
    tries: int = 0
    next_try_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a slot that may be told: no further attempt follows."""

    run: Run
    notify: Notify | None


@dataclass(frozen=True, slots=True)
class Telling:
    """What follows from an ending."""

    notices: tuple[Notice, ...] = ()
    raised: frozenset[str] = frozenset()
    """Alarms that begin."""
    lowered: frozenset[str] = frozenset()
    """Alarms that are over."""


def ending_of(run: Run, spec: JobSpec) -> Ending | None:
    """Return the ending that *run* is for a job that somebody watches, or None."""
    watched = spec.notify is not None or spec.max_time_since_success is not None
    return Ending(run, spec.notify) if watched and (run.state is RunState.SUCCEEDED or is_failure(run)) else None


def tell(ending: Ending, alarms: frozenset[str]) -> Telling:
    """Decide who is told of *ending*, given the alarms of its job that last."""
    run, notify = ending.run, ending.notify
    asked = frozenset[Event]() if notify is None else frozenset(notify.on)
    if run.state is RunState.SUCCEEDED:
        recovered = Event.RECOVERED in asked and bool(alarms & set(_FAILURES))
        return Telling(_of_run(Event.RECOVERED, run, notify) if recovered else (), lowered=alarms)
    new = [event for event in _failures(run) if event in asked and event not in alarms]
    return Telling(_of_run(new[0], run, notify) if new else (), raised=frozenset(new))


def is_failure(run: Run) -> bool:
    """Say whether *run*, after which no further attempt follows, leaves its slot as one that did not succeed."""
    return any(_failures(run))


def _failures(run: Run) -> Iterator[Event]:
    """Yield the events that the end of a slot is, the most telling first."""
    lost, failed = run.state is RunState.LOST, run.state in {RunState.FAILED, RunState.TIMED_OUT}
    # A further attempt that was skipped leaves its slot as failed as the one before did.
    left = run.state is RunState.SKIPPED and run.attempt > 1
    is_so = {Event.GAVE_UP: (failed or lost) and run.attempt > 1, Event.LOST: lost, Event.FAILED: failed or left}
    yield from (event for event in _FAILURES if is_so[event])


def late_slot(run: Run, notify: Notify | None, now: datetime) -> tuple[Notice, ...]:
    """Return what is told of a run that has not ended in time, if somebody wants to hear it.

    The notices are the same for all attempts at a slot.
    """
    if notify is None or Event.LATE not in notify.on:
        return ()
    slot = f"{run.job_id}@{run.scheduled_at.isoformat()}"
    allowed = (run.late_at or now) - run.scheduled_at
    reason = f"it has not ended {format_duration(allowed)} after its time"
    return tuple(
        Notice(_id(Event.LATE, slot, to), to, Event.LATE, run.job_id, now, run.id, run.scheduled_at, reason)
        for to in notify.to
    )


def overdue(job_id: str, notify: Notify | None, since: datetime, reason: str, now: datetime) -> tuple[Notice, ...]:
    """Return what is told of a job that has not succeeded for too long.

    Args:
        job_id: which.
        notify: whom it tells.
        since: since when it is overdue.
        reason: the sentence about it.
        now: the time.
    """
    if notify is None or Event.LATE not in notify.on:
        return ()
    moment = f"{job_id}>{since.isoformat()}"
    return tuple(Notice(_id(Event.LATE, moment, to), to, Event.LATE, job_id, now, reason=reason) for to in notify.to)


def _of_run(event: Event, run: Run, notify: Notify | None) -> tuple[Notice, ...]:
    at = run.finished_at or run.scheduled_at
    return tuple(
        Notice(_id(event, run.id, to), to, event, run.job_id, at, run.id, run.scheduled_at)
        for to in (() if notify is None else notify.to)
    )


def _id(*parts: str) -> str:
    """Return the same id for the same thing, so that it is told once whoever finds it."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
