"""Files of calendars: what they say, which ones name which, and what their authors are told."""

from datetime import date, timedelta

import pytest

from schedsync.sources.calendars import CalendarFile, ReadCalendars, read_calendars
from schedsync.sources.job_file import parse_job_file

ICS = b"""BEGIN:VCALENDAR
BEGIN:VEVENT
DTSTART;VALUE=DATE:20261224
RRULE:FREQ=YEARLY
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260525
END:VEVENT
END:VCALENDAR
"""


def read(**files: str | bytes) -> ReadCalendars:
    """Read ``calendars/NAME.yaml`` for each name."""
    return read_calendars({f"calendars/{n}.yaml": d.encode() if isinstance(d, str) else d for n, d in files.items()})


def sentences(found: ReadCalendars) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_a_calendar_is_called_as_its_file() -> None:
    found = read(holidays="description: Our days\nyearly: [12-25]\ndates: [2026-04-03]\n")
    assert not found.problems
    calendar = found.calendars.find("holidays")
    assert (calendar.name, calendar.yearly) == ("holidays", ((12, 25),))
    assert "description" not in calendar.model_dump()


def test_calendars_name_each_other_in_whatever_order_they_are_read() -> None:
    found = read(
        a="include: [z]\nexclude: [m]\n", m="dates: [2026-12-25]\n", z="ranges: [{from: 2026-12-24, to: 2026-12-26}]\n"
    )
    assert not found.problems
    assert found.calendars.find("a").days_of(2026).bit_count() == 2


def test_icalendar_files_lie_beside_them() -> None:
    found = read_calendars(
        {"calendars/bank.ics": ICS, "calendars/bank.yaml": b"ical: [bank.ics]\ndates: [2026-01-02]\n"}
    )
    assert not found.problems
    calendar = found.calendars.find("bank")
    assert [day.isoformat() for day in calendar.dates] == ["2026-01-02", "2026-05-25"]
    assert calendar.yearly == ((12, 24),)


WRONG = [
    (
        "dates:\n  - 2026-01-01\n  - 2026-13-01\n",
        '3:5: dates: entry 2: "2026-13-01" is not a day: month must be in 1..12; write it like 2026-12-24',
    ),
    (
        "exclude: [weekend]\n",
        (
            '1:11: exclude: entry 1: there is no calendar "weekend"; write it as'
            " calendars/weekend.yaml in the jobs folder"
        ),
    ),
    ("yearly: [12-24]\ndatess: x\n", '2:1: unknown key "datess"; did you mean "dates"?'),
    ("name: x\nyearly: [12-24]\n", "1:1: a calendar is called as its file; remove this, or rename the file"),
    (
        "description: nothing\n",
        "1:1: it has no days; write e.g. dates: [2026-12-24], yearly: [12-25] or weekdays: [sat, sun]",
    ),
    ("", "1:1: the file is empty; write days into it, or remove it"),
    ("# later\n", "1:1: the file is empty; write days into it, or remove it"),
    ("- 2026-12-24\n", '1:1: a calendar is a mapping; write e.g. "dates: [2026-12-24]"'),
    ("yearly: [12-24]\n---\nyearly: [12-25]\n", '3:1: a calendar has one document; remove this one and its "---"'),
    ("yearly: [12-24\n", None),
    ("include: [mine]\n", '1:11: include: entry 1: the calendar "mine" would contain itself: mine -> mine'),
    ("ical: [bank.ics]\n", '1:8: ical: entry 1: there is no iCalendar file "bank.ics" in calendars/; put it there'),
    (b"dates: [\xff]\n", "1:9: the file is not a text file in UTF-8: 0xFF is no character; save it as UTF-8"),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG, ids=[str(sentence) for _, sentence in WRONG])
def test_a_mistake_is_told_at_its_place(text: str | bytes, sentence: str | None) -> None:
    found = read(mine=text)
    (told,) = sentences(found)
    assert told.startswith("calendars/mine.yaml:")
    assert sentence is None or told == f"calendars/mine.yaml:{sentence}"
    assert "mine" not in found.calendars.known


def test_a_mistake_hurts_only_those_that_name_the_calendar() -> None:
    found = read(torn="dates: [x]\n", uses="include: [torn]\n", other="dates: [2026-12-24]\n")
    assert [sentence.partition(":")[0] for sentence in sentences(found)] == [
        "calendars/torn.yaml",
        "calendars/uses.yaml",
    ]
    assert list(found.calendars.known) == ["other"]
    with pytest.raises(ValueError, match=r'the calendar "uses" cannot be used; mend calendars/uses\.yaml'):
        found.calendars.find("uses")


def test_calendars_that_contain_each_other_are_told_so() -> None:
    found = read(a="include: [b]\n", b="exclude: [c]\n", c="intersect: [a]\n", d="dates: [2026-12-24]\n")
    assert sentences(found)[0] == (
        'calendars/c.yaml:1:13: intersect: entry 1: the calendar "a" would contain itself: a -> b -> c -> a'
    )
    assert list(found.calendars.known) == ["d"]


@pytest.mark.parametrize(
    "path", ["calendars/a.ics.yaml", "calendars/Ä.yaml", "calendars/a b.yaml", "calendars/-a.yaml"]
)
def test_a_name_that_could_not_be_written_is_refused(path: str) -> None:
    found = read_calendars({path: b"dates: [2026-12-24]\n"})
    assert bool(found.problems) == (path != "calendars/a.ics.yaml")
    assert all("is no name of a calendar" in sentence for sentence in sentences(found))


def test_two_files_of_one_name_are_told_so() -> None:
    found = read_calendars({"calendars/a.yaml": b"dates: [2026-12-24]\n", "calendars/a.yml": b"dates: [2026-12-25]\n"})
    assert sentences(found) == ["calendars/a.yml: calendars/a.yaml is there too; keep one of them"]
    assert not found.calendars.known


def test_a_file_that_cannot_be_read_breaks_what_it_says() -> None:
    found = read_calendars(
        {"calendars/a.yaml": "not allowed", "calendars/b.yaml": b"ical: [b.ics]\n", "calendars/b.ics": "gone"}
    )
    assert sentences(found) == [
        "calendars/a.yaml: not allowed",
        "calendars/b.yaml:1:8: ical: entry 1: calendars/b.ics: gone",
    ]


@pytest.mark.parametrize(
    ("ics", "why"),
    [
        (b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "calendars/a.ics has no days"),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:tomorrow\nEND:VEVENT\nEND:VCALENDAR\n", "that can be read"),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR\n", "that can be read"),
        (b"dates: [2026-12-24]\n", "that can be read"),
        (b"\0\xff", "that can be read"),
    ],
)
def test_an_icalendar_file_that_says_nothing_is_told_so(ics: bytes, why: str) -> None:
    found = read_calendars({"calendars/a.ics": ics, "calendars/a.yaml": b"ical: [a.ics]\n"})
    (sentence,) = sentences(found)
    assert sentence.startswith("calendars/a.yaml:1:8: ical: entry 1: calendars/a.ics")
    assert why in sentence


@pytest.mark.parametrize(
    "value", ["null", "1.5", "true", "[]", "{}", "[null]", "[[1]]", "[{}]", "[1.5]", "[x]", "{a: b}"]
)
@pytest.mark.parametrize("field", [*CalendarFile.model_fields, "x"])
def test_whatever_is_written_breaks_that_calendar_alone(field: str, value: str) -> None:
    found = read(odd=f"{field}: {value}\n", other="dates: [2026-12-24]\n")
    assert "other" in found.calendars.known
    assert ("odd" in found.calendars.known) is not bool(found.problems)
    assert all(problem.file == "calendars/odd.yaml" and problem.line == 1 for problem in found.problems)


@pytest.mark.parametrize("length", [3, 200, 2_000])
def test_a_chain_of_any_length_breaks_its_beginning_alone(length: int) -> None:
    files = {f"c{n:04}": f"include: [c{n + 1:04}]\n" for n in range(length)}
    found = read(**files, **{f"c{length:04}": "dates: [2026-12-24]\n"}, other="dates: [2026-12-24]\n")
    assert "other" in found.calendars.known
    assert (found.problems == ()) is (length == 3)
    assert not found.problems or "calendars name each other in a row" in "".join(sentences(found))


def test_a_calendar_of_too_many_days_is_refused() -> None:
    days = [(date(2026, 1, 1) + timedelta(days=number)).isoformat() for number in range(3_000)]
    found = read(a=f"dates: [{', '.join(days)}]\n", b=f"include: [a]\ndates: [{', '.join(days)}]\n")
    assert list(found.calendars.known) == ["a"]
    (sentence,) = sentences(found)
    assert "it has more than 5,000 days and spans" in sentence


def test_calendars_that_would_multiply_are_refused() -> None:
    files = {"c0": "dates: [2026-12-24]\n", "c1": "dates: [2026-12-25]\n"}
    files |= {f"c{n}": f"include: [c{n - 1}, c{n - 2}]\n" for n in range(2, 60)}
    found = read(**files)
    assert "c9" in found.calendars.known
    assert "c59" not in found.calendars.known
    refused = [sentence for sentence in sentences(found) if "would be inside it" in sentence]
    assert refused[0].endswith(":1:1: more than 200 calendars would be inside it, most of them again and again")


def test_an_edit_of_words_alone_changes_no_digest() -> None:
    one, other = read(a="yearly: [12-24, 12-25]\n"), read(a="# ours\ndescription: Ours\nyearly:\n- 12-25\n- 12-24\n")
    assert one.digest("a") == other.digest("a")
    assert read(a="yearly: [12-24]\n").digest("a") != one.digest("a")


def test_a_job_tells_which_calendars_it_has_asked_for() -> None:
    known = read(a="yearly: [12-24]\n", torn="dates: [x]\n")
    text = "schedule: {cron: '@daily', exclude: [a, torn, none]}\nrun: {shell: echo}\n"
    found = parse_job_file(text.encode(), "job.yaml", calendars=known)
    assert found.calendars == {"a": known.digest("a"), "torn": None, "none": None}
    assert [f"{problem.line}:{problem.column}" for problem in found.problems] == ["1:41", "1:47"]
