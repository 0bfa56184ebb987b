"""Our schedules as APScheduler triggers. No I/O."""

from datetime import UTC, datetime

from apscheduler.triggers.base import BaseTrigger

from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import next_fire


class SpecTrigger(BaseTrigger):
    """Yields the slots of a job's schedule.

    APScheduler's own CronTrigger is not used: it counts weekdays from Monday, ANDs the two day fields, and skips runs
    after DST changes.
    """

    def __init__(self, spec: JobSpec, anchor: datetime) -> None:
        self._spec, self._anchor = spec, anchor

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the first slot after *previous_fire_time*, or after *now* when there is none, in UTC."""
        after = (previous_fire_time or now).astimezone(UTC)
        return next_fire(self._spec.schedule, after, job_id=self._spec.id, anchor=self._anchor)

    def __str__(self) -> str:
        return f"schedule of {self._spec.id}"
