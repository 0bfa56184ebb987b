"""When windows cover an instant, end and open: also where occurrences overlap, and where clocks are changed."""

from datetime import UTC, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedsync.specs.cron.expression import CronExpression
from schedsync.specs.windows import Chosen, Fixed, Recurring
from tests.builders import HOUR, NOW

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
BERLIN = ZoneInfo("Europe/Berlin")


def recurring(cron: str, duration: timedelta, zone: str = "UTC") -> Recurring:
    return Recurring(CronExpression.parse(cron), duration, ZoneInfo(zone))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_fixed_window_has_its_first_instant_and_not_its_last() -> None:
    window = Fixed(NOW, NOW + HOUR)
    ends = [NOW - MICROSECOND, NOW, NOW + HOUR - MICROSECOND, NOW + HOUR]
    assert [window.covers(instant) for instant in ends] == [False, True, True, False]
    assert window.ends_after(NOW) == NOW + HOUR
    assert [window.opens_after(instant) for instant in (NOW - MICROSECOND, NOW)] == [NOW, None]


def test_a_recurring_window_has_the_first_instant_of_each_occurrence_and_not_its_last() -> None:
    window = recurring("0 22 * * *", 8 * HOUR)
    at = utc("2026-11-24T22:00")
    edges = [at - MICROSECOND, at, at + 8 * HOUR - MICROSECOND, at + 8 * HOUR, at + 24 * HOUR]
    assert [window.covers(instant) for instant in edges] == [False, True, True, False, True]
    assert window.ends_after(at + HOUR) == at + 8 * HOUR
    assert window.opens_after(at - HOUR) == at


def test_an_instant_is_judged_alike_whatever_was_asked_before() -> None:
    window = recurring("0 22 * * *", 8 * HOUR)
    at = utc("2026-11-24T22:00")
    asked = [at + 9 * HOUR, at + 7 * HOUR, at - 15 * HOUR, at + 31 * HOUR, at + 8 * HOUR, at, at - MINUTE]
    assert [window.covers(instant) for instant in asked] == [False, True, False, True, False, True, False]


@settings(deadline=None, derandomize=True)
@given(
    st.sampled_from(["*/7 * * * *", "0,30 1-3 * * *", "30 2 * * *", "0 0 * * mon", "15 */5 * * *"]),
    st.sampled_from([MINUTE, 7 * MINUTE, 45 * MINUTE, 5 * HOUR, 30 * HOUR]),
    st.lists(st.integers(0, 20 * 24 * 60), min_size=1, max_size=8),
)
def test_an_instant_is_covered_just_when_a_fire_is_not_longer_ago_than_the_duration(
    cron: str, duration: timedelta, minutes: list[int]
) -> None:
    window, start = recurring(cron, duration, "Europe/Berlin"), utc("2027-03-20T00:00")
    for minute in minutes:
        instant = start + minute * MINUTE
        fires, fire = [], window.cron.next_after(start - 2 * duration - 8 * 24 * HOUR, BERLIN)
        while fire is not None and fire <= instant:
            fires.append(fire)
            fire = window.cron.next_after(fire, BERLIN)
        covered = any(each <= instant < each + duration for each in fires)
        assert window.covers(instant) is covered
        if covered and (end := window.ends_after(instant)) is not None:
            assert instant < end
            assert window.covers(end - MICROSECOND)
            assert not window.covers(end)


def test_occurrences_that_overlap_or_touch_are_one() -> None:
    touching, overlapping = recurring("0 0,1,2 * * *", HOUR), recurring("0 0,1,2 * * *", 90 * MINUTE)
    midnight = utc("2026-11-24T00:00")
    assert touching.ends_after(midnight) == midnight + 3 * HOUR
    assert overlapping.ends_after(midnight + 70 * MINUTE) == midnight + 3 * HOUR + 30 * MINUTE
    assert all(overlapping.covers(midnight + n * MINUTE) for n in range(210))
    assert not overlapping.covers(midnight + 210 * MINUTE)


def test_a_window_that_never_closes_has_no_end_in_sight() -> None:
    window = recurring("0 * * * *", 2 * HOUR)
    assert window.covers(NOW)
    assert window.ends_after(NOW) is None


@pytest.mark.parametrize(
    ("cron", "begins", "ends"),
    [
        # On 28 March 2027 clocks go from 02:00 to 03:00 (01:00Z); on 31 October from 03:00 to 02:00 (01:00Z).
        pytest.param("30 1 * * *", "2027-03-28T00:30", "2027-03-28T03:30", id="across a gap"),
        pytest.param("30 2 * * *", "2027-03-28T01:00", "2027-03-28T04:00", id="from within a gap, right after it"),
        pytest.param("30 1 * * *", "2027-10-30T23:30", "2027-10-31T02:30", id="across a fold"),
        pytest.param("30 2 * * *", "2027-10-31T00:30", "2027-10-31T03:30", id="from within a fold, once"),
    ],
)
def test_an_occurrence_lasts_as_long_whatever_clocks_do_meanwhile(cron: str, begins: str, ends: str) -> None:
    window = recurring(cron, 3 * HOUR, "Europe/Berlin")
    start, end = utc(begins), utc(ends)
    assert window.opens_after(start - 2 * HOUR) == start
    assert [window.covers(at) for at in (start - MICROSECOND, start, end - MICROSECOND, end)] == [
        False,
        True,
        True,
        False,
    ]
    assert window.ends_after(start) == end


def test_the_end_of_the_calendar_is_no_trap() -> None:
    window = recurring("0 0 1 1 *", timedelta(days=3_660))
    last = utc("9998-12-31T00:00")
    assert window.covers(last)
    assert not recurring("0 0 1 1 *", HOUR).covers(last)
    assert recurring("0 0 31 12 *", HOUR).opens_after(utc("9999-12-31T00:00")) is None


class Counting:
    """A cron expression that counts how often it is asked."""

    def __init__(self, text: str) -> None:
        self._expression, self.asked = CronExpression.parse(text), 0

    def next_after(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        self.asked += 1
        return self._expression.next_after(after, zone)


@pytest.mark.parametrize("hour", [3, 23])
def test_a_burst_of_slots_computes_the_expression_once(hour: int) -> None:
    """Two hundred jobs that fall due within a few seconds, inside the window or outside."""
    cron = Counting("0 22 * * *")
    window = Recurring(cast("CronExpression", cron), 2 * HOUR, ZoneInfo("UTC"))
    slots = [NOW.replace(hour=hour) + timedelta(milliseconds=20 * n) for n in range(200)]
    assert {window.covers(slot) for slot in slots} == {hour == 23}
    assert cron.asked <= 2


@pytest.mark.parametrize(
    ("patterns", "tags", "has"),
    [
        ((), (), True),
        (("erp.*",), (), True),
        (("ERP.*",), (), False),
        (("crm.*", "erp.close"), (), True),
        (("erp",), (), False),
        ((), ("books",), True),
        ((), ("other",), False),
        ((), ("other", "daily"), True),
        (("erp.*",), ("other",), False),
        (("crm.*",), ("books",), False),
        (("erp.?lose",), ("books",), True),
    ],
)
def test_jobs_are_chosen_by_patterns_and_by_tags(patterns: tuple[str, ...], tags: tuple[str, ...], has: bool) -> None:
    assert Chosen(patterns, tags).has("erp.close", ("books", "daily")) is has
