"""The starts of a day as bars, as wide as the terminal is, and its worst minutes with their jobs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import click

from schedsync.cli.ahead import look_ahead
from schedsync.cli.options import Options
from schedsync.cli.output import complain, counted, say, say_json, say_table
from schedsync.cli.painting import Line, Paint, painted
from schedsync.cli.spans import whole_day
from schedsync.cli.terminal import columns, speaks
from schedsync.clock import rfc3339, utc_now
from schedsync.specs.pressure import Bar, Crowd, Pressure, pressure

_BLOCKS = " ▏▎▍▌▋▊▉█"
"""Eighths of a column."""
_ASCII = " #"
_WIDTH = 80
"""Columns, where there is no terminal."""
_NARROWEST = 8
_NAMED = 2
"""So many jobs of a minute are named, and a third rather than "and 1 more"."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be shown."""

    day: date | None
    """None: the next 24 hours, of which the first is the one that is going on."""
    zone: ZoneInfo
    by: str
    """``hour`` or ``minute``."""
    most: int
    """So many of the worst minutes are named."""

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the span in question (UTC).

        Raises:
            UsageError: there is no such day.
        """
        if self.day is None:
            local = now.astimezone(self.zone)
            return now, now - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond) + (
                timedelta(days=1)
            )
        try:
            return whole_day(self.day, self.zone)
        except ValueError as error:
            raise click.UsageError(f"--day: {error}.") from None


def show(options: Options, asked: Asked) -> None:
    """Print how the starts of all jobs are spread over a day.

    Raises:
        UsageError: there is no such day.
        FolderUnavailableError: there is no job to look at.
    """
    now = utc_now()
    since, until = asked.span(now)
    ahead = look_ahead(options.settings(), None, now)
    found = pressure(ahead.starts_within(since, until), since, until)
    bars = found.by_hour(asked.zone) if asked.by == "hour" else [bar for bar in found.by_minute() if bar.starts]
    worst = found.worst(asked.most)
    if options.as_json:
        say_json(_as_json(asked, (since, until), found, bars, worst))
    else:
        zone = asked.zone
        total = f"{counted(found.starts, 'start')} of {counted(len(found.slots), 'job')}"
        say([f"{_long(since, zone)} to {_long(until, zone)} {zone.key}: {total}"])
        say_table(lines(bars, zone, columns() or _WIDTH, _BLOCKS if speaks(_BLOCKS) else _ASCII))
        if worst:
            say(["", "the worst minutes:" if len(worst) > 1 else "the worst minute:", *_named(worst, zone)])
        if suspended := sum(spec.suspend for spec in ahead.specs):
            complain(f"{counted(suspended, 'job')} left out, suspended")
    ahead.say_what_is_missing()


def lines(bars: Sequence[Bar], zone: ZoneInfo, width: int, blocks: str) -> Iterator[Line]:
    """Yield a line for each of *bars*: when, how many starts, and as much of a bar.

    Args:
        bars: in time order.
        zone: in which times are shown.
        width: columns of the terminal.
        blocks: parts of a column from none to all of it.
    """
    highest = max((bar.starts for bar in bars), default=0)
    digits = len(f"{highest:,}")
    room = max(width - len("00:00  ") - digits - 2, _NARROWEST)
    for bar in bars:
        text = _bar(bar.starts, highest, room, blocks)
        yield f"{bar.at.astimezone(zone):%H:%M}  {bar.starts:>{digits},}" + (
            painted(f"  {text}", Paint.BUSY) if text else ""
        )


def _bar(count: int, highest: int, room: int, blocks: str) -> str:
    """Return a bar of which the highest fills *room*; one start is to be seen, too."""
    parts = len(blocks) - 1
    filled = max(round(count * room * parts / highest), 1) if count else 0
    whole, part = divmod(filled, parts)
    return blocks[-1] * whole + (blocks[part] if part else "")


def _named(worst: Sequence[Crowd], zone: ZoneInfo) -> Iterator[Line]:
    digits = max(len(f"{crowd.starts:,}") for crowd in worst)
    for crowd in worst:
        starts = f"{crowd.starts:>{digits},} start{' ' if crowd.starts == 1 else 's'}"
        yield f"  {_long(crowd.at, zone)}  {starts}  {_first(crowd.jobs)}"


def _first(jobs: Sequence[str]) -> str:
    if len(jobs) <= _NAMED + 1:
        return ", ".join(jobs)
    return f"{', '.join(jobs[:_NAMED])}, and {len(jobs) - _NAMED:,} more"


def _long(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%a %Y-%m-%d %H:%M %z}"


def _as_json(
    asked: Asked, span: tuple[datetime, datetime], found: Pressure, bars: Sequence[Bar], worst: Sequence[Crowd]
) -> dict[str, object]:
    since, until = span
    return {
        "from": rfc3339(since),
        "until": rfc3339(until),
        "timezone": asked.zone.key,
        "by": asked.by,
        "starts": found.starts,
        "jobs": len(found.slots),
        "bars": [{"at": rfc3339(bar.at), "starts": bar.starts} for bar in bars],
        "worst": [{"at": rfc3339(crowd.at), "starts": crowd.starts, "jobs": list(crowd.jobs)} for crowd in worst],
    }
