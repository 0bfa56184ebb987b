"""What a job runs upon besides the clock; after other jobs: which ones, and how their runs have to end."""

from enum import IntEnum, StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from schedsync.specs.base import OneOrMore
from schedsync.specs.ids import JobId

ANY = "any"


class Follows(IntEnum):
    """What starts a job besides the clock. One that follows anything is never finished, also without a slot."""

    NOTHING = 0
    RUNS = 1
    """The ends of other jobs' runs."""
    BOOTS = 2
    """The starts of the service."""


class End(StrEnum):
    """How a run can end; skipped slots have not run."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    LOST = "lost"


def _as_list(value: object) -> object:
    if value == ANY:
        return list(End)
    return [value] if isinstance(value, str) else value


def _as_set(ends: tuple[End, ...]) -> tuple[End, ...]:
    """Return *ends* once each, in one order, so that how they were listed changes no digest."""
    return tuple(end for end in End if end in ends)


Ends = Annotated[
    tuple[End, ...], BeforeValidator(_as_list), Field(min_length=1), AfterValidator(_as_set), OneOrMore((ANY,))
]
"""One end, a list of them, or ``any``."""
After = Annotated[dict[JobId, Ends], Field(min_length=1)]
"""Upstream job -> how a run of it has to end."""


def in_words(after: dict[str, tuple[End, ...]]) -> str:
    """Return *after* in a few words: ``a succeeded | b failed or lost``."""
    return " | ".join(f"{upstream} {_ends(ends)}" for upstream, ends in after.items())


def _ends(ends: tuple[End, ...]) -> str:
    return "ended" if ends == tuple(End) else " or ".join(ends)
