"""What the library cronsim fires, and why that may be another time than ours: each reason is told from the case.

docs/reference/schedules.md, "Compared with cronsim", has a line for each of them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from schedsync.specs.cron.errors import CronError
from schedsync.specs.cron.expression import CronExpression
from tests.unit.specs.clocks import DAY, LARGEST, NOTHING, Change, changes

NEVER = "never"
FIRST_YEAR, LAST_YEAR = 1990, 2041
_MOST_TICKS = 20_000
_STEP_OF_ONE = re.compile(r"(?<![^ ,])(\d+)-\1(?=/)")
_LAST_VALUES = (59, 23, 31, 12, 7)


class _EndlessError(Exception):
    pass


class _Bounded(CronSim):
    """Ends, where cronsim does not."""

    ticks = 0

    def tick(self, seconds: int = 1) -> None:
        self.ticks += 1
        if self.ticks > _MOST_TICKS:
            raise _EndlessError
        super().tick(seconds)


@dataclass(frozen=True)
class Case:
    """An expression of five fields, a zone, and an instant in UTC after which it fires."""

    text: str
    zone_name: str
    after: datetime

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)

    @cached_property
    def ours(self) -> datetime | str:
        return self.ours_after(self.after)

    def ours_after(self, after: datetime) -> datetime | str:
        try:
            return CronExpression.parse(self.text).next_after(after, self.zone) or NEVER
        except CronError:
            return NEVER

    @cached_property
    def theirs(self) -> datetime | str:
        try:
            fire: datetime = next(_Bounded(self.text, self.after.astimezone(self.zone)))
        except (CronSimError, StopIteration, _EndlessError):
            return NEVER
        return fire.astimezone(UTC)

    @property
    def follows_clock(self) -> bool:
        minute, hour, *_ = self.text.split()
        return minute.startswith("*") or hour.startswith("*")

    def changes_between(self, start: datetime, end: datetime) -> list[Change]:
        return [change for change in changes(self.zone_name, FIRST_YEAR, LAST_YEAR) if start < change.instant <= end]


def _steps_over_one_value(case: Case) -> bool:
    """``5-5/10``: cronsim reads it as ``5-59/10``, and so fires at what that means here."""
    fields = zip(case.text.split(), _LAST_VALUES, strict=True)
    meant = " ".join(_STEP_OF_ONE.sub(rf"\1-{last}", field) for field, last in fields)
    if meant == case.text:
        return False
    other = replace(case, text=meant)
    return other.ours == case.theirs or reason(other) is not None


def _makes_up_for_a_correction(case: Case) -> bool:
    """A fixed time within three hours or more that were left out: cronsim fires right after them."""
    return not case.follows_clock and any(
        change.instant == case.theirs and change.since - change.before >= LARGEST
        for change in case.changes_between(case.after, case.after + 400 * DAY)
    )


def _leaves_out_what_a_correction_repeats(case: Case) -> bool:
    """A fixed time within more than three hours that come twice: cronsim fires in the first pass only."""
    if case.follows_clock or isinstance(case.ours, str):
        return False
    found = case.changes_between(case.ours - DAY, case.ours)
    back = max((change.before - change.since for change in found), default=NOTHING)
    return back > LARGEST and case.ours < found[-1].instant + back


def _begins_again_with_what_is_repeated(case: Case) -> bool:
    """A fixed time, asked for within the second pass: cronsim believes that it is in the first one."""
    found = case.changes_between(case.after - DAY, case.after)
    back = max((change.before - change.since for change in found), default=NOTHING)
    within = back > NOTHING and case.after < found[-1].instant + back
    return within and not case.follows_clock and case.ours_after(case.after - back) == case.theirs


def _walks_over_a_change(case: Case) -> bool:
    """What follows the clock: cronsim goes by whole hours, past one left in part, or to a midnight that is none."""
    if not case.follows_clock or isinstance(case.ours, str):
        return False
    end = case.ours if isinstance(case.theirs, str) else max(case.ours, case.theirs)
    changed = case.changes_between(case.after - DAY, end + timedelta(seconds=1))
    return any(_moves_what_is_walked_to(change) for change in changed)


def _moves_what_is_walked_to(change: Change) -> bool:
    """Whether midnight is skipped or comes twice, or only a part of an hour."""
    size = change.since - change.before
    begin, end = sorted([change.wall, change.wall + size])
    midnight = begin.replace(hour=0, minute=0) + (DAY if begin.time() > datetime.min.time() else NOTHING)
    return bool(begin.minute or end.minute) or begin <= midnight <= end


REASONS: dict[str, Callable[[Case], bool]] = {
    "a step over one value": _steps_over_one_value,
    "a correction forward": _makes_up_for_a_correction,
    "a correction back": _leaves_out_what_a_correction_repeats,
    "within the second pass": _begins_again_with_what_is_repeated,
    "a midnight or a part of an hour": _walks_over_a_change,
}


def reason(case: Case) -> str | None:
    """Return why cronsim fires at another time than we do; None where nothing explains it."""
    return next((name for name, explains in REASONS.items() if explains(case)), None)
