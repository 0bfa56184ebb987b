"""Times of the day at which clocks are changed: skipped once a year, or there twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from schedsync.clock import MICROSECOND
from schedsync.lint.expression import HOUR, Written
from schedsync.lint.finding import Finding, Looked, Rule
from schedsync.specs.cron.local_day import SECOND, stretches
from schedsync.specs.trigger import Trigger
from schedsync.specs.triggers import AtTrigger, CalendarTrigger, CronTrigger
from schedsync.specs.zones import resolve_local

AHEAD = 2
"""Years that are looked at."""
_DAY = timedelta(days=1)
_MIDNIGHT = "24:00"
"""That of the next day."""
_LARGEST = timedelta(hours=3)
"""What is more is a correction of the calendar, for which nobody writes a schedule."""


@dataclass(frozen=True, slots=True)
class Change:
    """A span of local time that is skipped or comes twice."""

    zone: ZoneInfo
    begin: datetime
    """By the clock, without an offset; inside."""
    end: datetime
    """Likewise; outside."""
    skipped: bool

    @property
    def instant(self) -> datetime:
        """When the clock is changed (UTC)."""
        return resolve_local(self.begin, self.zone) if self.skipped else self.second_pass(self.begin)

    def second_pass(self, wall: datetime) -> datetime:
        """Return when clocks show *wall* for the second time (UTC)."""
        return wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)

    def __str__(self) -> str:
        begin, end = (self.begin, self.end) if self.skipped else (self.end, self.begin)
        how = f"{'forward' if self.skipped else 'back'} from {begin:%H:%M} to {end:%H:%M}"
        return f"on {self.begin.date()} in {self.zone.key}, where clocks are put {how}"


def clock_change(looked: Looked) -> Iterator[Finding]:
    """Find a trigger of times of the day that one of the coming changes concerns: the first of either kind."""
    trigger = looked.trigger
    if not isinstance(trigger, CronTrigger | CalendarTrigger) or _goes_through_all_hours(looked):
        return
    if looked.is_counted_from_now:
        return  # which days it meets is known when the job has appeared
    on_paper = _on_paper(trigger)
    told: dict[bool, tuple[Change, datetime]] = {}
    for change in _changes(trigger.zone, looked.now.date()):
        wall = on_paper.nominal_after(
            change.begin.replace(tzinfo=UTC) - MICROSECOND, job_id=looked.spec.id, anchor=looked.now
        )
        if wall is not None and (at := wall.replace(tzinfo=None)) < change.end:
            told.setdefault(change.skipped, (change, at))
    if told:
        said = [_says(looked, change, at) for change, at in told.values()]
        outside = _outside([change for change, _ in told.values()])
        field = "cron" if isinstance(trigger, CronTrigger) else "calendar"
        message = f"{'; '.join(said)}; write a time {outside}, or a zone whose clocks are not changed, such as UTC"
        offset = 0
        if isinstance(trigger, CronTrigger):
            offset = Written.read(trigger.cron, job_id=looked.spec.id).words[HOUR].offset
        yield looked.finding(Rule.CLOCK_CHANGE, field, message, offset=offset)


def clock_change_at(looked: Looked, trigger: AtTrigger) -> Iterator[Finding]:
    """Find ``at`` without an offset that is skipped or comes twice."""
    wall = trigger.at
    if wall.tzinfo is not None or trigger.instant <= looked.now:
        return
    for change in _changes_on(wall.date(), trigger.zone):
        if change.begin <= wall < change.end:
            offsets = " or ".join(
                f'"{wall.isoformat()}{wall.replace(tzinfo=trigger.zone, fold=fold):%z}"' for fold in (0, 1)
            )
            write = "write a time that there is" if change.skipped else f"write which one is meant: {offsets}"
            yield looked.finding(Rule.CLOCK_CHANGE, "at", f"{_says(looked, change, wall)}; {write}")


def _says(looked: Looked, change: Change, wall: datetime) -> str:
    """Return what becomes of *wall*, asked of the trigger itself."""
    what = f"{wall:%H:%M} {'is skipped' if change.skipped else 'comes twice'} {change}"
    first = change.instant if change.skipped else resolve_local(wall, change.zone)
    fires = [first] if looked.next_after(first - MICROSECOND) == first else []
    if not change.skipped and looked.next_after(change.second_pass(wall) - MICROSECOND) == change.second_pass(wall):
        fires.append(change.second_pass(wall))
    if not fires:
        return f"{what}: it does not fire then"
    times = " and ".join(f"{at.astimezone(change.zone):%H:%M %z}" for at in fires)
    return f"{what}: it fires at {times}"


def _outside(changes: list[Change]) -> str:
    """Return which times of the day none of *changes* concerns."""
    spans: list[tuple[str, str]] = []
    for span in sorted((f"{change.begin:%H:%M}", _end(change)) for change in changes):
        if spans and span[0] <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], span[1])
        else:
            spans.append(span)
    return ", and ".join(_beside(begin, end) for begin, end in spans)


def _end(change: Change) -> str:
    return f"{change.end:%H:%M}" if change.end.date() == change.begin.date() else _MIDNIGHT


def _beside(begin: str, end: str) -> str:
    sides = [f"before {begin}"] if begin > "00:00" else []
    return " or ".join([*sides, f"from {end} on"] if end < _MIDNIGHT else sides)


def _goes_through_all_hours(looked: Looked) -> bool:
    """Whether it fires in each hour, so that nobody misses one, or minds one more."""
    trigger = looked.trigger
    return isinstance(trigger, CronTrigger) and len(trigger.expression(looked.spec.id).fields.hours) == 24


def _on_paper(trigger: Trigger) -> Trigger:
    """Return *trigger* in UTC, where no time is skipped: its slots are the times of the day that it means."""
    fields = {name: getattr(trigger, name) for name in type(trigger).model_fields}
    return type(trigger).model_construct(**fields | {"timezone": "UTC"})


@lru_cache(maxsize=64)
def _changes(zone: ZoneInfo, since: date) -> tuple[Change, ...]:
    days = (since + number * _DAY for number in range(AHEAD * 366))
    return tuple(change for day in days for change in _changes_on(day, zone))


def _changes_on(day: date, zone: ZoneInfo) -> Iterator[Change]:
    """Yield what is skipped or comes twice on *day*."""
    before, *after = stretches(day, zone)
    for second in after:
        low, high = sorted((before.end, second.start))
        if low < high and (high - low) * SECOND <= _LARGEST:
            midnight = datetime.combine(day, time())
            yield Change(zone, midnight + low * SECOND, midnight + high * SECOND, skipped=before.end == low)
