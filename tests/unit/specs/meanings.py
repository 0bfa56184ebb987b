"""Any expression together with what it means, for hypothesis; made side by side, so that nothing has to be parsed."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from hypothesis import strategies as st

from tests.unit.specs.clocks import Meaning
from tests.unit.specs.days import DAY, WEEKDAYS, is_day, is_weekday

JOBS = ("erp.dump", "a", "team-7/clean up")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
YEARS = range(2000, 2028)
"""In them every kind of year begins on every day of the week."""


@dataclass(frozen=True)
class Kind:
    """A field: its values from *low* to *high*, and to *top* where they go on from the beginning."""

    name: str
    low: int
    high: int
    top: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Numbers:
    """How a field, or an item of it, is written, and which numbers it stands for."""

    text: str
    values: frozenset[int]


@dataclass(frozen=True)
class OnDays:
    """How a field for days, or an item of it, is written, and whether it means a day."""

    text: str
    holds: Callable[[date], bool]


SECONDS, MINUTES, HOURS = Kind("second", 0, 59, 59), Kind("minute", 0, 59, 59), Kind("hour", 0, 23, 23)
DAY_OF_MONTH, MONTH = Kind("day of month", 1, 31, 31), Kind("month", 1, 12, 12, MONTHS)
DAY_OF_WEEK = Kind("day of week", 0, 7, 6, WEEKDAYS)


def walk(kind: Kind, first: int, last: int, step: int) -> frozenset[int]:
    """Return each *step*-th value on the way from *first* to *last*, which may lead across the end."""
    if first <= last:
        return frozenset(range(first, last + 1)[::step])
    twice = [*range(kind.low, kind.top + 1)] * 2
    begin = twice.index(first if first <= kind.top else kind.low)
    return frozenset(twice[begin : twice.index(last, begin) + 1][::step])


def spread(kind: Kind, job: str, low: int, high: int, step: int | None) -> frozenset[int]:
    """Return what ``H`` stands for; which number that is was chosen once, and other numbers would move the slots."""
    number = int.from_bytes(hashlib.sha256(f"{job} {kind.name}".encode()).digest()[:8])
    width = high - low + 1
    if step is None:
        return frozenset({low + number % width})
    return frozenset(range(low + number % min(step, width), high + 1, step))


def _numbers(kind: Kind) -> st.SearchStrategy[tuple[str, int]]:
    """Draw a value as a number, with leading zeros at times, or by its name in any case."""
    numbers = st.integers(kind.low, kind.high)
    written = st.tuples(numbers, st.sampled_from(["{}", "{}", "{:02}"])).map(
        lambda one: (one[1].format(one[0]), one[0])
    )
    if not kind.names:
        return written
    named = st.tuples(st.sampled_from(kind.names), st.sampled_from([str.lower, str.upper, str.title]))
    return written | named.map(lambda one: (one[1](one[0]), kind.names.index(one[0]) + kind.low))


@st.composite
def _items(draw: st.DrawFn, kind: Kind) -> Numbers:
    text, first = draw(_numbers(kind))
    if draw(st.booleans()):
        return Numbers(text, frozenset({first}))
    end, last = draw(_numbers(kind))
    step = draw(st.none() | st.integers(1, kind.high + 5))
    by = "" if step is None else f"/{step}"
    return Numbers(f"{text}-{end}{by}", walk(kind, first, last, step or 1))


@st.composite
def _stars(draw: st.DrawFn, kind: Kind) -> Numbers:
    step = draw(st.none() | st.integers(1, kind.high + 5))
    return Numbers("*" if step is None else f"*/{step}", frozenset(range(kind.low, kind.high + 1, step or 1)))


@st.composite
def _spreads(draw: st.DrawFn, kind: Kind, job: str) -> Numbers:
    low, high = kind.low, 28 if kind is DAY_OF_MONTH else kind.top
    among = ""
    if draw(st.booleans()):
        low, high = sorted(draw(st.tuples(*(st.integers(low, high),) * 2)))
        among = f"({low}-{high})"
    step = draw(st.none() | st.integers(1, kind.high + 5))
    by = "" if step is None else f"/{step}"
    return Numbers(f"{draw(st.sampled_from('Hh'))}{among}{by}", spread(kind, job, low, high, step))


def _joined(items: list[Numbers]) -> Numbers:
    return Numbers(",".join(item.text for item in items), frozenset().union(*(item.values for item in items)))


def fields(kind: Kind, job: str) -> st.SearchStrategy[Numbers]:
    """Draw fields: ``*``, steps, and lists of anything, which may begin with ``*`` or have it later."""
    star, any_star = st.just(Numbers("*", frozenset(range(kind.low, kind.high + 1)))), _stars(kind)
    single = _items(kind)
    lists = st.lists(st.one_of(single, single, any_star, _spreads(kind, job)), min_size=1, max_size=3).map(_joined)
    return st.one_of(star, any_star, single, lists)


def _on_days(numbers: Numbers, number_of: Callable[[date], int], top: int) -> OnDays:
    values = {value % 7 for value in numbers.values} if top == 6 else numbers.values
    return OnDays(numbers.text, lambda day: number_of(day) in values)


def _counted_month_days() -> st.SearchStrategy[OnDays]:
    """Draw ``L``, ``L-3``, ``LW`` and ``15W``."""
    texts = st.one_of(
        st.sampled_from(["L", "LW"]),
        st.integers(1, 30).map(lambda before: f"L-{before}"),
        st.integers(1, 31).map(lambda day: f"{day}W"),
    )
    return st.tuples(texts, st.booleans()).map(
        lambda one: OnDays(one[0].lower() if one[1] else one[0], lambda day: is_day(one[0], day))
    )


def _counted_week_days() -> st.SearchStrategy[OnDays]:
    """Draw ``fri#2``, ``5#2``, ``friL`` and ``5L``."""
    number = st.integers(0, 7)
    nth = st.tuples(number, st.integers(1, 5), st.booleans()).map(
        lambda one: OnDays(
            f"{WEEKDAYS[one[0] % 7] if one[2] else one[0]}#{one[1]}",
            lambda day: is_weekday(f"{WEEKDAYS[one[0] % 7]}#{one[1]}", day),
        )
    )
    last = st.tuples(number, st.booleans()).map(
        lambda one: OnDays(f"{WEEKDAYS[one[0] % 7] if one[1] else one[0]}L", lambda day: is_weekday(f"{one[0]}L", day))
    )
    return nth | last


def _either(items: list[OnDays]) -> OnDays:
    return OnDays(",".join(item.text for item in items), lambda day: any(item.holds(day) for item in items))


def month_days(job: str) -> st.SearchStrategy[OnDays]:
    plain = fields(DAY_OF_MONTH, job).map(lambda numbers: _on_days(numbers, lambda day: day.day, 31))
    return st.one_of(plain, plain, st.lists(_counted_month_days() | plain, min_size=1, max_size=3).map(_either))


def week_days(job: str) -> st.SearchStrategy[OnDays]:
    plain = fields(DAY_OF_WEEK, job).map(lambda numbers: _on_days(numbers, lambda day: day.isoweekday() % 7, 6))
    return st.one_of(plain, plain, st.lists(_counted_week_days() | plain, min_size=1, max_size=3).map(_either))


def either_or_both(of_month: OnDays, of_week: OnDays) -> Callable[[date], bool]:
    """Return whether two fields mean a day: crontab(5) says when it has to be in both."""
    if of_month.text.startswith("*") or of_week.text.startswith("*"):
        return lambda day: of_month.holds(day) and of_week.holds(day)
    return lambda day: of_month.holds(day) or of_week.holds(day)


@dataclass(frozen=True)
class Drawn:
    """An expression of a job."""

    text: str
    job: str
    meaning: Meaning
    without_seconds: Meaning
    """What it means without its first field, where it has six."""
    months: frozenset[int]
    """In which of them a day is needed: in all, where the month follows from the job's id."""
    whole: bool
    """Whether each of these months has to have one."""
    in_any_month: Callable[[date], bool]

    def __repr__(self) -> str:
        return f"{self.text!r} of {self.job!r}"

    def never_fires(self) -> bool:
        """Whether no day is meant, or none for some job where the month follows from the job's id."""
        found = (any(map(self.in_any_month, _days_of(month))) for month in self.months)
        return not (all(found) if self.whole else any(found))


def _days_of(month: int) -> Iterator[date]:
    """Yield the days of a month in all kinds of years, Februaries of leap years first."""
    for year in sorted(YEARS, key=lambda year: year % 4):
        first = date(year, month, 1)
        yield from (day for number in range(31) if (day := first + number * DAY).month == month)


@st.composite
def expressions(draw: st.DrawFn, *, seconds: bool = False, midnight: bool = False) -> Drawn:
    """Draw expressions of five fields, or of six, or those that fire at midnight only."""
    job = draw(st.sampled_from(JOBS))
    any_day, any_month = OnDays("*", lambda _: True), Numbers("*", frozenset(range(1, 13)))
    minute, hour = Numbers("0", frozenset({0})), Numbers("0", frozenset({0}))
    if not midnight:
        minute, hour = draw(fields(MINUTES, job)), draw(fields(HOURS, job))
    of_month, of_week = draw(st.just(any_day) | month_days(job)), draw(st.just(any_day) | week_days(job))
    month = draw(st.one_of(st.just(any_month), st.just(any_month), fields(MONTH, job)))
    texts = [part.text for part in (minute, hour, of_month, month, of_week)]
    in_any_month = either_or_both(of_month, of_week)
    five = Meaning(
        " ".join(texts),
        minute.values,
        hour.values,
        is_day=lambda day: day.month in month.values and in_any_month(day),
        follows_clock=minute.text.startswith("*") or hour.text.startswith("*"),
    )
    meaning = five
    if seconds:
        second = draw(fields(SECONDS, job))
        texts = [second.text, *texts]
        meaning = replace(five, text=" ".join(texts), seconds=second.values)
    text = draw(st.sampled_from([" ", " ", "  ", "\t"])).join(texts)
    whole = "H" in month.text.upper()
    return Drawn(text, job, meaning, five, any_month.values if whole else month.values, whole, in_any_month)


NICKNAMES: dict[str, tuple[range, Callable[[date], bool]]] = {
    "@hourly": (range(24), lambda _: True),
    "@daily": (range(1), lambda _: True),
    "@midnight": (range(1), lambda _: True),
    "@weekly": (range(1), lambda day: day.isoweekday() == 7),
    "@monthly": (range(1), lambda day: day.day == 1),
    "@yearly": (range(1), lambda day: (day.month, day.day) == (1, 1)),
    "@annually": (range(1), lambda day: (day.month, day.day) == (1, 1)),
}


@st.composite
def nicknames(draw: st.DrawFn) -> Drawn:
    name = draw(st.sampled_from(list(NICKNAMES)))
    hours, is_that_day = NICKNAMES[name]
    meaning = Meaning(name, frozenset({0}), frozenset(hours), is_that_day, follows_clock=name == "@hourly")
    return Drawn(name, "a", meaning, meaning, frozenset(range(1, 13)), whole=False, in_any_month=is_that_day)
