"""What fires within a span, over all jobs: ``schedsync next --all --between 22:00 06:00``."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import click

from schedsync.cli.ahead import Ahead, look_ahead
from schedsync.cli.options import Options
from schedsync.cli.output import complain, counted, say, say_json, say_table
from schedsync.cli.painting import Line, Paint, painted
from schedsync.cli.spans import Edge, span
from schedsync.cli.tables import table
from schedsync.clock import from_micros, rfc3339, to_micros, utc_now
from schedsync.runs.blackouts import Blackout, covering
from schedsync.specs.agenda import Entry, entries
from schedsync.specs.job import JobSpec
from schedsync.specs.slots import Slots
from schedsync.specs.words import in_words

UTC_ZONE = ZoneInfo("UTC")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be shown."""

    since: datetime | None
    """Where to begin; None: now."""
    between: tuple[Edge, Edge] | None
    """The span in its place; None: a day long."""
    zone: ZoneInfo | None
    """In which times of the day are meant and times are shown; None: UTC."""
    most: int
    """So many lines, or slots in JSON."""
    often: int
    """A job that fires more often is one line."""

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the span in question (UTC).

        Raises:
            UsageError: it is none.
        """
        if self.between is None:
            since = self.since or now
            return since, since + _DAY
        try:
            return span(*self.between, self.zone or UTC_ZONE, now)
        except ValueError as error:
            raise click.UsageError(f"--between: {error}.") from None


def show(options: Options, job_id: str | None, asked: Asked) -> None:
    """Print what all jobs, or one, fire within a span, in time order.

    Raises:
        UsageError: the span is none.
        FolderUnavailableError: there is no job to look at.
        JobNotFoundError: not the one that is meant.
    """
    now = utc_now()
    since, until = asked.span(now)
    ahead = look_ahead(options.settings(), job_id, now)
    slots = ahead.within(since, until)
    zone = asked.zone or UTC_ZONE
    if options.as_json:
        say_json(_as_json(ahead, slots, (since, until), asked))
    else:
        _say(ahead, slots, f"{_at(since, zone)} to {_at(until, zone)} {zone.key}", zone, asked)
    if job_id is None:
        ahead.say_what_is_missing()


def _as_json(
    ahead: Ahead, slots: Mapping[str, Slots], span: tuple[datetime, datetime], asked: Asked
) -> dict[str, object]:
    since, until = span
    each = islice(entries(slots, sys.maxsize), asked.most)
    blackouts = {spec.id: ahead.blackouts.concerning(spec.id, spec.tags) for spec in ahead.specs}
    return {
        "from": rfc3339(since),
        "until": rfc3339(until),
        "timezone": (asked.zone or UTC_ZONE).key,
        "total": sum(map(len, slots.values())),
        "slots": [_slot(entry, covering(blackouts[entry.job_id], entry.at)) for entry in each],
    }


def _slot(entry: Entry, blackout: Blackout | None) -> dict[str, str]:
    skipped = {} if blackout is None else {"blackout": blackout.name}
    return {"at": rfc3339(entry.at), "id": entry.job_id, **skipped}


def _say(ahead: Ahead, slots: Mapping[str, Slots], span: str, zone: ZoneInfo, asked: Asked) -> None:
    total = sum(map(len, slots.values()))
    say([f"{span}: {counted(total, 'slot')} of {counted(len(slots), 'job')}"])
    if slots:
        found = islice(entries(slots, asked.often), asked.most)
        say_table(table(("AT", "JOB", "WHAT"), _rows(found, ahead, slots, zone)))
    lines = sum(1 if len(found) > asked.often else len(found) for found in slots.values())
    if lines > asked.most:
        complain(f"these are the first {asked.most:,} of {lines:,} lines; -n {lines} shows all")
    if suspended := sum(spec.suspend for spec in ahead.specs):
        complain(f"{counted(suspended, 'job')} left out, suspended")


def _rows(
    found: Iterator[Entry], ahead: Ahead, slots: Mapping[str, Slots], zone: ZoneInfo
) -> Iterator[tuple[Line, Line, Line]]:
    specs = {spec.id: spec for spec in ahead.specs}
    for entry in found:
        spec = specs[entry.job_id]
        blackouts = ahead.blackouts.concerning(spec.id, spec.tags)
        skipped = _skipped(slots[spec.id] if entry.until is not None else (to_micros(entry.at),), blackouts)
        yield _at(entry.at, zone), entry.job_id, _what(entry, spec, zone) + painted(skipped, Paint.CARE)


def _what(entry: Entry, spec: JobSpec, zone: ZoneInfo) -> str:
    if entry.until is not None:
        return f"{in_words(spec)}, {entry.count:,} times until {entry.until.astimezone(zone):%H:%M:%S}"
    return " ".join(spec.description.split()) or in_words(spec)


def _skipped(slots: Slots, blackouts: tuple[Blackout, ...]) -> str:
    """Return which of *slots* the first blackout that has any of them skips, to be added."""
    if not blackouts:
        return ""
    over = [found for slot in slots if (found := covering(blackouts, from_micros(slot))) is not None]
    if not over:
        return ""
    count = f"{len(over):,} of them " if len(slots) > 1 else ""
    return f", {count}skipped: {over[0].said}"


def _at(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%a %Y-%m-%d %H:%M:%S %z}"
