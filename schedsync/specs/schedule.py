"""When a job fires: ``cron``, ``every`` or ``at``, and the next instant that a list of them yields.

A slot is an instant in UTC. It follows from the schedule, the job's id (jitter) and its anchor (``every``) alone, so
that a restart, another instance and a test compute the same slots.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import islice
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from schedsync.clock import EPOCH, MICROSECOND, to_micros
from schedsync.specs.base import Model
from schedsync.specs.cron import CronExpression
from schedsync.specs.durations import Duration, PositiveDuration, format_duration
from schedsync.specs.moments import LAST_YEAR, End, Moment, Start
from schedsync.specs.zones import check_zone, resolve_local

_LONGEST_JITTER = timedelta(days=1)
_BEFORE_ALL = EPOCH - timedelta(days=2)
_AFTER_ALL = datetime(LAST_YEAR + 1, 1, 3, tzinfo=UTC)
"""Nothing fires later: nearly a year before Python's dates end, so that no zone and no jitter leads beyond them."""

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
    start: Start | None = Field(None, description="No slot before this time, or before this day begins.")
    end: End | None = Field(None, description="No slot after this time, or after this day has ended.")

    @model_validator(mode="after")
    def _fires_at_all(self) -> Self:
        if self._first and self._first > self._last:
            raise ValueError(f"start ({self.start}) is after end ({self.end}), so this would never fire")
        # Whatever the anchor: a later one only begins later.
        if self.nominal_after(_BEFORE_ALL, _BEFORE_ALL) is None:
            raise ValueError(f"this would never fire: it has no slot {self._span()}")
        return self

    def _span(self) -> str:
        bounds = [
            f"{name} ({bound})" for name, bound in (("start", self.start), ("end", self.end)) if bound is not None
        ]
        if len(bounds) == 2:
            return f"between {' and '.join(bounds)}"
        if not bounds:
            return f"in the zone {self.timezone}"
        return f"{'after' if self.end is None else 'before'} {bounds[0]}"

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.timezone)

    @cached_property
    def _first(self) -> datetime | None:
        return None if self.start is None else self._instant(self.start)

    @cached_property
    def _last(self) -> datetime:
        if self.end is None or self.end.year > LAST_YEAR:
            return _AFTER_ALL
        if isinstance(self.end, datetime):
            return self._instant(self.end)
        return self._instant(self.end + timedelta(days=1)) - MICROSECOND

    def _instant(self, bound: date | datetime) -> datetime:
        moment = bound if isinstance(bound, datetime) else datetime.combine(bound, time())
        return resolve_local(moment, self.zone) if moment.tzinfo is None else moment.astimezone(UTC)

    def nominal_after(self, after: datetime, anchor: datetime) -> datetime | None:
        """Return the first slot strictly after *after*, before jitter is added; None when there is none."""
        if self._first is not None:
            after = max(after, self._first - MICROSECOND)
        nominal = self._unbounded_after(after, anchor)
        return None if nominal is None or nominal > self._last else nominal

    def next_after(self, after: datetime, *, job_id: str, anchor: datetime) -> datetime | None:
        """Return the first slot strictly after *after*, with the job's jitter; None when there is none."""
        if not self.jitter:
            return self.nominal_after(after, anchor)
        # A slot moves by at most the jitter, so look from that much earlier and stop where no later one can be sooner.
        best: datetime | None = None
        nominal = self.nominal_after(after - self.jitter, anchor)
        while nominal is not None and (best is None or nominal < best):
            slot = self.delayed(nominal, job_id=job_id)
            if slot > after and (best is None or slot < best):
                best = slot
            nominal = self.nominal_after(nominal, anchor)
        return best

    def delayed(self, nominal: datetime, *, job_id: str) -> datetime:
        """Return the slot that *nominal* becomes by the job's jitter."""
        return min(nominal + _delay(self.jitter, job_id, nominal), self._last)

    def _unbounded_after(self, after: datetime, anchor: datetime) -> datetime | None:
        raise NotImplementedError  # pragma: no cover - each kind has its own


@lru_cache(maxsize=1024)
def _expression(text: str) -> CronExpression:
    return CronExpression.parse(text)


def _check_cron(text: str) -> str:
    _ = _expression(text)
    return text


class CronTrigger(Trigger):
    """Fires when a five-field cron expression matches, by Debian cron's rules."""

    cron: Annotated[str, AfterValidator(_check_cron)] = Field(
        description='Five fields, "minute hour day-of-month month day-of-week", or @daily and the like.'
    )

    @property
    def expression(self) -> CronExpression:
        """The parsed expression."""
        return _expression(self.cron)

    def _unbounded_after(self, after: datetime, anchor: datetime) -> datetime | None:
        del anchor
        return self.expression.next_after(after, self.zone)


class EveryTrigger(Trigger):
    """Fires at a fixed distance of elapsed time, counted from ``start`` or from when the job first appeared.

    With a ``start`` the first slot is the start itself; else it is one distance after the job appeared.
    """

    every: PositiveDuration = Field(description="The distance between two slots, in elapsed time.")

    @model_validator(mode="after")
    def _jitter_keeps_order(self) -> Self:
        if self.jitter >= self.every:
            raise ValueError(
                f"jitter ({format_duration(self.jitter)}) must be shorter than every ({format_duration(self.every)})"
            )
        return self

    def _unbounded_after(self, after: datetime, anchor: datetime) -> datetime | None:
        origin, first = (anchor, 1) if self._first is None else (self._first, 0)
        try:
            return origin + max((after - origin) // self.every + 1, first) * self.every
        except OverflowError:
            return None


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


TRIGGERS: dict[str, type[Trigger]] = {"cron": CronTrigger, "every": EveryTrigger, "at": AtTrigger}
"""The kinds of trigger, by the key that tells them apart."""
TRIGGER_KEYS = tuple(TRIGGERS)


def _kind(value: object) -> str | None:
    if isinstance(value, Trigger):
        return type(value).__name__
    if not isinstance(value, dict):
        return None
    return next((trigger.__name__ for key, trigger in TRIGGERS.items() if key in value), None)


AnyTrigger = Annotated[
    Annotated[CronTrigger, Tag("CronTrigger")]
    | Annotated[EveryTrigger, Tag("EveryTrigger")]
    | Annotated[AtTrigger, Tag("AtTrigger")],
    Discriminator(_kind),
]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, dict | Trigger) else value


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
    slots = (trigger.next_after(after, job_id=job_id, anchor=anchor) for trigger in schedule)
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


def _delay(jitter: timedelta, job_id: str, nominal: datetime) -> timedelta:
    digest = hashlib.sha256(f"{job_id}@{to_micros(nominal)}".encode()).digest()
    milliseconds = int(jitter.total_seconds() * 1000)
    return timedelta(milliseconds=int.from_bytes(digest[:8]) % (milliseconds + 1))
