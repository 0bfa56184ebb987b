"""Schedules: which slots they have, and that everybody computes the same ones."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schedsync.specs.messages import explain
from schedsync.specs.schedule import Schedule, fires, first_fires, next_fire
from schedsync.specs.triggers import EveryTrigger
from tests.builders import NOW, spec
from tests.unit.specs.strategies import REPRODUCIBLE, instants, triggers

SCHEDULE: TypeAdapter[Schedule] = TypeAdapter(Schedule)
MICROSECOND = timedelta(microseconds=1)


def schedule(value: Any) -> Schedule:
    return SCHEDULE.validate_python(value)


def slots(value: Any, *, after: str = "2026-11-24T02:00Z", count: int = 3, job_id: str = "job") -> list[str]:
    """Return the slots, with the anchor at 2026-11-24 02:00."""
    start = datetime.fromisoformat(after)
    return [
        f"{slot:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
        for slot in first_fires(schedule(value), start, count, job_id=job_id, anchor=NOW)
    ]


def refusal(value: Any) -> str:
    """Return what the author of a wrong schedule is told."""
    with pytest.raises(ValidationError) as refused:
        spec(schedule=value)
    (mistake,) = explain(refused.value)
    return mistake.message


# every


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        pytest.param({}, ["2026-11-24 03:00", "2026-11-24 04:00", "2026-11-24 05:00"], id="counts from the anchor"),
        pytest.param({"start": "2026-11-24T02:30"}, ["2026-11-24 02:30", "2026-11-24 03:30", "2026-11-24 04:30"]),
        pytest.param(
            {"start": "2026-12-01", "timezone": "Europe/Berlin"},
            ["2026-11-30 23:00", "2026-12-01 00:00", "2026-12-01 01:00"],
            id="a start as a day begins with the day",
        ),
        pytest.param(
            {"start": "1970-01-01T00:07"},
            ["2026-11-24 02:07", "2026-11-24 03:07", "2026-11-24 04:07"],
            id="a start long ago is a phase",
        ),
        pytest.param(
            {"start": "9998-12-31T22:00"},
            ["9998-12-31 22:00", "9998-12-31 23:00", "9999-01-01 00:00"],
            id="a start far ahead is waited for",
        ),
        pytest.param({"end": "2026-11-24T04:00"}, ["2026-11-24 03:00", "2026-11-24 04:00"], id="an end is included"),
        pytest.param({"end": "2026-11-24T03:59:59"}, ["2026-11-24 03:00"], id="nothing follows the end"),
        pytest.param({"end": "2026-11-24T02:59"}, [], id="an end before the first slot leaves none"),
        pytest.param({"end": "2026-11-23"}, [], id="an end that has passed leaves none"),
    ],
)
def test_every_fires_at_a_distance(every: dict[str, str], expected: list[str]) -> None:
    assert slots({"every": "1h", **every}) == expected


def test_every_is_elapsed_time_across_a_clock_change() -> None:
    value = {"every": "1d", "start": "2026-10-24T12:00", "timezone": "Europe/Berlin"}
    assert slots(value, after="2026-10-24T00:00Z") == ["2026-10-24 10:00", "2026-10-25 10:00", "2026-10-26 10:00"]


def test_every_has_no_slot_at_or_before_its_anchor() -> None:
    assert next_fire(schedule({"every": "1h"}), NOW - timedelta(days=9), job_id="job", anchor=NOW) == NOW + timedelta(
        hours=1
    )


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati", "America/New_York"])
@pytest.mark.parametrize(
    "trigger",
    [
        {"cron": "0 2 * * *"},
        {"every": "1h", "jitter": "30m"},
        {"calendar": {"days": 1, "time": "02:00"}},
        {"cron": "0 2 * * *", "exclude": {"weekdays": ["mon"]}},
        {"cron": "0 2 * * *", "only": {"weekdays": ["mon"]}, "shift": "next"},
    ],
    ids=str,
)
def test_nothing_comes_after_the_last_moment_that_can_be_written(trigger: dict[str, Any], zone: str) -> None:
    """A pause "for ever" may last until then, and what is asked for is the first slot after it."""
    assert slots({**trigger, "timezone": zone}, after="9999-12-31T23:59:59Z") == []


def test_time_ends_before_the_calendar_does() -> None:
    last = list(fires(schedule({"every": "3000d", "start": "9990-01-01"}), NOW, job_id="job", anchor=NOW))
    assert [slot.year for slot in last] == [9990, 9998]
    minute = schedule({"cron": "*/10 * * * *", "jitter": "1d"})
    assert next_fire(minute, datetime.max.replace(tzinfo=UTC), job_id="job", anchor=NOW) is None


# at


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param({"at": "2027-01-31T23:59:59"}, ["2027-01-31 23:59:59"], id="in UTC"),
        pytest.param({"at": "2027-01-31 12:00"}, ["2027-01-31 12:00"], id="with a blank instead of the T"),
        pytest.param({"at": "2027-01-31"}, ["2027-01-31"], id="a day is its beginning"),
        pytest.param({"at": "2027-01-31T12:00", "timezone": "Asia/Kolkata"}, ["2027-01-31 06:30"], id="in a zone"),
        pytest.param(
            {"at": "2027-01-31T12:00+01:00", "timezone": "Asia/Kolkata"}, ["2027-01-31 11:00"], id="an offset wins"
        ),
        pytest.param(
            {"at": "2027-03-28T02:30", "timezone": "Europe/Berlin"}, ["2027-03-28 01:00"], id="right after a gap"
        ),
        pytest.param(
            {"at": "2027-10-31T02:30", "timezone": "Europe/Berlin"}, ["2027-10-31 00:30"], id="the first of a fold"
        ),
        pytest.param({"at": "2026-11-24T02:00Z"}, [], id="now is over"),
        pytest.param({"at": "2020-01-01"}, [], id="long over"),
        pytest.param(
            {"at": "9998-12-31T23:59:59", "timezone": "America/New_York"}, ["9999-01-01 04:59:59"], id="the last year"
        ),
    ],
)
def test_at_fires_once(at: dict[str, str], expected: list[str]) -> None:
    assert slots(at) == [text if " " in text else f"{text} 00:00" for text in expected]


# cron, lists, bounds


def test_cron_fires_by_the_clock_of_its_zone_within_its_bounds() -> None:
    value = {
        "cron": "30 2 * * *",
        "timezone": "Europe/Berlin",
        "start": "2027-03-27",
        "end": "2027-03-29",
    }
    assert slots(value, count=9) == ["2027-03-27 01:30", "2027-03-28 01:00", "2027-03-29 00:30"]


def test_a_list_fires_when_any_of_its_triggers_does_and_once_where_several_do() -> None:
    value = [{"cron": "0 * * * *"}, {"every": "90m"}, {"at": "2026-11-24T03:15"}]
    assert slots(value, count=5) == [
        "2026-11-24 03:00",
        "2026-11-24 03:15",
        "2026-11-24 03:30",
        "2026-11-24 04:00",
        "2026-11-24 05:00",
    ]


def test_a_day_as_an_end_lasts_until_midnight_in_its_zone() -> None:
    value = {"cron": "0 12,23 * * *", "timezone": "America/New_York", "end": "2026-11-24"}
    assert slots(value, count=9) == ["2026-11-24 04:00", "2026-11-24 17:00", "2026-11-25 04:00"]


def test_an_end_that_means_never_is_none() -> None:
    assert slots({"cron": "0 0 1 1 *", "end": "9999-12-31", "timezone": "America/New_York"}, count=1)
    assert slots({"cron": "0 0 1 1 *", "end": "9999-12-31T23:59:59-12:00"}, count=1)


def test_one_trigger_may_be_given_as_itself() -> None:
    trigger = EveryTrigger.model_validate({"every": "1h"})
    assert schedule(trigger) == schedule([trigger]) == schedule({"every": "1h"}) == (trigger,)


# jitter


def test_jitter_is_fixed_per_job_and_slot() -> None:
    value = {"every": "1h", "jitter": "10m"}
    assert slots(value, job_id="a") == slots(value, job_id="a") != slots(value, job_id="b")


def test_jitter_does_not_lead_beyond_the_end() -> None:
    value = schedule({"cron": "* * * * *", "jitter": "1h", "end": "2026-11-24T02:30"})
    found = list(fires(value, NOW, job_id="job", anchor=NOW))
    assert max(found) == datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


def test_jitter_near_the_end_is_one_of_the_time_that_is_left() -> None:
    value = {"cron": "*/5 * * * *", "start": "2026-12-01T00:00", "end": "2026-12-01T01:00"}
    end, before = datetime(2026, 12, 1, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC)
    found = list(fires(schedule({**value, "jitter": "20m"}), before, job_id="job", anchor=NOW))
    assert len(found) == len(list(fires(schedule(value), before, job_id="job", anchor=NOW))) == 13
    assert found.count(end) == 1


def test_jitter_that_the_end_does_not_cut_is_the_same_without_an_end() -> None:
    value = {"cron": "*/5 * * * *", "jitter": "20m"}
    assert slots({**value, "end": "2026-11-24T04:00"}, count=15) == slots(value, count=15)


def test_jitter_that_is_longer_than_the_distance_reorders_slots_and_loses_none() -> None:
    minutes = [(NOW + n * timedelta(minutes=1)).isoformat() for n in range(180)]
    whole = schedule({"cron": "* * * * *", "jitter": "1h", "start": minutes[0], "end": minutes[-1]})
    single = [schedule({"at": minute, "jitter": "1h", "end": minutes[-1]}) for minute in minutes]
    before = NOW - timedelta(hours=2)
    expected = {next_fire(one, before, job_id="job", anchor=NOW) for one in single}
    found = list(fires(whole, before, job_id="job", anchor=NOW))
    assert set(found) == expected
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("cron", "jitter"), [("* * * * * *", "1m"), ("* * * * *", "1h"), ("*/10 * * * *", "1d"), ("0 2 * * *", "1d")]
)
def test_jitter_over_no_more_slots_than_can_be_looked_at_is_taken(cron: str, jitter: str) -> None:
    assert len(slots({"cron": cron, "jitter": jitter})) == 3


def test_jitter_may_be_a_second_less_than_every() -> None:
    found = first_fires(schedule({"every": "10s", "jitter": "9s"}), NOW, 50, job_id="job", anchor=NOW)
    for number, slot in enumerate(found, start=1):
        nominal = NOW + number * timedelta(seconds=10)
        assert nominal <= slot <= nominal + timedelta(seconds=9)


def test_a_slot_that_jitter_has_moved_past_now_still_comes() -> None:
    """The nominal time has passed, the slot has not."""
    value = schedule({"at": "2026-11-24T02:00", "jitter": "1h"})
    (slot,) = first_fires(value, NOW - MICROSECOND, 2, job_id="job", anchor=NOW)
    assert slot > NOW
    assert next_fire(value, NOW, job_id="job", anchor=NOW) == slot
    assert next_fire(value, slot, job_id="job", anchor=NOW) is None


# what every schedule keeps


@REPRODUCIBLE
@given(st.lists(triggers(), min_size=1, max_size=3), instants, instants)
def test_slots_follow_one_another_whatever_the_schedule(value: Any, after: datetime, anchor: datetime) -> None:
    found = first_fires(schedule(value), after, 8, job_id="job", anchor=anchor)
    assert all(earlier < later for earlier, later in pairwise([after, *found]))
    assert all(slot.tzinfo is UTC for slot in found)


@REPRODUCIBLE
@given(triggers(), instants, st.integers(0, 20))
def test_looking_from_anywhere_before_a_slot_finds_it(value: Any, after: datetime, skipped: int) -> None:
    """A restart, another instance and a test see the same slots, wherever they begin to look."""
    found = first_fires(schedule(value), after, skipped + 1, job_id="job", anchor=after)
    for earlier, slot in pairwise([after, *found]):
        for start in (earlier, earlier + (slot - earlier) / 2, slot - MICROSECOND):
            assert next_fire(schedule(value), start, job_id="job", anchor=after) == slot


@REPRODUCIBLE
@given(triggers(), instants)
def test_jitter_delays_each_slot_and_by_no_more_than_it_says(value: Any, after: datetime) -> None:
    (trigger,) = schedule(value)
    plain = schedule({**value, "jitter": "0s"})
    for slot in first_fires((trigger,), after, 3, job_id="job", anchor=after):
        nominal = next_fire(plain, slot - trigger.jitter - MICROSECOND, job_id="job", anchor=after)
        assert nominal is not None
        assert nominal <= slot


@REPRODUCIBLE
@given(triggers(), instants)
def test_no_slot_is_outside_its_bounds(value: Any, after: datetime) -> None:
    (trigger,) = schedule(value)
    for slot in first_fires((trigger,), after, 3, job_id="job", anchor=after):
        wall = slot.astimezone(trigger.zone).replace(tzinfo=None).isoformat()
        assert value.get("start", "") <= wall
        assert wall[: len(value.get("end", wall))] <= value.get("end", wall)


# what is refused


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        pytest.param(
            {"every": "1h", "jitter": "1h"}, "jitter (1h) must be shorter than every (1h)", id="jitter as long as every"
        ),
        pytest.param({"every": "1w", "jitter": "25h"}, "jitter: must be one day or less", id="jitter of days"),
        pytest.param(
            {"cron": "* * * * * *", "jitter": "1d"},
            'jitter (1d) spans more than 200 slots of "* * * * * *"; write 1m or less',
            id="jitter over each second of a day",
        ),
        pytest.param(
            {"cron": "* 8-17 * * *", "jitter": "3h"},
            'jitter (3h) spans more than 200 slots of "* 8-17 * * *"; write 1h or less',
            id="jitter over each minute of hours",
        ),
        pytest.param({"every": "0s"}, "every: must be at least 1s", id="every nothing"),
        pytest.param(
            {"every": "1h", "start": "2027-01-02", "end": "2027-01-01"},
            "start (2027-01-02) is after end (2027-01-01), so this would never fire",
            id="end before start",
        ),
        pytest.param(
            {"cron": "0 0 29 2 *", "start": "2026-01-01", "end": "2027-12-31"},
            "this would never fire: it has no slot between start (2026-01-01) and end (2027-12-31)",
            id="no leap day between the bounds",
        ),
        pytest.param(
            {"at": "2027-01-01", "start": "2027-06-01"},
            "this would never fire: it has no slot after start (2027-06-01)",
            id="at before start",
        ),
        pytest.param(
            {"at": "2027-01-01", "end": "2026-06-01T12:00"},
            "this would never fire: it has no slot before end (2026-06-01 12:00:00)",
            id="at after end",
        ),
        pytest.param({"at": "9999-12-31"}, "at: the year 9999 is too late; write 9998 or earlier", id="at in 9999"),
        pytest.param(
            {"every": "1h", "start": "9999-01-01", "timezone": "Pacific/Apia"},
            "start: the year 9999 is too late; write 9998 or earlier",
            id="start in 9999",
        ),
        pytest.param(
            {"every": "1h", "start": "0001-01-01", "timezone": "Asia/Tokyo"},
            "start: the year 1 is too early; write 1970 or later",
            id="start at the beginning of the calendar",
        ),
        pytest.param(
            {"every": "1h", "end": "0202-12-01"}, "end: the year 202 is too early; write 1970 or later", id="a slip"
        ),
        pytest.param({"at": 20270131}, "at: expected a time, found 20270131; write it like", id="a number"),
        pytest.param({"at": True}, "at: expected a time, found true; write it like", id="a truth value"),
        pytest.param({"at": None}, "at: expected a time, found nothing; write it like", id="nothing"),
        pytest.param({"at": "tomorrow"}, 'at: "tomorrow" is not a time; write it like', id="a word"),
        pytest.param({"at": "2027-02-29"}, 'at: "2027-02-29" is not a time; write it like', id="no such day"),
        pytest.param(
            {"every": "1h", "end": 20261201},
            "end: expected a time, found 20261201; write it like",
            id="a number as end",
        ),
    ],
)
def test_schedules_that_make_no_sense_are_refused_in_words(value: Any, sentence: str) -> None:
    assert refusal(value).startswith(sentence)


# what is refused of a job, because of its id


def _hashed(job_id: str, **more: Any) -> None:
    spec(id=job_id, schedule={"cron": "0 6 * * H", **more})


def test_an_expression_that_follows_from_the_id_is_judged_by_the_slots_of_its_own_job() -> None:
    days = {name: slots({"cron": "0 6 * * H"}, count=1, job_id=name)[0] for name in ("a", "b", "c", "d", "e", "f")}
    weekdays = {name: datetime.fromisoformat(day).strftime("%a").lower() for name, day in days.items()}
    assert len(set(weekdays.values())) > 1
    for name, weekday in weekdays.items():
        _hashed(name, only={"weekdays": [weekday]})
        with pytest.raises(ValidationError, match="would never fire"):
            _hashed(name, exclude={"weekdays": [weekday]})


def test_one_that_never_fires_is_refused_where_it_stands() -> None:
    job_id = "erp.dump"
    (slot,) = slots({"cron": "0 6 H * *"}, count=1, job_id=job_id)
    day = datetime.fromisoformat(slot)
    bounds = {"start": f"{day + timedelta(days=1):%Y-%m-%d}", "end": f"{day + timedelta(days=2):%Y-%m-%d}"}
    for value, path in (
        ({"cron": "0 6 H * *", **bounds}, ("schedule", 0, "end")),
        ([{"every": "1h"}, {"cron": "0 6 H * *", **bounds}], ("schedule", 1, "end")),
    ):
        with pytest.raises(ValidationError) as refused:
            spec(id=job_id, schedule=value)
        (mistake,) = explain(refused.value)
        assert mistake.path == path
        assert mistake.found == f'"{bounds["end"]}"'
        assert mistake.message.startswith("this would never fire: it has no slot between start")
