"""Spans of time as people write them on the command line: from one time of the day to another, days, moments.

How an edge is meant depends on the zone and on the other edge, so it is read first and made an instant later.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from schedsync.cli.times import reachable

Edge = time | date | datetime | timedelta
"""A time of the day, a whole day, a moment (one without an offset is by the zone's clock), or a duration from now."""
LONGEST = timedelta(days=31)
_DAY = timedelta(days=1)
_HINT = (
    'write a time of the day like "22:00", a day like "2027-01-31", a time like "2027-01-31T22:00", or a duration from'
    ' now like "2h"'
)
_MIDNIGHT = "24:00"


class _Edge(click.ParamType[Edge]):
    """The beginning or the end of a span."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Edge:
        """Return what *value* says, which is no instant yet."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # click hands over what has been converted before
        found = _read(value.strip())
        if found is None:
            from schedsync.specs.wording import quoted  # noqa: PLC0415 - few commands need it

            self.fail(f"{quoted(value)} is not a time; {_HINT}", param, ctx)
        return found


def _read(text: str) -> Edge | None:
    from schedsync.specs.durations import parse_duration  # noqa: PLC0415 - few commands need any of them
    from schedsync.specs.recurrence import parse_time  # noqa: PLC0415

    for parse in (_midnight, parse_time, date.fromisoformat, parse_duration, datetime.fromisoformat):
        try:
            found: Edge = parse(text)
        except ValueError:
            continue
        return found
    return None


def _midnight(text: str) -> time:
    if text == _MIDNIGHT:
        return time()
    raise ValueError(text)


class _Day(click.ParamType[date]):
    """A day."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day that *value* names."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            from schedsync.specs.wording import quoted  # noqa: PLC0415 - few commands need it

            self.fail(f'{quoted(value)} is not a day; write it like "2027-01-31"', param, ctx)


EDGE, DAY = _Edge(), _Day()


def span(begin: Edge, end: Edge, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Return the span from *begin* until before *end*, as instants (UTC).

    Two times of the day are the span that is going on, from now on, or else the next one. A time of the day alone is
    the next such time: from now, or from the beginning. A day begins as it begins, and ends as it ends.

    Raises:
        ValueError: it does not go forward, is too long, or at an end of the calendar; the message says what to write.
    """
    for edge in (begin, end):
        if isinstance(edge, date):
            reachable(edge)
    since, until = _instants(begin, end, zone, now)
    if since >= until:
        raise ValueError(
            f"it would end at {_shown(until, zone)}, which is not after its beginning,"
            f" {_shown(since, zone)}; exchange the two"
        )
    if until - since > LONGEST:
        raise ValueError(f"it is longer than {LONGEST.days} days; write a shorter one")
    return since, until


def whole_day(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when *day* begins and ends in *zone* (UTC); where clocks change it has 23 or 25 hours.

    Raises:
        ValueError: it is at an end of the calendar; the message says what to write.
    """
    return _at(reachable(day), time(), zone), _at(day + _DAY, time(), zone)


def _instants(begin: Edge, end: Edge, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    if isinstance(begin, time) and isinstance(end, time):
        today = now.astimezone(zone).date()
        for day in (today - _DAY, today, today + _DAY):
            since = _at(day, begin, zone)
            until = _next(end, since, zone)
            if until > now:
                return max(since, now), until
    # A time that is now is not over yet.
    since = _next(begin, now - timedelta(seconds=1), zone) if isinstance(begin, time) else _fixed(begin, zone, now)
    if isinstance(end, time):
        return since, _next(end, since, zone)
    if isinstance(end, date) and not isinstance(end, datetime):
        return since, whole_day(end, zone)[1]
    return since, _fixed(end, zone, now)


def _fixed(edge: date | datetime | timedelta, zone: ZoneInfo, now: datetime) -> datetime:
    if isinstance(edge, timedelta):
        return now + edge
    if not isinstance(edge, datetime):
        return _at(edge, time(), zone)
    return edge.astimezone(UTC) if edge.tzinfo is not None else _at(edge.date(), edge.time(), zone)


def _next(clock: time, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant strictly after *after* at which the clocks of *zone* show *clock*."""
    today = after.astimezone(zone).date()
    return next(at for days in range(3) if (at := _at(today + days * _DAY, clock, zone)) > after)


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    from schedsync.specs.zones import resolve_local  # noqa: PLC0415 - few commands need it

    return resolve_local(datetime.combine(day, clock), zone)


def _shown(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).isoformat(" ", "seconds")
