"""Why a schedule fires at a moment, or does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from schedsync.clock import MICROSECOND
from schedsync.specs.calendars import CONTEXT, Calendar, Calendars
from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import first_fires, next_fire
from schedsync.specs.why.said import Span
from schedsync.specs.why.trigger import Explained, explain
from tests.builders import document
from tests.unit.specs.strategies import REPRODUCIBLE, documents, instants
from tests.unit.specs.test_allowed_days import KNOWN
from tests.unit.specs.test_calendars import calendar

ANCHOR = datetime(2026, 12, 1, 0, 10, tzinfo=UTC)
WORKDAYS = calendar(name="workdays", exclude=["weekend", "holidays"])
OFFICE = calendar(name="office", intersect=[WORKDAYS], ranges=[{"from": "2026-12-01", "to": "2026-12-31"}])
BIG = calendar(name="big", include=["holidays"], dates=["2026-12-01"])
CONTEXT_OF_ALL = {CONTEXT: Calendars({**KNOWN.known, "workdays": WORKDAYS, "office": OFFICE, "big": BIG})}


def why(at: str, /, *, seconds: int = 60, **schedule: Any) -> tuple[bool, list[str]]:
    """Return whether there is a slot, and each sentence with its rule; *at* is by the clock of the zone."""
    job = JobSpec.model_validate(document(schedule=schedule), context=CONTEXT_OF_ALL)
    there = datetime.fromisoformat(at)
    start = there.astimezone(UTC) if there.tzinfo else there.replace(tzinfo=job.schedule[0].zone).astimezone(UTC)
    (found,) = explain(job, Span(start, start + timedelta(seconds=seconds)), anchor=ANCHOR)
    return bool(found.slots), [f"{said.rule}: {said.words}" for said in found.because]


BERLIN = {"timezone": "Europe/Berlin"}
FIRES = [
    ("2026-12-02T02:30", {"cron": "30 2 * * *"}, ['cron: "30 2 * * *" means at 02:30 each day']),
    (
        "2026-12-02T00:25",
        {"every": "5m"},
        ["every: it fires every 5m, counted from Tue 2026-12-01 00:10:00, when it appeared"],
    ),
    (
        "2026-12-02T00:00",
        {"every": "1d", "start": "2026-12-01"},
        ["every: it fires every 1d, counted from start, Tue 2026-12-01 00:00:00"],
    ),
    ("2026-12-02T06:00", {"at": "2026-12-02T06:00"}, ["at: it fires once, at 2026-12-02T06:00:00Z"]),
    (
        "2026-12-31T06:00",
        {"calendar": {"months": 1, "day": "last", "time": "06:00"}},
        ["calendar: it fires each month on the last day at 06:00"],
    ),
    (
        "2027-03-28T03:00",
        {"cron": "30 2 * * *", **BERLIN},
        [
            'cron: "30 2 * * *" means at 02:30 each day',
            (
                "cron: clocks are put forward on 2027-03-28 and skip the time that it says; a fixed time fires right"
                " after that, at 03:00:00"
            ),
        ],
    ),
    (
        "2026-12-28T06:00",
        {"cron": "0 6 25 * *", "only": "workdays", "shift": "next"},
        [
            (
                "shift: it is moved here from Fri 2026-12-25 06:00:00: 2026-12-25: yearly 12-25 of holidays, which"
                " workdays excludes"
            ),
            'cron: "0 6 25 * *" means at 06:00, on day 25 of the month',
        ],
    ),
    (
        "2027-01-29T00:00",
        {"calendar": {"months": 1, "day": "last"}, "exclude": "weekend", "shift": "previous"},
        [
            "shift: it is moved here from Sun 2027-01-31 00:00:00: 2027-01-31: weekdays sun of weekend",
            "calendar: it fires each month on the last day at 00:00",
        ],
    ),
]


@pytest.mark.parametrize(("at", "schedule", "because"), FIRES)
def test_it_fires_because(at: str, schedule: dict[str, Any], because: list[str]) -> None:
    assert why(at, **schedule) == (True, because)


FIRES_NOT = [
    ("2026-12-02T02:31", {"cron": "0,15 2 * * *"}, ["cron.minute: the minute is 31, and it is to be 0 or 15"]),
    (
        "2026-12-03T05:31",
        {"cron": "*/5 9-17 * jan fri"},
        [
            "cron.minute: the minute is 31, and it is to be 0, 5, 10, 15, 20, 25, 30 ... 55",
            "cron.hour: the hour is 5, and it is to be 9, 10, 11, 12, 13, 14, 15 ... 17",
            "cron.month: the month is 12, and it is to be 1",
            "cron.day: 2026-12-03 is a Thursday, and in this month it is to be day 4, 11, 18 or 25",
        ],
    ),
    (
        "2026-12-03T00:00",
        {"cron": "0 0 13 * fri"},
        ["cron.day: 2026-12-03 is a Thursday, and in this month it is to be day 4, 11, 13, 18 or 25"],
    ),
    (
        "2027-02-28T00:00",
        {"cron": "0 0 30 * *"},
        ["cron.day: 2027-02-28 is a Sunday, and no day of this month is one that it names"],
    ),
    (
        "2027-10-31T02:30+01:00",
        {"cron": "30 2 * * *", **BERLIN},
        [
            (
                "cron: clocks are put back on 2027-10-31, and 02:30:00 comes twice; a fixed time fires in the first"
                " pass, and this is the second"
            )
        ],
    ),
    (
        "2026-12-02T00:26",
        {"every": "5m"},
        [
            (
                "every: it fires every 5m, counted from Tue 2026-12-01 00:10:00, when it appeared: the slot before is"
                " Wed 2026-12-02 00:25:00"
            )
        ],
    ),
    (
        "2026-12-01T00:10",
        {"every": "1h"},
        [
            (
                "every: it fires every 1h, counted from Tue 2026-12-01 00:10:00, when it appeared: the first slot is"
                " Tue 2026-12-01 01:10:00"
            )
        ],
    ),
    (
        "2026-11-30T22:00",
        {"every": "1h"},
        [
            (
                "every: it fires every 1h, counted from Tue 2026-12-01 00:10:00, when it appeared: the first slot is"
                " Tue 2026-12-01 01:10:00"
            )
        ],
    ),
    (
        "2026-11-30T22:00",
        {"every": "1h", "end": "2026-12-01T00:00"},
        ["every: it fires every 1h, counted from Tue 2026-12-01 00:10:00, when it appeared: it has no slot"],
    ),
    (
        "2026-12-01T01:30",
        {"every": "1h", "start": "2026-12-01T01:00"},
        [
            (
                "every: it fires every 1h, counted from start, Tue 2026-12-01 01:00:00: the slot before is"
                " Tue 2026-12-01 01:00:00"
            )
        ],
    ),
    (
        "2026-12-08T02:00",
        {"every": "9h", "start": "2026-12-01", "exclude": [{"weekdays": ["mon"]}]},
        [
            (
                "every: it fires every 9h, counted from start, Tue 2026-12-01 00:00:00: the slot before is"
                " Sun 2026-12-06 15:00:00"
            )
        ],
    ),
    (
        "2026-12-01T04:00",
        {"every": "9h", "exclude": [{"weekdays": ["tue"]}]},
        [
            (
                "every: it fires every 9h, counted from Tue 2026-12-01 00:10:00, when it appeared: the first slot is"
                " Wed 2026-12-02 03:10:00"
            )
        ],
    ),
    (
        "2026-12-01T10:00",
        {"cron": "0 10 * * *", "start": "2026-12-01T10:00:20"},
        ["start: it has not begun at Tue 2026-12-01 10:00:00: start is 2026-12-01 10:00:20"],
    ),
    (
        "2026-12-02T10:00",
        {"cron": "30 0 10 * * *", "end": "2026-12-02T10:00:20", "exclude": [{"dates": ["2026-05-01"]}]},
        ["end: it has ended by Wed 2026-12-02 10:00:30: end is 2026-12-02 10:00:20"],
    ),
    (
        "2026-12-02T10:00",
        {"cron": "30 0 10 * * *", "end": "2026-12-02T10:00:20", "exclude": [{"dates": ["2026-12-02"]}]},
        ["end: it has ended by Wed 2026-12-02 10:00:30: end is 2026-12-02 10:00:20"],
    ),
    (
        "2026-12-02T10:00",
        {"cron": "*/30 0 10 * * *", "start": "2026-12-02T10:00:20", "exclude": [{"dates": ["2026-12-02"]}]},
        ["exclude: 2026-12-02: dates 2026-12-02 of the days in place"],
    ),
    (
        "2026-12-02T10:00",
        {
            "cron": "30 0 10 * * *",
            "end": "2026-12-02T10:00:20",
            "exclude": [{"dates": ["2026-12-02"]}],
            "shift": "previous",
        },
        [
            "exclude: 2026-12-02: dates 2026-12-02 of the days in place",
            "shift: the slot is moved to Tue 2026-12-01",
        ],
    ),
    ("2026-12-02T06:01", {"cron": "@reboot"}, ["cron: it fires when the service starts, and at no time of a clock"]),
    ("2026-12-02T06:01", {"at": "2026-12-02T06:00"}, ["at: it fires once, at 2026-12-02T06:00:00Z"]),
    (
        "2026-12-30T06:00",
        {"calendar": {"weeks": 1, "day": "mon", "time": "06:00"}},
        ["calendar: it fires each week on Monday at 06:00"],
    ),
    (
        "2026-12-02T06:00",
        {"cron": "0 6 * * *", "start": "2026-12-03"},
        ["start: it has not begun then: start is 2026-12-03"],
    ),
    ("2026-12-02T06:00", {"cron": "0 6 * * *", "end": "2026-12-01"}, ["end: it has ended by then: end is 2026-12-01"]),
    (
        "2026-12-24T06:00",
        {"cron": "0 6 * * *", "exclude": ["weekend", "holidays"]},
        ["exclude: 2026-12-24: dates 2026-12-24 of holidays"],
    ),
    (
        "2026-12-25T06:00",
        {"cron": "0 6 * * *", "exclude": "big"},
        ["exclude: 2026-12-25: yearly 12-25 of holidays, which big includes"],
    ),
    (
        "2026-12-26T06:00",
        {"cron": "0 6 * * *", "exclude": "workdays", "only": "weekend", "end": "2026-12-20"},
        ["end: it has ended by then: end is 2026-12-20"],
    ),
    (
        "2026-12-28T06:00",
        {"cron": "0 6 * * *", "exclude": "workdays"},
        ["exclude: 2026-12-28: each day that workdays does not exclude"],
    ),
    (
        "2026-12-26T06:00",
        {"cron": "0 6 * * *", "only": "office"},
        ["only: 2026-12-26: office has only days that workdays has, too"],
    ),
    (
        "2027-07-10T06:00",
        {"cron": "0 6 * * *", "only": "summer", "exclude": [{"weekdays": ["sat"]}]},
        ["exclude: 2027-07-10: weekdays sat of the days in place"],
    ),
    (
        "2027-08-31T06:00",
        {"cron": "0 6 * * *", "exclude": "summer"},
        ["exclude: 2027-08-31: ranges 2027-06-01 to 2027-08-31 of summer"],
    ),
    (
        "2026-12-28T06:00",
        {"cron": "0 6 * * *", "only": ["weekend", "holidays"]},
        ["only: 2026-12-28: it is in none of holidays, weekend"],
    ),
    (
        "2026-12-28T06:00",
        {"cron": "0 6 * * *", "only": "weekend"},
        ["only: 2026-12-28: it is not among the days of weekend"],
    ),
    (
        "2026-12-25T06:00",
        {"cron": "0 6 25 * *", "only": "workdays", "shift": "previous"},
        [
            "only: 2026-12-25: yearly 12-25 of holidays, which workdays excludes",
            "shift: the slot is moved to Thu 2026-12-24",
        ],
    ),
    (
        "2027-07-15T06:00",
        {"cron": "0 6 15 7 *", "exclude": "summer", "shift": "next"},
        [
            "exclude: 2027-07-15: ranges 2027-06-01 to 2027-08-31 of summer",
            "shift: no allowed day is near",
        ],
    ),
]


@pytest.mark.parametrize(("at", "schedule", "because"), FIRES_NOT)
def test_it_does_not_fire_because(at: str, schedule: dict[str, Any], because: list[str]) -> None:
    assert why(at, **schedule) == (False, because)


def test_a_slot_that_jitter_delays_is_told_on_both_sides() -> None:
    schedule: dict[str, Any] = {"cron": "30 2 * * *", "jitter": "10m"}
    job = JobSpec.model_validate(document(schedule=schedule))
    since = datetime(2026, 12, 2, 2, 29, tzinfo=UTC)
    slot = next_fire(job.schedule, since, job_id=job.id, anchor=ANCHOR)
    assert slot is not None
    delay = f"{(slot - since.replace(minute=30)).total_seconds():.3f}".rstrip("0").rstrip(".")
    there = f"{slot:%a %Y-%m-%d %H:%M:%S}.{slot.microsecond // 1000:03}"
    assert why("2026-12-02T02:30", seconds=1, **schedule) == (
        False,
        [f"jitter: Wed 2026-12-02 02:30:00 is delayed by {delay} s, to {there}"],
    )
    assert why(f"{slot:%Y-%m-%dT%H:%M}", **schedule) == (
        True,
        [
            f"jitter: Wed 2026-12-02 02:30:00 is delayed by {delay} s",
            'cron: "30 2 * * *" means at 02:30 each day',
        ],
    )


JITTERED: dict[str, Any] = {"every": "1h", "jitter": "59m59s", "exclude": [{"weekdays": ["wed"]}]}


def test_the_slot_before_is_one_that_there_was_whatever_jitter_does() -> None:
    job = JobSpec.model_validate(document(schedule=JITTERED))
    before = datetime(2026, 12, 1, 12, tzinfo=UTC)
    asked = [before + number * timedelta(minutes=17) for number in range(200)]
    told = 0
    for at in asked:
        slots = [slot for slot in first_fires(job.schedule, ANCHOR, 60, job_id=job.id, anchor=ANCHOR) if slot < at]
        is_slot, (because, *_) = why(f"{at:%Y-%m-%dT%H:%M}", **JITTERED)
        if not is_slot and because.startswith("every"):
            there = f"{slots[-1]:%a %Y-%m-%d %H:%M:%S}.{slots[-1].microsecond // 1000:03}"
            assert because.endswith(f": the slot before is {there}")
            told += 1
    assert told > 100


def test_a_second_may_be_asked_about() -> None:
    schedule = {"cron": "*/20 30 2 * * *"}
    assert why("2026-12-02T02:30:20", seconds=1, **schedule)[0]
    assert why("2026-12-02T02:30:21", seconds=1, **schedule) == (
        False,
        ["cron.second: the second is 21, and it is to be 0, 20 or 40"],
    )


def _as_stored(trigger: dict[str, Any]) -> dict[str, Any]:
    """Return a trigger with calendars in the place of what the store has for them."""
    given = trigger.get("exclude", [])
    listed = given if isinstance(given, list) else [given]
    return {**trigger, "exclude": [Calendar.model_validate(rules) for rules in listed]}


_days = st.sampled_from([{}, {"exclude": "weekend"}, {"only": "workdays"}, {"exclude": ["holidays", "big"]}])


@REPRODUCIBLE
@given(documents.filter(lambda document: "schedule" in document), _days, instants, st.sampled_from([1, 60]))
def test_it_says_what_next_says_and_gives_a_reason(
    value: dict[str, Any], days: dict[str, Any], at: datetime, seconds: int
) -> None:
    schedule = value["schedule"] if isinstance(value["schedule"], list) else [value["schedule"]]
    schedule = [{**_as_stored(trigger), **({} if "at" in trigger else days)} for trigger in schedule]
    value = {**value, "schedule": schedule}
    try:
        job = JobSpec.model_validate(value, context=CONTEXT_OF_ALL)
    except ValidationError as error:
        assume("would never fire" not in str(error))  # such as Sundays on workdays
        raise
    first = next_fire(job.schedule, at, job_id=job.id, anchor=ANCHOR) or at
    for start in (at, first.replace(microsecond=0), first.replace(microsecond=0) + timedelta(hours=1)):
        span = Span(start, start + timedelta(seconds=seconds))
        found = explain(job, span, anchor=ANCHOR)
        slot = next_fire(job.schedule, start - MICROSECOND, job_id=job.id, anchor=ANCHOR)
        told = min((each for trigger in found for each in trigger.slots), default=None)
        assert told == (slot if slot is not None and slot in span else None)
        assert all(trigger.because for trigger in found)
        assert _following(found) == next_fire(job.schedule, span.end - MICROSECOND, job_id=job.id, anchor=ANCHOR)


def _following(found: list[Explained]) -> datetime | None:
    return min((each.following for each in found if each.following is not None), default=None)
