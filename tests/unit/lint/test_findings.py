"""Each rule: what it finds and what it lets pass, with what to write instead. What is advised is itself fine."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schedsync.lint.finding import Finding, Rule
from schedsync.lint.folder import findings, of_job
from schedsync.specs.triggers import CronTrigger
from tests.builders import spec

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
BERLIN = {"timezone": "Europe/Berlin"}


def found(**fields: Any) -> list[Finding]:
    return list(of_job(spec(**fields), NOW))


def of_cron(text: str, **more: Any) -> list[Finding]:
    return found(schedule={"cron": text, **more})


BAD = [
    (Rule.EVERY_SECOND, "* * * * * *", "*", 0, "* * * * *", "every minute"),
    (Rule.EVERY_SECOND, "*/1 0 2 * * *", "*/1", 0, "0 2 * * *", "at 02:00 each day"),
    (Rule.EVERY_MINUTE, "* 2 * * *", "*", 0, "0 2 * * *", "60 times from 02:00 to 02:59"),
    (Rule.EVERY_MINUTE, "0 * 2 * * *", "*", 2, "0 0 2 * * *", "each minute"),
    (Rule.EVERY_MINUTE, "* */2 * * *", "*", 0, "0 */2 * * *", "60 times in each such hour"),
    (Rule.STEP_OF_ONE, "*/1 * * * *", "*/1", 0, "* * * * *", 'the same as "*"'),
    (Rule.STEP_OF_ONE, "0 1,6-8/1 * * *", "6-8/1", 4, "0 1,6-8 * * *", 'the same as "6-8"'),
    (Rule.UNEVEN_STEP, "*/7 * * * *", "*/7", 0, None, "0, 7, ..., 56, and then only 4 minutes"),
    (Rule.UNEVEN_STEP, "*/7 * * * *", "*/7", 0, None, '"*/6" or "*/10", which divide evenly, or every: 7m'),
    (Rule.UNEVEN_STEP, "*/90 * * * *", "*/90", 0, None, "every: 90m"),
    (Rule.UNEVEN_STEP, "H/25 * * * *", "H/25", 0, None, "every: 25m"),
    (Rule.UNEVEN_STEP, "0 */5 * * *", "*/5", 2, None, "4 hours until it begins again"),
    (Rule.UNEVEN_STEP, "*/50 0 * * * *", "*/50", 0, None, "0, 50, and then only 10 seconds"),
    (Rule.UNEVEN_STEP, "0 0 */2 * *", "*/2", 4, None, "after day 31 comes day 1"),
    (Rule.UNEVEN_STEP, "0 0 1 */5 *", "*/5", 6, None, "calendar: {months: 5, day: 1} with a start"),
    (Rule.UNEVEN_STEP, "0 0 * * */2", "*/2", 8, None, "1 day until it begins again"),
    (Rule.EITHER_DAY, "0 0 13 * fri", "13", 4, None, 'write "0 0 13 * *" with only: {weekdays: [fri]}'),
    (Rule.EITHER_DAY, "0 0 13 * fri", "13", 4, None, 'a list of "0 0 13 * *" and "0 0 * * fri"'),
    (Rule.EITHER_DAY, "0 0 1-7 * mon", "1-7", 4, "0 0 * * mon#1", "either"),
    (Rule.EITHER_DAY, "0 0 15-21 * 7", "15-21", 4, "0 0 * * sun#3", "either"),
    (Rule.EITHER_DAY, "0 0 L * mon#1", "L", 4, None, '"0 0 L * *" with a calendar under only'),
    (Rule.BOTH_DAYS, "0 0 */2 * fri", "*/2", 4, None, "on every 2nd day of the month from the 1st if that is Friday"),
    (Rule.BOTH_DAYS, "0 0 13 * */2", "*/2", 9, None, "only: {weekdays: [tue, thu, sat, sun]}"),
    (Rule.MISSING_DAYS, "0 0 31 * *", "31", 4, "0 0 L * *", "February, April, June, September and November have"),
    (Rule.MISSING_DAYS, "0 0 15,30 * *", "30", 7, "0 0 15,L * *", "February has no day 30"),
    (Rule.MISSING_DAYS, "0 0 29 * *", "29", 4, "0 0 L * *", "a February of 28 days has no day 29"),
    (Rule.MISSING_DAYS, "0 0 0 31 4-5 *", "31", 6, "0 0 0 L 4-5 *", "April has no day 31"),
]
GOOD = [
    (Rule.EVERY_SECOND, "0-59 * * * * *", "each second, and it says so"),
    (Rule.EVERY_SECOND, "* * * * *", "five fields"),
    (Rule.EVERY_MINUTE, "0-59 2 * * *", "each minute of an hour, and it says so"),
    (Rule.EVERY_MINUTE, "* * * * *", "each minute of the day"),
    (Rule.EVERY_MINUTE, "*/5 2 * * *", "a step"),
    (Rule.STEP_OF_ONE, "*/10 * * * *", "a step of ten"),
    (Rule.STEP_OF_ONE, "@hourly", "a nickname"),
    (Rule.UNEVEN_STEP, "*/15 */6 * * *", "steps that divide"),
    (Rule.UNEVEN_STEP, "H/20 * * * *", "one that is spread"),
    (Rule.UNEVEN_STEP, "0-56/7 9-17/3 * * *", "ranges that end where they say"),
    (Rule.UNEVEN_STEP, "*/60 * * * *", "each hour"),
    (Rule.EITHER_DAY, "0 0 * * fri", "one field"),
    (Rule.EITHER_DAY, "0 0 1-31 * fri", "all days, so that the other one says nothing"),
    (Rule.EITHER_DAY, "0 0 */2 * fri", "both, not either"),
    (Rule.BOTH_DAYS, "0 0 13 * fri", "either, not both"),
    (Rule.BOTH_DAYS, "0 0 * * fri", "one field"),
    (Rule.BOTH_DAYS, "0 0 */2 * *", "the other field"),
    (Rule.MISSING_DAYS, "0 0 28 * *", "a day that each month has"),
    (Rule.MISSING_DAYS, "0 0 31 1,3,12 *", "months that have it"),
    (Rule.MISSING_DAYS, "0 0 L * *", "the last day"),
    (Rule.MISSING_DAYS, "0 0 29-31 * mon", "a range"),
]


@pytest.mark.parametrize(("rule", "cron", "word", "offset", "expected", "says"), BAD)
def test_an_expression_that_is_hardly_meant_is_found(
    rule: Rule, cron: str, word: str, offset: int, expected: str | None, says: str
) -> None:
    (finding,) = (each for each in of_cron(cron) if each.rule is rule)
    assert (finding.found, finding.offset, finding.expected) == (word, offset, expected)
    assert cron[offset:].startswith(word)
    assert finding.path == ("schedule", 0, "cron")
    assert says in finding.message


@pytest.mark.parametrize(("rule", "cron"), [pytest.param(rule, cron, id=why) for rule, cron, why in GOOD])
def test_an_expression_that_says_what_it_means_is_left_alone(rule: Rule, cron: str) -> None:
    assert rule not in {each.rule for each in of_cron(cron)}


@pytest.mark.parametrize(("rule", "expected"), [(each[0], each[4]) for each in BAD if each[4] is not None])
def test_what_is_advised_is_valid_and_no_finding_of_that_rule(rule: Rule, expected: str) -> None:
    assert rule not in {each.rule for each in of_cron(expected)}


def test_each_trigger_of_a_list_is_looked_at() -> None:
    (finding,) = found(schedule=[{"cron": "0 3 * * *"}, {"cron": "* 4 * * *"}])
    assert finding.path == ("schedule", 1, "cron")


def test_a_job_that_runs_after_another_has_nothing_to_find() -> None:
    assert found(after={"other": "succeeded"}) == []


@pytest.mark.parametrize(
    ("calendar", "start", "is_found"),
    [
        ({"months": 1, "day": 31}, None, True),
        ({"months": 1, "day": "last"}, None, False),
        ({"months": 1, "day": 28}, None, False),
        ({"months": 3, "day": 31}, "2027-02-01", True),
        ({"months": 12, "day": 31}, "2027-01-01", False),
        ({"weeks": 2, "day": "fri"}, None, False),
    ],
)
def test_days_that_months_lack_are_found_in_calendars_too(
    calendar: dict[str, Any], start: str | None, is_found: bool
) -> None:
    schedule = {"calendar": calendar, **({} if start is None else {"start": start})}
    rules = [(each.rule, each.expected) for each in found(schedule=schedule)]
    assert rules == ([(Rule.MISSING_DAYS, "day: last")] if is_found else [])


CLOCKS = [
    ({"cron": "30 2 * * *", **BERLIN}, "02:30 is skipped on 2027-03-28 in Europe/Berlin, where clocks are put forward"),
    ({"cron": "30 2 * * *", **BERLIN}, "from 02:00 to 03:00: it fires at 03:00 +0200; 02:30 comes twice on 2027-10-31"),
    (
        {"cron": "30 2 * * *", **BERLIN},
        "back from 03:00 to 02:00: it fires at 02:30 +0200; write a time before 02:00 or",
    ),
    ({"cron": "30 2 28 3 *", **BERLIN}, "skipped on 2027-03-28"),
    ({"cron": "*/30 2 * * *", **BERLIN}, "put forward from 02:00 to 03:00: it does not fire then; 02:00 comes twice"),
    ({"cron": "*/30 2 * * *", **BERLIN}, "it fires at 02:00 +0200 and 02:00 +0100;"),
    ({"cron": "H 2 * * *", **BERLIN}, "is skipped on 2027-03-28"),
    ({"cron": "0 0 * * *", "timezone": "Africa/Cairo"}, "00:00 is skipped on 2027-04-30 in Africa/Cairo"),
    ({"cron": "0 0 * * *", "timezone": "Africa/Cairo"}, "; write a time from 01:00 on, or a zone"),
    ({"cron": "30 23 * * *", "timezone": "Africa/Cairo"}, "; write a time before 23:00, or a zone"),
    ({"cron": "30 0,23 * * *", "timezone": "Asia/Beirut"}, "; write a time from 01:00 on, and before 23:00, or a zone"),
    (
        {"cron": "45 1,2 * * *", "timezone": "Europe/London"},
        "; write a time before 01:00 or from 02:00 on, or a zone",
    ),
    (
        {"cron": "45 1,2 * * *", "timezone": "Australia/Lord_Howe"},
        "; write a time before 01:30 or from 02:00 on, or a zone",
    ),
    (
        {"cron": "15,45 1,2 * * *", "timezone": "Australia/Lord_Howe"},
        "; write a time before 01:30 or from 02:30 on, or a zone",
    ),
    ({"cron": "45 1 * * *", "timezone": "Australia/Lord_Howe"}, "put back from 02:00 to 01:30"),
    ({"calendar": {"days": 1, "time": "02:30"}, **BERLIN}, "it fires at 03:00 +0200"),
    ({"at": "2027-03-28T02:30", **BERLIN}, "it fires at 03:00 +0200; write a time that there is"),
    ({"at": "2027-10-31T02:30", **BERLIN}, '"2027-10-31T02:30:00+0200" or "2027-10-31T02:30:00+0100"'),
]
NO_CLOCKS = {
    "outside": {"cron": "30 3 * * *", **BERLIN},
    "the zone of the meridian": {"cron": "30 2 * * *"},
    "a zone without changes": {"cron": "30 2 * * *", "timezone": "Asia/Tokyo"},
    "each hour": {"cron": "30 * * * *", **BERLIN},
    "elapsed time": {"every": "1h", **BERLIN},
    "not on such a day": {"cron": "30 2 * * mon-fri", **BERLIN},
    "over before": {"cron": "30 2 * * *", "end": "2027-03-01", **BERLIN},
    "days that are left out": {"cron": "30 2 * * *", "exclude": [{"weekdays": ["sun"]}], **BERLIN},
    "nobody knows which days": {"calendar": {"days": 2, "time": "02:30"}, **BERLIN},
    "an offset": {"at": "2027-10-31T02:30:00+01:00", **BERLIN},
    "a moment that is there once": {"at": "2027-10-31T03:30:00", **BERLIN},
}


@pytest.mark.parametrize(("schedule", "says"), CLOCKS)
def test_times_at_which_clocks_are_changed_are_found(schedule: dict[str, Any], says: str) -> None:
    (finding,) = (each for each in found(schedule=schedule) if each.rule is Rule.CLOCK_CHANGE)
    assert says in finding.message


@pytest.mark.parametrize("name", NO_CLOCKS)
def test_times_that_clocks_do_not_concern_are_left_alone(name: str) -> None:
    assert found(schedule=NO_CLOCKS[name]) == []


def test_what_is_said_to_fire_at_a_change_is_what_fires() -> None:
    trigger = spec(schedule={"cron": "30 2 * * *", **BERLIN}).schedule[0]
    after = datetime(2027, 3, 27, 12, tzinfo=UTC)
    assert trigger.nominal_after(after, job_id="job", anchor=NOW) == datetime(2027, 3, 28, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"timeout": "2h", "schedule": {"every": "1h"}}, "1h"),
        ({"timeout": "31m", "schedule": {"cron": "*/30 * * * *"}}, "30m"),
        ({"timeout": "2h", "schedule": [{"cron": "0 2 * * *"}, {"cron": "30 2 * * *"}]}, "30m"),
        ({"timeout": "61m", "schedule": {"every": "1h", "jitter": "10m"}}, "1h"),
        ({"timeout": "1h", "schedule": {"every": "1h"}}, None),
        ({"timeout": "2h", "schedule": [{"cron": "0 2 * * *"}, {"cron": "0 2 * * *"}]}, None),
        ({"timeout": "2h", "schedule": {"every": "1h"}, "overlap": "queue"}, None),
        ({"timeout": "2h", "schedule": {"at": "2027-01-01T00:00:00Z"}}, None),
        ({"schedule": {"every": "1s"}}, None),
    ],
)
def test_a_timeout_beyond_the_next_slot_is_found(fields: dict[str, Any], expected: str | None) -> None:
    assert [(each.rule, each.path, each.expected) for each in found(**fields)] == (
        [] if expected is None else [(Rule.TIMEOUT, ("timeout",), expected)]
    )


PHASES = [
    pytest.param(datetime(2026, 11, 24, 2, 15, 59, 700_000, tzinfo=UTC), id="a quarter past"),
    pytest.param(datetime(2026, 11, 24, 2, 55, tzinfo=UTC), id="near the hour"),
    pytest.param(datetime(2026, 11, 24, 2, 59, 59, 700_000, tzinfo=UTC), id="within a second of it"),
    pytest.param(datetime(2026, 11, 24, 21, 0, tzinfo=UTC), id="in the evening"),
    pytest.param(datetime(2026, 11, 29, 3, 1, tzinfo=UTC), id="between two slots"),
]


@pytest.mark.parametrize("now", PHASES)
@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        pytest.param([{"every": "1h"}, {"cron": "0 6 * * *"}], None, id="nobody knows how the two lie"),
        pytest.param([{"every": "5m"}, {"cron": "0 6 * * *"}], "5m", id="one of them alone"),
        pytest.param([{"calendar": {"days": 2}}, {"cron": "1 0 * * *"}], None, id="days that nobody knows"),
        pytest.param([{"calendar": {"days": 1}}, {"cron": "1 0 * * *"}], "1m", id="each day"),
        pytest.param([{"every": "1h", "start": "2026-01-01"}, {"cron": "4 6 * * *"}], "4m", id="a start is a phase"),
        pytest.param([{"cron": "*/15 * * * *"}, {"cron": "2 3 * * sun"}], "2m", id="one that is rare among many"),
        pytest.param([{"cron": "0 3 1 * *"}, {"cron": "2 3 1 * *"}], "2m", id="both are rare"),
    ],
)
def test_what_is_found_about_a_timeout_does_not_depend_on_when_it_is_looked_for(
    schedule: list[dict[str, Any]], expected: str | None, now: datetime
) -> None:
    each = [found.expected for found in of_job(spec(schedule=schedule, timeout="10m"), now)]
    assert each == ([] if expected is None else [expected])


def test_no_timeout_is_advised_where_slots_are_less_than_a_second_apart() -> None:
    schedule = [{"every": "1h", "start": "2026-01-01T00:00:00.5"}, {"cron": "0 * * * *"}]
    (finding,) = found(schedule=schedule, timeout="10m")
    assert (finding.rule, finding.expected) == (Rule.TIMEOUT, None)
    assert "slots are less than 1s apart" in finding.message
    assert finding.message.endswith("write overlap: queue")


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"every": "1h", "jitter": "40m"}, "30m"),
        ({"cron": "*/5 * * * *", "jitter": "10m"}, "2m30s"),
        ({"every": "1h", "jitter": "30m"}, None),
        ({"at": "2027-01-01T00:00:00Z", "jitter": "1h"}, None),
    ],
)
def test_jitter_of_more_than_half_the_distance_is_found(schedule: dict[str, Any], expected: str | None) -> None:
    assert [(each.rule, each.path, each.expected) for each in found(schedule=schedule)] == (
        [] if expected is None else [(Rule.JITTER, ("schedule", 0, "jitter"), expected)]
    )


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        ({"at": "2026-11-24T02:00:00Z"}, "at"),
        ({"at": "2026-11-24T02:00:01Z"}, None),
        ({"every": "1h", "end": "2026-11-23"}, "end"),
        ({"cron": "0 3 24 11 *", "end": "2026-11-24"}, None),
        ({"cron": "0 1 * * *", "end": "2026-11-24"}, "end"),
        ({"cron": "0 1 * * *", "only": [{"dates": ["2026-11-20"]}]}, "only"),
    ],
)
def test_what_will_not_fire_again_is_found(schedule: dict[str, Any], field: str | None) -> None:
    over = [each.path for each in found(schedule=schedule) if each.rule is Rule.OVER]
    assert over == ([] if field is None else [("schedule", 0, field)])


def together(count: int, *, many: int = 10, **schedule: Any) -> list[Finding]:
    specs = [spec(id=f"job-{number:02}", schedule=schedule) for number in range(count)]
    return [each for each in findings(specs, NOW, many=many) if each.rule is Rule.HERD]


HERDS = [
    ({"cron": "0 2 * * *"}, "H 2 * * *", 'at 02:00 on Tue 2026-11-24 (UTC); write "H 2 * * *"'),
    ({"cron": "0 2 * * mon-fri", **BERLIN}, "H 2 * * mon-fri", "at 02:00 on Wed 2026-11-25 (Europe/Berlin)"),
    ({"cron": "0 30 2 * * *"}, "0 H 2 * * *", "jitter: 10m"),
    ({"cron": "*/5 * * * *"}, "H/5 * * * *", "jitter: 2m30s"),
    ({"cron": "0,30 * * * *"}, "H/30 * * * *", "jitter: 10m"),
    ({"cron": "1,7 4 * * *"}, "jitter: 3m", "at 04:01"),
    ({"cron": "@daily"}, "H 0 * * *", "at 00:00"),
    ({"calendar": {"weeks": 1, "day": "sun"}}, "jitter: 10m", "at 00:00 on Sun 2026-11-29"),
    ({"every": "1h", "start": "2026-01-01"}, "jitter: 10m", "at 02:00"),
]


@pytest.mark.parametrize(("schedule", "expected", "says"), HERDS)
def test_many_jobs_of_one_minute_are_each_told_how_to_spread(
    schedule: dict[str, Any], expected: str, says: str
) -> None:
    each = together(10, **schedule)
    assert [(finding.job_id, finding.expected) for finding in each] == [
        (f"job-{number:02}", expected) for number in range(10)
    ]
    assert {finding.message.startswith("10 jobs start in one minute, ") for finding in each} == {True}
    assert says in each[0].message
    assert together(9, **schedule) == []
    assert len(together(3, many=3, **schedule)) == 3


@pytest.mark.parametrize(("schedule", "expected"), [each[:2] for each in HERDS if not each[1].startswith("jitter")])
def test_the_expression_that_spreads_jobs_does_so(schedule: dict[str, Any], expected: str) -> None:
    assert together(10, **schedule | {"cron": expected}) == []
    minutes = set()
    for number in range(10):
        trigger = spec(schedule=schedule | {"cron": expected}).schedule[0]
        assert isinstance(trigger, CronTrigger)
        minutes.add(trigger.expression(f"job-{number:02}").fields.minutes)
    assert len(minutes) > 3


@pytest.mark.parametrize(
    "schedule",
    [
        {"cron": "0 2 * * *", "jitter": "5m"},
        {"cron": "H 2 * * *"},
        {"every": "1h"},
        {"at": "2026-11-25T00:00:00Z"},
        {"cron": "0 0 1 1 *"},
        {"cron": "* * * * *"},
    ],
    ids=["jitter", "spread", "counted from when it appeared", "meant", "not within a week", "in each minute anyway"],
)
def test_jobs_that_are_spread_or_rare_are_no_herd(schedule: dict[str, Any]) -> None:
    assert together(20, **schedule) == []


def test_a_herd_counts_jobs_of_different_expressions_once_each() -> None:
    crons = ["0 2 * * *", "*/5 * * * *", "0 */2 * * *", "* 2 * * *"]
    specs = [spec(id=f"job-{number}", schedule={"cron": cron}) for number, cron in enumerate(crons)]
    specs += [spec(id="twice", schedule=[{"cron": "0 2 * * *"}, {"cron": "0 2,3 * * *"}])]
    specs += [spec(id="never", schedule={"cron": "0 2 * * *"}, suspend=True)]
    each = [finding for finding in findings(specs, NOW, many=5) if finding.rule is Rule.HERD]
    assert {finding.message.partition(" in one")[0] for finding in each} == {"5 jobs start"}
    assert [finding.job_id for finding in each] == ["job-0", "job-1", "job-2", "twice", "twice"]
