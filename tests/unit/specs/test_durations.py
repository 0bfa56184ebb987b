"""Durations: what people may write, and that what is written out reads back."""

import re
from datetime import timedelta

import pytest
from hypothesis import given

from schedsync.specs.durations import format_duration, parse_duration
from tests.unit.specs.strategies import REPRODUCIBLE, seconds

TEN_YEARS = 3_660 * 86_400


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("1w", timedelta(weeks=1)),
        ("1h30m", timedelta(minutes=90)),
        ("90m", timedelta(minutes=90)),
        ("1w2d3h4m5s", timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5)),
        (" 5m ", timedelta(minutes=5)),
        ("5M", timedelta(minutes=5)),
        ("0s", timedelta(0)),
        ("007s", timedelta(seconds=7)),
        ("PT15M", timedelta(minutes=15)),
        ("P1DT2H", timedelta(hours=26)),
        ("P2W", timedelta(weeks=2)),
        ("pt5s", timedelta(seconds=5)),
        ("3660d", timedelta(days=3_660)),
    ],
)
def test_durations_as_people_write_them(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        pytest.param(30, "30 has no unit; write it with a unit", id="a number"),
        pytest.param(1.5, "1.5 has no unit; write it with a unit", id="a number with a point"),
        pytest.param(-5, "-5 has no unit", id="a negative number"),
        pytest.param(True, "expected a duration, found true", id="a truth value"),
        pytest.param(None, "expected a duration, found nothing", id="nothing"),
        pytest.param(["1h"], "expected a duration, found a list", id="a list"),
        pytest.param("", '"" is not a duration', id="empty"),
        pytest.param("30", '"30" is not a duration', id="a number in quotes"),
        pytest.param("1.5h", '"1.5h" is not a duration', id="a fraction"),
        pytest.param("-1s", '"-1s" is not a duration', id="negative"),
        pytest.param("5 minutes", '"5 minutes" is not a duration', id="words"),
        pytest.param("30s15m", '"30s15m" is not a duration', id="units in the wrong order"),
        pytest.param("٣s", '"٣s" is not a duration', id="digits of another script"),
        pytest.param("P", '"P" is not a duration', id="ISO without parts"),
        pytest.param("P1DT", '"P1DT" is not a duration', id="ISO with an empty time"),
        pytest.param("P1M", '"P1M" is not a duration', id="a month has no fixed length"),
        pytest.param("3661d", '"3661d" is longer than ten years', id="too long"),
        pytest.param("9" * 90 + "s", "is longer than ten years", id="far too long"),
        pytest.param("9" * 9_000 + "s", "is not a duration", id="longer than Python reads numbers"),
        pytest.param(timedelta(milliseconds=1500), "is not a number of whole seconds", id="parts of a second"),
        pytest.param(timedelta(seconds=-1), "is not a number of whole seconds", id="below nothing"),
    ],
)
def test_what_is_no_duration_is_refused_in_words(value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)) as refused:
        parse_duration(value)
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(milliseconds=900), "0s"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(days=7), "1w"),
        (timedelta(days=8, seconds=1), "1w1d1s"),
    ],
)
def test_durations_are_written_the_short_way(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


@REPRODUCIBLE
@given(seconds(0, TEN_YEARS))
def test_a_written_duration_reads_back_as_it_was(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration
    assert parse_duration(duration) == duration
