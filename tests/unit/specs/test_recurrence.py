"""Schedules by the calendar: against looking at each day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedsync.specs.schedule import first_fires
from schedsync.specs.triggers import CalendarTrigger
from tests.builders import spec
from tests.unit.specs.days import DAY, recurs_on
from tests.unit.specs.strategies import REPRODUCIBLE, recurrences


def fires(after: str, count: int, *, anchor: datetime | None = None, **trigger: Any) -> list[str]:
    """Return slots by the clock of the zone."""
    job = spec(schedule=trigger)
    zone = job.schedule[0].zone
    moment = datetime.fromisoformat(after).replace(tzinfo=zone).astimezone(UTC)
    found = first_fires(job.schedule, moment, count, job_id=job.id, anchor=anchor or moment)
    return [f"{slot.astimezone(zone):%Y-%m-%d %H:%M%z}".removesuffix("+0000") for slot in found]


CASES = [
    pytest.param(
        {"months": 1, "day": "last", "time": "06:00"}, {}, ["2026-01-31 06:00", "2026-02-28 06:00"], id="last"
    ),
    pytest.param({"months": 1, "day": 31}, {}, ["2026-01-31 00:00", "2026-03-31 00:00"], id="months without it"),
    pytest.param({"months": 1, "day": 20}, {}, ["2026-02-20 00:00", "2026-03-20 00:00"], id="today's is over"),
    pytest.param({"months": 1, "day": 20, "time": "12:31"}, {}, ["2026-01-20 12:31"], id="today's is to come"),
    pytest.param(
        {"months": 3, "day": 1}, {"start": "2025-12-01"}, ["2026-03-01 00:00", "2026-06-01 00:00"], id="quarters"
    ),
    pytest.param(
        {"months": 12, "day": 29}, {"start": "2024-02-01"}, ["2028-02-29 00:00", "2032-02-29 00:00"], id="leap days"
    ),
    pytest.param({"weeks": 1, "day": "mon"}, {}, ["2026-01-26 00:00", "2026-02-02 00:00"], id="each week"),
    pytest.param({"weeks": 2, "day": "Thu"}, {}, ["2026-01-22 00:00", "2026-02-05 00:00"], id="this week and so on"),
    pytest.param({"weeks": 2, "day": "mon"}, {}, ["2026-02-02 00:00"], id="this week's is over"),
    pytest.param(
        {"weeks": 2, "day": "mon"},
        {"start": "2026-01-12"},
        ["2026-01-26 00:00", "2026-02-09 00:00"],
        id="from a week",
    ),
    pytest.param({"days": 3, "time": "08:00"}, {}, ["2026-01-23 08:00", "2026-01-26 08:00"], id="from today on"),
    pytest.param({"days": 10}, {"start": "2026-01-15"}, ["2026-01-25 00:00", "2026-02-04 00:00"], id="from a day on"),
    pytest.param({"days": 1}, {"start": "2026-03-01T00:00"}, ["2026-03-01 00:00", "2026-03-02 00:00"], id="its start"),
    pytest.param({"days": 1}, {"start": "2026-03-01T00:01"}, ["2026-03-02 00:00"], id="start is late for its day"),
    pytest.param({"days": 9}, {"end": "2026-02-07"}, ["2026-01-29 00:00", "2026-02-07 00:00"], id="until an end"),
]


@pytest.mark.parametrize(("rule", "bounds", "expected"), CASES)
def test_it_fires_as_written(rule: dict[str, Any], bounds: dict[str, Any], expected: list[str]) -> None:
    assert fires("2026-01-20 12:30", len(expected), calendar=rule, **bounds) == expected


def test_a_start_that_a_zone_has_left_out_counts_as_it_is_written() -> None:
    """Kiritimati had no 31st of December in 1994; months are counted from that December all the same."""
    rule, zone = {"months": 3, "day": 1}, "Pacific/Kiritimati"
    expected = ["1995-03-01 00:00+1400", "1995-06-01 00:00+1400"]
    assert fires("1995-01-02 12:00", 2, calendar=rule, start="1994-12-31", timezone=zone) == expected
    assert fires("1995-01-02 12:00", 2, calendar=rule, start="1994-12-31T12:00", timezone=zone) == expected


def test_there_are_no_more_slots_after_the_end() -> None:
    assert len(fires("2026-01-20 12:30", 9, calendar={"days": 9}, end="2026-02-07")) == 2
    assert fires("2026-01-20 12:30", 9, calendar={"days": 1}, end="2026-01-20") == []


def test_the_phase_is_that_of_the_first_sight() -> None:
    anchor, rule = datetime(2026, 1, 3, 23, 30, tzinfo=UTC), {"days": 10}
    assert fires("2026-01-20 12:30", 2, calendar=rule, anchor=anchor) == ["2026-01-23 00:00", "2026-02-02 00:00"]
    # In Berlin that was on the day after.
    berlin = fires("2026-01-20 12:30", 1, calendar=rule, anchor=anchor, timezone="Europe/Berlin")
    assert berlin == ["2026-01-24 00:00+0100"]


@pytest.mark.parametrize(
    ("zone", "after", "time", "expected"),
    [
        ("Europe/Berlin", "2026-03-28 12:00", "02:30", ["2026-03-29 03:00+0200", "2026-03-30 02:30+0200"]),
        ("Europe/Berlin", "2026-10-24 12:00", "02:30", ["2026-10-25 02:30+0200", "2026-10-26 02:30+0100"]),
        ("Africa/Cairo", "2024-04-25 12:00", "00:00", ["2024-04-26 01:00+0300", "2024-04-27 00:00+0300"]),
        ("Pacific/Apia", "2011-12-29 12:00", "09:00", ["2011-12-31 00:00+1400", "2011-12-31 09:00+1400"]),
    ],
)
def test_where_clocks_are_changed_it_is_a_fixed_time(zone: str, after: str, time: str, expected: list[str]) -> None:
    assert fires(after, 2, calendar={"days": 1, "time": time}, timezone=zone) == expected


@settings(REPRODUCIBLE, max_examples=300)
@given(recurrences, st.dates(date(1990, 1, 1), date(2039, 1, 1)), st.integers(-30, 1_000))
def test_it_equals_looking_at_each_day(rule: dict[str, Any], base: date, later: int) -> None:
    rule = {**rule, "time": "13:00"}
    trigger = spec(schedule={"calendar": rule, "start": base.isoformat()}).schedule[0]
    assert isinstance(trigger, CalendarTrigger)
    first = base + later * DAY
    expected = [day for number in range(400) if recurs_on(rule, day := first + number * DAY, base)]
    slot = datetime.combine(first, datetime.min.time(), UTC)
    found = []
    while (following := trigger.nominal_after(slot, job_id="", anchor=slot)) is not None:
        assert following > slot
        if following.date() >= first + 400 * DAY:
            break
        slot = following
        found.append(slot)
    assert found == [datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=13) for day in expected]


def test_the_calendar_ends_without_an_error() -> None:
    zone = ZoneInfo("Pacific/Kiritimati")
    for rule in ({"days": 1}, {"weeks": 3, "day": "sun"}, {"months": 1, "day": "last"}):
        trigger = spec(schedule={"calendar": rule, "timezone": zone.key}).schedule[0]
        late = datetime(9998, 12, 31, 23, tzinfo=UTC)
        assert trigger.nominal_after(late, job_id="", anchor=late) is None
