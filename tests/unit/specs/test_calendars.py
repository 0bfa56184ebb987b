"""Calendars as sets of days: against listing the days, and against what their authors may get wrong."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schedsync.specs.calendars import CONTEXT, Calendar, Calendars, alike, all_days
from schedsync.specs.messages import FieldError, explain
from tests.unit.specs.strategies import REPRODUCIBLE

DAY = timedelta(days=1)
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKEND = Calendar.model_validate({"name": "weekend", "weekdays": ["sat", "sun"]})
HOLIDAYS = Calendar.model_validate({"name": "holidays", "yearly": ["12-25"], "dates": ["2026-04-03"]})
KNOWN = Calendars({"weekend": WEEKEND, "holidays": HOLIDAYS}, {"torn": "calendars/torn.yaml"})


def calendar(**rules: Any) -> Calendar:
    return Calendar.model_validate(rules, context={CONTEXT: KNOWN})


def mistake(**rules: Any) -> FieldError:
    with pytest.raises(ValidationError) as caught:
        calendar(**rules)
    (error,) = explain(caught.value, of=Calendar)
    return error


def days(found: Calendar, first: str, last: str) -> list[str]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    every = (begin + number * DAY for number in range((end - begin).days + 1))
    return [f"{day:%m-%d}" for day in every if day in found]


CASES = [
    pytest.param({"dates": ["2026-12-24", "2026-12-24"]}, ["12-24"], id="a day"),
    pytest.param({"dates": ["2025-12-24"]}, [], id="a day of another year"),
    pytest.param({"yearly": ["12-25", "12-31"]}, ["12-25", "12-31"], id="days of each year"),
    pytest.param({"weekdays": ["Sun"]}, ["12-20", "12-27"], id="a day of the week"),
    pytest.param(
        {"ranges": [{"from": "2026-12-30", "to": "2027-01-06"}]}, ["12-30", "12-31"], id="a span into another year"
    ),
    pytest.param({"ranges": [{"from": "2020-01-01", "to": "2026-12-20"}]}, ["12-20"], id="a span that ends"),
    pytest.param({"include": "holidays", "dates": ["2026-12-24"]}, ["12-24", "12-25"], id="those of another, too"),
    pytest.param({"weekdays": ["fri"], "exclude": ["holidays"]}, [], id="without those of another"),
    pytest.param({"weekdays": ["fri", "sat"], "intersect": ["weekend"]}, ["12-26"], id="as far as another has them"),
    pytest.param(
        {"exclude": ["holidays", "weekend"], "intersect": {"ranges": [{"from": "2026-12-23", "to": "2026-12-28"}]}},
        ["12-23", "12-24", "12-28"],
        id="all days but those of others",
    ),
    pytest.param({}, [], id="nothing"),
]


@pytest.mark.parametrize(("rules", "expected"), CASES)
def test_it_has_the_days_that_it_says(rules: dict[str, Any], expected: list[str]) -> None:
    assert days(calendar(**rules), "2026-12-20", "2026-12-31") == expected


def test_29_february_is_a_day_of_leap_years() -> None:
    found = calendar(yearly=["02-29"])
    assert [year for year in range(2090, 2110) if found.days_of(year)] == [2092, 2096, 2104, 2108]


_dates = st.dates(date(2024, 1, 1), date(2029, 12, 31))
_month_days = st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(lambda day: f"{day:%m-%d}")
_ranges = st.tuples(_dates, st.integers(0, 500)).map(
    lambda span: {"from": span[0].isoformat(), "to": (span[0] + span[1] * DAY).isoformat()}
)
_rules = st.fixed_dictionaries(
    {},
    optional={
        "dates": st.lists(_dates.map(date.isoformat), max_size=4),
        "yearly": st.lists(_month_days, max_size=4),
        "weekdays": st.lists(st.sampled_from(NAMES), max_size=4),
        "ranges": st.lists(_ranges, max_size=2),
    },
)
calendars = st.recursive(
    _rules,
    lambda inner: st.builds(
        dict.__or__,
        _rules,
        st.fixed_dictionaries(
            {}, optional={name: st.lists(inner, max_size=2) for name in ("include", "intersect", "exclude")}
        ),
    ),
    max_leaves=5,
)


def has(rules: dict[str, Any], day: date) -> bool:
    """Whether *day* is in, by the sentences of the reference."""
    lists = [
        day.isoformat() in rules.get("dates", []),
        f"{day:%m-%d}" in rules.get("yearly", []),
        NAMES[day.weekday()] in rules.get("weekdays", []),
        any(span["from"] <= day.isoformat() <= span["to"] for span in rules.get("ranges", [])),
        any(has(other, day) for other in rules.get("include", [])),
    ]
    listed = any(rules.get(key) for key in ("dates", "yearly", "weekdays", "ranges", "include"))
    begins_with_all = not listed and bool(rules.get("intersect") or rules.get("exclude"))
    return (
        (any(lists) or begins_with_all)
        and all(has(other, day) for other in rules.get("intersect", []))
        and not any(has(other, day) for other in rules.get("exclude", []))
    )


@REPRODUCIBLE
@given(calendars, st.dates(date(2023, 6, 1), date(2110, 1, 1)))
def test_its_days_are_those_that_each_sentence_gives(rules: dict[str, Any], first: date) -> None:
    found = Calendar.model_validate(rules)
    every = [first + number * DAY for number in range(400)]
    assert [day in found for day in every] == [has(rules, day) for day in every]


@REPRODUCIBLE
@given(calendars)
def test_it_comes_back_from_json(rules: dict[str, Any]) -> None:
    found = Calendar.model_validate(rules)
    assert Calendar.model_validate_json(found.model_dump_json(exclude_defaults=True)) == found
    assert Calendar.model_validate(found.model_dump()) == found


def test_the_order_in_which_days_are_listed_changes_nothing() -> None:
    one = calendar(dates=["2026-12-24", "2026-01-01"], weekdays=["sun", "mon"], include=["weekend", "holidays"])
    other = calendar(dates=["2026-01-01", "2026-12-24"], weekdays=["mon", "sun"], include=["holidays", "weekend"])
    assert one == other
    assert one.model_dump_json() == other.model_dump_json()


@pytest.mark.parametrize("last", [0, 1999, 2026, 2060, 2090, 2099, 2400])
def test_a_late_year_is_like_an_earlier_one(last: int) -> None:
    for year in range(max(last, 1970), last + 500):
        other = alike(year, last)
        assert other == year or last < other <= last + 40
        assert date(other, 1, 1).weekday() == date(year, 1, 1).weekday()
        assert all_days(other) == all_days(year)


NO_DAYS = "it has no days; write e.g. {dates: [2026-12-24]}, or the name of a calendar"
WRONG: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    (
        {"dates": ["2026-02-30"]},
        ("dates", 0),
        'dates: entry 1: "2026-02-30" is not a day: day is out of range for month; write it like 2026-12-24',
    ),
    ({"dates": [20261224]}, ("dates", 0), "dates: entry 1: 20261224 is not a day; write it like 2026-12-24"),
    ({"dates": ["1969-12-24"]}, ("dates", 0), "dates: entry 1: the year 1969 is too early for a calendar"),
    ({"dates": ["9999-12-24"]}, ("dates", 0), "dates: entry 1: the year 9999 is too late for a calendar"),
    (
        {"yearly": ["25.12."]},
        ("yearly", 0),
        'yearly: entry 1: "25.12." is not a day of a year; write month and day, like 12-24',
    ),
    (
        {"yearly": ["24-12"]},
        ("yearly", 0),
        'yearly: entry 1: "24-12": there is no month 24; write month and day, like 12-24',
    ),
    ({"yearly": ["01-01", "04-31"]}, ("yearly", 1), 'yearly: entry 2: "04-31": month 4 has the days 1 to 30'),
    (
        {"weekdays": ["saturday"]},
        ("weekdays", 0),
        'weekdays: entry 1: "saturday" is not a day of the week; write one of mon, tue, wed, thu, fri, sat, sun',
    ),
    (
        {"ranges": [{"from": "2026-12-24", "to": "2026-12-23"}]},
        ("ranges", 0),
        "ranges: entry 1: from (2026-12-24) is after to (2026-12-23); exchange them",
    ),
    ({"ranges": [{"from": "2026-12-24"}]}, ("ranges", 0), '"to" is missing'),
    (
        {"include": ["weekends"]},
        ("include", 0),
        'include: entry 1: there is no calendar "weekends"; did you mean "weekend"?',
    ),
    (
        {"exclude": "bank"},
        ("exclude", 0),
        (
            'exclude: entry 1: there is no calendar "bank"; write it as calendars/bank.yaml in the jobs folder, or one'
            " of holidays, weekend"
        ),
    ),
    (
        {"exclude": "a/b"},
        ("exclude", 0),
        (
            'exclude: entry 1: there is no calendar "a/b"; names are the names of files in calendars/ without .yaml,'
            " such as holidays-de"
        ),
    ),
    (
        {"intersect": ["torn"]},
        ("intersect", 0),
        'intersect: entry 1: the calendar "torn" cannot be used; mend calendars/torn.yaml',
    ),
    (
        {"include": [{}]},
        ("include", 0),
        "include: entry 1: it has no days; write e.g. {dates: [2026-12-24]}, or the name of a calendar",
    ),
    (
        {"include": [{"dates": []}]},
        ("include", 0),
        "include: entry 1: it has no days; write e.g. {dates: [2026-12-24]}, or the name of a calendar",
    ),
    (
        {"include": [{"name": "weekend"}]},
        ("include", 0),
        'include: entry 1: the name of a calendar stands alone; write "weekend" in the place of this',
    ),
    ({"date": []}, ("date",), 'unknown key "date"; did you mean "dates"?'),
    ({"include": [{"yearlyy": []}]}, ("include", 0, "yearlyy"), 'unknown key "yearlyy"; did you mean "yearly"?'),
    ({"yearly": "12-24"}, ("yearly",), 'yearly: expected a list, found "12-24"; write yearly: ["12-24"]'),
]


@pytest.mark.parametrize(("rules", "path", "message"), WRONG, ids=[message for _, _, message in WRONG])
def test_a_mistake_is_explained(rules: dict[str, Any], path: tuple[str | int, ...], message: str) -> None:
    found = mistake(**rules)
    assert (found.path, found.message) == (path, message)


@pytest.mark.parametrize("field", [str.upper, str.title])
def test_names_of_weekdays_may_be_written_in_capitals(field: Callable[[str], str]) -> None:
    assert calendar(weekdays=[field("mon")]).weekdays == ("mon",)
