"""A day as a picture: a line for each job, with what ran and what will start, and how many starts there are when."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from schedsync.clock import from_micros
from schedsync.pages.shown.runs import WORDS
from schedsync.pages.shown.wording import counted
from schedsync.runs.run import Run, RunState
from schedsync.specs.slots import Slots
from schedsync.status.day import FEW, STEP, Day, Outlook, Past, Row

WIDTH, HEIGHT = 1_440, 20
"""Of a line, in units of the picture: one for each minute."""
BAR_HEIGHT = 100
"""Of the highest bar."""
_SPELT = 24
"""So many times of a job are spelt out for those who do not see the picture; of more, how many there are."""
_STEP = STEP // timedelta(minutes=1)
_MARK = 6
"""How wide a mark is at least: what lasts a second is to be seen, too."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A rectangle on a line: a run, some runs of one quarter of an hour, or what will start."""

    x: int
    width: int
    state: str
    """A run's state, or ``coming``."""
    title: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A job's day."""

    job_id: str
    marks: tuple[Mark, ...]
    summary: str
    """What is on it, in numbers."""
    spelt: str
    """What is on it, in times."""


@dataclass(frozen=True, slots=True)
class Bar:
    """How many starts there are in a quarter of an hour."""

    x: int
    parts: tuple[tuple[str, int, int], ...]
    """Class, top and height of each part: what ran well, what did not, what comes."""
    title: str


@dataclass(frozen=True, slots=True)
class Hour:
    """The same in numbers, for an hour."""

    begins: str
    ran: int
    bad: int
    coming: int


@dataclass(frozen=True, slots=True)
class DayPicture:
    """The page."""

    day: date
    before: date
    after: date
    is_today: bool
    now_at: int | None
    """Where the present is; None on other days."""
    bars: tuple[Bar, ...]
    hours: tuple[Hour, ...]
    busiest: str
    lines: tuple[Line, ...]
    total: int
    """How many jobs have something on that day, of those that are asked for."""
    next_id: str | None
    """The id behind which the page goes on; None: this is all."""
    unknown: int
    """How many jobs have specs that are not known."""


def picture(
    day: Day, now: datetime, before: Past, after: Outlook, rows: Iterable[Row], *, total: int, next_id: str | None
) -> DayPicture:
    """Return what the page shows of *day* at *now*.

    Args:
        day: the day.
        now: the time (UTC).
        before: what ran.
        after: what will start.
        rows: the jobs that are on this page.
        total: how many jobs there are on all of them.
        next_id: where the next one begins.
    """
    is_today = day.start <= now < day.end
    return DayPicture(
        day=day.date,
        before=day.date - timedelta(days=1),
        after=day.date + timedelta(days=1),
        is_today=is_today,
        now_at=_minute(now, day) if is_today else None,
        bars=tuple(_bars(day, before, after)),
        hours=tuple(_hours(before, after)),
        busiest=_busiest(day, before, after),
        lines=tuple(_line(row, day, now) for row in rows),
        total=total,
        next_id=next_id,
        unknown=after.unknown,
    )


def _bars(day: Day, before: Past, after: Outlook) -> Iterator[Bar]:
    highest = max(1, *_sums(before, after))
    each = zip(day.steps, before.ran, before.bad, after.starts, strict=True)
    for place, (at, ran, bad, coming) in enumerate(each):
        if ran or coming:
            top, parts = BAR_HEIGHT, []
            for kind, count in (("succeeded", ran - bad), ("failed", bad), ("coming", coming)):
                height = max(round(count / highest * BAR_HEIGHT), 2) if count else 0
                top -= height
                if count:
                    parts.append((kind, max(top, 0), height))
            yield Bar(place * _STEP, tuple(parts), f"{at:%H:%M}: {_numbers(ran, bad, coming)}")


def _hours(before: Past, after: Outlook) -> Iterator[Hour]:
    steps = 60 // _STEP
    for hour in range(24):
        part = slice(hour * steps, (hour + 1) * steps)
        yield Hour(f"{hour:02}:00", sum(before.ran[part]), sum(before.bad[part]), sum(after.starts[part]))


def _busiest(day: Day, before: Past, after: Outlook) -> str:
    sums = _sums(before, after)
    most = max(sums)
    if not most:
        return "Nothing starts on this day."
    at = day.steps[sums.index(most)]
    return f"{counted(sum(sums), 'start')}; most from {at:%H:%M} to {at + STEP:%H:%M}, {most:,} of them."


def _sums(before: Past, after: Outlook) -> list[int]:
    return [ran + coming for ran, coming in zip(before.ran, after.starts, strict=True)]


def _numbers(ran: int, bad: int, coming: int) -> str:
    parts = [f"{ran:,} ran" if ran else "", f"{bad:,} of them failed" if bad else ""]
    return ", ".join(part for part in (*parts, f"{coming:,} to come" if coming else "") if part)


def _line(row: Row, day: Day, now: datetime) -> Line:
    done = [_of_run(run, day, now) for run in row.runs] if row.runs else [_of_cell(*cell) for cell in _cells(row, day)]
    return Line(
        job_id=row.job_id,
        marks=(*_of_slots(row.coming, day), *done),
        summary=_summary(row.counts, len(row.coming)),
        spelt=_spelt(row),
    )


def _of_run(run: Run, day: Day, now: datetime) -> Mark:
    begin = run.started_at or run.scheduled_at
    end = run.finished_at or (now if run.state is RunState.RUNNING else begin)
    x = min(max(_minute(begin, day), 0), WIDTH - _MARK)
    width = max(min(_minute(end, day), WIDTH) - x, _MARK)
    return Mark(x, width, run.state.value, f"{run.scheduled_at:%H:%M:%S} {WORDS[run.state]}", run.id)


def _cells(row: Row, day: Day) -> Iterator[tuple[int, str, str]]:
    for cell in row.cells:
        words = f"{counted(cell.count, 'run')}, the worst {WORDS[cell.worst]}"
        yield _minute(cell.at, day), cell.worst.value, f"{cell.at:%H:%M} to {cell.at + STEP:%H:%M}: {words}"


def _of_cell(x: int, state: str, title: str) -> Mark:
    return Mark(x, _STEP, state, title)


def _of_slots(slots: Slots, day: Day) -> Iterator[Mark]:
    if len(slots) <= FEW:
        for slot in slots:
            at = from_micros(slot)
            yield Mark(min(_minute(at, day), WIDTH - _MARK), _MARK, "coming", f"{at:%H:%M:%S} to come")
        return
    for first, last, count in _stretches(slots):
        x, end = _minute(first, day), _minute(last, day)
        title = f"{first:%H:%M} to {last:%H:%M}: {count:,} to come"
        yield Mark(min(x, WIDTH - _MARK), max(end - x, _MARK), "coming", title)


def _stretches(slots: Slots) -> Iterator[tuple[datetime, datetime, int]]:
    """Yield the parts of *slots* between which an hour or more is free: a band for each, and how many are in it."""
    if isinstance(slots, range):
        yield from_micros(slots[0]), from_micros(slots[-1]), len(slots)
        return
    hour, begin = 3_600_000_000, 0
    for place in range(1, len(slots) + 1):
        if place == len(slots) or slots[place] - slots[place - 1] > hour:
            yield from_micros(slots[begin]), from_micros(slots[place - 1]), place - begin
            begin = place


def _summary(counts: Mapping[RunState, int], coming: int) -> str:
    said = [f"{counts[state]:,} {WORDS[state]}" for state in RunState if counts.get(state)]
    return ", ".join([*said, f"{coming:,} to come"] if coming else said)


def _spelt(row: Row) -> str:
    done = [f"{run.scheduled_at:%H:%M} {WORDS[run.state]}" for run in row.runs]
    coming = [f"{from_micros(slot):%H:%M}" for slot in row.coming[:_SPELT]]
    parts = [_first(done), f"to come: {_first(coming, len(row.coming))}" if coming else ""]
    return "; ".join(part for part in parts if part)


def _first(said: Sequence[str], total: int | None = None) -> str:
    left = (len(said) if total is None else total) - _SPELT
    return ", ".join(said[:_SPELT]) + (f" and {left:,} more" if left > 0 else "")


def _minute(at: datetime, day: Day) -> int:
    return (at - day.start) // timedelta(minutes=1)
