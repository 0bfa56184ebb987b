"""The slots of a day: the same as one gets by asking for one after another, also where clocks change."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from schedsync.clock import from_micros, to_micros
from schedsync.specs.schedule import fires
from schedsync.specs.slots import DENSE, KnownSpans, count_between, slots
from schedsync.status.day import Day
from tests.builders import spec

DAY = Day(date(2026, 11, 24))
NOON = DAY.start + timedelta(hours=12)
ANCHOR = datetime(2026, 11, 1, 0, 3, 20, tzinfo=UTC)
SCHEDULES: dict[str, Any] = {
    "daily": {"cron": "30 2 * * *"},
    "in another zone": {"cron": "0 9 * * *", "timezone": "Asia/Tokyo"},
    "each minute": {"cron": "* * * * *"},
    "at seconds": {"cron": "*/20 */10 3-15 * * *"},
    "spread by the id": {"cron": "H H(13-20) * * *"},
    "at a distance": {"every": "25m"},
    "at a distance that ends": {"every": "25m", "end": "2026-11-24T13:00:00Z"},
    "at a distance that begins": {"every": "7h", "start": "2026-11-24T05:00:00Z"},
    "once": {"at": "2026-11-24T17:00:00Z"},
    "once, on another day": {"at": "2026-11-25T00:00:00Z"},
    "at a distance, not at the weekend": {"every": "25m", "exclude": [{"weekdays": ["tue"]}]},
    "not on that day": {"cron": "0 * * * *", "exclude": [{"dates": ["2026-11-24"]}]},
    "moved to that day": {"cron": "0 9 23 * *", "exclude": [{"dates": ["2026-11-23"]}], "shift": "next"},
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


def test_jobs_of_one_expression_that_spreads_them_have_slots_of_their_own() -> None:
    schedule = spec(schedule={"cron": "H * * * *"}).schedule
    found = {tuple(slots(schedule, NOON, DAY.end, job_id=f"job-{number}", anchor=ANCHOR)) for number in range(5)}
    assert len(found) > 3


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


def test_triggers_of_one_expression_and_other_days_have_slots_of_their_own() -> None:
    weekly: Any = {"cron": "0 9 * * *", "exclude": [{"weekdays": ["tue"]}]}
    counts = [
        len(instants(spec(schedule=schedule).schedule, *DAY.span))
        for schedule in ({"cron": "0 9 * * *"}, weekly, weekly | {"exclude": [{"weekdays": ["mon"]}]})
    ]
    assert counts == [1, 0, 1]


def test_jitter_counts_where_slots_are_to_be_exact() -> None:
    schedule = spec(schedule={"cron": "* * * * *", "jitter": "30s"}).schedule
    exact = slots(schedule, *DAY.span, job_id="job", anchor=ANCHOR, exact=True)
    assert [from_micros(slot) for slot in exact] == one_by_one(schedule, *DAY.span)


def test_what_is_kept_is_bounded_by_how_many_slots_it_has_and_the_oldest_goes_first() -> None:
    kept, asked = KnownSpans(), list[int]()

    def found(day: int) -> list[int]:
        asked.append(day)
        return list(range(day, day + 86_400))

    days = KnownSpans.ROOM // 86_400 + 8
    for day in (0, *range(days)):
        assert list(kept.get(day, lambda day=day: found(day))) == list(range(day, day + 86_400))  # type: ignore[misc]
        kept.get("often", lambda: found(-1))
        assert kept.taken <= KnownSpans.ROOM
    assert kept.taken > KnownSpans.ROOM // 2
    assert asked == [0, -1, *range(1, days)]
    kept.get(days - 1, lambda: pytest.fail("it is kept"))
    kept.get(0, lambda: found(0))
    assert asked[-1] == 0


def test_many_spans_without_a_slot_take_room_too() -> None:
    kept = KnownSpans()
    for number in range(KnownSpans.ROOM // KnownSpans.EACH + 100):
        kept.get(number, tuple)
    assert kept.taken <= KnownSpans.ROOM


def test_what_has_no_room_is_not_kept_and_drives_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KnownSpans, "ROOM", 1_000)
    kept = KnownSpans()
    kept.get("few", lambda: [1, 2, 3])
    assert list(kept.get("many", lambda: range(1_000))) == list(range(1_000))
    kept.get("few", lambda: pytest.fail("it is kept"))
