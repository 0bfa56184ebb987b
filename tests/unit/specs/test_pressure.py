"""How starts are spread over a span: by minute, by the hours of a zone, and the worst of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schedsync.specs.pressure import Pressure, pressure
from schedsync.specs.slots import slots
from tests.builders import spec

BEGIN = datetime(2026, 11, 24, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
UTC_ZONE, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")


def over(since: datetime, until: datetime, **schedules: Any) -> Pressure:
    each = {
        job_id: slots(spec(schedule=schedule).schedule, since, until, job_id=job_id, anchor=BEGIN)
        for job_id, schedule in schedules.items()
    }
    return pressure(each, since, until)


def test_each_start_is_counted_in_its_minute_however_dense_they_are() -> None:
    found = over(BEGIN, BEGIN + 24 * HOUR, second={"every": "1s"}, twice={"cron": "0 2,3 * * *"}, odd={"every": "7m"})
    assert found.starts == 86_399 + 2 + 205
    minutes = found.by_minute()
    assert len(minutes) == 1_440
    assert [minutes[0].starts, minutes[1].starts, minutes[7].starts, minutes[120].starts] == [59, 60, 61, 61]


def test_the_worst_minutes_come_first_with_their_jobs() -> None:
    schedules = {f"job-{number}": {"cron": "0 2 * * *"} for number in range(3)}
    found = over(BEGIN, BEGIN + 24 * HOUR, **schedules, late={"cron": "0,30 2,22 * * *"}, other={"cron": "30 22 * * *"})
    assert [((crowd.at - BEGIN) / MINUTE, crowd.starts, crowd.jobs) for crowd in found.worst(5)] == [
        (120, 4, ("job-0", "job-1", "job-2", "late")),
        (1350, 2, ("late", "other")),
    ]
    assert len(found.worst(1)) == 1
    assert found.worst(0) == []


def test_minutes_of_one_start_are_not_the_worst() -> None:
    assert over(BEGIN, BEGIN + 24 * HOUR, a={"cron": "0 2 * * *"}).worst(5) == []


@pytest.mark.parametrize(
    ("zone", "since", "hours", "first"),
    [
        (UTC_ZONE, BEGIN, 24, BEGIN),
        (UTC_ZONE, BEGIN + 20 * MINUTE, 25, BEGIN),
        (ZoneInfo("Asia/Kolkata"), BEGIN, 25, BEGIN - 30 * MINUTE),
    ],
    ids=["a day", "from within an hour", "half an hour off"],
)
def test_hours_are_those_of_the_clock(zone: ZoneInfo, since: datetime, hours: int, first: datetime) -> None:
    bars = over(since, since + 24 * HOUR, a={"cron": "*/10 * * * *"}).by_hour(zone)
    assert (len(bars), bars[0].at) == (hours, first)
    assert sum(bar.starts for bar in bars) == 144


def test_an_hour_that_comes_twice_is_two() -> None:
    begin = datetime(2026, 10, 24, 22, tzinfo=UTC)
    bars = over(begin, begin + 25 * HOUR, a={"cron": "0 * * * *"}).by_hour(BERLIN)
    assert [f"{bar.at.astimezone(BERLIN):%H%z}" for bar in bars[:5]] == [
        "00+0200",
        "01+0200",
        "02+0200",
        "02+0100",
        "03+0100",
    ]
    assert {bar.starts for bar in bars} == {1}


def test_without_jobs_there_is_nothing() -> None:
    found = over(BEGIN, BEGIN + HOUR)
    assert (found.starts, found.worst(3), len(found.by_minute())) == (0, [], 60)
