"""The slots of a day: the same as one gets by asking for one after another, also where clocks change."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from schedsync.clock import from_micros, to_micros
from schedsync.runs.pause import Pause
from schedsync.specs.schedule import fires
from schedsync.status.coming import DENSE, coming, count_between, slots
from schedsync.status.day import Day
from schedsync.store.jobs import StoredJob
from tests.builders import located, observed, spec

DAY = Day(date(2026, 11, 24))
NOON = DAY.start + timedelta(hours=12)
ANCHOR = datetime(2026, 11, 1, 0, 3, 20, tzinfo=UTC)
SCHEDULES: dict[str, Any] = {
    "daily": {"cron": "30 2 * * *"},
    "in another zone": {"cron": "0 9 * * *", "timezone": "Asia/Tokyo"},
    "each minute": {"cron": "* * * * *"},
    "at a distance": {"every": "25m"},
    "at a distance that ends": {"every": "25m", "end": "2026-11-24T13:00:00Z"},
    "at a distance that begins": {"every": "7h", "start": "2026-11-24T05:00:00Z"},
    "once": {"at": "2026-11-24T17:00:00Z"},
    "once, on another day": {"at": "2026-11-25T00:00:00Z"},
    "with jitter": {"cron": "5 * * * *", "jitter": "50m"},
    "with jitter over midnight": {"cron": "50 23 * * *", "jitter": "6h"},
    "any of several": [{"cron": "0 */6 * * *"}, {"every": "5h"}, {"cron": "0 12 * * *"}],
}
CLOCKS_CHANGE = [
    pytest.param("Europe/Berlin", date(2026, 3, 29), "30 2 * * *", ["01:00"], id="a fixed time in the gap"),
    pytest.param("Europe/Berlin", date(2026, 10, 25), "30 2 * * *", ["00:30"], id="a fixed time in the fold"),
    pytest.param("Europe/Berlin", date(2026, 10, 25), "30 * * * *", 24, id="each hour of a day with 25"),
    pytest.param("America/New_York", date(2026, 3, 8), "0 0 * * *", ["05:00"], id="midnight before the gap"),
    pytest.param("America/New_York", date(2026, 3, 9), "0 0 * * *", ["04:00"], id="midnight after the gap"),
]


def one_by_one(schedule: Any, since: datetime, until: datetime) -> list[datetime]:
    found = []
    for slot in fires(schedule, since - timedelta(microseconds=1), job_id="job", anchor=ANCHOR):
        if slot >= until:
            break
        found.append(slot)
    return found


def instants(schedule: Any, since: datetime, until: datetime) -> list[datetime]:
    return [from_micros(slot) for slot in slots(schedule, since, until, job_id="job", anchor=ANCHOR)]


@pytest.mark.parametrize("since", [DAY.start, NOON], ids=["the day", "its second half"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_slots_are_those_that_the_schedule_yields(name: str, since: datetime) -> None:
    schedule = spec(schedule=SCHEDULES[name]).schedule
    assert instants(schedule, since, DAY.end) == one_by_one(schedule, since, DAY.end)


@pytest.mark.parametrize(("zone", "day", "cron", "expected"), CLOCKS_CHANGE)
def test_days_on_which_clocks_change(zone: str, day: date, cron: str, expected: list[str] | int) -> None:
    schedule, span = spec(schedule={"cron": cron, "timezone": zone}).schedule, Day(day).span
    found = instants(schedule, *span)
    assert found == one_by_one(schedule, *span)
    assert (len(found) if isinstance(expected, int) else [f"{slot:%H:%M}" for slot in found]) == expected


def test_jitter_is_left_out_where_nobody_would_see_it() -> None:
    schedule = spec(schedule={"cron": "* * * * *", "jitter": "30s"}).schedule
    found = instants(schedule, *DAY.span)
    assert len(found) == 1440 > DENSE
    assert {slot.second for slot in found} == {0}


def test_a_job_that_fires_each_second_costs_no_memory() -> None:
    assert slots(spec(schedule={"every": "1s"}).schedule, *DAY.span, job_id="job", anchor=ANCHOR) == range(
        to_micros(DAY.start), to_micros(DAY.end), 1_000_000
    )


@pytest.mark.parametrize("name", ["daily", "each minute", "at a distance", "once, on another day"])
def test_counts_by_quarter_of_an_hour_are_complete(name: str) -> None:
    found = slots(spec(schedule=SCHEDULES[name]).schedule, *DAY.span, job_id="job", anchor=ANCHOR)
    counts = count_between(found, DAY.edges)
    assert len(counts) == 96
    assert sum(counts) == len(found)
    assert counts == [sum(a <= slot < b for slot in found) for a, b in zip(DAY.edges, DAY.edges[1:], strict=False)]


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
