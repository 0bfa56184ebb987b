"""Durations as people write them: ``30s``, ``15m``, ``1h30m``, ``2d``, or ISO 8601."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from schedsync.specs.wording import quoted, shown

_SECOND = timedelta(seconds=1)
_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SHORT = re.compile(r"(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")
_ISO = re.compile(r"P(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?=[0-9])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?")
_LONGEST_TEXT = 100
_HINT = 'write it with a unit: "30s", "15m", "2h", "1d", "1h30m", or ISO 8601 such as "PT15M"'
_LONGEST = timedelta(days=3_660)


def parse_duration(value: object) -> timedelta:
    """Read a duration; a bare number is refused, because nobody can know its unit.

    Raises:
        ValueError: *value* is no duration, or longer than ten years; the message says what to write.
    """
    if isinstance(value, timedelta):
        return _checked(value, str(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"{shown(value)} has no unit; {_HINT}")  # noqa: TRY004 - pydantic reports ValueError only
    if not isinstance(value, str):
        raise ValueError(f"expected a duration, found {shown(value)}; {_HINT}")  # noqa: TRY004 - likewise
    text = value.strip()
    match = _SHORT.fullmatch(text.lower()) or _ISO.fullmatch(text.upper())
    if match is None or not any(match.groups()) or len(text) > _LONGEST_TEXT:
        raise ValueError(f"{quoted(text)} is not a duration; {_HINT}")
    seconds = sum(int(n) * unit for n, unit in zip(match.groups(), _UNITS.values(), strict=True) if n)
    # Longer ones are cut to what a timedelta can hold, and refused all the same.
    return _checked(timedelta(seconds=min(seconds, 10**12)), text)


def _checked(duration: timedelta, text: str) -> timedelta:
    if duration > _LONGEST:
        raise ValueError(f"{quoted(text)} is longer than ten years")
    if duration < timedelta(0) or duration % _SECOND:
        raise ValueError(f"{quoted(text)} is not a number of whole seconds")
    return duration


def format_duration(duration: timedelta) -> str:
    """Write *duration* the short way, e.g. ``1h30m``; parts of a second are left out."""
    left = int(duration.total_seconds())
    parts = []
    for unit, seconds in _UNITS.items():
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["30s", "15m", "1h30m", "PT15M"]}),
]
"""A length of time in a pydantic model; whole seconds, possibly none."""


def _positive(duration: timedelta) -> timedelta:
    if duration < _SECOND:
        raise ValueError("must be at least 1s")
    return duration


PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
"""A duration of one second or more."""
