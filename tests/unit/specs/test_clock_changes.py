"""Each change of each zone's clock within 31 years: against looking at each minute around it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from schedsync.specs.cron.expression import CronExpression
from tests.unit.specs.clocks import DAY, HOUR, MINUTE, ZONES, Change, Meaning, changes, fires_among, shown

FIRST_YEAR, LAST_YEAR = 1996, 2026
BEFORE, SINCE = 3 * HOUR + 30 * MINUTE, 26 * HOUR
"""What is looked at: more than the largest change that is made up for, and what comes a day later."""
EVERY_HOUR = frozenset(range(24))


def meaning(text: str, minutes: set[int], hours: frozenset[int], *, first_of_month: bool = False) -> Meaning:
    return Meaning(
        text,
        frozenset(minutes),
        hours,
        is_day=lambda day: day.day == 1 or not first_of_month,
        follows_clock=any(part.startswith("*") for part in text.split()[:2]),
    )


MEANINGS = [
    meaning("0 0 * * *", {0}, frozenset({0})),
    meaning("30 2 * * *", {30}, frozenset({2})),
    meaning("45 23 * * *", {45}, frozenset({23})),
    meaning("15 * * * *", {15}, EVERY_HOUR),
    meaning("*/30 * * * *", {0, 30}, EVERY_HOUR),
    meaning("0 */2 * * *", {0}, frozenset(range(0, 24, 2))),
    meaning("30 1-3 * * *", {30}, frozenset({1, 2, 3})),
    meaning("1,59 22-2 * * *", {1, 59}, frozenset({22, 23, 0, 1, 2})),
    meaning("7 0-23 * * *", {7}, EVERY_HOUR),
    meaning("0 0 1 * *", {0}, frozenset({0}), first_of_month=True),
]
YEARS = [range(first, min(first + 4, LAST_YEAR + 1)) for first in range(FIRST_YEAR, LAST_YEAR + 1, 4)]
AT_LEAST = {"changes": 12_000, "different ones": 2_700}
"""Of all years: as many as the tz database had in 2025, less what another version of it may say."""


def found_in(years: range) -> Iterator[tuple[str, Change]]:
    """Yield the changes of all zones."""
    for zone in ZONES:
        yield from ((zone, change) for change in changes(zone, years[0], years[-1]))


def different(found: Iterator[tuple[str, Change]]) -> dict[tuple[datetime, timedelta, timedelta], tuple[str, Change]]:
    """Return one zone for each change: those with the same offsets at the same time by their clocks are one."""
    return {(change.wall, change.before, change.since): (zone, change) for zone, change in found}


@pytest.mark.parametrize("years", YEARS, ids=lambda years: f"{years[0]}-{years[-1]}")
def test_everything_fires_as_looking_at_each_minute_around_a_change_says(years: range) -> None:
    expressions = [CronExpression.parse(each.text) for each in MEANINGS]
    for zone_name, change in different(found_in(years)).values():
        zone, start, end = ZoneInfo(zone_name), change.instant - BEFORE, change.instant + SINCE
        moments = list(shown(zone, start, end))
        for expression, each in zip(expressions, MEANINGS, strict=True):
            found = list(fires_between(expression, zone, start, end))
            assert found == fires_among(each, moments), f"{each.text} in {zone_name}"
            assert expression.between(start, end, zone) == [int(fire.timestamp()) for fire in found]


def fires_between(expression: CronExpression, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    fire = expression.next_after(start - MINUTE, zone)
    while fire is not None and fire < end:
        yield fire
        fire = expression.next_after(fire, zone)


def test_the_changes_of_all_zones_are_many_and_of_many_kinds() -> None:
    found = [each for years in YEARS for each in found_in(years)]
    assert len(found) >= AT_LEAST["changes"]
    assert len(different(iter(found))) >= AT_LEAST["different ones"]
    by = {change.since - change.before for _, change in found}
    assert {size * HOUR for size in (-1, 1, -0.5, 0.5, -2, 2, -3, 3, 24)} <= by
    assert any(change.wall.time() == datetime.min.time() for _, change in found)


def test_no_clock_is_changed_twice_within_days() -> None:
    """Which the search for changes, and a day's stretches, rely on."""
    for zone in ZONES:
        instants = [change.instant for years in YEARS for change in changes(zone, years[0], years[-1])]
        assert all(later - earlier > 5 * DAY for earlier, later in pairwise(instants)), zone
