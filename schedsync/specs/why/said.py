"""One rule, and what it says about a moment."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule says."""

    rule: str
    """The field of the job file, with the part of it after a point: ``cron.minute``, ``exclude``, ``pause``."""
    words: str


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant on, and up to another one, which is outside (UTC)."""

    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end
