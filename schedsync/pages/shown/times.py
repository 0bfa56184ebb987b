"""Instants and lengths of time as people read them on a page.

Words about the distance to an instant are coarse, so that a page which is asked for again and again stays the same as
long as nothing happens: then the answer is "not modified".
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from schedsync.clock import rfc3339

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_NOW = timedelta(seconds=10)


def iso(instant: datetime) -> str:
    """Return *instant* for programs, to the second."""
    return rfc3339(instant.astimezone(UTC).replace(microsecond=0))


def absolute(instant: datetime) -> str:
    """Return *instant* in UTC, to the second: ``2026-11-24 02:30:00 UTC``."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def short(instant: datetime, now: datetime) -> str:
    """Return *instant* in UTC as briefly as it can be told at *now*: the time today, else the day, too."""
    there, here = instant.astimezone(UTC), now.astimezone(UTC)
    if there.date() == here.date():
        return f"{there:%H:%M:%S}"
    return f"{there:%d %b %H:%M}" if abs(there - here) < 180 * _DAY else f"{there:%Y-%m-%d}"


def relative(instant: datetime, now: datetime) -> str:
    """Return how far *instant* is from *now*, in words: ``in 4 min``, ``2 h ago``."""
    distance = abs(instant - now)
    if distance < _NOW:
        return "now"
    words = _distance(distance)
    return f"in {words}" if instant > now else f"{words} ago"


def _distance(distance: timedelta) -> str:
    if distance < _MINUTE:
        return f"{distance // _NOW * 10} s"
    if distance < _HOUR:
        return f"{distance // _MINUTE} min"
    if distance < 10 * _HOUR:
        hours, rest = divmod(distance, _HOUR)
        minutes = rest // (10 * _MINUTE) * 10
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if distance < 2 * _DAY:
        return f"{distance // _HOUR} h"
    return f"{distance // _DAY} days"


def length(duration: timedelta) -> str:
    """Return a length of time with the two units that matter: ``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 10 min``."""
    seconds = max(duration.total_seconds(), 0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for size, unit, below, part in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            count, rest = divmod(whole, size)
            rest //= below
            return f"{count} {unit} {rest} {part}" if rest else f"{count} {unit}"
    return f"{whole} s"


def zoned(instant: datetime, zone: str) -> str:
    """Return what clocks in the time zone *zone* show at *instant*: ``Tue 24 Nov 03:30 CET``."""
    return f"{instant.astimezone(ZoneInfo(zone)):%a %d %b %H:%M %Z}"
