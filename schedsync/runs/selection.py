"""Which of the runs a reader wants. Pure."""

from dataclasses import dataclass
from datetime import datetime

from schedsync.runs.run import Cause, Run, RunState


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What a run has to be; None: anything. Times are UTC."""

    state: RunState | None = None
    cause: Cause | None = None
    node: str | None = None
    """Where it ran."""
    since: datetime | None = None
    """Its slot is then or later."""
    until: datetime | None = None
    """Its slot is earlier."""

    def takes(self, run: Run) -> bool:
        """Say whether *run* is such a one."""
        return (
            (self.state is None or run.state is self.state)
            and (self.cause is None or run.cause is self.cause)
            and (self.node is None or run.node == self.node)
            and (self.since is None or run.scheduled_at >= self.since)
            and (self.until is None or run.scheduled_at < self.until)
        )


ALL = RunFilter()
