"""What is known about a job and a moment: its schedule, whoever keeps it from running, and what became of it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from schedsync.cli.ahead import anchors_of, chosen
from schedsync.cli.folder import check_folder
from schedsync.cli.options import Options
from schedsync.cli.output import say, say_json
from schedsync.cli.painting import Line, Paint, painted, words
from schedsync.cli.stores import current
from schedsync.cli.times import reachable, shown
from schedsync.clock import rfc3339, utc_now
from schedsync.errors import DatabaseUnavailableError, SchemaError
from schedsync.runs.blackouts import Blackouts
from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import Run
from schedsync.runs.selection import RunFilter
from schedsync.settings import Settings
from schedsync.specs.in_short import in_short, trigger_in_short
from schedsync.specs.job import JobSpec
from schedsync.specs.why.said import Said, Span
from schedsync.specs.why.trigger import Explained, explain
from schedsync.specs.wording import quoted
from schedsync.specs.zones import resolve_local

_MOST_RUNS = 20
_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Live:
    """What the database says, as far as it can be asked."""

    pauses: Sequence[Pause] = ()
    runs: Sequence[Run] = ()
    """Of the moment, oldest first."""


@dataclass(frozen=True, slots=True)
class _Answer:
    spec: JobSpec
    at: datetime
    triggers: Sequence[Explained]
    kept: Sequence[Said]
    """What keeps a slot from running."""
    runs: Sequence[Run]

    @property
    def slots(self) -> list[datetime]:
        return sorted({slot for trigger in self.triggers for slot in trigger.slots})

    @property
    def following(self) -> datetime | None:
        return min((t.following for t in self.triggers if t.following is not None), default=None)


def show(options: Options, job_id: str, at: str | None) -> None:
    """Print whether a job fires at a moment, and why.

    Raises:
        FolderUnavailableError: there is no job to look at.
        JobNotFoundError: not the one that is meant.
        UsageError: the moment is none.
    """
    settings = options.settings()
    (spec,) = chosen(check_folder(settings.jobs), job_id)
    now = utc_now()
    span = _span(at, spec, now)
    anchor = anchors_of(settings, [spec]).get(spec.id, now.replace(microsecond=0))
    live = _live(settings, spec.id, span, now)
    triggers = explain(spec, span, anchor=anchor)
    kept = [*_kept(spec, live.pauses, span, now), *_in_blackout(spec, settings.blackout_times, triggers)]
    answer = _Answer(spec, span.start, triggers, kept, live.runs)
    if options.as_json:
        say_json(_as_json(answer))
    else:
        say(_lines(answer))


def _span(at: str | None, spec: JobSpec, now: datetime) -> Span:
    """Return the minute that is meant, or the second if there are seconds in it."""
    start = now.replace(second=0, microsecond=0) if at is None else _moment(at, spec)
    length = _SECOND if start.second or start.microsecond else _MINUTE
    return Span(start.replace(microsecond=0), start.replace(microsecond=0) + length)


def _moment(text: str, spec: JobSpec) -> datetime:
    try:
        there = reachable(_read(text))
    except ValueError as error:
        raise click.UsageError(f"Invalid value for '--at': {error}.") from None
    if there.tzinfo is not None:
        return there.astimezone(UTC)
    return resolve_local(there, spec.schedule[0].zone) if spec.schedule else there.replace(tzinfo=UTC)


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{quoted(text)} is not a time; write it like 2026-12-24T06:00, by the clock of the schedule, or with an"
            " offset or Z"
        ) from None


def _live(settings: Settings, job_id: str, span: Span, now: datetime) -> _Live:
    with suppress(SchemaError, DatabaseUnavailableError), current(settings) as store:
        pauses = store.pauses.in_force(now)
        wanted = RunFilter(since=span.start, until=span.end)
        runs = store.runs.page(job_id=job_id, before=None, limit=_MOST_RUNS, only=wanted)
        return _Live([pauses[key] for key in (job_id, EVERYTHING) if key in pauses], runs[::-1])
    return _Live()


def _kept(spec: JobSpec, pauses: Sequence[Pause], span: Span, now: datetime) -> Iterator[Said]:
    if spec.suspend:
        yield Said("suspend", "its file says suspend: true")
    for pause in pauses:
        if span.end > now and pause.covers(span.start):
            until = f" until {shown(pause.until)}" if pause.until else ""
            whose = "all jobs are" if pause.job_id == EVERYTHING else "it is"
            reason = f": {pause.reason}" if pause.reason else ""
            yield Said("pause", f"{whose} paused by {pause.by} since {shown(pause.since)}{until}{reason}")


def _in_blackout(spec: JobSpec, blackouts: Blackouts, triggers: Sequence[Explained]) -> Iterator[Said]:
    slots = [slot for trigger in triggers for slot in trigger.slots]
    found = [blackouts.over(spec.id, spec.tags, slot) for slot in slots]
    if None not in found:  # or one of the slots runs
        yield from dict.fromkeys(Said("blackouts", blackout.said) for blackout in found if blackout is not None)


# --- as text and as JSON -------------------------------------------------------------------------


def _lines(answer: _Answer) -> Iterator[Line]:
    spec, slots = answer.spec, answer.slots
    zone = spec.schedule[0].zone if spec.schedule else None
    moment = f"{answer.at.astimezone(zone):%a %Y-%m-%d %H:%M:%S %z} {zone.key}" if zone else shown(answer.at)
    verdict = "does not fire" if not slots else "is skipped" if answer.kept else "fires"
    paint = Paint.FAINT if not slots else Paint.CARE if answer.kept else Paint.GOOD
    yield painted(spec.id, Paint.STRONG) + " " + painted(verdict, paint) + f" at {moment}"
    if spec.after is not None:
        yield f"  it has no slots: it runs {in_short(spec)}"
    for each in answer.triggers:
        yield f"  {trigger_in_short(each.trigger)}: {'fires' if each.slots else 'does not fire'}"
        yield from (_said(said) for said in each.because)
    yield from (_said(said) for said in answer.kept)
    for run in answer.runs:
        reason = f": {run.reason}" if run.reason else ""
        yield f"  run {run.id} of {shown(run.scheduled_at)}: " + words(str(run.state)) + reason
    if answer.following is not None:
        yield f"  the next slot after it is {shown(answer.following)}"


def _said(said: Said) -> Line:
    return "    " + painted(said.rule, Paint.FAINT) + f": {said.words}"


def _as_json(answer: _Answer) -> dict[str, Any]:
    return {
        "id": answer.spec.id,
        "at": rfc3339(answer.at),
        "fires": bool(answer.slots) and not answer.kept,
        "slots": [rfc3339(slot) for slot in answer.slots],
        "triggers": [
            {
                "schedule": trigger_in_short(each.trigger),
                "slots": [rfc3339(slot) for slot in each.slots],
                "because": _all(each.because),
            }
            for each in answer.triggers
        ],
        "kept_from_running": _all(answer.kept),
        "runs": [{"id": run.id, "state": str(run.state), "reason": run.reason} for run in answer.runs],
        "next": None if answer.following is None else rfc3339(answer.following),
    }


def _all(said: Sequence[Said]) -> list[dict[str, str]]:
    return [{"rule": each.rule, "words": each.words} for each in said]
