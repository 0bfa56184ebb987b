"""Steps that do not divide what they go through: the last distance is another one."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from schedsync.lint.expression import DAY, HOUR, MINUTE, MONTH, SECOND, WEEKDAY, Written
from schedsync.lint.finding import Finding, Looked, Rule


@dataclass(frozen=True, slots=True)
class _Unit:
    """What a field counts."""

    name: str
    low: int
    size: int
    instead: str
    """What goes on at one distance, with the step in braces; the distance is even there."""


_UNITS = {
    SECOND: _Unit("second", 0, 60, "every: {}s"),
    MINUTE: _Unit("minute", 0, 60, "every: {}m"),
    HOUR: _Unit("hour", 0, 24, "every: {}h"),
    DAY: _Unit("day", 1, 31, "calendar: {{days: {}}}"),
    MONTH: _Unit("month", 1, 12, "calendar: {{months: {}, day: 1}} with a start"),
    WEEKDAY: _Unit("day", 0, 7, "calendar: {{days: {}}}"),
}


def uneven_step(looked: Looked, cron: Written) -> Iterator[Finding]:
    """Find ``*/7`` and ``H/7``."""
    for field, word in enumerate(cron.words):
        for item in word.items:
            span, _, step = item.text.partition("/")
            if span.upper() not in {"*", "H"} or not step.isdigit():
                continue
            unit, by = _UNITS[field], int(step)
            # A month has 28 to 31 days, so that no step divides it.
            if by > 1 and (unit.size % by or field == DAY):
                yield looked.finding(
                    Rule.UNEVEN_STEP,
                    "cron",
                    f'"{item.text}" {_says(unit, by, field, span)}; write {_instead(unit, by, field, span)}',
                    found=item.text,
                    offset=item.offset,
                )


def _says(unit: _Unit, by: int, field: int, span: str) -> str:
    if by >= unit.size:
        return f"leaves one {unit.name} alone, since there are only {unit.size} of them"
    if span != "*":  # each job begins with another value
        begins = "with each month" if field == DAY else f"with its first {unit.name}"
        return f"begins again {begins}, and the distance until then is another one"
    if field == DAY:
        last = unit.low + (unit.size - 1) // by * by
        return f"begins again with each month: after day {last} comes day 1, whatever the distance"
    values = list(range(unit.low, unit.low + unit.size, by))
    rest = unit.size - (values[-1] - unit.low)
    shown = ", ".join(map(str, values if len(values) < 5 else [*values[:2], "...", values[-1]]))
    return f"is {shown}, and then only {_counted(rest, unit.name)} until it begins again"


def _instead(unit: _Unit, by: int, field: int, span: str) -> str:
    near = [] if field in {DAY, WEEKDAY} else _divisors_beside(unit.size, by)
    steps = " or ".join(f'"{span}/{divisor}"' for divisor in near)
    even = f"{unit.instead.format(by)} for one distance throughout"
    return f"{steps}, which divide evenly, or {even}" if steps else even


def _divisors_beside(size: int, by: int) -> list[int]:
    divisors = [number for number in range(2, size // 2 + 1) if size % number == 0]
    beside = [pair for pair in pairwise(divisors) if pair[0] < by < pair[1]]
    return list(beside[0]) if beside else []


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
