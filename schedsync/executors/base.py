"""What the engine is given, and whom it tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from schedsync.runs.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Launch:
    """A process to start for a run."""

    run_id: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: str | None = None
    """None: the folder of the service."""
    stdin: bytes = b""
    timeout: timedelta | None = None
    kill_grace: timedelta = timedelta(seconds=10)
    """Between SIGTERM and SIGKILL."""


class Listener(Protocol):
    """Is told of starts and ends by the engine's thread; it must return quickly."""

    def started(self, run_id: str, pid: int, at: datetime) -> None:
        """Tell that the run's process exists since *at* (UTC)."""

    def finished(self, run_id: str, outcome: Outcome) -> None:
        """Tell how the run ended."""
