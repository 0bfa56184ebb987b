"""iCalendar files: which days their events are on."""

import re
import sys
from datetime import date

import pytest

from schedsync.sources.icalendar import LAST_YEAR, days_in


def ics(*events: str) -> bytes:
    inside = "\n".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//EN\n{inside}\nEND:VCALENDAR\n".encode()


CASES = [
    pytest.param("DTSTART;VALUE=DATE:20261224", ["2026-12-24"], id="a day"),
    pytest.param("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261225", ["2026-12-24"], id="its end is outside"),
    pytest.param(
        "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227",
        ["2026-12-24", "2026-12-25", "2026-12-26"],
        id="several days",
    ),
    pytest.param("DTSTART;VALUE=DATE:20261224\nDURATION:P2D", ["2026-12-24", "2026-12-25"], id="a length"),
    pytest.param("DTSTART:20261224T220000Z\nDTEND:20261225T020000Z", ["2026-12-24", "2026-12-25"], id="over midnight"),
    pytest.param("DTSTART:20261224T220000\nDTEND:20261225T000000", ["2026-12-24"], id="until midnight"),
    pytest.param(
        "DTSTART;TZID=Europe/Berlin:20261224T000000\nDTEND;TZID=Europe/Berlin:20261224T235900",
        ["2026-12-24"],
        id="of a zone",
    ),
    pytest.param("DTSTART;VALUE=DATE:20261224\nSTATUS:CANCELLED", [], id="cancelled"),
    pytest.param(
        "DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=MONTHLY;COUNT=3",
        ["2026-12-01", "2027-01-01", "2027-02-01"],
        id="repeated",
    ),
    pytest.param(
        "DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=MONTHLY;UNTIL=20270101", ["2026-12-01", "2027-01-01"], id="until a day"
    ),
    pytest.param(
        "DTSTART:20261201T080000Z\nRRULE:FREQ=MONTHLY;UNTIL=20270101T080000Z",
        ["2026-12-01", "2027-01-01"],
        id="until a time",
    ),
    pytest.param(
        "DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=MONTHLY;COUNT=3\nEXDATE;VALUE=DATE:20270101",
        ["2026-12-01", "2027-02-01"],
        id="but not that one",
    ),
    pytest.param(
        "DTSTART;VALUE=DATE:20261201\nRDATE;VALUE=DATE:20261203,20261205",
        ["2026-12-01", "2026-12-03", "2026-12-05"],
        id="and these",
    ),
]


@pytest.mark.parametrize(("event", "expected"), CASES)
def test_an_event_is_on_the_days_that_it_touches(event: str, expected: list[str]) -> None:
    found = days_in(ics(event))
    assert sorted(day.isoformat() for day in found.dates) == expected
    assert not found.yearly


def test_what_comes_each_year_is_no_list_of_days() -> None:
    found = days_in(
        ics(
            "DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=YEARLY",
            "DTSTART;VALUE=DATE:20261003\nRRULE:FREQ=YEARLY;INTERVAL=1",
        )
    )
    assert not found.dates
    assert found.yearly == {(12, 24), (10, 3)}


def test_other_rules_without_an_end_are_listed_up_to_a_year() -> None:
    thanksgiving = days_in(ics("DTSTART;VALUE=DATE:20261126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"))
    assert (min(thanksgiving.dates), max(thanksgiving.dates).year) == (date(2026, 11, 26), LAST_YEAR)
    assert len(thanksgiving.dates) == LAST_YEAR - 2026 + 1
    assert {day.weekday() for day in thanksgiving.dates} == {3}


def test_an_occurrence_that_was_moved_is_on_its_new_day_only() -> None:
    found = days_in(
        ics(
            "UID:1\nDTSTART;VALUE=DATE:20261201\nRRULE:FREQ=MONTHLY;COUNT=2",
            "UID:1\nRECURRENCE-ID;VALUE=DATE:20270101\nDTSTART;VALUE=DATE:20270104",
        )
    )
    assert sorted(found.dates) == [date(2026, 12, 1), date(2027, 1, 4)]


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icalendar", None)
    with pytest.raises(ValueError, match="reading iCalendar files needs `pip install icalendar`"):
        days_in(ics("DTSTART;VALUE=DATE:20261224"))


@pytest.mark.parametrize("frequency", ["SECONDLY", "MINUTELY", "HOURLY"])
def test_what_is_repeated_within_a_day_is_refused(frequency: str) -> None:
    with pytest.raises(ValueError, match=f"an event is repeated {frequency.lower()}"):
        days_in(ics(f"DTSTART:20261224T000000Z\nRRULE:FREQ={frequency}"))


@pytest.mark.parametrize(
    "event",
    [
        "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:99991231",
        "DTSTART;VALUE=DATE:20261224\nDURATION:P9999999W",
        "DTSTART;VALUE=DATE:00010101\nRRULE:FREQ=DAILY",
        "DTSTART:20261224T000000Z\nDTEND;VALUE=DATE:20261226",
        "DTSTART;VALUE=DATE:20261224\nRRULE:COUNT=3",
        "DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=DAILY;INTERVAL=0",
    ],
)
def test_an_event_that_makes_no_sense_is_refused(event: str) -> None:
    with pytest.raises(ValueError, match="it is no iCalendar file that can be read"):
        days_in(ics(event))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("DTSTART;TZID=America/New_York:20260101T200000\nRRULE:FREQ=DAILY;UNTIL=20260104T010000Z", ["01", "02", "03"]),
        ("DTSTART;TZID=Europe/Berlin:20260101T003000\nRRULE:FREQ=DAILY;UNTIL=20260102T233000Z", ["01", "02", "03"]),
        ("DTSTART:20260101T080000Z\nRRULE:FREQ=DAILY;COUNT=2;BYHOUR=1,2,3;BYMINUTE=0,30", ["01", "02"]),
        ("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", ["01"]),
    ],
)
def test_a_repetition_ends_by_the_clock_of_its_event(event: str, expected: list[str]) -> None:
    assert sorted(f"{day:%d}" for day in days_in(ics(event)).dates) == expected


MIDNIGHTS = "DTSTART;TZID=Europe/Berlin:20260105T000000\nRRULE:FREQ=DAILY;COUNT=4"
"""Those of 5 to 8 January in Berlin, each an hour before it is midnight in UTC."""


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([f"{MIDNIGHTS}\nEXDATE:20260105T230000Z"], [5, 7, 8], id="left out"),
        pytest.param([f"{MIDNIGHTS}\nEXDATE;TZID=America/New_York:20260105T180000"], [5, 7, 8], id="of a third zone"),
        pytest.param([f"{MIDNIGHTS}\nEXDATE;VALUE=DATE:20260106"], [5, 7, 8], id="a day is no time of a zone"),
        pytest.param([f"{MIDNIGHTS}\nRDATE:20260109T230000Z"], [5, 6, 7, 8, 10], id="added"),
        pytest.param(
            [f"{MIDNIGHTS}\nRDATE;VALUE=PERIOD:20260109T230000Z/PT1H"], [5, 6, 7, 8, 10], id="added with a length"
        ),
        pytest.param(
            [
                "UID:1\nRECURRENCE-ID:20260105T230000Z\nDTSTART;TZID=Europe/Berlin:20260120T000000",
                f"UID:1\n{MIDNIGHTS}",
            ],
            [5, 7, 8, 20],
            id="moved",
        ),
        pytest.param(
            ["UID:1\nRECURRENCE-ID:20260105T230000Z\nDTSTART:20260120T000000Z", f"UID:2\n{MIDNIGHTS}"],
            [5, 6, 7, 8, 20],
            id="moved from an event that is not there",
        ),
    ],
)
def test_a_time_in_utc_is_on_the_day_of_the_clock_of_its_event(events: list[str], expected: list[int]) -> None:
    assert sorted(day.day for day in days_in(ics(*events)).dates) == expected


def test_a_single_occurrence_may_be_cancelled() -> None:
    found = days_in(
        ics(
            "UID:1\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=4",
            "UID:1\nRECURRENCE-ID;VALUE=DATE:20260102\nDTSTART;VALUE=DATE:20260102\nSTATUS:CANCELLED",
        )
    )
    assert sorted(day.day for day in found.dates) == [1, 3, 4]


def test_days_that_no_calendar_has_are_left_out() -> None:
    found = days_in(ics("DTSTART;VALUE=DATE:16010101", "DTSTART;VALUE=DATE:99991231", "DTSTART;VALUE=DATE:20261224"))
    assert found.dates == {date(2026, 12, 24)}


def test_an_event_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="it has more than 20,000 days"):
        days_in(ics(*(f"DTSTART;VALUE=DATE:20000101\nDTEND;VALUE=DATE:{year}0101" for year in (2040, 2100))))


NEVER = "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=1;BYMONTH=2;BYMONTHDAY=30"


def test_a_rule_that_never_comes_costs_its_event_nothing_but_a_look_until_the_last_year() -> None:
    assert days_in(ics(NEVER)).dates == {date(2026, 1, 1)}


@pytest.mark.parametrize(
    ("event", "count"),
    [
        pytest.param(NEVER, 100, id="rules that never come"),
        pytest.param(
            f"DTSTART;VALUE=DATE:20000101\nDTEND;VALUE=DATE:20400101\nRDATE;VALUE=DATE:{','.join(['20000101'] * 100)}",
            1,
            id="one that is long each time",
        ),
    ],
)
def test_a_file_that_would_take_long_is_refused_where_that_is_found(event: str, count: int) -> None:
    data = ics("DTSTART;VALUE=DATE:20261224", *[event] * count)
    words = r"the event on line (\d+): up to here more than 1,000,000 days are looked at; end rules earlier \(UNTIL\)"
    with pytest.raises(ValueError, match=words) as refused:
        days_in(data)
    line = int(re.search(words, str(refused.value))[1])  # type: ignore[index] # it has just matched
    assert data.splitlines()[line - 1 : line + 1] == [b"BEGIN:VEVENT", event.encode().splitlines()[0]]
    assert line > 4


def test_hundreds_of_ordinary_rules_are_no_reason_to_refuse_a_file() -> None:
    weekly = [f"DTSTART;VALUE=DATE:202601{day:02}\nRRULE:FREQ=WEEKLY" for day in range(1, 29)]
    thanksgiving = "DTSTART;VALUE=DATE:20001123\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"
    assert len(days_in(ics(*weekly * 5, *[thanksgiving] * 200)).dates) > 10_000
