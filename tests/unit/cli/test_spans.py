"""Spans as people write them: times of the day by a zone's clock, days, moments, durations from now."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import click
import pytest

from schedsync.cli.spans import EDGE, span, whole_day

BERLIN = ZoneInfo("Europe/Berlin")
EVENING = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
"""19:30 in Berlin."""


def read(begin: str, end: str, *, zone: ZoneInfo = BERLIN, now: datetime = EVENING) -> list[str]:
    since, until = span(EDGE.convert(begin, None, None), EDGE.convert(end, None, None), zone, now)
    return [f"{instant.astimezone(zone):%m-%d %H:%M}" for instant in (since, until)]


SPANS = [
    ("22:00", "06:00", ["11-24 22:00", "11-25 06:00"], "the coming night"),
    ("8:00", "12:00", ["11-25 08:00", "11-25 12:00"], "tomorrow, since today's is over"),
    ("18:00", "06:00", ["11-24 19:30", "11-25 06:00"], "what is left of the one that is going on"),
    ("20:00", "20:00", ["11-24 19:30", "11-24 20:00"], "round the clock: what is left of it"),
    ("22:00", "24:00", ["11-24 22:00", "11-25 00:00"], "until midnight"),
    ("2026-12-24", "2026-12-24", ["12-24 00:00", "12-25 00:00"], "a day"),
    ("2026-12-24", "2026-12-26", ["12-24 00:00", "12-27 00:00"], "days, the last one included"),
    ("2026-12-24", "06:00", ["12-24 00:00", "12-24 06:00"], "the first such time after it"),
    ("2026-12-24T22:00", "06:00", ["12-24 22:00", "12-25 06:00"], "a time by the zone's clock"),
    ("2026-12-24T22:00Z", "2026-12-25T02:00+01:00", ["12-24 23:00", "12-25 02:00"], "times with their zones"),
    ("1h", "1h30m", ["11-24 20:30", "11-24 21:00"], "from now"),
    ("22:00", "2026-11-26", ["11-24 22:00", "11-27 00:00"], "the next such time, until a day has ended"),
]


@pytest.mark.parametrize(("begin", "end", "expected"), [pytest.param(*each[:3], id=each[3]) for each in SPANS])
def test_a_span_is_what_people_mean(begin: str, end: str, expected: list[str]) -> None:
    assert read(begin, end) == expected


def test_the_night_that_began_yesterday_is_going_on() -> None:
    now = datetime(2026, 11, 25, 2, 15, tzinfo=UTC)
    assert read("22:00", "06:00", now=now) == ["11-25 03:15", "11-25 06:00"]
    assert read("22:00", "03:00", now=now) == ["11-25 22:00", "11-26 03:00"]


def test_the_zone_says_when_a_time_of_the_day_is() -> None:
    assert read("22:00", "06:00", zone=ZoneInfo("Asia/Tokyo")) == ["11-25 03:30", "11-25 06:00"]


def test_a_time_that_clocks_skip_is_right_after_the_gap() -> None:
    now = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert read("02:30", "04:00", now=now) == ["03-29 03:00", "03-29 04:00"]


@pytest.mark.parametrize(
    ("begin", "end", "says"),
    [
        ("2h", "1h", "not after its beginning, 2026-11-24 21:30:00+01:00; exchange the two"),
        ("2026-01-01", "2026-12-31", "longer than 31 days"),
        ("9999-12-31", "9999-12-31", "the year 9999 is out of reach; write one from 1970 to 9998"),
        ("0001-01-01", "22:00", "the year 1 is out of reach"),
    ],
)
def test_what_is_no_span_says_why(begin: str, end: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("+", r"\+")):
        read(begin, end)


@pytest.mark.parametrize("text", ["5", "tonight", "25:00", "2026-02-30", ""])
def test_what_is_no_time_says_what_to_write(text: str) -> None:
    with pytest.raises(click.BadParameter, match='is not a time; write a time of the day like "22:00"'):
        EDGE.convert(text, None, None)


def test_a_day_has_as_many_hours_as_its_zone_gives_it() -> None:
    lengths = [
        end - begin for begin, end in (whole_day(date(2026, month, day), BERLIN) for month, day in ((3, 29), (10, 25)))
    ]
    assert lengths == [timedelta(hours=23), timedelta(hours=25)]
    with pytest.raises(ValueError, match="the year 9999 is out of reach"):
        whole_day(date.max, BERLIN)
