"""Days counted from a month's end and by weekday, and seconds: against looking at each day and each second."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schedsync.specs.cron.errors import CronError
from schedsync.specs.cron.expression import CronExpression
from tests.unit.specs.days import DAY, WEEKDAYS, is_day, is_weekday
from tests.unit.specs.strategies import REPRODUCIBLE

UTC_ZONE = ZoneInfo("UTC")
SECOND = timedelta(seconds=1)
MONTH_DAYS = st.one_of(
    st.integers(1, 31).map(str),
    st.integers(1, 30).map(lambda before: f"L-{before}"),
    st.integers(1, 31).map(lambda day: f"{day}W"),
    st.sampled_from(["L", "LW", "*", "*/2"]),
    st.tuples(st.integers(1, 31), st.integers(1, 31)).map(lambda ends: f"{ends[0]}-{ends[1]}"),
)
WEEK_DAYS = st.one_of(
    st.integers(0, 7).map(str),
    st.sampled_from(WEEKDAYS),
    st.tuples(st.sampled_from(WEEKDAYS), st.integers(1, 5)).map(lambda which: f"{which[0]}#{which[1]}"),
    st.integers(0, 7).map(lambda day: f"{day}L"),
    st.sampled_from(["*", "*/3"]),
    st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda ends: f"{ends[0]}-{ends[1]}"),
)


def fields(item: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.just("*") | st.lists(item, min_size=1, max_size=3).map(",".join)


def matches(days: str, weekdays: str, day: date) -> bool:
    found = (
        any(is_day(item, day) for item in days.split(",")),
        any(is_weekday(item, day) for item in weekdays.split(",")),
    )
    return all(found) if days.startswith("*") or weekdays.startswith("*") else any(found)


def fires(text: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the fires in [start, end) at UTC; give the example up if the expression never fires."""
    try:
        expression = CronExpression.parse(text)
    except CronError:  # it never fires: what is to be found has to be nothing, too
        return
    fire = expression.next_after(start - SECOND, UTC_ZONE)
    while fire is not None and fire < end:
        yield fire
        fire = expression.next_after(fire, UTC_ZONE)


@settings(REPRODUCIBLE, max_examples=600)
@given(fields(MONTH_DAYS), fields(WEEK_DAYS), st.dates(date(1990, 1, 1), date(2039, 6, 1)))
@example("31W,L-30", "fri#5", date(2027, 1, 30))
@example("1W,LW", "6L,sun#1", date(2026, 7, 31))
def test_days_equal_looking_at_each_day(days: str, weekdays: str, first: date) -> None:
    expected = [day for number in range(120) if matches(days, weekdays, day := first + number * DAY)]
    start = datetime.combine(first, datetime.min.time(), UTC)
    found = [fire.date() for fire in fires(f"0 0 {days} * {weekdays}", start, start + 120 * DAY)]
    assert found == expected


TIMES = st.sampled_from(["*", "*/7", "0", "59", "5,50-10", "58-1/2"])


@REPRODUCIBLE
@given(TIMES, TIMES, st.sampled_from(["*", "23", "22-1"]), st.datetimes(datetime(1990, 1, 1), datetime(2039, 1, 1)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_seconds_equal_looking_at_each_second(seconds: str, minutes: str, hours: str, moment: datetime) -> None:
    def among(text: str, value: int, top: int) -> bool:
        for item in text.split(","):
            span, _, by = item.partition("/")
            first, last = (0, top) if span == "*" else [int(end) for end in (*span.split("-"), *span.split("-"))[:2]]
            steps = (value - first) % (top + 1)
            if steps <= (last - first) % (top + 1) and steps % int(by or 1) == 0:
                return True
        return False

    start = moment.replace(microsecond=0, tzinfo=UTC)
    expected = [
        second
        for number in range(2_000)
        if among(seconds, (second := start + number * SECOND).second, 59)
        and among(minutes, second.minute, 59)
        and among(hours, second.hour, 23)
    ]
    assert list(fires(f"{seconds} {minutes} {hours} * * *", start, start + 2_000 * SECOND)) == expected


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        pytest.param("*/30 30 2 * * *", "2026-03-29", ["03:00:00+0200"], id="several in the gap are one"),
        pytest.param("*/30 59 1 * * *", "2026-03-29", ["01:59:00+0100", "01:59:30+0100"], id="the last before the gap"),
        pytest.param("*/30 30 2 * * *", "2026-10-25", ["02:30:00+0200", "02:30:30+0200"], id="in the fold once"),
        pytest.param("30 59 * * * *", "2026-10-25", ["02:59:30+0200", "02:59:30+0100"], id="of the clock in the fold"),
    ],
)
def test_seconds_where_a_clock_is_changed(text: str, day: str, expected: list[str]) -> None:
    zone = ZoneInfo("Europe/Berlin")
    midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
    expression, end = CronExpression.parse(text), midnight.astimezone(UTC) + timedelta(hours=24)
    fire = expression.next_after(midnight.astimezone(UTC), zone)
    found = []
    while fire is not None and fire < end:
        found.append(f"{fire.astimezone(zone):%H:%M:%S%z}")
        fire = expression.next_after(fire, zone)
    assert [each for each in found if each[:2] in {shown[:2] for shown in expected}] == expected
