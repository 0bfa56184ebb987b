"""What an executor saw when a run ended."""

from dataclasses import dataclass, field
from datetime import datetime

from schedsync.runs.run import RunState


@dataclass(frozen=True, slots=True)
class Output:
    """The kept part of what a run printed (stdout and stderr as they came): its first and its last bytes.

    When everything was kept, all of it is in ``head`` and ``tail`` is empty.
    """

    head: bytes = b""
    tail: bytes = b""
    total: int = 0
    """How many bytes the run printed in all."""

    @property
    def dropped(self) -> int:
        """How many bytes between head and tail were not kept."""
        return self.total - len(self.head) - len(self.tail)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: a settled state, why, and what it left behind."""

    state: RunState
    finished_at: datetime
    started_at: datetime | None = None
    exit_code: int | None = None
    reason: str | None = None
    output: Output = field(default_factory=Output)
    remains: bool = False
    """Whether some of its processes live on, because nobody could end them."""
