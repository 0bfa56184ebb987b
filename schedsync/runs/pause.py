"""The operator's pause: an override that lives apart from the spec and outlives edits, restarts and failover."""

from dataclasses import dataclass
from datetime import datetime

EVERYTHING = "*"
"""The job id of a pause of all jobs."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused what, why, since when, and until when (UTC; None: until somebody resumes it)."""

    job_id: str
    by: str
    since: datetime
    reason: str | None = None
    until: datetime | None = None

    def covers(self, instant: datetime) -> bool:
        """Say whether it has not run out at *instant*."""
        return self.until is None or instant < self.until

    def stops(self, slot: datetime, *, now: datetime) -> bool:
        """Say whether *slot* must not start at *now*.

        While it lasts nothing starts, not even a slot from before it; when it is over, only the slots that fell into it
        stay undone.
        """
        return self.covers(now) or (self.since <= slot and self.covers(slot))
