"""Reading an expression: from its words to numbers and days, or to a sentence about what is wrong, and where.

By crontab(5) of Debian, with ranges that go on from the beginning (``fri-mon``), a field for seconds before the others,
and days that Quartz and others count from a month's end or by weekday (``L``, ``15W``, ``fri#2``). What cron would
refuse without a reason, drop or never fire (``5/15``, ``3?``, the 30th of February) is refused in words.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain

from schedsync.specs.cron.days import Days, MonthDays, WeekDays, exist_in
from schedsync.specs.cron.errors import CronError

MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
REBOOT = "@reboot"
"""What other programs call a nickname of times, too; it is none, and read elsewhere."""
_ORDER = "minute, hour, day of month, month and day of week"
_MOST_OF_A_WEEKDAY = 5
_FURTHEST_FROM_LAST = 30
_LAST_OF_EACH_MONTH = 28


@dataclass(frozen=True, slots=True)
class Fields:
    """What an expression says. Numbers are in order."""

    seconds: tuple[int, ...]
    """Only 0, where there is no such field."""
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: Days
    months: tuple[int, ...]
    follows_clock: bool
    """Whether the minute or the hour begins with ``*``: then it skips and repeats what the clock does."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    allowed: str
    names: tuple[str, ...] = ()
    """What ``low``, ``low + 1`` ... may be called."""

    @property
    def top(self) -> int:
        """The last value before they start again: 6 for days of the week, whose 7 is another 0."""
        return 6 if self.high == 7 else self.high

    def between(self, low: int, high: int) -> list[int]:
        """Return the values of a range; one that is reversed goes on from the beginning."""
        if low <= high:
            return list(range(low, high + 1))
        return [*range(low, self.top + 1), *range(self.low, high + 1)]

    def spell(self, part: range, *, like: str) -> str:
        """Write *part* as a list item, with names if *like* is a name."""
        ends = part if len(part) == 1 else (part[0], part[-1])
        return "-".join(self.names[value - self.low] if like.isalpha() else str(value) for value in ends)


WEEKDAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_SECOND = _Field("second", 0, 59, "0-59")
_MINUTE = _Field("minute", 0, 59, "0-59")
_HOUR = _Field("hour", 0, 23, "0-23")
_DAY = _Field("day of month", 1, 31, "1-31, and L, L-3, LW and 15W")
_MONTH = _Field("month", 1, 12, "1-12 and jan-dec", tuple(name[:3].lower() for name in MONTH_NAMES))
_WEEKDAY = _Field("day of week", 0, 7, "0-7 (0 and 7 are Sunday) and sun-sat, and fri#2 and friL", WEEKDAY_NAMES)
_FIELDS = (_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)
_WORD = re.compile(r"\S+")
_NUMBER = re.compile(r"[0-9]{1,9}")
_FROM_LAST = re.compile(r"L(?:-([0-9]{1,9}))?", re.IGNORECASE)
_NEAREST = re.compile(r"([0-9]{1,9})W", re.IGNORECASE)
_NTH = re.compile(r"([a-z]+|[0-9]{1,9})#(.*)", re.IGNORECASE)
_SPREAD = re.compile(r"H(?:\((.*?)-(.*?)\))?(?:/(.*))?", re.IGNORECASE)
_LAST = re.compile(r"([a-z]{3}|[0-9]{1,9})L", re.IGNORECASE)
# A letter of the other dialects stands alone or beside a number (L, 15W, H(0-29)), or after a weekday (friL).
_DIALECT = re.compile(r"[?#]|(?<![a-z])(?:LW|[LWH])(?![a-z])|(?<=\b[a-z]{3})L\b", re.IGNORECASE)

_Word = tuple[str, int]
"""A part of the expression and its offset."""


def read(text: str, *, job_id: str = "") -> Fields:
    """Read five fields, six with seconds before them, or a nickname such as ``@daily``.

    Args:
        text: the expression.
        job_id: whose it is: from that follows what ``H`` stands for.

    Raises:
        CronError: *text* is malformed, not supported, or would never fire.
    """
    words = split(text)
    seconds, minute, hour, day, month, weekday = words
    fields = Fields(
        seconds=_read_field(_SECOND, *seconds, job_id),
        minutes=_read_field(_MINUTE, *minute, job_id),
        hours=_read_field(_HOUR, *hour, job_id),
        days=Days(_read_month_days(*day, job_id), _read_week_days(*weekday, job_id)),
        months=_read_field(_MONTH, *month, job_id),
        follows_clock=_is_starred(minute) or _is_starred(hour),
    )
    _refuse_never(fields.days, fields.months, day[1])
    if spreads(month[0]):  # or the expression would be good for some jobs, and not for others
        for each in range(_MONTH.low, _MONTH.high + 1):
            _refuse_never(fields.days, (each,), day[1])
    return fields


def is_reboot(text: object) -> bool:
    """Whether what stands under ``cron`` is no expression of times, but each start of the service."""
    return isinstance(text, str) and text.strip().lower() == REBOOT


def spreads(text: str) -> bool:
    """Whether an expression, or a part of it, has an ``H``."""
    return any(_SPREAD.fullmatch(item) for word in text.split() for item in word.split(","))


def _refuse_never(days: Days, months: Sequence[int], offset: int) -> None:
    if any(exist_in(days, month) for month in months):
        return
    names = [MONTH_NAMES[month - 1] for month in months]
    subject = f"{', '.join(names[:-1])} and {names[-1]} have" if names[1:] else f"{names[0]} has"
    said = days.of_month
    # Every month has the 29th at times.
    missing = said.numbers & {30, 31} if said.plain and min(said.numbers, default=0) > 29 else set()
    day = "such day" if not missing else "30th" if 30 in missing else "31st"
    raise CronError(f"never fires: {subject} no {day}; write a day that exists", offset)


def split(text: str) -> list[_Word]:
    """Return the words of the six fields, each with its offset in *text*.

    Those of a nickname have the nickname's offset, and seconds that are not written are 0.

    Raises:
        CronError: there are more or fewer.
    """
    words = [(match.group(), match.start()) for match in _WORD.finditer(text)]
    if words and words[0][0].startswith("@"):
        words = [(word, words[0][1]) for word in _expand(text.strip(), words[0][1]).split()]
    most = len(_FIELDS)
    if len(words) > most:
        raise CronError(
            f"has {len(words)} fields, and there is none for years; write five: {_ORDER}; or six, which begin with a"
            " second",
            words[most][1],
        )
    if len(words) < most - 1:
        count = "1 field" if len(words) == 1 else f"{len(words)} fields"
        raise CronError(f"has {count} instead of five: {_ORDER}", len(text.rstrip()))
    return words if len(words) == most else [("0", words[0][1]), *words]


def _is_starred(word: _Word) -> bool:
    return word[0].startswith("*")


def _expand(nickname: str, offset: int) -> str:
    name = nickname.lower()
    if name == REBOOT:
        raise CronError(f'"{REBOOT}" is no time, but each start of the service; it stands alone under cron', offset)
    if name not in _NICKNAMES:
        known = (*_NICKNAMES, REBOOT)
        hint = _did_you_mean(name, known)
        raise CronError(f'"{nickname}" is not a nickname; there are {", ".join(known)}{hint}', offset)
    return _NICKNAMES[name]


def _items(text: str, offset: int) -> Iterable[_Word]:
    items = text.split(",")
    for item in items:
        if not item:
            instead = ",".join(filter(None, items)) or "*"
            raise CronError(f'"{text}" has an empty item in its list; write "{instead}"', offset)
        yield item, offset
        offset += len(item) + 1


def _read_field(kind: _Field, text: str, offset: int, job_id: str) -> tuple[int, ...]:
    return tuple(sorted(set(chain.from_iterable(_read_item(kind, *item, job_id) for item in _items(text, offset)))))


def _read_month_days(text: str, offset: int, job_id: str) -> MonthDays:
    numbers, before_last, nearest, last_workday = set[int](), set[int](), set[int](), False
    for item, at in _items(text, offset):
        if item.upper() == "LW":
            last_workday = True
        elif found := _FROM_LAST.fullmatch(item):
            before_last.add(_read_before_last(found[1], at))
        elif found := _NEAREST.fullmatch(item):
            nearest.add(_read_value(_DAY, found[1], at))
        else:
            numbers.update(_read_item(_DAY, item, at, job_id))
    starred = text.startswith("*")
    return MonthDays(frozenset(numbers), frozenset(before_last), frozenset(nearest), last_workday, starred)


def _read_before_last(number: str | None, offset: int) -> int:
    if number is None:
        return 0
    if 1 <= int(number) <= _FURTHEST_FROM_LAST:
        return int(number)
    raise CronError(f'"L-{number}" is no day of a month; there are L, which is its last, and L-1 to L-30', offset)


def _read_week_days(text: str, offset: int, job_id: str) -> WeekDays:
    numbers, nth, last = set[int](), set[tuple[int, int]](), set[int]()
    for item, at in _items(text, offset):
        if item.upper() == "L":
            raise CronError('"L" says of which weekday not; write "satL" for the last Saturday of the month', at)
        if found := _NTH.fullmatch(item):
            nth.add((_read_value(_WEEKDAY, found[1], at) % 7, _read_which(found[1], found[2], at)))
        elif found := _LAST.fullmatch(item):
            last.add(_read_value(_WEEKDAY, found[1], at) % 7)
        else:
            numbers.update(day % 7 for day in _read_item(_WEEKDAY, item, at, job_id))
    return WeekDays(frozenset(numbers), frozenset(nth), frozenset(last), text.startswith("*"))


def _read_which(weekday: str, which: str, offset: int) -> int:
    if _NUMBER.fullmatch(which) and 1 <= int(which) <= _MOST_OF_A_WEEKDAY:
        return int(which)
    raise CronError(
        f'"{which}" is not which one of the month; write "{weekday}#1" to "{weekday}#5", or "{weekday}L" for the last',
        offset + len(weekday) + 1,
    )


def _read_item(kind: _Field, item: str, offset: int, job_id: str) -> list[int]:
    spread = _SPREAD.fullmatch(item)
    if spread is not None:
        return _spread(kind, spread, offset, job_id)
    _refuse_dialect(kind, item, offset)
    span, slash, step = item.partition("/")
    if span == "*":
        return list(range(kind.low, kind.high + 1, _read_step(span, step, offset + 2) if slash else 1))
    if "*" in span:
        raise CronError(f'"{span}" mixes "*" with something else; write "*" alone, or "*/5" for every fifth', offset)
    first, dash, last = span.partition("-")
    low = _read_value(kind, first, offset)
    if slash and not dash:
        instead = _opened(kind, first, low, _usable(step))
        raise CronError(f'"{item}" has a step without a range; write "{instead}"', offset)
    high = _read_value(kind, last, offset + len(first) + 1) if dash else low
    return kind.between(low, high)[:: _read_step(span, step, offset + len(span) + 1) if slash else 1]


def _spread(kind: _Field, found: re.Match[str], offset: int, job_id: str) -> list[int]:
    """Return what ``H``, ``H(0-29)``, ``H/15`` or ``H(0-29)/10`` stands for: always the same for a job and a field."""
    low, high = kind.low, _last_choice(kind)
    if found[1] is not None:
        low = _read_value(kind, found[1], offset + found.start(1))
        last = _read_value(kind, found[2], offset + found.start(2))
        if not low <= last <= high:
            raise CronError(f'"{found[0]}" is no range of {kind.low}-{high} to choose from', offset + found.start(1))
        high = last
    width = high - low + 1
    if found[3] is None:
        return [low + _hash(job_id, kind) % width]
    by = _read_step(found[0].partition("/")[0], found[3], offset + found.start(3))
    return list(range(low + _hash(job_id, kind) % min(by, width), high + 1, by))


def _last_choice(kind: _Field) -> int:
    """Return the last value that ``H`` may stand for: as a day of the month, one that each month has."""
    return _LAST_OF_EACH_MONTH if kind is _DAY else kind.top


def _hash(job_id: str, kind: _Field) -> int:
    return int.from_bytes(hashlib.sha256(f"{job_id} {kind.name}".encode()).digest()[:8])


def _refuse_dialect(kind: _Field, item: str, offset: int) -> None:
    found = _DIALECT.search(item)
    if found is None:
        return
    letter, at = found.group().upper(), offset + found.start()
    allowed = f'the {kind.name} allows {kind.allowed}, ranges, lists, steps and "*"'
    if letter == "?":
        raise CronError(f'"?" is not used here; write "*" for each {kind.name}', at)
    if letter == "H":
        choice = f"H({kind.low}-{_last_choice(kind)})"
        raise CronError(f'"{item}" is no such choice; write "H", "{choice}", "H/2", or both', at)
    raise CronError(f'"{found.group()}" does not belong here; {allowed}', at)


def _read_step(span: str, step: str, offset: int) -> int:
    if _NUMBER.fullmatch(step) and int(step) > 0:
        return int(step)
    instead = f"{span}/{_usable(step)}"
    raise CronError(f'"{step}" is not a step, which is a whole number from 1 on; write for example "{instead}"', offset)


def _usable(step: str) -> str:
    """Return a step that is one, and as near to what is written as can be told."""
    digits = _NUMBER.match(step.lstrip("0"))
    return digits.group() if digits else "2"


def _read_value(kind: _Field, text: str, offset: int) -> int:
    name = text.lower()
    if not name:
        raise CronError(f"a range misses its beginning or end; write both, each one of {kind.allowed}", offset)
    if name in kind.names:
        return kind.low + kind.names.index(name)
    if _NUMBER.fullmatch(text) and kind.low <= int(text) <= kind.high:
        return int(text)
    raise CronError(f'"{text}" is not a valid {kind.name}; allowed are {kind.allowed}{_hint(kind, name)}', offset)


def _hint(kind: _Field, name: str) -> str:
    for other in _FIELDS:
        if other is not kind and name in other.names:
            return f"; a {other.name} belongs in another field, since the order is {_ORDER}"
    return _did_you_mean(name[:4], kind.names)  # four letters are enough for "wednesday" to be close to "wed"


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    return "".join(f'; did you mean "{name}"?' for name in get_close_matches(word, known, n=1))


def _opened(kind: _Field, first: str, low: int, step: str) -> str:
    """Return what other dialects mean by a step after a single value: from there to the field's end."""
    rest = range(low if low <= kind.top else kind.low, kind.top + 1)
    return kind.spell(rest, like=first) + (f"/{step}" if len(rest) > 1 else "")
