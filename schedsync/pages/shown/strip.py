"""The last runs of a job as a small picture: a bar for each, its height the time it took, failures full height."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log1p

from schedsync.pages.shown.runs import FAILURES, WORDS, took
from schedsync.pages.shown.times import absolute
from schedsync.pages.shown.wording import counted
from schedsync.runs.run import Run, RunState

WIDTH, HEIGHT, RUNS = 7, 22, 20
"""Of a place for a bar and of the picture, in pixels; and how many bars it has room for."""
_LOW, _HIGH = 4, 16
"""The heights of the quickest and of the slowest run that succeeded: failures stand out above them."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A run in the picture. Lengths are pixels."""

    x: int
    y: int
    height: int
    state: str
    title: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The picture, the oldest run on the left."""

    bars: tuple[Bar, ...]
    label: str
    """The same for those who do not see it."""


def strip(newest_first: Sequence[Run], now: datetime) -> Strip:
    """Return the picture of a job's runs, of which the newest comes first, as they are *now*."""
    runs = list(reversed(newest_first[:RUNS]))
    longest = max((_length(run, now) for run in runs), default=timedelta(0))
    first = RUNS - len(runs)
    bars = (_bar(first + place, run, longest, now) for place, run in enumerate(runs))
    return Strip(tuple(bars), _label(runs))


def _bar(place: int, run: Run, longest: timedelta, now: datetime) -> Bar:
    height = _height(run, longest, now)
    title = ", ".join(part for part in (absolute(run.scheduled_at), WORDS[run.state], took(run, now)) if part)
    return Bar(place * WIDTH, HEIGHT - height, height, run.state.value, title)


def _height(run: Run, longest: timedelta, now: datetime) -> int:
    if run.state in FAILURES:
        return HEIGHT
    if run.state in {RunState.SKIPPED, RunState.QUEUED, RunState.CANCELLED}:
        return _LOW
    # By the logarithm: a run of a minute is to be seen beside one of an hour.
    share = log1p(_length(run, now).total_seconds()) / (log1p(longest.total_seconds()) or 1)
    return _LOW + round((_HIGH - _LOW) * share)


def _length(run: Run, now: datetime) -> timedelta:
    return timedelta(0) if run.started_at is None else max((run.finished_at or now) - run.started_at, timedelta(0))


def _label(runs: Iterable[Run]) -> str:
    counts: dict[str, int] = {}
    for run in runs:
        counts[WORDS[run.state]] = counts.get(WORDS[run.state], 0) + 1
    if not counts:
        return "no runs yet"
    words = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"last {counted(sum(counts.values()), 'slot')}: {words}"
