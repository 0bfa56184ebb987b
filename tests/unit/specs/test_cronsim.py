"""The language of five fields against the library cronsim: 100,000 cases, and a reason for each that differs."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.unit.specs.clocks import DAY, HOUR, SECOND, ZONES, Meaning, changes, next_looked_at
from tests.unit.specs.cronsim import FIRST_YEAR, LAST_YEAR, REASONS, Case, reason
from tests.unit.specs.meanings import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    HOURS,
    MINUTES,
    MONTH,
    Kind,
    Numbers,
    OnDays,
    either_or_both,
    walk,
)

CASES, PARTS = 100_000, 10
STARS = {MINUTES: 0.15, HOURS: 0.2, DAY_OF_MONTH: 0.6, MONTH: 0.7, DAY_OF_WEEK: 0.6}
"""How many fields of a kind are just ``*``: few times that fire on few days would make all cases alike."""
BEGIN, END = datetime(1991, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)


def items(random: Random, kind: Kind) -> Iterator[Numbers]:
    """Yield numbers, names, ranges and stepped ranges, of which none goes on from the beginning."""
    while True:
        first, last = sorted(random.choices(range(kind.low, kind.high + 1), k=2))
        step = random.choice([None, None, None, random.randint(1, kind.high + 3)])
        if random.random() < 0.5:
            index = first - kind.low
            named = index < len(kind.names) and random.random() < 0.4
            yield Numbers(kind.names[index] if named else f"{first}", frozenset({first}))
        else:
            text = f"{first}-{last}" + (f"/{step}" if step else "")
            yield Numbers(text, walk(kind, first, last, step or 1))


def field(random: Random, kind: Kind) -> Numbers:
    chance = random.random()
    if chance < STARS[kind]:
        return Numbers("*", frozenset(range(kind.low, kind.high + 1)))
    if chance < STARS[kind] + 0.12:
        step = random.randint(1, kind.high + 3)
        return Numbers(f"*/{step}", frozenset(range(kind.low, kind.high + 1, step)))
    some = [item for item, _ in zip(items(random, kind), range(random.choice([1, 1, 2, 3])), strict=False)]
    return Numbers(",".join(item.text for item in some), frozenset().union(*(item.values for item in some)))


def expression(random: Random) -> Meaning:
    minute, hour, of_month, month, of_week = fields = [field(random, kind) for kind in STARS]
    weekdays = {day % 7 for day in of_week.values}
    on_days = either_or_both(
        OnDays(of_month.text, lambda day: day.day in of_month.values),
        OnDays(of_week.text, lambda day: day.isoweekday() % 7 in weekdays),
    )
    return Meaning(
        " ".join(part.text for part in fields),
        minute.values,
        hour.values,
        is_day=lambda day: day.month in month.values and on_days(day),
        follows_clock=minute.text.startswith("*") or hour.text.startswith("*"),
    )


def instant(random: Random, zone_name: str) -> datetime:
    """Return a whole second, more often than not around a change of the zone's clock."""
    changed = [change.instant for change in changes(zone_name, FIRST_YEAR, LAST_YEAR) if change.instant < END]
    if changed and random.random() < 0.6:
        return random.choice(changed) - random.randint(-6 * HOUR // SECOND, 36 * HOUR // SECOND) * SECOND
    return BEGIN + random.randint(0, (END - BEGIN) // SECOND) * SECOND


@pytest.mark.parametrize("part", range(PARTS))
def test_each_difference_to_cronsim_has_a_reason(part: int) -> None:
    """And what we fire is what looking at each minute finds."""
    random, reasons = Random(part), Counter[str]()
    for _ in range(CASES // PARTS):
        meaning, zone_name = expression(random), random.choice(ZONES)
        case = Case(meaning.text, zone_name, instant(random, zone_name))
        if case.ours == case.theirs:
            continue
        why = reason(case)
        assert why is not None, f"{case}: ours is {case.ours}, cronsim's {case.theirs}"
        assert case.ours == next_looked_at(meaning, case.zone, case.after, until=case.after + 41 * 366 * DAY), case
        reasons[why] += 1
    assert sum(reasons.values()) < CASES / PARTS / 100
    assert {"a step over one value", "a midnight or a part of an hour"} <= set(reasons) <= set(REASONS)


def test_what_nothing_explains_has_no_reason() -> None:
    case = Case("30 2 * * *", "Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert isinstance(case.ours, datetime)
    case.__dict__["theirs"] = case.ours + timedelta(hours=1)
    assert reason(case) is None
