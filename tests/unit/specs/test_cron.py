"""Cron expressions against Debian cron's own fires, a model of its clocks, brute force, and another library."""

import json
import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import assume, example, given, reject, settings
from hypothesis import strategies as st

from schedsync.specs.cron.errors import CronError
from schedsync.specs.cron.expression import CronExpression

FIRES = Path(__file__).parents[2] / "data" / "debian-cron-fires.jsonl"
UTC_ZONE = ZoneInfo("UTC")
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
REPRODUCIBLE = settings(deadline=None, derandomize=True, max_examples=150)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires_between(expression: CronExpression, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the fires in [start, end)."""
    fire = expression.next_after(start - timedelta(microseconds=1), zone)
    while fire is not None and fire < end:
        yield fire
        fire = expression.next_after(fire, zone)


def wall_fires(text: str, zone_name: str, day: str) -> list[str]:
    """Return the fires from midnight to 01:00 of the day after, as the zone's clock with its offset shows them."""
    zone = ZoneInfo(zone_name)
    start = datetime.fromisoformat(day).replace(tzinfo=zone)
    end = start + timedelta(hours=25)
    fires = fires_between(CronExpression.parse(text), zone, start.astimezone(UTC), end.astimezone(UTC))
    return [f"{fire.astimezone(zone):%d %H:%M%z}" for fire in fires]


def utc_fires(text: str, after: str, count: int) -> list[str]:
    expression, fire = CronExpression.parse(text), instant(after)
    found = []
    for _ in range(count):
        following = expression.next_after(fire, UTC_ZONE)
        assert following is not None
        fire = following
        found.append(f"{fire:%Y-%m-%d %H:%M}")
    return found


# Debian's own fires


def differences(line: str) -> list[str]:
    """Say how the fires in the window [start, end) of *line* differ from those that Debian's cron had."""
    record = json.loads(line)
    start, end = (datetime.fromtimestamp(record[key], UTC) for key in ("start", "end"))
    expected = {datetime.fromtimestamp(fire, UTC) for fire in record["fires"]}
    found = list(fires_between(CronExpression.parse(record["expr"]), ZoneInfo(record["tz"]), start, end))
    where = f"{record['expr']!r} in {record['tz']}"
    missed = [f"{where} misses {fire}" for fire in sorted(expected.difference(found))]
    added = [f"{where} fires at {fire}, and Debian does not" for fire in sorted(set(found) - expected)]
    return missed + added


def test_it_fires_exactly_when_debian_cron_does() -> None:
    lines = FIRES.read_text(encoding="ascii").splitlines()
    found = [difference for line in lines for difference in differences(line)]
    assert not found, "\n".join(found[:20])
    assert len(lines) == 600


# What is accepted


ACCEPTED = [
    pytest.param("* * * * *", ["2026-06-03 10:31", "2026-06-03 10:32"], id="every minute"),
    pytest.param("30 2 * * mon-fri", ["2026-06-04 02:30", "2026-06-05 02:30", "2026-06-08 02:30"], id="weekday names"),
    pytest.param("30 2 * * MON,Wed", ["2026-06-08 02:30", "2026-06-10 02:30"], id="names in any case"),
    pytest.param("0 0 1 JAN-mar/2 *", ["2027-01-01 00:00", "2027-03-01 00:00"], id="a step over month names"),
    pytest.param("0 0 * * 0", ["2026-06-07 00:00", "2026-06-14 00:00"], id="Sunday is 0"),
    pytest.param("0 0 * * 7", ["2026-06-07 00:00", "2026-06-14 00:00"], id="Sunday is 7"),
    pytest.param("0 0 * * 5-7", ["2026-06-05 00:00", "2026-06-06 00:00", "2026-06-07 00:00"], id="a range up to 7"),
    pytest.param("0 0 * * sun-tue", ["2026-06-07 00:00", "2026-06-08 00:00", "2026-06-09 00:00"], id="sun begins"),
    pytest.param("0 0 * * */7", ["2026-06-07 00:00", "2026-06-14 00:00"], id="every seventh weekday is Sunday"),
    pytest.param("*/60 * * * *", ["2026-06-03 11:00", "2026-06-03 12:00"], id="a step larger than the range"),
    pytest.param("0 */24 * * *", ["2026-06-04 00:00", "2026-06-05 00:00"], id="a step as large as the day"),
    pytest.param("0 0 1 */12 *", ["2027-01-01 00:00", "2028-01-01 00:00"], id="a step as large as the year"),
    pytest.param("5-10/99 11 * * *", ["2026-06-03 11:05", "2026-06-04 11:05"], id="a step larger than its range"),
    pytest.param("50,10-14/2,10 11 * * *", ["2026-06-03 11:10", "2026-06-03 11:12", "2026-06-03 11:14"], id="a list"),
    pytest.param("05 011 * * *", ["2026-06-03 11:05", "2026-06-04 11:05"], id="leading zeros"),
    pytest.param("\t5  11 * *\t* ", ["2026-06-03 11:05", "2026-06-04 11:05"], id="any white space"),
    pytest.param("0 0 13 * fri", ["2026-06-05 00:00", "2026-06-12 00:00", "2026-06-13 00:00"], id="either day"),
    pytest.param("0 0 */2 * fri", ["2026-06-05 00:00", "2026-06-19 00:00"], id="both when day of month starts with *"),
    pytest.param("0 0 1-7 * */7", ["2026-06-07 00:00", "2026-07-05 00:00"], id="both when weekday starts with *"),
    pytest.param("0 0 10 * 1,*", ["2026-06-04 00:00", "2026-06-05 00:00"], id="either when * comes later"),
    pytest.param("0 0 30 2 mon", ["2027-02-01 00:00", "2027-02-08 00:00"], id="no 30th but Mondays"),
    pytest.param("0 0 29-31 2 *", ["2028-02-29 00:00", "2032-02-29 00:00"], id="some days exist at times"),
    pytest.param(
        "0 0 * * fri-mon",
        ["2026-06-05 00:00", "2026-06-06 00:00", "2026-06-07 00:00", "2026-06-08 00:00"],
        id="a range across the week",
    ),
    pytest.param("0 0 * * Sat-Sun", ["2026-06-06 00:00", "2026-06-07 00:00", "2026-06-13 00:00"], id="the week-end"),
    pytest.param("0 0 * * 7-1", ["2026-06-07 00:00", "2026-06-08 00:00", "2026-06-14 00:00"], id="from Sunday as 7"),
    pytest.param("0 0 1 nov-jan *", ["2026-11-01 00:00", "2026-12-01 00:00", "2027-01-01 00:00"], id="across the year"),
    pytest.param("0 0 30-2 * *", ["2026-06-30 00:00", "2026-07-01 00:00", "2026-07-02 00:00"], id="across the month"),
    pytest.param("0 0 L * *", ["2026-06-30 00:00", "2026-07-31 00:00", "2026-08-31 00:00"], id="the last day"),
    pytest.param(
        "0 0 l feb *", ["2027-02-28 00:00", "2028-02-29 00:00", "2029-02-28 00:00"], id="the last of February"
    ),
    pytest.param("0 0 L-2 * *", ["2026-06-28 00:00", "2026-07-29 00:00"], id="two days before the last"),
    pytest.param("0 0 15W * *", ["2026-06-15 00:00", "2026-07-15 00:00", "2026-08-14 00:00"], id="near a Saturday"),
    pytest.param("0 0 16W * *", ["2026-06-16 00:00", "2026-07-16 00:00", "2026-08-17 00:00"], id="near a Sunday"),
    pytest.param("0 0 1W 8 *", ["2026-08-03 00:00", "2027-08-02 00:00"], id="near a first that is no workday"),
    pytest.param(
        "0 0 31W * *", ["2026-07-31 00:00", "2026-08-31 00:00", "2026-10-30 00:00"], id="only where it exists"
    ),
    pytest.param("0 0 LW * *", ["2026-06-30 00:00", "2026-07-31 00:00", "2026-08-31 00:00"], id="the last workday"),
    pytest.param("0 0 LW 1 *", ["2027-01-29 00:00", "2028-01-31 00:00"], id="before a Sunday that is the last"),
    pytest.param("0 0 * * fri#2", ["2026-06-12 00:00", "2026-07-10 00:00"], id="the second Friday"),
    pytest.param("0 0 * * 5#5", ["2026-07-31 00:00", "2026-10-30 00:00"], id="the fifth Friday, where there is one"),
    pytest.param(
        "0 0 * * friL,7#1", ["2026-06-07 00:00", "2026-06-26 00:00", "2026-07-05 00:00"], id="the last Friday"
    ),
    pytest.param(
        "0 0 */2 * fri#1", ["2026-06-05 00:00", "2026-07-03 00:00", "2026-08-07 00:00"], id="a first odd Friday"
    ),
    pytest.param("0 0 L * mon#1", ["2026-06-30 00:00", "2026-07-06 00:00"], id="either, counted"),
    pytest.param("0 30 2 * * mon", ["2026-06-08 02:30", "2026-06-15 02:30"], id="a second that is 0"),
    pytest.param("0 0 31 2,3 *", ["2027-03-31 00:00", "2028-03-31 00:00"], id="a day that one of the months has"),
]


@pytest.mark.parametrize(("text", "expected"), ACCEPTED)
def test_it_fires_as_written(text: str, expected: list[str]) -> None:
    assert utc_fires(text, "2026-06-03T10:30", len(expected)) == expected


NICKNAMES = [
    ("@yearly", "0 0 1 1 *"),
    ("@Annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * sun"),
    ("@daily", "0 0 * * *"),
    ("@MIDNIGHT", "0 0 * * *"),
    (" @hourly ", "0 * * * *"),
]


@pytest.mark.parametrize(("nickname", "meaning"), NICKNAMES)
def test_a_nickname_means_its_five_fields(nickname: str, meaning: str) -> None:
    assert utc_fires(nickname, "2026-06-03T10:30", 4) == utc_fires(meaning, "2026-06-03T10:30", 4)


def test_seconds_come_first() -> None:
    expression = CronExpression.parse("*/20,5 59 23 * * *")
    fires = fires_between(expression, UTC_ZONE, instant("2026-06-03T23:59:01"), instant("2026-06-04T23:59:01"))
    assert [f"{fire:%d %H:%M:%S}" for fire in fires] == ["03 23:59:05", "03 23:59:20", "03 23:59:40", "04 23:59:00"]


SPREAD = [
    ("H * * * *", "minute", range(60)),
    ("H(10-29) * * * *", "minute", range(10, 30)),
    ("0 H * * *", "hour", range(24)),
    ("0 0 H * *", "day", range(1, 29)),
    ("0 0 1 H *", "month", range(1, 13)),
    ("H 0 0 * * *", "second", range(60)),
]


@pytest.mark.parametrize(("text", "part", "values"), SPREAD)
def test_h_spreads_jobs_over_all_that_it_may_be_and_stays(text: str, part: str, values: range) -> None:
    def chosen(job_id: str) -> int:
        fire = CronExpression.parse(text, job_id=job_id).next_after(instant("2026-06-03"), UTC_ZONE)
        assert fire is not None
        return int(getattr(fire, part))

    found = {job_id: chosen(job_id) for job_id in (f"erp.job-{number}" for number in range(1_000))}
    assert set(found.values()) == set(values)
    assert found == {job_id: chosen(job_id) for job_id in found}
    most = max(list(found.values()).count(value) for value in values)
    assert most < 2.2 * 1_000 / len(values)


def test_h_by_a_step_begins_somewhere_and_goes_on_evenly() -> None:
    begins = set()
    for number in range(200):
        expression = CronExpression.parse("H(0-29)/10 3 * * *", job_id=f"job-{number}")
        fires = fires_between(expression, UTC_ZONE, instant("2026-06-03"), instant("2026-06-04"))
        first, *others = [fire.minute for fire in fires]
        assert others == [first + 10, first + 20]
        begins.add(first)
    assert begins == set(range(10))


def test_h_is_the_same_for_ever() -> None:
    """Other values would move the slots of all jobs with an update of schedsync."""
    fire = CronExpression.parse("H H H H H H", job_id="erp.nightly-dump").next_after(instant("2026-06-03"), UTC_ZONE)
    assert f"{fire}" == "2026-07-01 23:38:35+00:00"
    assert CronExpression.parse("@daily", job_id="a") == CronExpression.parse("@daily", job_id="b")
    assert CronExpression.parse("H * * * *", job_id="a") != CronExpression.parse("H * * * *", job_id="b")


def test_an_hourly_job_follows_the_clock() -> None:
    fires = wall_fires("@hourly", "Europe/Berlin", "2026-10-25")
    assert fires[2:5] == ["25 02:00+0200", "25 02:00+0100", "25 03:00+0100"]


# What is refused


REFUSED = [
    pytest.param("", 0, "has 0 fields instead of five: minute, hour,", id="nothing"),
    pytest.param("30", 2, "has 1 field instead of five", id="one field"),
    pytest.param("0 0 * * ", 7, "has 4 fields instead of five", id="four fields"),
    pytest.param("0 30 2 * * mon 2027", 15, "has 7 fields, and there is none for years; write five: min", id="a year"),
    pytest.param("60 30 2 * * mon", 0, '"60" is not a valid second; allowed are 0-59', id="second 60"),
    pytest.param("5/15 * * * *", 0, '"5/15" has a step without a range; write "5-59/15"', id="step from a minute"),
    pytest.param("0 0 * * mon/2", 8, '"mon/2" has a step without a range; write "mon-sat/2"', id="step from a name"),
    pytest.param("0 0 * * 7/2", 8, '"7/2" has a step without a range; write "0-6/2"', id="step from Sunday"),
    pytest.param("59/2 * * * *", 0, '"59/2" has a step without a range; write "59"', id="step from the last"),
    pytest.param("60 * * * *", 0, '"60" is not a valid minute; allowed are 0-59', id="minute 60"),
    pytest.param("0 12-24 * * *", 5, '"24" is not a valid hour; allowed are 0-23', id="hour 24"),
    pytest.param("0 0 1,0 * *", 6, '"0" is not a valid day of month; allowed are 1-31', id="day 0"),
    pytest.param("0 0 1 13 *", 6, '"13" is not a valid month; allowed are 1-12 and jan-dec', id="month 13"),
    pytest.param(
        "0 0 * * 8", 8, '"8" is not a valid day of week; allowed are 0-7 (0 and 7 are Sunday)', id="weekday 8"
    ),
    pytest.param("99999999999 * * * *", 0, '"99999999999" is not a valid minute', id="a huge number"),
    pytest.param("٣ * * * *", 0, '"٣" is not a valid minute', id="digits of another script"),
    pytest.param("+5 * * * *", 0, '"+5" is not a valid minute', id="a sign"),
    pytest.param("1.5 * * * *", 0, '"1.5" is not a valid minute', id="a fraction"),
    pytest.param("*/0 * * * *", 2, '"0" is not a step, which is a whole number from 1 on; write for', id="step 0"),
    pytest.param("*/ * * * *", 2, 'write for example "*/2"', id="no step"),
    pytest.param(
        "0 0 * * mon-fri/2x", 16, '"2x" is not a step, which is a whole number from 1 on', id="junk at the end"
    ),
    pytest.param("0 0 * * mon-fri/2x", 16, 'write for example "mon-fri/2"', id="junk at the end is left out"),
    pytest.param("1-2-3 * * * *", 2, '"2-3" is not a valid minute', id="a range of three"),
    pytest.param("-5 * * * *", 0, "a range misses its beginning or end; write both", id="no beginning"),
    pytest.param("5- * * * *", 2, "a range misses its beginning or end; write both", id="no end"),
    pytest.param("*-5 * * * *", 0, '"*-5" mixes "*" with something else; write "*" alone', id="a range from *"),
    pytest.param("0 1,,2 * * *", 4, '"1,,2" has an empty item in its list; write "1,2"', id="an empty item"),
    pytest.param("0 1, * * *", 4, '"1," has an empty item in its list; write "1"', id="a comma at the end"),
    pytest.param(", * * * *", 0, 'write "*"', id="only a comma"),
    pytest.param("0 0 ? * mon", 4, '"?" is not used here; write "*" for each day of month', id="?"),
    pytest.param("0 0 L-0 * *", 4, '"L-0" is no day of a month; there are L, which is its last, and L-1', id="L-0"),
    pytest.param("0 0 1,L-31 * *", 6, '"L-31" is no day of a month', id="L-31"),
    pytest.param("0 0 32W * *", 4, '"32" is not a valid day of month; allowed are 1-31, and L', id="32W"),
    pytest.param("0 0 W15 * *", 4, '"W" does not belong here; the day of month allows 1-31, and', id="W15"),
    pytest.param("0 0 L-W * *", 4, '"L" does not belong here; the day of month allows 1-31, and L', id="L-W"),
    pytest.param("0 0 1-L * *", 6, '"L" does not belong here', id="a range to the last day"),
    pytest.param("0 L * * *", 2, '"L" does not belong here; the hour allows 0-23', id="the last hour"),
    pytest.param(
        "0 0 * * L", 8, 'says of which weekday not; write "satL" for the last Saturday', id="the last weekday"
    ),
    pytest.param("0 0 * * 8L", 8, '"8" is not a valid day of week', id="8L"),
    pytest.param(
        "0 0 * * fri#6", 12, '"6" is not which one of the month; write "fri#1" to "fri#5", or "friL"', id="#6"
    ),
    pytest.param("0 0 * * fri#", 12, '"" is not which one of the month', id="# without a number"),
    pytest.param("0 0 * * mon,fry#2", 12, 'did you mean "fri"?', id="# of a misspelt weekday"),
    pytest.param("0 0 1#2 * *", 5, '"#" does not belong here; the day of month allows', id="# in the wrong field"),
    pytest.param("0 0 * * 15W", 10, '"W" does not belong here; the day of week allows', id="W in the wrong field"),
    pytest.param("H(0-60) * * * *", 4, '"60" is not a valid minute', id="H beyond the hour"),
    pytest.param("H(30-10) * * * *", 2, '"H(30-10)" is no range of 0-59 to choose from', id="H of a reversed range"),
    pytest.param("0 0 H(1-31) * *", 6, '"H(1-31)" is no range of 1-28 to choose from', id="H of days that some miss"),
    pytest.param("H/0 * * * *", 2, '"0" is not a step, which is a whole number from 1 on; write for', id="H by 0"),
    pytest.param("5-H * * * *", 2, '"5-H" is no such choice; write "H", "H(0-59)", "H/2", or both', id="H in a range"),
    pytest.param("0 0 30 H *", 4, "never fires: February has no 30th", id="30th of some month"),
    pytest.param("0 0 * * wednesday", 8, 'did you mean "wed"?', id="a whole weekday"),
    pytest.param("0 0 * april *", 6, 'jan-dec; did you mean "apr"?', id="a whole month"),
    pytest.param("0 0 1 okt *", 6, 'jan-dec; did you mean "oct"?', id="a foreign month"),
    pytest.param(
        "0 0 1 mon *", 6, "a day of week belongs in another field, since the order is minute", id="wrong field"
    ),
    pytest.param("xyz * * * *", 0, '"xyz" is not a valid minute; allowed are 0-59', id="a word"),
    pytest.param("0 0 30 2 *", 4, "never fires: February has no 30th", id="30 February"),
    pytest.param("0 0 30-31 feb *", 4, "never fires: February has no 30th", id="30 and 31 February"),
    pytest.param(
        "0 0 L-29 2 *", 4, "never fires: February has no such day; write a day that exists", id="L-29 in February"
    ),
    pytest.param("0 0 */31 * tue#5", 4, "have no such day; write", id="the first as a fifth weekday"),
    pytest.param("0 0 31 2,4 */2", 4, "never fires: February and April have no 31st", id="31 February and April"),
    pytest.param("@reboot", 0, '"@reboot" is no time, but each start of the service', id="@reboot"),
    pytest.param("@reboots", 0, 'did you mean "@reboot"?', id="a misspelt @reboot"),
    pytest.param(" @dayly", 1, 'did you mean "@daily"?', id="a misspelt nickname"),
    pytest.param("@every 5m", 0, '"@every 5m" is not a nickname; there are @yearly', id="@every"),
]


@pytest.mark.parametrize(("text", "offset", "message"), REFUSED)
def test_it_is_refused_in_words(text: str, offset: int, message: str) -> None:
    with pytest.raises(CronError) as refusal:
        CronExpression.parse(text)
    assert message in str(refusal.value)
    assert refusal.value.offset == offset


@REPRODUCIBLE
@given(first=st.integers(1, 23), last=st.integers(0, 22), step=st.integers(1, 9))
def test_a_reversed_range_goes_on_from_the_beginning(first: int, last: int, step: int) -> None:
    assume(first > last)
    expression = CronExpression.parse(f"0 {first}-{last}/{step} * * *")
    fires = fires_between(expression, UTC_ZONE, instant("2026-06-03"), instant("2026-06-04"))
    assert sorted({hour % 24 for hour in range(first, 24 + last + 1, step)}) == [fire.hour for fire in fires]


def test_never_firing_is_recognised_without_searching() -> None:
    with pytest.raises(CronError, match="never fires"):
        CronExpression.parse("* * 31 2,4,6,9,11 */2")


# Any expression


@dataclass(frozen=True)
class Part:
    """A field: how it is written, and what it stands for."""

    text: str
    values: frozenset[int]

    @property
    def starred(self) -> bool:
        return self.text.startswith("*")


@dataclass(frozen=True)
class Model:
    """What an expression should mean, worked out without the parser."""

    minute: Part
    hour: Part
    day: Part
    month: Part
    weekday: Part

    @property
    def text(self) -> str:
        return " ".join(part.text for part in (self.minute, self.hour, self.day, self.month, self.weekday))

    @property
    def follows_clock(self) -> bool:
        return self.minute.starred or self.hour.starred

    def matches_day(self, wall: datetime) -> bool:
        found = (wall.day in self.day.values, wall.isoweekday() % 7 in {day % 7 for day in self.weekday.values})
        restricted = not self.day.starred and not self.weekday.starred
        return wall.month in self.month.values and (any(found) if restricted else all(found))

    def matches(self, wall: datetime) -> bool:
        return wall.minute in self.minute.values and wall.hour in self.hour.values and self.matches_day(wall)


def parts(low: int, high: int) -> st.SearchStrategy[Part]:
    """Draw fields: two in five are ``*``, the others steps or lists of numbers, ranges and stepped ranges."""
    number = st.integers(low, high)
    steps = st.integers(1, high + 5)
    span = st.tuples(number, number).map(sorted)
    single = number.map(lambda n: Part(f"{n}", frozenset({n})))
    ranges = span.map(lambda ends: Part(f"{ends[0]}-{ends[1]}", frozenset(range(ends[0], ends[1] + 1))))
    stepped = st.tuples(span, steps).map(
        lambda drawn: Part(
            f"{drawn[0][0]}-{drawn[0][1]}/{drawn[1]}", frozenset(range(drawn[0][0], drawn[0][1] + 1, drawn[1]))
        )
    )
    star = st.just(Part("*", frozenset(range(low, high + 1))))
    star_step = steps.map(lambda step: Part(f"*/{step}", frozenset(range(low, high + 1, step))))
    lists = st.lists(single | ranges | stepped, min_size=1, max_size=3).map(
        lambda items: Part(",".join(item.text for item in items), frozenset().union(*(item.values for item in items)))
    )
    return st.one_of(star, star, star_step, single, lists)


MODELS = st.builds(Model, parts(0, 59), parts(0, 23), parts(1, 31), parts(1, 12), parts(0, 7))
INSTANTS = st.datetimes(instant("2000-01-01").replace(tzinfo=None), instant("2099-12-01").replace(tzinfo=None))


def parsed(model: Model) -> CronExpression:
    """Return the expression; give the example up if it never fires, once that is seen to be true."""
    try:
        return CronExpression.parse(model.text)
    except CronError:
        assert not any(model.matches_day(instant("2024-01-01") + day * DAY) for day in range(4 * 366))
        reject()


def minutes_between(start: datetime, end: datetime) -> Iterator[datetime]:
    minute = start
    while minute < end:
        yield minute
        minute += MINUTE


@REPRODUCIBLE
@given(MODELS, INSTANTS)
def test_it_equals_looking_at_every_minute(model: Model, moment: datetime) -> None:
    start = moment.replace(second=0, microsecond=0, tzinfo=UTC)
    end = start + 2 * DAY
    expected = [minute for minute in minutes_between(start, end) if model.matches(minute)]
    assert list(fires_between(parsed(model), UTC_ZONE, start, end)) == expected


@REPRODUCIBLE
@given(MODELS, INSTANTS, st.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe"]))
def test_fires_strictly_increase_and_are_whole_minutes_in_utc(model: Model, moment: datetime, zone_name: str) -> None:
    expression, after = parsed(model), moment.replace(tzinfo=UTC)
    for _ in range(20):
        fire = expression.next_after(after, ZoneInfo(zone_name))
        assert fire is not None
        assert fire > after
        assert fire.tzinfo is UTC
        assert (fire.second, fire.microsecond) == (0, 0)
        after = fire


STEP_OF_ONE_VALUE = re.compile(r"\b(\d+)-\1/")
"""cronsim reads ``5-5/2`` as ``5-59/2``; in Debian a range of one value stays one value."""


@REPRODUCIBLE
@given(MODELS, INSTANTS)
def test_it_equals_cronsim_at_utc(model: Model, moment: datetime) -> None:
    assume(not STEP_OF_ONE_VALUE.search(model.text))
    expression, after = parsed(model), moment.replace(tzinfo=UTC)
    for expected in [fire for fire, _ in zip(CronSim(model.text, after), range(10), strict=False)]:
        fire = expression.next_after(after, UTC_ZONE)
        assert fire == expected
        after = expected


# Daylight saving time


CHANGES = [
    pytest.param("Europe/Berlin", "2026-03-28T12:00", id="an hour's gap"),
    pytest.param("Europe/Berlin", "2026-10-24T12:00", id="an hour's fold"),
    pytest.param("Australia/Lord_Howe", "2026-10-03T06:00", id="half an hour's gap"),
    pytest.param("Australia/Lord_Howe", "2026-04-04T06:00", id="half an hour's fold"),
    pytest.param("Antarctica/Troll", "2026-03-28T14:00", id="two hours' gap"),
    pytest.param("Antarctica/Troll", "2026-10-24T14:00", id="two hours' fold"),
    pytest.param("Africa/Cairo", "2024-04-25T12:00", id="a gap from midnight on"),
    pytest.param("America/Havana", "2026-10-31T16:00", id="a fold back to midnight"),
    pytest.param("America/Nuuk", "2024-03-30T12:00", id="a gap up to midnight"),
    pytest.param("America/Nuuk", "2024-10-26T12:00", id="a fold back from midnight"),
    pytest.param("America/St_Johns", "2011-03-12T14:00", id="a gap from 00:01 on"),
    pytest.param("America/St_Johns", "2010-11-06T14:00", id="a fold across midnight"),
    pytest.param("Pacific/Apia", "2011-12-29T22:00", id="a day left out"),
    pytest.param("Antarctica/Casey", "2020-10-03T10:00", id="three hours forward"),
    pytest.param("Antarctica/Casey", "2010-03-04T09:00", id="three hours back"),
    pytest.param("Antarctica/Vostok", "1994-01-31T10:00", id="seven hours back"),
]


def debian_fires(model: Model, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """Run the documented clocks of Debian's cron over [start, end): the one shown, and a virtual one catching up."""
    fires = []
    virtual = start.astimezone(zone).replace(tzinfo=None) - MINUTE
    for now in minutes_between(start, end):
        clock = now.astimezone(zone).replace(tzinfo=None)
        ahead = (clock - virtual) // MINUTE
        corrected = abs(ahead) > 180
        caught_up = minutes_between(virtual + MINUTE, clock + MINUTE)  # none while the clock is behind
        if any(map(model.matches, [clock] if model.follows_clock or corrected else caught_up)):
            fires.append(now)
        virtual = clock if corrected else max(virtual, clock)
    return fires


@pytest.mark.parametrize(("zone_name", "start"), CHANGES)
@settings(REPRODUCIBLE, max_examples=40)
@example(Model(*(Part("*", frozenset(range(60))),) * 5))
@given(st.builds(Model, parts(0, 59), parts(0, 23), *(st.just(Part("*", frozenset(range(32)))),) * 3) | MODELS)
def test_it_equals_debians_clocks_around_a_change(zone_name: str, start: str, model: Model) -> None:
    expression, zone = parsed(model), ZoneInfo(zone_name)
    first, end = instant(start), instant(start) + DAY
    assert first.astimezone(zone).utcoffset() != end.astimezone(zone).utcoffset()
    assert list(fires_between(expression, zone, first, end)) == debian_fires(model, zone, first, end)


WALL_FIRES = [
    pytest.param("30 2 * * *", "Europe/Berlin", "2026-03-29", ["29 03:00+0200"], id="fixed, in the gap"),
    pytest.param("*/20 2 * * *", "Europe/Berlin", "2026-03-29", [], id="of the clock, in the gap"),
    pytest.param("0,30 2,3 * * *", "Europe/Berlin", "2026-03-29", ["29 03:00+0200", "29 03:30+0200"], id="both"),
    pytest.param("30 2 * * *", "Europe/Berlin", "2026-10-25", ["25 02:30+0200"], id="fixed, in the fold"),
    pytest.param(
        "*/30 2 * * *",
        "Europe/Berlin",
        "2026-10-25",
        ["25 02:00+0200", "25 02:30+0200", "25 02:00+0100", "25 02:30+0100"],
        id="of the clock, in the fold",
    ),
    pytest.param("0 0 9 3 *", "America/New_York", "2026-03-09", ["09 00:00-0400"], id="the midnight after a gap"),
    pytest.param("0 0 1 * *", "Europe/Berlin", "2026-04-01", ["01 00:00+0200"], id="the month after a gap"),
    pytest.param("9 0 26 4 *", "Africa/Cairo", "2024-04-26", ["26 01:00+0300"], id="in the gap from midnight on"),
    pytest.param(
        "30 23 * * *", "America/Nuuk", "2024-03-30", ["31 00:00-0100"], id="right after, and so the day after"
    ),
    pytest.param("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["04 02:30+1100"], id="in half an hour's gap"),
    pytest.param("30 1 * * *", "Antarctica/Casey", "2020-10-04", [], id="three hours forward are a correction"),
    pytest.param("30 1 * * *", "Antarctica/Casey", "2010-03-05", ["05 01:30+1100"], id="three hours back are none"),
]


@pytest.mark.parametrize(("text", "zone_name", "day", "expected"), WALL_FIRES)
def test_it_follows_the_clock_or_makes_up_for_it(text: str, zone_name: str, day: str, expected: list[str]) -> None:
    assert wall_fires(text, zone_name, day) == expected


def test_the_second_within_a_minute_does_not_matter() -> None:
    expression = CronExpression.parse("30 2 * * *")
    fire = instant("2026-06-03T02:30")
    assert expression.next_after(fire - timedelta(microseconds=1), UTC_ZONE) == fire
    assert expression.next_after(fire, UTC_ZONE) == fire + DAY
    assert expression.next_after(fire + timedelta(microseconds=1), UTC_ZONE) == fire + DAY


# Rare days and far years


RARE = [
    pytest.param("0 0 29 2 *", "2096-03-01", "2104-02-29 00:00", id="2100 is no leap year"),
    pytest.param("0 0 29 2 *", "1999-01-01", "2000-02-29 00:00", id="2000 is one"),
    pytest.param("0 0 29 2 */7", "2032-03-01", "2060-02-29 00:00", id="a Sunday after 28 years"),
    pytest.param("0 0 29 2 */7", "2088-03-01", "2128-02-29 00:00", id="a Sunday after 40 years"),
    pytest.param("0 0 29 2 mon", "2088-02-29", "2089-02-07 00:00", id="the 29th, or any Monday in February"),
]


@pytest.mark.parametrize(("text", "after", "expected"), RARE)
def test_a_rare_day_is_found(text: str, after: str, expected: str) -> None:
    assert utc_fires(text, after, 1) == [expected]


def test_a_leap_day_that_is_a_sunday_is_found_through_the_whole_calendar() -> None:
    expression = CronExpression.parse("0 12 29 2 */7")
    expected = [f"{year}-02-29" for year in range(2000, 2400, 4) if is_leap_sunday(year)]
    fires = fires_between(expression, UTC_ZONE, instant("2000-01-01"), instant("2400-01-01"))
    assert [f"{fire:%Y-%m-%d}" for fire in fires] == expected


def is_leap_sunday(year: int) -> bool:
    return (year % 100 != 0 or year % 400 == 0) and datetime(year, 2, 29, tzinfo=UTC).isoweekday() == 7


def test_the_calendar_ends_without_an_error() -> None:
    for text in ("* * * * *", "0 0 1 1 *", "0 0 29 2 *"):
        for zone_name in ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"):
            assert CronExpression.parse(text).next_after(instant("9999-12-31T23:59"), ZoneInfo(zone_name)) is None


# The value


def test_expressions_are_equal_when_their_texts_are() -> None:
    assert CronExpression.parse("0 0 * * *") == CronExpression.parse("0 0 * * *")
    assert (
        len({CronExpression.parse("0 0 * * *"), CronExpression.parse("0 0 * * *"), CronExpression.parse("@daily")}) == 2
    )
    assert repr(CronExpression.parse("@daily")) == "CronExpression(text='@daily')"


def test_expressions_and_errors_survive_pickling() -> None:
    expression = CronExpression.parse("30 2 * * mon")
    copy = pickle.loads(pickle.dumps(expression))
    assert copy.next_after(instant("2026-06-03"), UTC_ZONE) == instant("2026-06-08T02:30")
    assert pickle.loads(pickle.dumps(CronError("no", 7))).offset == 7
