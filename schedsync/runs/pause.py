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
        """Say whether a slot at *instant* must not start.

        A slot from before the pause is covered too: once the pause is acknowledged, nothing starts.
        """
        return self.until is None or instant < self.until
