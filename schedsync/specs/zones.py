"""Time zones: names people may write, and wall-clock times made instants."""

import re
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from schedsync.specs.wording import quoted

_OFFSET = re.compile(r"(?:utc|gmt|z)?\s*[+-]\s*[0-9]{1,2}(?::?[0-9]{2})?", re.IGNORECASE)
# "localtime" is whatever the machine is set to, and "Factory" is no zone.
_NO_ZONES = {"Factory", "localtime"}


@cache
def known_zones() -> frozenset[str]:
    """Return the names that people may write."""
    return frozenset(available_timezones() - _NO_ZONES)


def check_zone(name: str) -> str:
    """Return *name* if it is an IANA time zone.

    Raises:
        ValueError: it is not; the message suggests a close one.
    """
    if name in known_zones():
        return name
    raise ValueError(f"{quoted(name)} is not a time zone; {_hint(name)}")


def _hint(name: str) -> str:
    # A zone that looks like an offset (Etc/GMT+1) is the opposite of what its reader expects, so none is suggested.
    if not _OFFSET.fullmatch(name.strip()):
        folded = {zone.lower(): zone for zone in known_zones()}
        close = get_close_matches(name[:60].lower().replace(" ", "_"), folded, n=1, cutoff=0.6)
        if close:
            return f'did you mean "{folded[close[0]]}"?'
    return 'write an IANA name such as "Europe/Berlin" or "UTC"'


def resolve_local(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which clocks in *zone* show *wall*.

    A time that occurs twice is its first occurrence; one that is skipped is the instant right after the gap: Debian
    cron's rule for fixed times.

    Args:
        wall: a naive time, a day or more away from the first and the last one that Python knows.
        zone: where it is read off a clock.
    """
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _transition(before.replace(microsecond=0), instant, zone)


def _transition(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first whole second in (*before*, *after*] that has the later offset."""
    later = after.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == later:
            high = middle
        else:
            low = middle
    return before + timedelta(seconds=high)
