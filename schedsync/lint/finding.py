"""A finding: what is valid and hardly meant, in which field of which job, and what to write instead."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schedsync.specs.job import JobSpec
from schedsync.specs.messages import FieldError, FieldPath
from schedsync.specs.trigger import Trigger
from schedsync.specs.triggers import CalendarTrigger, EveryTrigger


class Rule(StrEnum):
    """What is looked for. That something never fires is no rule, but a mistake, which is refused."""

    EVERY_SECOND = "every-second"
    EVERY_MINUTE = "every-minute"
    STEP_OF_ONE = "step-of-one"
    UNEVEN_STEP = "uneven-step"
    EITHER_DAY = "either-day"
    BOTH_DAYS = "both-days"
    MISSING_DAYS = "missing-days"
    CLOCK_CHANGE = "clock-change"
    HERD = "herd"
    TIMEOUT = "timeout"
    JITTER = "jitter"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Finding:
    """One of them."""

    rule: Rule
    job_id: str
    path: FieldPath
    """Of the field; the one trigger of a schedule that is no list has the index 0."""
    message: str
    """A whole sentence: what it means, and what to write."""
    found: str | None = None
    """The part of the value that it is about, if it is one word."""
    expected: str | None = None
    """What to write in place of the value, where that is one thing."""
    offset: int = 0
    """How many characters into the value it is."""

    @property
    def as_error(self) -> FieldError:
        """The same, as what finds places in files takes it."""
        return FieldError(self.path, False, self.message, self.found, self.expected, self.offset)


@dataclass(frozen=True, slots=True)
class Looked:
    """A trigger of a job, at a time."""

    spec: JobSpec
    index: int
    """Which of its triggers."""
    now: datetime
    """UTC; ``every`` counts from it, since nobody asks a database."""

    @property
    def trigger(self) -> Trigger:
        """The trigger itself."""
        return self.spec.schedule[self.index]

    @property
    def is_counted_from_now(self) -> bool:
        """Whether its slots follow from when the job appeared, so that nobody here knows how they lie to others."""
        match self.trigger:
            case EveryTrigger() as trigger:
                return trigger.start is None
            case CalendarTrigger() as trigger:
                return trigger.start is None and trigger.calendar.distance > 1
        return False

    def finding(
        self,
        rule: Rule,
        field: str,
        message: str,
        *,
        found: str | None = None,
        expected: str | None = None,
        offset: int = 0,
    ) -> Finding:
        """Return a finding about a field of the trigger."""
        return Finding(rule, self.spec.id, ("schedule", self.index, field), message, found, expected, offset)

    def next_after(self, after: datetime) -> datetime | None:
        """Return the trigger's first slot strictly after *after*, without jitter."""
        return self.trigger.nominal_after(after, job_id=self.spec.id, anchor=self.now)
