"""Any schedule, in any zone, around any change of its clock: against looking at each minute, or each second."""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, product
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from schedsync.specs.cron.errors import CronError
from schedsync.specs.cron.expression import CronExpression
from schedsync.specs.schedule import first_fires
from schedsync.specs.triggers import AnyTrigger
from tests.builders import spec
from tests.unit.specs.clocks import (
    ANY_SIZE,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    ZONES,
    Meaning,
    changes,
    looked_at,
    next_looked_at,
    steps,
)
from tests.unit.specs.days import recurs_on
from tests.unit.specs.meanings import DAY_OF_WEEK, Drawn, expressions, nicknames, walk
from tests.unit.specs.strategies import REPRODUCIBLE, recurrences

UTC_ZONE = ZoneInfo("UTC")
MICROSECOND = timedelta(microseconds=1)
FIRST_YEAR, LAST_YEAR = 1990, 2040
LEAP_SUNDAYS = 41 * 366 * DAY
"""After that much time even a 29th of February that is a Sunday has come."""
WINDOW = 30 * HOUR
PECULIAR = (
    "Africa/Cairo",  # from midnight on
    "Africa/Casablanca",  # back for Ramadan
    "America/Havana",  # back to midnight
    "America/Nuuk",  # up to midnight
    "America/St_Johns",  # back across midnight
    "Antarctica/Casey",  # by three hours, which is just too much forward
    "Antarctica/Troll",  # by two
    "Antarctica/Vostok",  # by seven
    "Asia/Kathmandu",  # an offset of quarters
    "Asia/Pyongyang",  # by half an hour, at midnight
    "Australia/Lord_Howe",  # by half an hour, twice a year
    "Europe/Dublin",  # back for the winter, by law
    "Pacific/Apia",  # a day left out
    "Pacific/Fakaofo",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
    "America/Caracas",  # by half an hour, once
    "Asia/Gaza",  # at 00:01
)


@st.composite
def places(draw: st.DrawFn) -> tuple[str, datetime]:
    """Draw a zone and a whole minute (UTC), in most cases within a day of a change of its clock."""
    zone = draw(st.sampled_from(PECULIAR) | st.sampled_from(ZONES))
    changed = changes(zone, FIRST_YEAR, LAST_YEAR)
    if changed and draw(st.integers(0, 4)) > 0:
        instants = [change.instant for change in changed]
        return zone, draw(st.sampled_from(instants)) - draw(st.integers(-3 * 60, 27 * 60)) * MINUTE
    begin = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    return zone, begin + draw(st.integers(0, (LAST_YEAR - FIRST_YEAR) * 366 * DAY // MINUTE)) * MINUTE


MICROSECONDS = st.sampled_from([-1, 0, 1, 29_999_999, 30_000_000])
"""Between whole minutes."""


def parsed(drawn: Drawn) -> CronExpression:
    """Return the expression; give the example up if it never fires, once that is seen to be true."""
    try:
        return CronExpression.parse(drawn.text, job_id=drawn.job)
    except CronError as refusal:
        assert drawn.never_fires(), refusal  # noqa: PT017 - most are not refused
        reject()


def fires_between(
    following: Callable[[datetime], datetime | None], start: datetime, end: datetime, most: int
) -> list[datetime]:
    """Return the fires in [*start*, *end*), each asked for with the one before; more than *most* are a mistake."""
    fires: list[datetime] = []
    fire = following(start - MICROSECOND)
    while fire is not None and fire < end:
        assert fire >= (fires[-1] + MICROSECOND if fires else start)
        fires.append(fire)
        assert len(fires) <= most
        fire = following(fire)
    return fires


def at_once(expression: CronExpression, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    return [datetime.fromtimestamp(fire, UTC) for fire in expression.between(start, end, zone)]


# cron


@settings(REPRODUCIBLE, max_examples=400)
@given(st.one_of(*[expressions()] * 9, nicknames()), places())
def test_five_fields_fire_as_looking_at_each_minute_says(drawn: Drawn, place: tuple[str, datetime]) -> None:
    expression, zone, start = parsed(drawn), ZoneInfo(place[0]), place[1]
    expected = looked_at(drawn.meaning, zone, start, start + WINDOW)
    found = fires_between(lambda after: expression.next_after(after, zone), start, start + WINDOW, WINDOW // MINUTE)
    assert found == expected
    assert at_once(expression, zone, start, start + WINDOW) == expected


@settings(REPRODUCIBLE, max_examples=200)
@given(expressions() | expressions(seconds=True), places(), MICROSECONDS, MICROSECONDS, st.integers(0, 100))
def test_all_fires_of_a_span_are_those_that_follow_each_other(
    drawn: Drawn, place: tuple[str, datetime], early: int, late: int, hours: int
) -> None:
    """Also those of a span that begins or ends within a second; six fields are looked at in the last minutes of it."""
    expression, zone = parsed(drawn), ZoneInfo(place[0])
    start, end = place[1] + early * MICROSECOND, place[1] + hours * HOUR + late * MICROSECOND
    if drawn.meaning.seconds != frozenset({0}):
        start = max(start, end - 10 * MINUTE)
    one_by_one = fires_between(
        lambda after: expression.next_after(after, zone), start, end, most=(end - start) // SECOND + 2
    )
    assert at_once(expression, zone, start, end) == one_by_one


def test_each_range_of_weekdays_and_each_step_over_it_means_its_days() -> None:
    sunday = datetime(2026, 6, 7, tzinfo=UTC)
    for first, last, step in product(range(8), range(8), range(1, 9)):
        expression = CronExpression.parse(f"0 0 * * {first}-{last}/{step}")
        found = fires_between(lambda after: expression.next_after(after, UTC_ZONE), sunday, sunday + 7 * DAY, most=7)  # noqa: B023 - called at once
        assert {(fire - sunday).days for fire in found} == {day % 7 for day in walk(DAY_OF_WEEK, first, last, step)}


@settings(REPRODUCIBLE, max_examples=350)
@given(expressions(midnight=True), st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 1, 1)))
def test_five_fields_fire_on_the_days_that_looking_at_each_day_says(drawn: Drawn, first: date) -> None:
    expression, start = parsed(drawn), datetime.combine(first, time(), UTC)
    expected = [day for number in range(100) if drawn.meaning.on(day := first + number * DAY)]
    fires = fires_between(lambda after: expression.next_after(after, UTC_ZONE), start, start + 100 * DAY, most=100)
    assert [fire.date() for fire in fires] == expected


@settings(REPRODUCIBLE, max_examples=200)
@given(expressions() | nicknames(), places(), MICROSECONDS)
def test_the_next_fire_is_the_one_that_looking_ahead_finds(
    drawn: Drawn, place: tuple[str, datetime], microseconds: int
) -> None:
    """However far ahead it is; and there always is one."""
    expression, zone, after = parsed(drawn), ZoneInfo(place[0]), place[1] + microseconds * MICROSECOND
    expected = next_looked_at(drawn.meaning, zone, after, until=after + LEAP_SUNDAYS)
    assert expected is not None
    assert expression.next_after(after, zone) == expected


@settings(REPRODUCIBLE, max_examples=120)
@given(expressions(seconds=True), places(), st.integers(0, 29))
def test_six_fields_fire_as_looking_at_each_second_says(
    drawn: Drawn, place: tuple[str, datetime], quarters: int
) -> None:
    """In an hour around the change, and in a minute that it fires in."""
    expression, zone = parsed(drawn), ZoneInfo(place[0])
    start = place[1] + quarters * HOUR / 4
    fire = expression.next_after(start, zone)
    assert fire is not None
    for begin, span in ((start, HOUR), (fire.replace(second=0) - MINUTE, 3 * MINUTE)):
        expected = looked_at(drawn.meaning, zone, begin, begin + span)
        found = fires_between(lambda after: expression.next_after(after, zone), begin, begin + span, span // SECOND)
        assert found == expected


@settings(REPRODUCIBLE, max_examples=120)
@given(expressions(seconds=True), places())
def test_six_fields_fire_in_the_minutes_of_the_last_five(drawn: Drawn, place: tuple[str, datetime]) -> None:
    expression, zone, start = parsed(drawn), ZoneInfo(place[0]), place[1]
    minute = CronExpression.parse(drawn.without_seconds.text, job_id=drawn.job)
    expected = fires_between(lambda after: minute.next_after(after, zone), start, start + WINDOW, WINDOW // MINUTE)

    def next_minute(after: datetime) -> datetime | None:
        last_of_it = after if after < start else after + MINUTE - SECOND
        fire = expression.next_after(last_of_it, zone)
        return fire and fire.replace(second=0)

    assert fires_between(next_minute, start, start + WINDOW, WINDOW // MINUTE) == expected


def calls(function: Callable[[], object]) -> int:
    """Return how many functions *function* calls, it and all others: a measure that is the same on every machine."""
    count = 0

    def called(_frame: FrameType, what: str, _argument: object) -> None:
        nonlocal count
        count += what.endswith("call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


MOST_CALLS = 600
"""Far less than there are days until a 29th of February, or minutes in a day."""


@REPRODUCIBLE
@given(expressions() | expressions(seconds=True), places())
def test_finding_the_next_fire_takes_few_steps_and_time_goes_on(drawn: Drawn, place: tuple[str, datetime]) -> None:
    expression, zone, after = parsed(drawn), ZoneInfo(place[0]), place[1]
    for _ in range(12):
        fires: list[datetime | None] = []
        assert calls(lambda: fires.append(expression.next_after(after, zone))) < MOST_CALLS  # noqa: B023 - called at once
        (fire,) = fires
        assert fire is not None
        assert fire > after
        after = fire


# calendar and every


def by_calendar(rule: dict[str, Any], base: Any) -> Meaning:
    """Return the meaning of a ``calendar``: a fixed time, whatever the size of a change."""
    hour, minute, second = (int(part) for part in f"{rule.get('time', '00:00')}:00".split(":")[:3])
    return Meaning(
        f"{rule}",
        frozenset({minute}),
        frozenset({hour}),
        is_day=lambda day: recurs_on(rule, day, base),
        follows_clock=False,
        seconds=frozenset({second}),
        largest=ANY_SIZE,
    )


TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
RULES = st.builds(lambda rule, time: {**rule, "time": time}, recurrences, st.just("00:00") | st.just("02:30") | TIMES)


def trigger_of(value: dict[str, Any]) -> AnyTrigger:
    (trigger,) = spec(schedule=value).schedule
    return trigger


@settings(REPRODUCIBLE, max_examples=200)
@given(RULES, places(), st.integers(-400, 10))
@example({"days": 1, "time": "09:00"}, ("Pacific/Apia", datetime(2011, 12, 29, 12, 0, tzinfo=UTC)), 0)
@example({"days": 1, "time": "18:30"}, ("Antarctica/Vostok", datetime(1994, 1, 31, 10, 0, tzinfo=UTC)), 0)
def test_a_calendar_fires_as_looking_at_each_minute_says(
    rule: dict[str, Any], place: tuple[str, datetime], later: int
) -> None:
    zone, start = ZoneInfo(place[0]), place[1]
    base = start.astimezone(zone).date() + later * DAY
    trigger = trigger_of({"calendar": rule, "timezone": zone.key, "start": base.isoformat()})
    meaning = by_calendar(rule, base)

    def following(after: datetime) -> datetime | None:
        return trigger.next_after(after, job_id="job", anchor=start)

    end = start + 2 * DAY
    assert fires_between(following, start, end, most=3) == looked_at(meaning, zone, start, end)
    assert following(start) == next_looked_at(meaning, zone, start, until=start + 12 * 366 * DAY)


@REPRODUCIBLE
@given(st.integers(1, 3 * 86_400), places(), st.integers(-50, 300), st.sampled_from([None, "elapsed"]))
def test_every_fires_by_adding_up_elapsed_time(
    seconds: int, place: tuple[str, datetime], distances: int, start: str | None
) -> None:
    every, origin = seconds * SECOND, place[1]
    value = {"every": f"{seconds}s", "timezone": place[0], **({"start": origin.isoformat()} if start else {})}
    after = origin + distances * every + every / 3
    first = origin if start else origin + every
    expected = [slot for slot in steps(first, max(after, origin) + 12 * every, every) if slot > after][:8]
    schedule = (trigger_of(value),)
    found = first_fires(schedule, after, 8, job_id="job", anchor=origin)
    assert found == expected
    assert all(later - earlier == every for earlier, later in pairwise(found))


@pytest.mark.parametrize("value", [{"every": "7m"}, {"cron": "*/7 * * * *"}, {"calendar": {"days": 1}}], ids=str)
def test_there_is_no_slot_only_where_nothing_comes(value: dict[str, Any]) -> None:
    late = datetime(9998, 12, 31, tzinfo=UTC)
    for zone in PECULIAR:
        trigger = trigger_of({**value, "timezone": zone, "end": "9998-12-30T12:00"})
        assert trigger.next_after(late - 5 * DAY, job_id="job", anchor=late - 9 * DAY) is not None
        assert trigger.next_after(late, job_id="job", anchor=late - 9 * DAY) is None
