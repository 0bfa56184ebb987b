"""How a job wants to be treated: retries, overlap, misfires, history, pruning."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from schedsync.specs.base import Model, Text
from schedsync.specs.durations import Duration, PositiveDuration
from schedsync.specs.wording import quoted

_GROUP = re.compile(r"[a-z](?:_?[a-z0-9-])*")


class RetryOn(StrEnum):
    """The states of a run after which another attempt may follow."""

    FAILED = "failed"
    TIMED_OUT = "timed_out"
    LOST = "lost"


def _as_set(states: tuple[RetryOn, ...]) -> tuple[RetryOn, ...]:
    """Return *states* once each, in one order, so that how they were listed changes no digest."""
    return tuple(state for state in RetryOn if state in states)


class Retry(Model):
    """Further attempts at a slot that did not succeed."""

    attempts: Annotated[int, Field(ge=1, le=100, strict=True)] = Field(
        1, description="How often a slot is tried in all, the first attempt included."
    )
    delay: Duration = Field(timedelta(seconds=30), description="Wait before the second attempt.")
    backoff: Annotated[float, Field(ge=1, le=100, strict=True)] = Field(
        1.0, description="Each further wait is this many times the one before."
    )
    max_delay: Duration = Field(
        timedelta(hours=1), description="Waits stop growing here; the first one is always as long as delay says."
    )
    jitter: Duration = Field(
        timedelta(0), description="Up to this much is added to each wait, by an amount that is fixed per attempt."
    )
    on: Annotated[tuple[RetryOn, ...], AfterValidator(_as_set)] = Field(
        tuple(RetryOn), description="Which ends are tried again."
    )


class Overlap(StrEnum):
    """What happens to a slot while an earlier one of the job, or of its group, has not ended (retries included)."""

    SKIP = "skip"
    """It is skipped."""
    QUEUE = "queue"
    """It waits for those before it."""
    ALLOW = "allow"
    """It starts beside them."""
    REPLACE = "replace"
    """Those before it are ended, then it starts."""


def check_group(name: str) -> str:
    """Return *name* if it may be the name of a group; settings and their variables have to be able to hold it.

    Raises:
        ValueError: it may not; the message says what may.
    """
    if not _GROUP.fullmatch(name):
        raise ValueError(
            f'{quoted(name)} cannot be a group: use a-z, 0-9, "-" and single "_", a letter first, e.g. erp-load'
        )
    return name


GroupName = Annotated[Text, AfterValidator(check_group)]


class MisfirePolicy(StrEnum):
    """What happens to slots that fell into a time when schedsync was stopped or without its database."""

    LATEST = "latest"
    """The latest one runs, those before it are skipped."""
    ALL = "all"
    """Each one runs, one after the other, up to a limit."""
    SKIP = "skip"
    """None runs."""


class Misfire(Model):
    """The misfire policy, and how late a slot may start at all."""

    policy: MisfirePolicy = Field(MisfirePolicy.LATEST, description="Which of the missed slots run.")
    grace: PositiveDuration = Field(timedelta(hours=1), description="A slot that is later than this is skipped.")
    limit: Annotated[int, Field(ge=1, le=1_000, strict=True)] = Field(
        100, description="So many missed slots run at most under the policy all: the newest."
    )


class Orphan(StrEnum):
    """What happens to a run's processes when schedsync has ended before them, by a crash or a restart."""

    END = "end"
    """They are ended, and the run is lost."""
    ADOPT = "adopt"
    """They go on, and the next start on the same machine takes the run up; its result is kept meanwhile."""


class Prune(StrEnum):
    """Whether the job may be removed when its file no longer has it."""

    AUTO = "auto"
    """It is removed, unless too many would go at once."""
    CONFIRM = "confirm"
    """A person has to say so."""
    NEVER = "never"
    """Not before its file has said something else."""


class History(Model):
    """How much of a job's past is kept. Skipped slots are counted apart, so that they never push runs out."""

    keep: Annotated[int, Field(ge=1, le=100_000, strict=True)] = Field(
        200, description="The newest runs that are kept, and as many skipped slots."
    )
    days: Annotated[int, Field(ge=1, le=36_500, strict=True)] = Field(90, description="Older ones are removed.")
