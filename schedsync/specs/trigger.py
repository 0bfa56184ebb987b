"""What all triggers have: a zone, bounds, days on which they may fire, and jitter. Which slots, each kind says itself.

A slot is an instant in UTC. It follows from the trigger, the job's id (jitter, ``H``) and its anchor alone, so that a
restart, another instance and a test compute the same slots.
"""

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from schedsync.clock import EPOCH, MICROSECOND, to_micros
from schedsync.specs.allowed_days import CYCLE, KINDS, AllowedDays, Nominal, Shift, left_out, moved
from schedsync.specs.base import FieldValueError, Model
from schedsync.specs.calendars import Named
from schedsync.specs.durations import Duration
from schedsync.specs.moments import LAST_YEAR, End, Start
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

    fires_at_boot: ClassVar[bool] = False
    """Whether it fires when the service starts, and at no time of a clock."""
    timezone: ZoneName = Field("UTC", description="IANA time zone of the wall-clock times in this trigger.")
    jitter: Annotated[Duration, AfterValidator(_check_jitter)] = Field(
        timedelta(0), description="Each slot is delayed by up to this much; the delay is fixed per job and slot."
    )
    start: Start | None = Field(None, description="No slot before this time, or before this day begins.")
    end: End | None = Field(None, description="No slot after this time, or after this day has ended.")
    exclude: Named = Field((), description="Calendars on whose days it does not fire.")
    only: Named = Field((), description="Calendars of which one has to have the day on which it fires.")
    shift: Shift | None = Field(
        None,
        description="Where a slot goes whose day exclude and only rule out: to the next or the previous day that they"
        " allow, at the same time. Without it, the slot is left out.",
    )

    key: ClassVar[str]
    """The field that tells what kind of trigger it is."""
    _comes_again: ClassVar[int] = CYCLE
    """After so many years its slots are on the same days again."""
    _counts_from_anchor: ClassVar[bool] = False
    """Whether its days follow from when the job appeared, unless it has a start."""

    @model_validator(mode="after")
    def _has_calendars(self) -> Self:
        if self.shift is not None and self.allowed_days is None:
            message = "shift: nothing says on which days it may not fire; add exclude or only, or remove shift"
            raise FieldValueError("shift", message)
        return self

    @model_validator(mode="after")
    def _fires_at_all(self) -> Self:
        if self._first and self._first > self._last:
            message = f"start ({self.start}) is after end ({self.end}), so this would never fire"
            raise FieldValueError("start", message)
        if not self.nominal_follows_id:
            self.require_slot("")
        return self

    def require_slot(self, job_id: str, *, within: tuple[int, ...] = ()) -> None:
        """Check that it ever fires, for a job of this id.

        Raises:
            FieldValueError: it does not; *within* is where the trigger is.
        """
        if self._fires_for(job_id):
            return
        days = " on a day that exclude and only allow" if self.allowed_days is not None else ""
        message = f"this would never fire: it has no slot{days} {self._span()}"
        raise FieldValueError(self._to_blame, message, within=within)

    def _fires_for(self, job_id: str) -> bool:
        if self.allowed_days is not None and self._counts_from_anchor and self._first is None:
            # Which days it meets is known when the job has appeared; here, only whether there are days to meet.
            since = _BEFORE_ALL.date()
            return self.allowed_days.first_from(since, self.allowed_days.horizon(since, KINDS)) is not None
        # Whatever the anchor: a later one only begins later.
        return self.nominal_after(_BEFORE_ALL, job_id=job_id, anchor=_BEFORE_ALL) is not None

    @property
    def _to_blame(self) -> str:
        """The field that most likely keeps it from ever firing."""
        given = [name for name in ("only", "exclude", "end", "start") if getattr(self, name)]
        return given[0] if given else self.key

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

    @property
    def nominal_follows_id(self) -> bool:
        """Whether its slots are others for a job of another id, before jitter is added."""
        return False

    @property
    def follows_id(self) -> bool:
        """Whether its slots are others for a job of another id."""
        return bool(self.jitter) or self.nominal_follows_id

    def nominal_after(self, after: datetime, *, job_id: str, anchor: datetime) -> datetime | None:
        """Return the first slot strictly after *after*, before jitter is added; None when there is none."""
        if self._first is not None:
            after = max(after, self._first - MICROSECOND)
        if after >= self._last:  # and zones may not have a date for what is later: a pause may last until the year 9999
            return None
        nominal = self._allowed_after(after, job_id, anchor)
        return None if nominal is None or nominal > self._last else nominal

    def nominal_between(self, since: datetime, until: datetime, *, job_id: str, anchor: datetime) -> list[int]:
        """Return the slots from *since* until before *until*, before jitter is added, as epoch microseconds."""
        found: list[int] = []
        slot = self.nominal_after(since - MICROSECOND, job_id=job_id, anchor=anchor)
        while slot is not None and slot < until:
            found.append(to_micros(slot))
            slot = self.nominal_after(slot, job_id=job_id, anchor=anchor)
        return found

    @cached_property
    def allowed_days(self) -> AllowedDays | None:
        """The days on which it may fire; None: all of them."""
        return AllowedDays(self.only, self.exclude) if self.only or self.exclude else None

    def _allowed_after(self, after: datetime, job_id: str, anchor: datetime) -> datetime | None:
        if self.allowed_days is None:
            return self._unbounded_after(after, job_id, anchor)

        nominal = Nominal(lambda since: self._unbounded_after(since, job_id, anchor), self._comes_again)
        if self.shift is None:
            return left_out(nominal, after, self.allowed_days, self.zone)
        return moved(nominal, after, self.allowed_days, self.zone, self.shift)

    def next_after(self, after: datetime, *, job_id: str, anchor: datetime) -> datetime | None:
        """Return the first slot strictly after *after*, with the job's jitter; None when there is none."""
        if not self.jitter:
            return self.nominal_after(after, job_id=job_id, anchor=anchor)
        # A slot moves by at most the jitter, so look from that much earlier and stop where no later one can be sooner.
        best: datetime | None = None
        nominal = self.nominal_after(after - self.jitter, job_id=job_id, anchor=anchor)
        while nominal is not None and (best is None or nominal < best):
            slot = self.delayed(nominal, job_id=job_id)
            if slot > after and (best is None or slot < best):
                best = slot
            nominal = self.nominal_after(nominal, job_id=job_id, anchor=anchor)
        return best

    def delayed(self, nominal: datetime, *, job_id: str) -> datetime:
        """Return the slot that *nominal*, which is not after the end, becomes by the job's jitter."""
        # Near the end the delay is one of what is left: slots that were cut off there would all be at the end.
        return nominal + _delay(min(self.jitter, self._last - nominal), job_id, nominal)

    @property
    def bounds(self) -> tuple[datetime | None, datetime]:
        """The instants (UTC) before and after which there is no slot."""
        return self._first, self._last

    def any_day_after(self, after: datetime, *, job_id: str, anchor: datetime) -> datetime | None:
        """Return the first slot strictly after *after* if each day were allowed, without bounds and jitter."""
        return self._unbounded_after(after, job_id, anchor)

    def at_boot(self, boot: datetime, *, job_id: str) -> datetime | None:
        """Return the slot that a start of the service at *boot* (UTC) makes, with the job's jitter; None: none."""
        if not self.fires_at_boot or (self._first is not None and boot < self._first) or boot > self._last:
            return None
        if self.allowed_days is not None and boot.astimezone(self.zone).date() not in self.allowed_days:
            return None
        return self.delayed(boot, job_id=job_id)

    def _unbounded_after(self, after: datetime, job_id: str, anchor: datetime) -> datetime | None:
        raise NotImplementedError  # pragma: no cover - each kind has its own


def _delay(jitter: timedelta, job_id: str, nominal: datetime) -> timedelta:
    digest = hashlib.sha256(f"{job_id}@{to_micros(nominal)}".encode()).digest()
    milliseconds = int(jitter.total_seconds() * 1000)
    return timedelta(milliseconds=int.from_bytes(digest[:8]) % (milliseconds + 1))
