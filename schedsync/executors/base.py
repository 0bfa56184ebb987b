"""What the engine is given, and whom it tells.

``prepare.py`` makes a ``Launch`` of a run and its spec, ``process.py`` carries it out, the runner is the ``Listener``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from schedsync.runs.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Confinement:
    """As whom, and within which bounds, a process runs; by default like the service itself."""

    wrapper: tuple[str, ...] = ()
    """Programs that set it up, with their arguments: each becomes the next, the last one the process itself."""
    owner: tuple[int, int] | None = None
    """User and group of the process, if they are not the service's."""
    umask: int = -1
    """Rights that new files do not get; -1: as the service has it."""
    limits: Mapping[str, str] = field(default_factory=dict)
    """The limits that are set, as their author writes them, e.g. ``memory: 2GiB``; to say which one was met."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A process to start for a run."""

    run_id: str
    argv: tuple[str, ...]
    """The program and its arguments; a program without a slash is looked for on the PATH of *env*."""
    env: Mapping[str, str] = field(repr=False)
    """The whole environment. It names the run (``SCHEDSYNC_RUN_ID``), or processes that hide are not found."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values that nothing may show that the run leaves behind: they are cut out of its output and of its reason."""
    cwd: str | None = None
    """None: the folder of the service."""
    confinement: Confinement = field(default_factory=Confinement)
    stdin: bytes = field(default=b"", repr=False)
    """What the process reads on its standard input before the end of file."""
    timeout: timedelta | None = None
    """From the spawn to SIGTERM; None: the run may take as long as it likes."""
    success_exit_codes: frozenset[int] = frozenset({0})
    """Exit codes of a process that has done what it should."""
    fail_on_output: str = ""
    """An expression (``specs.expressions``): a line of the output that matches makes the run failed. Empty: none."""
    failure_mark: str = ""
    """How the last line begins that the process prints when it fails and can say why; empty: it never says."""
    kill_grace: timedelta = timedelta(seconds=10)
    """Between SIGTERM and SIGKILL, whoever ends the run."""
    kept: bool = False
    """Whether a keeper stands between (``kept.keep``), so that the run may outlive the service."""


class Listener(Protocol):
    """Is told of starts and ends by the engine's thread, so it must return quickly; what it raises is logged only."""

    def started(self, run_id: str, pid: int, at: datetime) -> None:
        """Tell that the run's process exists since *at* (UTC)."""

    def finished(self, run_id: str, outcome: Outcome) -> None:
        """Tell how the run ended: once per launch, also when it could not be started."""
