"""What the clock costs: ``make clock`` prints how long it takes to find the next fire, and to refuse what never fires.

Seconds are those of the processor, and of several repeats the best counts: what else the machine does only makes them
longer.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from schedsync.specs.cron.expression import CronExpression
from tests.builders import spec

FIRES = 100_000
ORDINARY = (
    "*/5 * * * *",
    "30 2 * * *",
    "30 2 * * mon-fri",
    "0 */2 * * *",
    "15 9-17 * * *",
    "0 0 1 * *",
    "0 6 1,15 * fri",
    "45 23 * * sun",
    "17 4 1-7 * *",
    "0 12 * jan-jun *",
)
DENSE = "*/5 * * * *"
RARE = (
    "0 0 29 2 *",
    "0 0 29 2 */7",
    "0 0 L * *",
    "0 0 L-2 * *",
    "0 0 LW * *",
    "0 0 L 2 *",
    "0 0 15W * *",
    "0 0 * * friL",
)
NEVER = (
    {"cron": "0 0 30 2 *"},
    {"cron": "* * 31 2,4,6,9,11 */2"},
    {"cron": "0 0 L-29 2 *"},
    {"cron": "0 0 */31 * tue#5"},
    {"cron": "H H 31 H *"},
    {"cron": "0 0 29 2 *", "start": "2026-01-01", "end": "2027-12-31"},
    {"cron": "0 0 29 2 */7", "timezone": "Europe/Berlin", "start": "2033-01-01", "end": "2059-12-31"},
    {"calendar": {"months": 12, "day": 30}, "start": "2026-02-01"},
    {"calendar": {"months": 1200, "day": 31}, "start": "2026-04-01"},
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_REPEATS = 5


@dataclass(frozen=True)
class Figures:
    """Seconds of the processor, as measured."""

    ordinary: float
    """For one next fire."""
    following: float
    """For one fire of DENSE, when those of a day are asked for one after another."""
    at_once: float
    """The same, when they are asked for at once."""
    rare: dict[str, float]
    """For one next fire, by expression."""
    never: dict[str, float]
    """Until a job is refused, by its schedule."""

    def table(self) -> str:
        """Return a line for each."""
        lines = [f"{'an ordinary expression':<56}{self.ordinary * 1e6:8.1f} us for the next fire"]
        lines.append(f"{'a day of ' + DENSE + ', one fire after another':<56}{self.following * 1e6:8.1f} us for each")
        lines.append(f"{'a day of ' + DENSE + ', at once':<56}{self.at_once * 1e6:8.1f} us for each")
        lines += [f"{text:<56}{took * 1e6:8.1f} us" for text, took in self.rare.items()]
        lines += [f"{text[:54]:<56}{took * 1e3:8.2f} ms until it is refused" for text, took in self.never.items()]
        return "\n".join(lines)


def measure(fires: int = FIRES) -> Figures:
    """Return how long things take, with *fires* next fires of ordinary expressions."""
    return Figures(
        ordinary=best(lambda: _follow(ORDINARY, fires), fires),
        following=best(lambda: _follow((DENSE,), fires // 10), fires // 10),
        at_once=best(lambda: _days_of(DENSE, fires // 10), fires // 10),
        rare={text: best(partial(_follow, (text,), fires // 50), fires // 50) for text in RARE},
        never={str(schedule): best(partial(refuse, schedule), 1) for schedule in NEVER},
    )


def best(call: Callable[[], object], count: int) -> float:
    """Return the seconds that one of *count* things takes that *call* does, in the best of its repeats."""
    took = []
    for _ in range(_REPEATS):
        began = time.process_time()
        call()
        took.append(time.process_time() - began)
    return min(took) / count


def _follow(texts: tuple[str, ...], fires: int) -> None:
    """Find *fires* next fires from 2026 on, as many of each expression in each zone, one after another."""
    each = fires // len(texts) // len(ZONES)
    for text in texts:
        expression = CronExpression.parse(text)
        for name in ZONES:
            zone, after = ZoneInfo(name), _BEGIN
            for _ in range(each):
                fire = expression.next_after(after, zone)
                assert fire is not None
                # Rare days would leave the calendar behind.
                after = fire if fire.year < 2100 else _BEGIN


def _days_of(text: str, fires: int) -> None:
    """Find *fires* fires from 2026 on, as many in each zone, those of a day at once."""
    expression, each = CronExpression.parse(text), fires // len(ZONES)
    for name in ZONES:
        zone, day, found = ZoneInfo(name), _BEGIN, 0
        while found < each:
            found += len(expression.between(day, day + _DAY, zone))
            day += _DAY


def refuse(schedule: object) -> None:
    """See that a job which would never fire is refused.

    Raises:
        AssertionError: it is not.
    """
    try:
        spec(schedule=schedule)
    except ValidationError as refusal:
        if "never fire" in str(refusal):
            return
    raise AssertionError(schedule)


def main() -> int:
    """Measure, and print the table."""
    print(measure().table())  # noqa: T201 - the table is what this is for
    return 0


if __name__ == "__main__":
    sys.exit(main())
