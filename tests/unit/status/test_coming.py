"""What a live job will start: not before its next slot, and nothing while it is paused."""

from datetime import date, timedelta
from typing import Any

import pytest

from schedsync.clock import from_micros
from schedsync.runs.pause import Pause
from schedsync.status.coming import coming
from schedsync.status.day import Day
from schedsync.store.jobs import StoredJob
from tests.builders import located, observed

DAY = Day(date(2026, 11, 24))
NOON = DAY.start + timedelta(hours=12)


def stored(**fields: Any) -> StoredJob:
    """A job whose next slot is at noon."""
    job = located(schedule={"cron": "0 * * * *"})
    return StoredJob(observed(job=job, **{"next_fire_at": NOON, **fields}), job.spec, "r1")


def hours(job: StoredJob, *pauses: Pause) -> list[int]:
    return [from_micros(slot).hour for slot in coming(job, pauses, DAY.start, DAY.end)]


def test_a_job_starts_from_its_next_slot_on() -> None:
    assert hours(stored()) == list(range(12, 24))


@pytest.mark.parametrize("fields", [{"next_fire_at": None}, {"suspended": True}, {"next_fire_at": DAY.end}])
def test_a_job_that_will_not_start_has_no_slots(fields: dict[str, Any]) -> None:
    assert hours(stored(**fields)) == []


def test_a_pause_holds_slots_back_until_it_is_over() -> None:
    until = Pause("job", "ann", DAY.start, until=NOON + timedelta(hours=3, minutes=1))
    assert hours(stored(), until) == list(range(16, 24))
    assert hours(stored(), until, Pause("*", "ann", DAY.start)) == []


def test_a_job_whose_spec_is_not_known_has_no_slots() -> None:
    assert hours(StoredJob(observed(), None, "r1")) == []
