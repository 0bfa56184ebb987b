"""Time zones: names people may write, and wall-clock times made instants."""

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def check_zone(name: str) -> str:
    """Return *name* if it is an IANA time zone.

    Raises:
        ValueError: it is not; the message suggests a close one.
    """
    if name in _known_zones():
        return name
    folded = {zone.lower(): zone for zone in _known_zones()}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    hint = f'did you mean "{folded[close[0]]}"?' if close else 'write an IANA name such as "Europe/Berlin" or "UTC"'
    raise ValueError(f'"{name}" is not a time zone; {hint}')


def resolve_local(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which clocks in *zone* show *wall*.

    A time that occurs twice is its first occurrence; one that is skipped is the instant right after the gap: Debian
    cron's rule for fixed times.
    """
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _transition(early, instant, zone)


def _transition(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first whole second in (*before*, *after*] that has the later offset."""
    later = after.astimezone(zone).utcoffset()
    seconds = int((after - before).total_seconds())
    low, high = 0, seconds
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == later:
            high = middle
        else:
            low = middle
    return before + timedelta(seconds=high)
