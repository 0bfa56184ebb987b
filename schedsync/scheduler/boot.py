"""The start of the service, for the jobs that fire upon it: which of them still have a slot to come, in memory."""

from collections.abc import Iterable, Mapping
from datetime import datetime


class Boot:
    """The one boot of this process: when it was, and what it still has to fire.

    It is when this instance leads for the first time and has applied the folder. The slots are not in rows, since they
    are for this process only: another one is another boot. Used by the scheduler's thread, apart from ``ready``.
    """

    def __init__(self) -> None:
        self.at: datetime | None = None
        """When it was (UTC); None: not yet."""
        self._ready = False
        self._slots: dict[str, datetime] = {}

    def ready(self) -> None:
        """Note that the folder is applied: what fires at the next tick of a leader is what its files say."""
        self._ready = True

    @property
    def is_now(self) -> bool:
        """Whether it is time for it."""
        return self._ready and self.at is None

    def begin(self, now: datetime, job_ids: Iterable[str]) -> None:
        """Let these jobs fire, each once; those that come later wait for another boot."""
        self.at = now
        self._slots = dict.fromkeys(job_ids, now)

    def due(self, now: datetime) -> dict[str, datetime]:
        """Return the jobs that have a slot by *now*, each with the first instant at which it may be."""
        return {job_id: slot for job_id, slot in self._slots.items() if slot <= now}

    def moved(self, following: Mapping[str, datetime | None]) -> None:
        """Note which slots follow those that were claimed; None: none does, or the job is gone."""
        for job_id, slot in following.items():
            if slot is None:
                del self._slots[job_id]
            else:
                self._slots[job_id] = slot

    def next_after(self, now: datetime) -> datetime | None:
        """Return the earliest slot that is not due yet (UTC)."""
        return min((slot for slot in self._slots.values() if slot > now), default=None)
