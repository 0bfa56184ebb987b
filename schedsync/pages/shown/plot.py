"""The runs of a job over time: a bar for each slot, as high as it took long; how it ended is its colour and its cap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schedsync.pages.shown.runs import FAILURES, WORDS, took
from schedsync.pages.shown.times import absolute, length, short
from schedsync.runs.run import Run

RUNS = 100
"""The most that are drawn."""
WIDTH, HEIGHT = 720, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 712, 14, 122
"""Where the bars stand."""
_BAR, _LOWEST = 5, 3


@dataclass(frozen=True, slots=True)
class PlotBar:
    """A run. Lengths are units of the picture."""

    x: int
    y: int
    height: int
    state: str
    failed: bool
    """Whether it has a cap."""
    hollow: bool
    """Whether nothing ran."""
    title: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Line:
    """A height with its length of time."""

    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """The picture, the oldest slot on the left."""

    bars: tuple[PlotBar, ...]
    lines: tuple[Line, ...]
    first: str
    last: str
    label: str


def plot(newest_first: Sequence[Run], now: datetime) -> Plot | None:
    """Return the picture of *newest_first* as they are *now*; None while there are fewer than two slots."""
    runs = list(reversed(newest_first[:RUNS]))
    if len(runs) < 2:
        return None
    longest = max(_length(run, now) for run in runs)
    scale = max(longest, timedelta(seconds=1))
    begin, end = runs[0].scheduled_at, runs[-1].scheduled_at
    bars = tuple(_bar(run, _x(run.scheduled_at, begin, end), scale, now) for run in runs)
    return Plot(bars, _lines(scale), short(begin, now), short(end, now), _label(runs, longest))


def _x(at: datetime, begin: datetime, end: datetime) -> int:
    share = (at - begin) / ((end - begin) or timedelta(1))
    return _LEFT + round((_RIGHT - _LEFT - _BAR) * share)


def _bar(run: Run, x: int, scale: timedelta, now: datetime) -> PlotBar:
    height = max(round((_BOTTOM - _TOP) * (_length(run, now) / scale)), _LOWEST)
    words = (absolute(run.scheduled_at), WORDS[run.state], took(run, now))
    return PlotBar(
        x=x,
        y=_BOTTOM - height,
        height=height,
        state=run.state.value,
        failed=run.state in FAILURES,
        hollow=run.started_at is None,
        title=", ".join(word for word in words if word),
        run_id=run.id,
    )


def _lines(scale: timedelta) -> tuple[Line, ...]:
    middle = (_TOP + _BOTTOM) // 2
    return Line(_TOP, length(scale)), Line(middle, length(scale / 2)), Line(_BOTTOM, "0")


def _length(run: Run, now: datetime) -> timedelta:
    return timedelta(0) if run.started_at is None else max((run.finished_at or now) - run.started_at, timedelta(0))


def _label(runs: Sequence[Run], longest: timedelta) -> str:
    failed = sum(run.state in FAILURES for run in runs)
    return f"The last {len(runs)} slots over time: {failed} failed, the longest run took {length(longest)}."
