"""Times as people read and write them on the command line.

How durations are written is known to the package of specs, which few commands need before they do anything.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

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


M = TypeVar("M", bound=date)


def reachable(moment: M) -> M:
    """Return *moment*, a time or a day, if there may be slots then.

    Raises:
        ValueError: it is at an end of the calendar, where zones lead beyond; the message says what to write.
    """
    from schedsync.specs.moments import FIRST_YEAR, LAST_YEAR  # noqa: PLC0415

    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"the year {moment.year} is out of reach; write one from {FIRST_YEAR} to {LAST_YEAR}")
    return moment


class Moment(click.ParamType[datetime]):
    """A time with its zone, or a duration from now, forwards or backwards."""

    name = "time"

    def __init__(self, *, backwards: bool = False, of_slots: bool = False) -> None:
        self._sign = -1 if backwards else 1
        self._of_slots = of_slots

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the instant (UTC) that *value* means."""
        if isinstance(value, datetime):
            return value
        from schedsync.control import parse_end  # noqa: PLC0415 - brings the store, which few commands need

        try:
            end = parse_end(value)
            moment = utc_now() + self._sign * end if isinstance(end, timedelta) else end
            return reachable(moment) if self._of_slots else moment
        except (ValueError, OverflowError) as error:
            self.fail(str(error), param, ctx)


MOMENT, PAST = Moment(), Moment(backwards=True)
SLOT = Moment(of_slots=True)
"""From which on slots are looked for."""


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
