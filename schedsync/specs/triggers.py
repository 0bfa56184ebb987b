"""The kinds of trigger: ``cron``, ``@reboot``, ``every``, ``at`` and ``calendar``.

Slots of ``@reboot`` follow from the instant of a boot, which is the service's to know.
"""

from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from schedsync.clock import MICROSECOND
from schedsync.specs.allowed_days import KINDS
from schedsync.specs.base import FieldValueError
from schedsync.specs.cron.expression import CronExpression
from schedsync.specs.cron.fields import REBOOT, is_reboot, spreads
from schedsync.specs.durations import PositiveDuration, format_duration
from schedsync.specs.moments import LAST_YEAR, Moment
from schedsync.specs.recurrence import Recurrence
from schedsync.specs.trigger import Trigger
from schedsync.specs.wording import quoted
from schedsync.specs.zones import resolve_local

_MOST_MOVED = 100
"""All slots of the days that are moved to one are looked at for each of them."""
_MOST_DELAYED = 200
"""Whoever asks for the next slot looks at all that jitter may have moved past it."""
_SECOND = 1_000_000
"""In microseconds."""
_ADVISED = tuple(timedelta(minutes=n) for n in (720, 360, 180, 120, 60, 30, 15, 10, 5, 2, 1))
"""Lengths of jitter to write instead, the longest first; no expression has too many slots in the last one."""


@lru_cache(maxsize=1024)
def _expression(text: str, job_id: str) -> CronExpression:
    return CronExpression.parse(text, job_id=job_id)


def _check_cron(text: str) -> str:
    _ = _expression(text, "")
    return text


class CronTrigger(Trigger):
    """Fires when a cron expression matches, by Debian cron's rules."""

    key = "cron"
    _comes_again: ClassVar[int] = KINDS

    cron: Annotated[str, AfterValidator(_check_cron)] = Field(
        json_schema_extra={"not": {"const": REBOOT}},
        description='Five fields, "minute hour day-of-month month day-of-week", six with seconds before them, or @daily'
        " and the like.",
    )

    @field_validator("cron")
    @classmethod
    def _has_times_to_keep(cls, text: str, info: ValidationInfo) -> str:
        if info.data.get("shift") is None:
            return text
        fields = _expression(text, "").fields
        if fields.follows_clock:
            raise ValueError(
                f"shift moves fixed times to another day, and {quoted(text)} goes through each day; write fixed times,"
                " or remove shift"
            )
        if len(fields.seconds) * len(fields.minutes) * len(fields.hours) > _MOST_MOVED:
            raise ValueError(f"shift moves up to {_MOST_MOVED} times of a day; write fewer of them, or remove shift")
        return text

    @model_validator(mode="after")
    def _has_few_slots_within_jitter(self) -> Self:
        if self._within(self.jitter) > _MOST_DELAYED:
            jitter = format_duration(self.jitter)
            instead = format_duration(next(short for short in _ADVISED if self._within(short) <= _MOST_DELAYED))
            message = f"jitter ({jitter}) spans more than {_MOST_DELAYED} slots of {quoted(self.cron)}"
            raise FieldValueError("jitter", f"{message}; write {instead} or less")
        return self

    def _within(self, span: timedelta) -> int:
        """Return a number of slots that are not exceeded in any span of this length, of a day at most."""
        fields, seconds = _expression(self.cron, "").fields, int(span.total_seconds())
        a_minute, an_hour = len(fields.seconds), len(fields.seconds) * len(fields.minutes)
        if seconds < 60:
            return min(a_minute, seconds + 1)
        if seconds < 3_600:
            return min(len(fields.minutes), seconds // 60 + 2) * a_minute
        return min(len(fields.hours), seconds // 3_600 + 2) * an_hour

    @cached_property
    def _spreads(self) -> bool:
        return spreads(self.cron)

    @property
    def nominal_follows_id(self) -> bool:
        """Whether there is an ``H``."""
        return self._spreads

    def expression(self, job_id: str) -> CronExpression:
        """Return the parsed expression, as it is for a job."""
        return _expression(self.cron, job_id if self._spreads else "")

    def _unbounded_after(self, after: datetime, job_id: str, anchor: datetime) -> datetime | None:
        del anchor
        return self.expression(job_id).next_after(after, self.zone)

    def nominal_between(self, since: datetime, until: datetime, *, job_id: str, anchor: datetime) -> list[int]:
        """Return the slots from *since* until before *until*, before jitter is added, as epoch microseconds."""
        if self.shift is not None:
            return super().nominal_between(since, until, job_id=job_id, anchor=anchor)
        first, last = self.bounds
        since, until = since if first is None else max(since, first), min(until, last + MICROSECOND)
        found = self.expression(job_id).between(since, until, self.zone) if since < until else []
        days = self.allowed_days
        return [at * _SECOND for at in found if days is None or datetime.fromtimestamp(at, self.zone).date() in days]


class BootTrigger(Trigger):
    """Fires once for each start of the service, and at no time of a clock: ``cron: "@reboot"``."""

    key = "cron"
    fires_at_boot = True
    cron: Annotated[Literal["@reboot"], BeforeValidator(lambda text: REBOOT if is_reboot(text) else text)] = Field(
        description='"@reboot": once when the service starts.'
    )

    @field_validator("cron")
    @classmethod
    def _is_not_moved(cls, text: str, info: ValidationInfo) -> str:
        if info.data.get("shift") is not None:
            raise ValueError(f"shift moves times of a day, and {text} is no time; remove shift")
        return text

    def _fires_for(self, job_id: str) -> bool:
        del job_id
        return True

    def _unbounded_after(self, after: datetime, job_id: str, anchor: datetime) -> datetime | None:
        del after, job_id, anchor
        return None


class EveryTrigger(Trigger):
    """Fires at a fixed distance of elapsed time, counted from ``start`` or from when the job first appeared.

    With a ``start`` the first slot is the start itself; else it is one distance after the job appeared.
    """

    key = "every"
    _counts_from_anchor: ClassVar[bool] = True

    every: PositiveDuration = Field(description="The distance between two slots, in elapsed time.")

    @field_validator("every")
    @classmethod
    def _is_not_moved(cls, distance: timedelta, info: ValidationInfo) -> timedelta:
        if info.data.get("shift") is not None:
            raise ValueError("shift moves times of a day, and every counts elapsed time; remove shift, or use calendar")
        return distance

    @model_validator(mode="after")
    def _jitter_keeps_order(self) -> Self:
        if self.jitter >= self.every:
            jitter, every = format_duration(self.jitter), format_duration(self.every)
            raise FieldValueError("jitter", f"jitter ({jitter}) must be shorter than every ({every})")
        return self

    def _unbounded_after(self, after: datetime, job_id: str, anchor: datetime) -> datetime | None:
        del job_id
        origin, first = (anchor, 1) if self._first is None else (self._first, 0)
        try:
            return origin + max((after - origin) // self.every + 1, first) * self.every
        except OverflowError:
            return None


class AtTrigger(Trigger):
    """Fires once."""

    key = "at"
    at: Moment = Field(description="When; without an offset it is wall-clock time in the trigger's zone.")

    @cached_property
    def instant(self) -> datetime:
        """The one slot, in UTC; a time inside a DST gap is the instant right after the gap."""
        return self._instant(self.at)

    def _unbounded_after(self, after: datetime, job_id: str, anchor: datetime) -> datetime | None:
        del job_id, anchor
        return self.instant if self.instant > after else None


class CalendarTrigger(Trigger):
    """Fires every so many months, weeks or days, counted from ``start`` or from when the job first appeared."""

    key = "calendar"
    _counts_from_anchor: ClassVar[bool] = True

    calendar: Recurrence = Field(description="Which days, and at what time of the day.")

    def _counted_from(self, anchor: datetime) -> date:
        # A day as it is written, even one that the zone has left out: its month is the one that is meant.
        first = anchor if self.start is None else self.start
        if not isinstance(first, datetime):
            return first
        return (first if first.tzinfo is None else first.astimezone(self.zone)).date()

    @model_validator(mode="after")
    def _says_which_months(self) -> Self:
        if self.calendar.needs_start and self.start is None:
            raise FieldValueError(
                "calendar",
                f"start is missing: every {self.calendar.months} months says not which ones; write the first day, as in"
                " start: 2026-12-01",
            )
        return self

    def _unbounded_after(self, after: datetime, job_id: str, anchor: datetime) -> datetime | None:
        del job_id
        base = self._counted_from(anchor)
        # A day may begin before it does in UTC, and what is skipped in one day may fire in the next.
        yesterday = after.astimezone(self.zone).date() - timedelta(days=1)
        try:
            for day in self.calendar.dates_from(yesterday, base):
                if day.year > LAST_YEAR:
                    return None
                instant = resolve_local(datetime.combine(day, self.calendar.time), self.zone)
                if instant > after:
                    return instant
        except OverflowError:
            return None
        return None


TRIGGERS: dict[str, type[Trigger]] = {
    kind.key: kind for kind in (CronTrigger, EveryTrigger, AtTrigger, CalendarTrigger)
}
"""The kinds of trigger, by the key that tells them apart; under ``cron`` there is one more."""
TRIGGER_KEYS = tuple(TRIGGERS)
TRIGGER_KINDS: tuple[type[Trigger], ...] = (*TRIGGERS.values(), BootTrigger)


def _kind(value: object) -> str | None:
    if isinstance(value, Trigger):
        return type(value).__name__
    if not isinstance(value, dict):
        return None
    if is_reboot(value.get("cron")):
        return BootTrigger.__name__
    return next((trigger.__name__ for key, trigger in TRIGGERS.items() if key in value), None)


AnyTrigger = Annotated[
    Annotated[CronTrigger, Tag("CronTrigger")]
    | Annotated[EveryTrigger, Tag("EveryTrigger")]
    | Annotated[AtTrigger, Tag("AtTrigger")]
    | Annotated[CalendarTrigger, Tag("CalendarTrigger")]
    | Annotated[BootTrigger, Tag("BootTrigger")],
    Discriminator(_kind),
]
