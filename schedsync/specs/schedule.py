"""When a job fires: ``cron``, ``every`` or ``at``, and the next instant that a list of them yields.

A slot is an instant in UTC. It follows from the schedule, the job's id (jitter) and its anchor (``every``) alone, so
that a restart, another instance and a test compute the same slots.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import islice
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    WithJsonSchema,
    model_validator,
)

from schedsync.clock import MICROSECOND, to_micros
from schedsync.specs.base import Model
from schedsync.specs.cron import CronExpression
from schedsync.specs.durations import Duration, PositiveDuration
from schedsync.specs.zones import check_zone, resolve_local

_TIME_HINT = 'write it like "2027-01-31T23:59:59", with an offset or "Z" if it is not in the schedule\'s time zone'
_LONGEST_JITTER = timedelta(days=1)


def _parse_moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f'"{value}" is not a time; {_TIME_HINT}') from None


def _parse_day_or_moment(value: object) -> date | datetime:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return _parse_moment(value)


_ISO = PlainSerializer(lambda value: value.isoformat(), return_type=str)
Moment = Annotated[
    datetime, BeforeValidator(_parse_moment), _ISO, WithJsonSchema({"type": "string", "format": "date-time"})
]
"""A time; without an offset it is wall-clock time in the trigger's zone."""
Bound = Annotated[
    datetime | date, BeforeValidator(_parse_day_or_moment), _ISO, WithJsonSchema({"type": "string", "format": "date"})
]
"""A time, or a whole day in the trigger's zone."""
ZoneName = Annotated[str, AfterValidator(check_zone)]
"""An IANA time zone name."""


def _check_jitter(jitter: timedelta) -> timedelta:
    if jitter > _LONGEST_JITTER:
        raise ValueError("must be one day or less")
    return jitter


class Trigger(Model):
    """What all triggers have: a time zone, a span of validity, and jitter."""

    timezone: ZoneName = Field("UTC", description="IANA time zone of the wall-clock times in this trigger.")
    jitter: Annotated[Duration, AfterValidator(_check_jitter)] = Field(
        timedelta(0), description="Each slot is delayed by up to this much; the delay is fixed per job and slot."
    )
    start: Bound | None = Field(None, description="No slot before this time, or before this day begins.")
    end: Bound | None = Field(None, description="No slot after this time, or after this day has ended.")

    @model_validator(mode="after")
    def _start_before_end(self) -> Self:
        if self._first and self._last and self._first > self._last:
            raise ValueError(f"start ({self.start}) is after end ({self.end}), so this would never fire")
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.timezone)

    @cached_property
    def _first(self) -> datetime | None:
        return None if self.start is None else self._instant(self.start)

    @cached_property
    def _last(self) -> datetime | None:
        if self.end is None or isinstance(self.end, datetime):
            return None if self.end is None else self._instant(self.end)
        return self._instant(self.end + timedelta(days=1)) - MICROSECOND

    def _instant(self, bound: date | datetime) -> datetime:
        moment = bound if isinstance(bound, datetime) else datetime.combine(bound, time())
        return resolve_local(moment, self.zone) if moment.tzinfo is None else moment.astimezone(UTC)

    def nominal_after(self, after: datetime, anchor: datetime) -> datetime | None:
        """Return the first slot strictly after *after*, before jitter is added; None when there is none."""
        if self._first is not None and self._first > after:
            after = self._first - MICROSECOND
        nominal = self._unbounded_after(after, anchor)
        return None if nominal is None or (self._last is not None and nominal > self._last) else nominal

    def _unbounded_after(self, after: datetime, anchor: datetime) -> datetime | None:
        raise NotImplementedError  # pragma: no cover - each kind has its own


class CronTrigger(Trigger):
    """Fires when a five-field cron expression matches, by Debian cron's rules."""

    cron: str = Field(description='Five fields, "minute hour day-of-month month day-of-week", or @daily and the like.')

    @model_validator(mode="after")
    def _parses(self) -> Self:
        _ = self.expression
        return self

    @cached_property
    def expression(self) -> CronExpression:
        """The parsed expression."""
        return CronExpression.parse(self.cron)

    def _unbounded_after(self, after: datetime, anchor: datetime) -> datetime | None:
        del anchor
        return self.expression.next_after(after, self.zone)


class EveryTrigger(Trigger):
    """Fires at a fixed distance of elapsed time, counted from ``start`` or from when the job first appeared."""

    every: PositiveDuration = Field(description="The distance between two slots, in elapsed time.")

    @model_validator(mode="after")
    def _jitter_keeps_order(self) -> Self:
        if self.jitter >= self.every:
            raise ValueError("jitter must be shorter than every")
        return self

    def _unbounded_after(self, after: datetime, anchor: datetime) -> datetime | None:
        origin = self._first or anchor
        steps = (after - origin) // self.every + 1
        if self._first is not None:
            return origin + max(steps, 0) * self.every
        return origin + max(steps, 1) * self.every


class AtTrigger(Trigger):
    """Fires once."""

    at: Moment = Field(description="When; without an offset it is wall-clock time in the trigger's zone.")

    @cached_property
    def instant(self) -> datetime:
        """The one slot, in UTC; a time inside a DST gap is the instant right after the gap."""
        return self._instant(self.at)

    def _unbounded_after(self, after: datetime, anchor: datetime) -> datetime | None:
        del anchor
        return self.instant if self.instant > after else None


TRIGGER_KEYS = ("cron", "every", "at")


def _kind(value: object) -> str | None:
    if isinstance(value, Trigger):
        return f"{type(value).__name__}"
    if not isinstance(value, dict):
        return None
    found = next((key for key in TRIGGER_KEYS if key in value), None)
    return None if found is None else f"{found.capitalize()}Trigger"


AnyTrigger = Annotated[
    Annotated[CronTrigger, Tag("CronTrigger")]
    | Annotated[EveryTrigger, Tag("EveryTrigger")]
    | Annotated[AtTrigger, Tag("AtTrigger")],
    Discriminator(_kind),
]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, dict) else value


Schedule = Annotated[tuple[AnyTrigger, ...], BeforeValidator(_as_list), Field(min_length=1)]
"""One trigger, or a list of which any may fire."""


def next_fire(schedule: Schedule, after: datetime, *, job_id: str, anchor: datetime) -> datetime | None:
    """Return the first slot of *schedule* strictly after *after* (UTC), or None when there is none left.

    Args:
        schedule: any of these triggers fires the job.
        after: an aware instant.
        job_id: what jitter is derived from.
        anchor: where ``every`` counts from, unless the trigger has a ``start``.
    """
    slots = (_next_of(trigger, after, job_id, anchor) for trigger in schedule)
    return min((slot for slot in slots if slot is not None), default=None)


def fires(schedule: Schedule, after: datetime, *, job_id: str, anchor: datetime) -> Iterator[datetime]:
    """Yield the slots of *schedule* strictly after *after*, in order."""
    slot = next_fire(schedule, after, job_id=job_id, anchor=anchor)
    while slot is not None:
        yield slot
        slot = next_fire(schedule, slot, job_id=job_id, anchor=anchor)


def first_fires(schedule: Schedule, after: datetime, count: int, *, job_id: str, anchor: datetime) -> list[datetime]:
    """Return up to *count* slots strictly after *after*."""
    return list(islice(fires(schedule, after, job_id=job_id, anchor=anchor), count))


def _next_of(trigger: Trigger, after: datetime, job_id: str, anchor: datetime) -> datetime | None:
    if not trigger.jitter:
        return trigger.nominal_after(after, anchor)
    # A slot moves by less than the jitter, so look from that much earlier and stop where no later one can be sooner.
    best: datetime | None = None
    nominal = trigger.nominal_after(after - trigger.jitter, anchor)
    while nominal is not None and (best is None or nominal < best):
        slot = nominal + _delay(trigger.jitter, job_id, nominal)
        if slot > after and (best is None or slot < best):
            best = slot
        nominal = trigger.nominal_after(nominal, anchor)
    return best


def _delay(jitter: timedelta, job_id: str, nominal: datetime) -> timedelta:
    digest = hashlib.sha256(f"{job_id}@{to_micros(nominal)}".encode()).digest()
    milliseconds = int(jitter.total_seconds() * 1000)
    return timedelta(milliseconds=int.from_bytes(digest[:8]) % (milliseconds + 1))
