"""What a process may use of the machine."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from schedsync.specs.base import Model
from schedsync.specs.durations import PositiveDuration
from schedsync.specs.wording import quoted, shown

_UNITS = {"TiB": 1 << 40, "GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10}
_DECIMAL = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "kB": 10**3, "B": 1}
_BY_NAME = {name.lower(): size for name, size in (_UNITS | _DECIMAL).items()}
_SIZE = re.compile(r"([0-9]{1,18}) ?([A-Za-z]+)")
_HINT = 'write it with a unit: "512MiB", "2GiB", or "2GB" for 2000000000 bytes'
_LARGEST = 1 << 60
_LEAST_MEMORY = 16 << 20


def parse_size(value: object) -> int:
    """Read a number of bytes; only zero needs no unit.

    Raises:
        ValueError: *value* is no size; the message says what to write.
    """
    if value in (0, "0") and not isinstance(value, bool):
        return 0
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"{shown(value)} has no unit; {_HINT}")  # noqa: TRY004 - pydantic reports ValueError only
    if not isinstance(value, str):
        raise ValueError(f"expected a size, found {shown(value)}; {_HINT}")  # noqa: TRY004 - likewise
    match = _SIZE.fullmatch(value.strip())
    if match is None or match[2].lower() not in _BY_NAME:
        raise ValueError(f"{quoted(value)} is not a size; {_HINT}")
    size = int(match[1]) * _BY_NAME[match[2].lower()]
    if size > _LARGEST:
        raise ValueError(f"{quoted(value)} is more than any machine has")
    return size


def format_size(size: int) -> str:
    """Write *size* with the largest unit that it is a whole number of, e.g. ``2GiB``."""
    return next((f"{size // unit}{name}" for name, unit in _UNITS.items() if size and size % unit == 0), f"{size}B")


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(format_size, return_type=str, when_used="json"),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["512MiB", "2GiB", 0]}),
]
"""A number of bytes in a pydantic model."""


def _enough(size: int) -> int:
    if size < _LEAST_MEMORY:
        raise ValueError(f"must be at least {format_size(_LEAST_MEMORY)}, or no program can start")
    return size


class Limits(Model):
    """Limits of each process of a run, as the system counts; a process cannot lift them."""

    memory: Annotated[Size, AfterValidator(_enough)] | None = Field(
        None, description="Address space that a process may have, e.g. 2GiB."
    )
    cpu: PositiveDuration | None = Field(None, description="Processor time that a process may use, e.g. 10m.")
    files: Annotated[int, Field(ge=16, le=1 << 30, strict=True)] | None = Field(
        None, description="Files that a process may have open."
    )
    processes: Annotated[int, Field(ge=1, le=1 << 22, strict=True)] | None = Field(
        None, description="Processes that the user may have, all runs taken together."
    )
    file_size: Size | None = Field(None, description="How long a file may get that a process writes, e.g. 1GiB.")
    core: Size | None = Field(None, description="How long the core of a process that crashes may get; 0: none.")
