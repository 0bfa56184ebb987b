"""Durations as people write them: ``30s``, ``15m``, ``1h30m``, ``2d``, or ISO 8601."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SHORT = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_ISO = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_HINT = 'write it with a unit: "30s", "15m", "2h", "1d", "1h30m", or ISO 8601 such as "PT15M"'
_LONGEST = timedelta(days=3_660)


def parse_duration(value: object) -> timedelta:
    """Read a duration; a bare number is refused, because nobody can know its unit.

    Raises:
        ValueError: *value* is no duration, or longer than ten years; the message says what to write.
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float):
        raise ValueError(f"{value} has no unit; {_HINT}")  # noqa: TRY004 - pydantic reports ValueError only
    text = str(value).strip()
    match = _SHORT.fullmatch(text.lower()) or _ISO.fullmatch(text.upper())
    if match is None or not any(match.groups()):
        raise ValueError(f'"{text}" is not a duration; {_HINT}')
    seconds = sum(int(n) * unit for n, unit in zip(match.groups(), _UNITS.values(), strict=True) if n)
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f'"{text}" is longer than ten years')
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """Write *duration* the short way, e.g. ``1h30m``; whole seconds."""
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
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "examples": ["30s", "15m", "1h30m", "PT15M"]}),
]
"""A length of time in a pydantic model; whole seconds."""


def _positive(duration: timedelta) -> timedelta:
    if duration < timedelta(seconds=1):
        raise ValueError("must be at least 1s")
    return duration


PositiveDuration = Annotated[Duration, BeforeValidator(lambda value: _positive(parse_duration(value)))]
"""A duration of one second or more."""
