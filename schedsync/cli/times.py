"""Times as people read and write them on the command line.

How durations are written is known to the package of specs, which few commands need before they do anything.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from schedsync.clock import utc_now


def shown(instant: datetime | None) -> str | None:
    """Return *instant* in UTC, to the second: ``2026-11-24 02:30:00Z``."""
    return None if instant is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def ago(instant: datetime) -> str:
    """Return how long ago *instant* is."""
    from schedsync.specs.durations import format_duration  # noqa: PLC0415

    return f"{format_duration(timedelta(seconds=max(round((utc_now() - instant).total_seconds()), 0)))} ago"


def elapsed(duration: timedelta) -> str:
    """Return a length of time, with tenths of a second when it is short."""
    from schedsync.specs.durations import format_duration  # noqa: PLC0415

    seconds = max(duration.total_seconds(), 0)
    return f"{seconds:.1f}s" if seconds < 60 else format_duration(duration)


class Moment(click.ParamType[datetime]):
    """A time with its zone, or a duration from now, forwards or backwards."""

    name = "time"

    def __init__(self, *, backwards: bool = False) -> None:
        self._sign = -1 if backwards else 1

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the instant (UTC) that *value* means."""
        if isinstance(value, datetime):
            return value
        from schedsync.control import parse_end  # noqa: PLC0415 - brings the store, which few commands need

        try:
            end = parse_end(value)
            return utc_now() + self._sign * end if isinstance(end, timedelta) else end
        except (ValueError, OverflowError) as error:
            self.fail(str(error), param, ctx)


MOMENT, PAST = Moment(), Moment(backwards=True)


class Period(click.ParamType[timedelta]):
    """A length of time."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the length that *value* means."""
        if isinstance(value, timedelta):
            return value
        from schedsync.specs.durations import parse_duration  # noqa: PLC0415

        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


PERIOD = Period()
