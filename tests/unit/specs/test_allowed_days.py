"""`exclude`, `only` and `shift`: which slots of a schedule are left out, and where they go."""

import sys
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schedsync.specs.calendars import CONTEXT, Calendar, Calendars
from schedsync.specs.job import JobSpec
from schedsync.specs.messages import explain
from schedsync.specs.schedule import first_fires
from schedsync.specs.words import in_words
from schedsync.specs.zones import resolve_local
from tests.builders import document
from tests.unit.specs.strategies import REPRODUCIBLE, ZONES
from tests.unit.specs.test_calendars import calendars

DAY = timedelta(days=1)
RULES: dict[str, dict[str, Any]] = {
    "weekend": {"weekdays": ["sat", "sun"]},
    "holidays": {"yearly": ["12-25", "12-26"], "dates": ["2026-12-24"]},
    "summer": {"ranges": [{"from": "2027-06-01", "to": "2027-08-31"}]},
    "each-day": {"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
    "one-day": {"dates": ["2027-02-01"]},
    "christmas": {"yearly": ["12-25"]},
}
KNOWN = Calendars({name: Calendar.model_validate({"name": name, **rules}) for name, rules in RULES.items()})


def job(**schedule: Any) -> JobSpec:
    return JobSpec.model_validate(document(schedule=schedule), context={CONTEXT: KNOWN})


def fires(after: str, count: int, **schedule: Any) -> list[str]:
    """Return slots by the clock of the zone."""
    found = job(**schedule)
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    slots = first_fires(found.schedule, moment, count, job_id=found.id, anchor=moment)
    return [f"{slot.astimezone(found.schedule[0].zone):%Y-%m-%d %H:%M}" for slot in slots]


CASES = [
    pytest.param(
        {"cron": "0 6 * * *", "exclude": ["weekend", "holidays"]},
        ["2026-12-22 06:00", "2026-12-23 06:00", "2026-12-28 06:00"],
        id="left out",
    ),
    pytest.param({"cron": "0 6 * * *", "only": "weekend"}, ["2026-12-26 06:00", "2026-12-27 06:00"], id="kept to"),
    pytest.param({"cron": "0 6 * * *", "only": "weekend", "exclude": "holidays"}, ["2026-12-27 06:00"], id="both"),
    pytest.param(
        {"cron": "0 6 * * *", "only": ["christmas", "one-day"], "end": "2027-12-01"},
        ["2026-12-25 06:00", "2027-02-01 06:00"],
        id="any of several",
    ),
    pytest.param(
        {"cron": "0 6 25 * *", "exclude": ["weekend", "holidays"], "shift": "next"},
        ["2026-12-28 06:00", "2027-01-25 06:00"],
        id="to the next day",
    ),
    pytest.param(
        {"cron": "0 6 25 * *", "exclude": ["weekend", "holidays"], "shift": "previous"},
        ["2026-12-23 06:00", "2027-01-25 06:00"],
        id="to the day before",
    ),
    pytest.param(
        {"cron": "0 6 24-28 12 *", "exclude": ["weekend", "holidays"], "shift": "next"},
        ["2026-12-28 06:00", "2027-12-24 06:00", "2027-12-27 06:00", "2027-12-28 06:00"],
        id="two that meet are one",
    ),
    pytest.param(
        {"cron": "0 4,23 26,27 12 *", "exclude": ["weekend"], "shift": "previous"},
        ["2026-12-25 04:00", "2026-12-25 23:00", "2027-12-24 04:00"],
        id="at their times",
    ),
    pytest.param(
        {"calendar": {"months": 1, "day": "last"}, "exclude": ["weekend"], "shift": "previous"},
        ["2026-12-31 00:00", "2027-01-29 00:00", "2027-02-26 00:00"],
        id="the last workday of the month",
    ),
    pytest.param({"at": "2026-12-25T08:00", "exclude": "holidays", "shift": "next"}, ["2026-12-27 08:00"], id="once"),
    pytest.param({"every": "12h", "exclude": ["weekend"]}, ["2026-12-22 12:00", "2026-12-23 00:00"], id="every"),
    pytest.param(
        {"cron": "0 0 1 7 *", "exclude": "summer", "shift": "next", "end": "2028-12-31"},
        ["2028-07-01 00:00"],
        id="none is near, so it is left out",
    ),
    pytest.param(
        {"cron": "0 0 5 8 *", "exclude": "summer", "shift": "next", "end": "2028-01-01"},
        ["2027-09-01 00:00"],
        id="a day that is near",
    ),
    pytest.param({"cron": "0 6 25 * *", "exclude": [{"dates": ["2026-12-25"]}]}, ["2027-01-25 06:00"], id="in place"),
    pytest.param(
        {"cron": "0 6 1 1 *", "exclude": [{"yearly": ["01-01"]}], "shift": "previous", "start": "2027-01-01"},
        ["2027-12-31 06:00"],
        id="not moved before its start",
    ),
    pytest.param(
        {"cron": "30 2 28 3 *", "timezone": "Europe/Berlin", "only": [{"weekdays": ["sun"]}], "shift": "next"},
        ["2027-03-28 03:00", "2028-04-02 02:30"],
        id="into the hour that clocks skip",
    ),
]


@pytest.mark.parametrize(("schedule", "expected"), CASES)
def test_it_fires_as_written(schedule: dict[str, Any], expected: list[str]) -> None:
    assert fires("2026-12-22T00:00", len(expected), **schedule) == expected


def test_a_slot_that_was_moved_is_not_found_again_from_its_old_day() -> None:
    schedule = {"cron": "0 6 25 * *", "exclude": ["weekend", "holidays"], "shift": "previous"}
    assert fires("2026-12-23T06:00", 1, **schedule) == ["2027-01-25 06:00"]
    assert fires("2026-12-23T05:59", 1, **schedule) == ["2026-12-23 06:00"]
    assert fires("2026-12-25T00:00", 1, **schedule) == ["2027-01-25 06:00"]


# Against looking at each day

SINCE, DAYS = datetime(2027, 3, 1, tzinfo=UTC), 250
LOOK = 100
"""Days of which slots are compared: what is moved into them has been one of the others."""
_times = st.lists(st.integers(0, 23), min_size=1, max_size=2, unique=True)


def _expected(
    zone: Any, monthly: int, hours: list[int], allowed: dict[date, bool], shift: str | None
) -> list[datetime]:
    slots: set[datetime] = set()
    for day, is_allowed in allowed.items():
        if day.day % monthly:
            continue
        target: date | None = day
        if not is_allowed:
            step = {"next": DAY, "previous": -DAY, None: None}[shift]
            near = [] if step is None else [day + number * step for number in range(1, 32)]
            target = next((other for other in near if allowed.get(other)), None)
        if target is not None:
            slots |= {resolve_local(datetime.combine(target, time(hour, 30)), zone) for hour in hours}
    return sorted(slots)


def _job_or_none(**schedule: Any) -> JobSpec | None:
    """Return the job, unless its calendars leave no day."""
    try:
        return job(**schedule)
    except ValidationError as error:
        (mistake,) = explain(error)
    assert mistake.message.startswith("this would never fire")
    return None


@settings(REPRODUCIBLE, max_examples=50)
@given(
    calendars,
    calendars,
    st.sampled_from([None, "next", "previous"]),
    st.integers(1, 9),
    _times,
    st.sampled_from(ZONES),
)
def test_its_slots_are_those_of_a_look_at_each_day(
    only: dict[str, Any], exclude: dict[str, Any], shift: str | None, monthly: int, hours: list[int], zone: str
) -> None:
    listed = ",".join(str(day) for day in range(1, 32) if day % monthly == 0)
    schedule = {
        "cron": f"30 {','.join(map(str, hours))} {listed} * *",
        "timezone": zone,
        "exclude": [Calendar.model_validate(exclude)],
    }
    schedule |= {"only": [Calendar.model_validate(only)]} if only else {}
    schedule |= {"shift": shift} if shift else {}
    found = _job_or_none(**schedule)
    if found is None:
        return
    trigger = found.schedule[0]
    first = SINCE.date() - 60 * DAY
    within = [first + number * DAY for number in range(DAYS)]
    allowed = {day: (not only or day in trigger.only[0]) and day not in trigger.exclude[0] for day in within}
    until = SINCE + LOOK * DAY
    every = _expected(trigger.zone, monthly, hours, allowed, shift)
    ours = first_fires(found.schedule, SINCE, 3 * LOOK, job_id="x", anchor=SINCE)
    assert [slot for slot in ours if slot < until] == [slot for slot in every if SINCE < slot < until]
    assert all(before < after for before, after in pairwise(ours))


# What cannot be meant

WRONG: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    (
        {"cron": "0 6 * * *", "shift": "next"},
        ("schedule", 0, "shift"),
        "shift: nothing says on which days it may not fire; add exclude or only, or remove shift",
    ),
    (
        {"cron": "0 6 * * *", "exclude": "weekend", "shift": "nearest"},
        ("schedule", 0, "shift"),
        'shift: expected one of next or previous, found "nearest"',
    ),
    (
        {"cron": "*/5 6 * * *", "exclude": "weekend", "shift": "next"},
        ("schedule", 0, "cron"),
        (
            'cron: shift moves fixed times to another day, and "*/5 6 * * *" goes through each day; write fixed times,'
            " or remove shift"
        ),
    ),
    (
        {"cron": "0-59 0-23 * * *", "exclude": "weekend", "shift": "next"},
        ("schedule", 0, "cron"),
        "cron: shift moves up to 100 times of a day; write fewer of them, or remove shift",
    ),
    (
        {"every": "1h", "exclude": "weekend", "shift": "next"},
        ("schedule", 0, "every"),
        "every: shift moves times of a day, and every counts elapsed time; remove shift, or use calendar",
    ),
    (
        {"cron": "0 6 * * *", "exclude": "each-day"},
        ("schedule", 0, "exclude"),
        "this would never fire: it has no slot on a day that exclude and only allow in the zone UTC",
    ),
    (
        {"every": "1h", "exclude": "each-day"},
        ("schedule", 0, "exclude"),
        "this would never fire: it has no slot on a day that exclude and only allow in the zone UTC",
    ),
    (
        {"cron": "0 6 24 * *", "only": "christmas"},
        ("schedule", 0, "only"),
        "this would never fire: it has no slot on a day that exclude and only allow in the zone UTC",
    ),
    (
        {"cron": "0 6 * * *", "only": "one-day", "start": "2027-02-02"},
        ("schedule", 0, "only"),
        "this would never fire: it has no slot on a day that exclude and only allow after start (2027-02-02)",
    ),
    (
        {"cron": "0 6 * * *", "exclude": ["weekend", "holiday"]},
        ("schedule", 0, "exclude", 1),
        'exclude: entry 2: there is no calendar "holiday"; did you mean "holidays"?',
    ),
]


@pytest.mark.parametrize(("schedule", "path", "message"), WRONG, ids=[message for _, _, message in WRONG])
def test_a_mistake_is_explained(schedule: dict[str, Any], path: tuple[str | int, ...], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        job(**schedule)
    (found,) = explain(caught.value)
    assert (found.path, found.message) == (path, message)


FAR: dict[str, Any] = {"dates": ["9990-01-01"]}
NEVER: list[dict[str, Any]] = [
    {"cron": "0 6 * * mon", "only": [{"weekdays": ["tue"]}], "exclude": [FAR]},
    {"cron": "0 6 13 * *", "only": [{"yearly": ["12-24"]}], "exclude": [FAR], "shift": None},
    {"calendar": {"weeks": 1, "day": "mon"}, "start": "2026-01-01", "only": [{"weekdays": ["tue"]}], "exclude": [FAR]},
    {"every": "7d", "start": "2026-01-05", "only": [{"weekdays": ["tue"]}], "exclude": [FAR]},
    {"cron": "0 6 1 6 *", "exclude": [{"exclude": [FAR]}], "shift": "next"},
]


@pytest.mark.parametrize("schedule", NEVER, ids=[str(schedule) for schedule in NEVER])
def test_what_never_meets_its_days_is_refused_after_a_bounded_search(schedule: dict[str, Any]) -> None:
    asked = 0

    def count(frame: Any, event: str, _argument: Any) -> None:
        nonlocal asked
        asked += event == "call" and frame.f_code.co_name == "_unbounded_after"

    sys.setprofile(count)
    try:
        with pytest.raises(ValidationError, match="would never fire"):
            job(**schedule)
    finally:
        sys.setprofile(None)
    assert 0 < asked <= 3_001


def test_whether_days_meet_is_left_open_where_they_count_from_when_the_job_appears() -> None:
    saturday, monday = datetime(2026, 12, 5, tzinfo=UTC), datetime(2026, 12, 7, tzinfo=UTC)
    found = job(every="7d", only="weekend")
    assert first_fires(found.schedule, saturday, 1, job_id="x", anchor=saturday) == [saturday + 7 * DAY]
    assert first_fires(found.schedule, monday, 1, job_id="x", anchor=monday) == []


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ({"exclude": "holidays"}, "at 06:00 each day (UTC), except on holidays"),
        ({"only": ["weekend", "holidays"]}, "at 06:00 each day (UTC), only on holidays or weekend"),
        (
            {"only": "weekend", "exclude": {"dates": ["2026-12-24"]}, "shift": "previous", "end": "2027-01-01"},
            (
                "at 06:00 each day (UTC), only on weekend, except on days of its own, else on the previous day, until"
                " 2027-01-01"
            ),
        ),
    ],
)
def test_it_is_said_in_words(schedule: dict[str, Any], words: str) -> None:
    assert in_words(job(cron="0 6 * * *", **schedule)) == words
