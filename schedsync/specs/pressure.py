"""How many starts there are in each minute of a span, over many jobs, and which minutes have the most."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from zoneinfo import ZoneInfo

from schedsync.clock import from_micros, to_micros
from schedsync.specs.slots import Slots, count_between

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Bar:
    """How many starts there are from a time on, for an hour or for a minute."""

    at: datetime
    """Its beginning (UTC), which may be before that of the span."""
    starts: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """A minute in which jobs start, and how many starts there are in it."""

    at: datetime
    starts: int
    jobs: tuple[str, ...]
    """Ids, in order."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """The starts of jobs within a span, by minute."""

    slots: Mapping[str, Slots]
    """By job, all within the span."""
    edges: tuple[int, ...]
    """The beginnings of its minutes and the end of the last one, as epoch microseconds."""
    counts: tuple[int, ...]

    @property
    def starts(self) -> int:
        """How many there are in all."""
        return sum(self.counts)

    def by_minute(self) -> list[Bar]:
        """Return all minutes, also those in which nothing starts."""
        return [Bar(from_micros(edge), count) for edge, count in zip(self.edges, self.counts, strict=False)]

    def by_hour(self, zone: ZoneInfo) -> list[Bar]:
        """Return the hours by the clocks of *zone*; of the first and the last one, what is within the span."""
        bars: list[Bar] = []
        for minute in self.by_minute():
            at = _beginning_of_hour(minute.at, zone)
            if bars and bars[-1].at == at:
                bars[-1] = Bar(at, bars[-1].starts + minute.starts)
            else:
                bars.append(Bar(at, minute.starts))
        return bars

    def worst(self, most: int) -> list[Crowd]:
        """Return the minutes with the most starts, the worst and of those the earliest first; none with one alone."""
        order = nsmallest(most, range(len(self.counts)), key=lambda place: (-self.counts[place], place))
        return [self._crowd(place) for place in order if self.counts[place] > 1]

    def _crowd(self, place: int) -> Crowd:
        begin, end = self.edges[place], self.edges[place + 1]
        jobs = [job_id for job_id, slots in self.slots.items() if _has_one(slots, begin, end)]
        return Crowd(from_micros(begin), self.counts[place], tuple(sorted(jobs)))


def pressure(slots: Mapping[str, Slots], since: datetime, until: datetime) -> Pressure:
    """Return how the starts of jobs are spread.

    Args:
        slots: by job, all from *since* until before *until*.
        since: the beginning of the span (UTC).
        until: its end.
    """
    edges = tuple(_edges(since, until))
    return Pressure(slots, edges, tuple(_sums(slots.values(), edges)))


def _edges(since: datetime, until: datetime) -> Iterable[int]:
    at = since.replace(second=0, microsecond=0)
    yield to_micros(at)
    while at < until:
        at += _MINUTE
        yield to_micros(at)


def _sums(each: Iterable[Slots], edges: Sequence[int]) -> list[int]:
    sums = [0] * (len(edges) - 1)
    width = edges[1] - edges[0] if len(edges) > 1 else 1
    for slots in each:
        if len(slots) < len(edges):
            for slot in slots:
                sums[(slot - edges[0]) // width] += 1
        else:
            sums = [before + more for before, more in zip(sums, count_between(slots, edges), strict=True)]
    return sums


def _has_one(slots: Slots, begin: int, end: int) -> bool:
    place = bisect_left(slots, begin)
    return place < len(slots) and slots[place] < end


def _beginning_of_hour(at: datetime, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    # By elapsed time, since an hour that comes twice is two.
    return at - timedelta(minutes=local.minute, seconds=local.second)
