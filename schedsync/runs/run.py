"""A run: one attempt at one slot, and the states it goes through."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from schedsync.clock import to_micros
from schedsync.frozen import Maker

_RANDOM = random.Random()  # noqa: S311 - ids are to differ, and no secret; the system's numbers cost a call for each
"""Begins with numbers of the system's, so no two processes have the same."""


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    """Claimed, and certainly not started: waiting for capacity, for a run before it, or for its retry delay."""
    RUNNING = "running"
    """Leave to start was written down. Whether the process still lives is known only to the instance that owns it."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    LOST = "lost"
    """Its instance ended, or its result could not be known; the reason says which."""
    SKIPPED = "skipped"
    """Never started; the reason says why."""


UNSETTLED = (RunState.QUEUED, RunState.RUNNING)


class Cause(StrEnum):
    """Why a run exists."""

    SCHEDULE = "schedule"
    RETRY = "retry"
    CATCHUP = "catchup"
    """A slot that fell into a time when schedsync could not claim it, and that the misfire policy runs late."""
    AFTER = "after"
    """It follows a run of another job; its slot is the end of that."""
    MANUAL = "manual"
    """A person asked for it; its slot is the moment of that."""


class SkipReason(StrEnum):
    """The first word of a skipped run's reason; documented in ``docs/reference/api.md``."""

    PAUSED = "paused"
    SUSPENDED = "suspended"
    MISFIRE = "misfire"
    OVERLAP = "overlap"
    REMOVED = "removed"
    BLACKOUT = "blackout"
    """With the name of the blackout before the colon."""


@dataclass(frozen=True, slots=True)
class Run:
    """A row of the run history. Unique by (job_id, scheduled_at, attempt); all times are UTC."""

    id: str
    job_id: str
    scheduled_at: datetime
    """The slot."""
    attempt: int
    """1 for the first attempt at the slot, 2 for its first retry."""
    cause: Cause
    state: RunState
    reason: str | None = None
    due_at: datetime | None = None
    """Not to be started before; later than the slot only for retries."""
    claimed_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    """The process's exit status; -N when signal N ended it."""
    node: str | None = None
    owner: str | None = None
    """The instance that claimed it last."""
    pid: int | None = None
    token: int = 0
    """The fencing token of the lease under which it was claimed."""
    spec_digest: str = ""
    generation: int = 0
    """The job's generation when the run was claimed: how often its spec had been applied."""
    revision: str | None = None
    asked_by: str | None = None
    """Who asked for it, where a person did; its further attempts keep that."""
    ask_reason: str | None = None
    """Why, in their words."""
    upstream_job_id: str | None = None
    """The job whose run it follows; its further attempts keep that, too."""
    upstream_run_id: str | None = None
    upstream_state: RunState | None = None
    """How that run ended."""
    late_at: datetime | None = None
    """The slot is late when its run has not ended by then; None: never."""

    def is_late(self, now: datetime) -> bool:
        """Say whether the slot had not ended in time, as known at *now*."""
        return (
            self.late_at is not None
            and self.state is not RunState.SKIPPED
            and (self.late_at <= (self.finished_at or now))
        )


_MAKER = Maker(Run)


def changed(run: Run, **changes: Any) -> Run:
    """Return *run* with other values in the fields that *changes* names, as ``replace`` does, in half of its time.

    Each run is changed four times on its way, and hundreds of them may be in a second.
    """
    return _MAKER.changed(run, changes)


def run_of(values: Sequence[Any]) -> Run:
    """Return the run with these values, in the order of the fields."""
    return _MAKER.of(values)


def new_run_id(now: datetime) -> str:
    """Return a new id: 12 hex digits of milliseconds, then 12 random ones, so ids sort by time of claim."""
    return f"{to_micros(now) // 1000:012x}{_RANDOM.getrandbits(48):012x}"


def first_id_at(instant: datetime) -> str:
    """Return what the ids that are made at or after *instant* are not less than, and all earlier ones are."""
    return f"{to_micros(instant) // 1000:012x}"
