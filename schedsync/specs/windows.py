"""Stretches of time that installations name, once or again and again, and the jobs that they are about. Pure.

A window is half-open: the instant at which it begins is in it, the one at which it ends is not.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Protocol
from zoneinfo import ZoneInfo

from schedsync.specs.cron.expression import CronExpression

MERGED = 1_000
"""So many occurrences of a recurring window are looked at for one that the next does not join."""
_NEVER = datetime.max.replace(tzinfo=UTC)


class Window(Protocol):
    """When something holds. All times are UTC."""

    def covers(self, instant: datetime) -> bool:
        """Say whether *instant* lies in it."""
        ...

    def ends_after(self, instant: datetime) -> datetime | None:
        """Return when it is over next, given an *instant* in it; None: not as far as one can see."""
        ...

    def opens_after(self, instant: datetime) -> datetime | None:
        """Return when it begins next, strictly after *instant*; None: it does not any more."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Once: from ``start`` until before ``end`` (UTC)."""

    start: datetime
    end: datetime

    def covers(self, instant: datetime) -> bool:
        """Say whether *instant* lies in it."""
        return self.start <= instant < self.end

    def ends_after(self, instant: datetime) -> datetime | None:
        """Return its end."""
        del instant
        return self.end

    def opens_after(self, instant: datetime) -> datetime | None:
        """Return its beginning, if that is after *instant*."""
        return self.start if self.start > instant else None


@dataclass(slots=True, eq=False)
class Recurring:
    """From each fire of a cron expression for so long, in elapsed time; occurrences may overlap, and are one then.

    What was found last is remembered: of the slots of a burst nearly all ask about the same moment. Safe to use from
    any thread.
    """

    cron: CronExpression
    duration: timedelta
    zone: ZoneInfo
    """Where the wall-clock times of the expression are."""
    _found: tuple[datetime, datetime, bool] = field(default=(_NEVER, _NEVER, False), init=False, repr=False)
    """From when until before when it is known to cover all, or nothing."""

    def covers(self, instant: datetime) -> bool:
        """Say whether *instant* lies in an occurrence."""
        since, until, covered = self._found
        if since <= instant < until:
            return covered
        fire = self._covering(instant)
        if fire is not None:
            self._found = fire, self._end(fire), True
            return True
        self._found = instant, self.opens_after(instant) or _NEVER, False
        return False

    def ends_after(self, instant: datetime) -> datetime | None:
        """Return when the occurrence is over that *instant* lies in, and all that join it; None: not in sight."""
        fire = self._covering(instant)
        end = instant if fire is None else self._end(fire)
        for _ in range(MERGED):
            fire = None if fire is None else self.opens_after(fire)
            if fire is None or fire > end:
                return end
            end = self._end(fire)
        return None

    def opens_after(self, instant: datetime) -> datetime | None:
        """Return the first fire strictly after *instant*; it may lie in an occurrence that has begun before."""
        return self.cron.next_after(instant, self.zone)

    def _covering(self, instant: datetime) -> datetime | None:
        """Return the earliest fire whose occurrence *instant* lies in."""
        fire = self.opens_after(instant - self.duration)
        return fire if fire is not None and fire <= instant else None

    def _end(self, fire: datetime) -> datetime:
        return fire + self.duration if fire < _NEVER - self.duration else _NEVER


@dataclass(frozen=True, slots=True)
class Chosen:
    """The jobs that something is about: those with an id that matches, and with one of the tags; all where none is."""

    patterns: tuple[str, ...] = ()
    """As file names are matched: ``erp.*``. Upper and lower case are told apart."""
    tags: tuple[str, ...] = ()

    def has(self, job_id: str, tags: tuple[str, ...]) -> bool:
        """Say whether the job of this id with these tags is among them."""
        named = not self.patterns or any(fnmatchcase(job_id, pattern) for pattern in self.patterns)
        return named and (not self.tags or any(tag in self.tags for tag in tags))
