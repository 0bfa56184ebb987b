"""Why a trigger fires at a moment, or does not: its bounds, its calendars, jitter, and what it is of."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from schedsync.clock import MICROSECOND, rfc3339
from schedsync.specs.allowed_days import AllowedDays, Shift, beginning, on_day
from schedsync.specs.durations import format_duration
from schedsync.specs.job import JobSpec
from schedsync.specs.trigger import Trigger
from schedsync.specs.triggers import AtTrigger, BootTrigger, CalendarTrigger, CronTrigger, EveryTrigger
from schedsync.specs.why.cron import why_cron
from schedsync.specs.why.days import called, why_in, why_not_in
from schedsync.specs.why.said import Said, Span
from schedsync.specs.words import recurrence_in_words

_MOST = 100
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Explained:
    """What a trigger does in a span, and why."""

    trigger: Trigger
    slots: tuple[datetime, ...]
    """In the span, at most 100 (UTC)."""
    because: tuple[Said, ...]
    following: datetime | None
    """The first slot that is not before the end of the span (UTC)."""


def explain(spec: JobSpec, span: Span, *, anchor: datetime) -> list[Explained]:
    """Return what each trigger of a job does in *span*.

    Args:
        spec: the job.
        span: a minute or a second, say.
        anchor: where ``every`` and ``calendar`` count from, unless they have a start (UTC).
    """
    return [_Why(trigger, spec.id, anchor, span).explained() for trigger in spec.schedule]


@dataclass(frozen=True, slots=True)
class _Why:
    trigger: Trigger
    job_id: str
    anchor: datetime
    span: Span

    def explained(self) -> Explained:
        slots = tuple(self._slots())
        because = self._why(slots[0]) if slots else self._why_not()
        following = self._next(self.span.end - MICROSECOND)
        return Explained(self.trigger, slots, tuple(because), following)

    def _next(self, after: datetime) -> datetime | None:
        return self.trigger.next_after(after, job_id=self.job_id, anchor=self.anchor)

    def _slots(self) -> Iterator[datetime]:
        slot = self._next(self.span.start - MICROSECOND)
        for _ in range(_MOST):
            if slot is None or slot not in self.span:
                return
            yield slot
            slot = self._next(slot)

    def _nominal(self, span: Span) -> datetime | None:
        """Return the first slot in *span* as it is before jitter delays it."""
        found = self.trigger.nominal_after(span.start - MICROSECOND, job_id=self.job_id, anchor=self.anchor)
        return found if found is not None and found in span else None

    def _of_any_day(self, span: Span) -> datetime | None:
        """Return the first slot in *span* that there were if each day were allowed."""
        found = self.trigger.any_day_after(span.start - MICROSECOND, job_id=self.job_id, anchor=self.anchor)
        return found if found is not None and found in span else None

    def _why(self, slot: datetime) -> Iterator[Said]:
        span = self.span
        if self.trigger.jitter:
            span = Span(slot - self.trigger.jitter, slot + MICROSECOND)
            before = self._before_jitter(span, slot)
            yield Said("jitter", f"{self._clock(before)} is delayed by {_seconds(slot - before)}")
            span = Span(before, before + MICROSECOND)
            slot = before
        origin = self._moved_from(slot)
        if origin is not None:
            yield Said("shift", f"it is moved here from {self._clock(origin)}: {self._ruled_out(origin)}")
            span, slot = Span(origin, origin + MICROSECOND), origin
        yield from self._kind(span, slot)

    def _before_jitter(self, span: Span, slot: datetime) -> datetime:
        nominal = self._nominal(span)
        while nominal is not None:
            if self.trigger.delayed(nominal, job_id=self.job_id) == slot:
                return nominal
            nominal = self._nominal(Span(nominal + MICROSECOND, span.end))
        raise AssertionError(slot)  # pragma: no cover - each slot is a delayed one

    def _why_not(self) -> Iterator[Said]:
        first, last = self.trigger.bounds
        nominal, of_any_day = self._nominal(self.span), self._of_any_day_within_bounds()
        if first is not None and self.span.end <= first:
            yield Said("start", f"it has not begun then: start is {self.trigger.start}")
        elif self.span.start > last:
            yield Said("end", f"it has ended by then: end is {self.trigger.end}")
        elif nominal is not None:
            slot = self.trigger.delayed(nominal, job_id=self.job_id)
            yield Said(
                "jitter", f"{self._clock(nominal)} is delayed by {_seconds(slot - nominal)}, to {self._clock(slot)}"
            )
        elif of_any_day is not None:
            yield from self._why_not_this(of_any_day)
        else:
            yield from self._kind(self.span, None)

    def _of_any_day_within_bounds(self) -> datetime | None:
        """Return the first slot in the span if each day were allowed, rather one that no bound cuts off."""
        first, last = self.trigger.bounds
        start = self.span.start if first is None else max(self.span.start, first)
        return self._of_any_day(Span(start, min(self.span.end, last + MICROSECOND))) or self._of_any_day(self.span)

    def _why_not_this(self, slot: datetime) -> Iterator[Said]:
        """Yield which day is not allowed, or which bound lies between *slot* and the rest of the span."""
        first, last = self.trigger.bounds
        allowed, shift = self.trigger.allowed_days, self.trigger.shift
        is_outside = slot > last or (first is not None and slot < first)
        # Where a slot is moved, bounds are for where it has gone to.
        if allowed is not None and self._day(slot) not in allowed and not (is_outside and shift is None):
            yield Said(self._rule(slot), self._ruled_out(slot))
            if shift is not None:
                yield Said("shift", self._where_to(slot, allowed, shift))
        elif slot > last:
            yield Said("end", f"it has ended by {self._clock(slot)}: end is {self.trigger.end}")
        else:
            yield Said("start", f"it has not begun at {self._clock(slot)}: start is {self.trigger.start}")

    # --- days ------------------------------------------------------------------------------------

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self.trigger.zone).date()

    def _whole(self, day: date) -> Span:
        return Span(beginning(day, self.trigger.zone), beginning(day + _DAY, self.trigger.zone))

    def _rule(self, slot: datetime) -> str:
        return "exclude" if any(self._day(slot) in each for each in self.trigger.exclude) else "only"

    def _ruled_out(self, slot: datetime) -> str:
        day = self._day(slot)
        for each in self.trigger.exclude:
            if day in each:
                return f"{day}: {why_in(each, day)}"
        if len(self.trigger.only) == 1:
            return f"{day}: {why_not_in(self.trigger.only[0], day)}"
        return f"{day}: it is in none of {', '.join(called(each) for each in self.trigger.only)}"

    def _where_to(self, slot: datetime, allowed: AllowedDays, shift: Shift) -> str:
        target = allowed.target(self._day(slot), shift)
        return "no allowed day is near" if target is None else f"the slot is moved to {target:%a %Y-%m-%d}"

    def _moved_from(self, slot: datetime) -> datetime | None:
        """Return where a slot was before it was moved to its day; None if it was there."""
        allowed, shift, day = self.trigger.allowed_days, self.trigger.shift, self._day(slot)
        moment = Span(slot, slot + MICROSECOND)
        if allowed is None or shift is None or self._of_any_day(moment) is not None:
            return None
        step = -_DAY if shift is Shift.NEXT else _DAY
        other = day + step
        while allowed.target(other, shift) == day:
            origin = self._of_any_day(self._whole(other))
            while origin is not None:
                if on_day(origin, day, self.trigger.zone) == slot:
                    return origin
                origin = self._of_any_day(Span(origin + MICROSECOND, self._whole(other).end))
            other += step
        return None

    # --- what it is of ---------------------------------------------------------------------------

    def _kind(self, span: Span, slot: datetime | None) -> Iterator[Said]:
        trigger = self.trigger
        match trigger:
            case CronTrigger():
                yield from why_cron(trigger.expression(self.job_id), trigger.zone, span, slot)
            case BootTrigger():
                yield Said("cron", "it fires when the service starts, and at no time of a clock")
            case EveryTrigger():
                yield Said("every", self._every(trigger, slot))
            case AtTrigger():
                yield Said("at", f"it fires once, at {rfc3339(trigger.instant)}")
            case CalendarTrigger():
                yield Said("calendar", f"it fires {recurrence_in_words(trigger.calendar)}")

    def _every(self, trigger: EveryTrigger, slot: datetime | None) -> str:
        first, _ = trigger.bounds
        since = f"start, {self._clock(first)}" if first is not None else f"{self._clock(self.anchor)}, when it appeared"
        counted = f"it fires every {format_duration(trigger.every)}, counted from {since}"
        if slot is not None:
            return counted
        origin = self.anchor if first is None else first
        begin = self._next(origin - MICROSECOND)
        if begin is None:
            return f"{counted}: it has no slot"
        if begin >= self.span.end:
            return f"{counted}: the first slot is {self._clock(begin)}"
        return f"{counted}: the slot before is {self._clock(self._last_before(trigger, origin))}"

    def _last_before(self, trigger: EveryTrigger, origin: datetime) -> datetime:
        """Return the last slot before the span, of which there is one; jitter keeps their order."""
        nominal = self._last_allowed(trigger, origin, self.span.start)
        slot = trigger.delayed(nominal, job_id=self.job_id)
        if slot < self.span.start:
            return slot
        return trigger.delayed(self._last_allowed(trigger, origin, nominal), job_id=self.job_id)

    def _last_allowed(self, trigger: EveryTrigger, origin: datetime, before: datetime) -> datetime:
        """Return the last slot before *before* that is on an allowed day, without jitter."""
        slot = _last_of_phase(trigger, origin, before)
        while trigger.allowed_days is not None and (day := self._day(slot)) not in trigger.allowed_days:
            allowed = trigger.allowed_days.last_until(day, self._day(origin))
            if allowed is None:
                raise AssertionError(before)  # pragma: no cover - there is a slot before it
            slot = _last_of_phase(trigger, origin, self._whole(allowed).end)
        return slot

    def _clock(self, instant: datetime) -> str:
        there = instant.astimezone(self.trigger.zone)
        fraction = f".{there.microsecond // 1000:03}" if there.microsecond else ""
        return f"{there:%a %Y-%m-%d %H:%M:%S}{fraction}"


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():.3f}".rstrip("0").rstrip(".") + " s"


def _last_of_phase(trigger: EveryTrigger, origin: datetime, before: datetime) -> datetime:
    """Return the last instant before *before* that is so many distances after *origin*."""
    return origin + (before - MICROSECOND - origin) // trigger.every * trigger.every
