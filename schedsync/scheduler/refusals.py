"""Due jobs whose slots cannot be claimed for what they are: each rests for a while, and the others go on."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from schedsync.store.jobs import DueRow

log = logging.getLogger(__name__)

FIRST = timedelta(seconds=2)
"""How long a job rests after the first refusal; twice as long after each further one."""
LONGEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Rest:
    since: datetime
    until: datetime
    generation: int
    """Of the job that was refused; an edit of its file may have mended it."""

    def covers(self, row: DueRow, now: datetime) -> bool:
        return self.generation == row.generation and self.since <= now < self.until


class Refusals:
    """Which jobs rest. Used by the scheduler's thread only."""

    def __init__(self) -> None:
        self._rests: dict[str, _Rest] = {}

    def rests(self, row: DueRow, now: datetime) -> bool:
        """Whether the job is not to be tried at *now* (UTC)."""
        rest = self._rests.get(row.id)
        return rest is not None and rest.covers(row, now)

    def note(self, row: DueRow, now: datetime, why: str, error: BaseException | None = None) -> None:
        """Let the job rest; said once for each version of it, with the traceback of *error* if there is one."""
        before = self._rests.get(row.id)
        again = before is not None and before.generation == row.generation
        length = min(2 * (before.until - before.since), LONGEST) if before is not None and again else FIRST
        self._rests[row.id] = _Rest(now, now + length, row.generation)
        log.log(
            logging.DEBUG if again else logging.ERROR,
            "slots of a job cannot be claimed, they wait; the other jobs go on",
            extra={"job_id": row.id, "why": why},
            exc_info=error,
        )

    def forget(self, job_ids: Iterable[str]) -> None:
        """Note that slots of these jobs were claimed."""
        for job_id in self._rests.keys() & set(job_ids):
            del self._rests[job_id]
            log.info("slots of the job are claimed again", extra={"job_id": job_id})
