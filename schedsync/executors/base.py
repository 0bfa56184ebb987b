"""What the engine is given, and whom it tells.

``prepare.py`` makes a ``Launch`` of a run and its spec, an ``Engine`` carries it out, the runner is the ``Listener``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.run import RunState


@dataclass(frozen=True, slots=True)
class Confinement:
    """As whom, and within which bounds, a process runs; by default like the service itself."""

    wrapper: tuple[str, ...] = ()
    """Programs that set it up, with their arguments: each becomes the next, the last one the process itself."""
    restorer: tuple[str, str] | None = None
    """Where ``env`` and ``nice`` are, if the wrapper becomes another user: it does not see the run's environment then,
    and these give it back (``environment.py``)."""
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


class Engine(Protocol):
    """Starts, watches and ends processes: ``ProcessEngine``, or one that is in a process of its own."""

    def start(self) -> None:
        """Begin; what was launched before is started then."""

    def launch(self, launch: Launch) -> None:
        """Start a process soon; the listener hears of it. While the engine stops, that is ``lost``, never started.

        Raises:
            ValueError: the run has been launched and has not ended.
            RuntimeError: the engine has stopped.
        """

    def take_up(self, launch: Launch, pid: int, started_at: datetime) -> None:
        """Watch a run that an earlier service has started, and whose keeper is the process *pid*.

        Raises:
            ValueError: the run is watched already.
            RuntimeError: the engine has stopped.
        """

    def cancel(self, run_id: str, reason: str, state: RunState = RunState.CANCELLED) -> None:
        """End a run, with *state* and *reason* as its outcome; nothing happens when it is ending or has ended."""

    def running(self) -> frozenset[str]:
        """Return the runs that were launched and whose end has not been told."""

    def output(self, run_id: str) -> Output | None:
        """Return what a run has printed so far; None when it is not running."""

    def stop(self, grace: timedelta, reason: str) -> None:
        """Start nothing more, let runs end by themselves within *grace*, end the rest as ``lost``, and return.

        Runs that had to be ended have *reason* in theirs. Called again, it can only shorten the grace.
        """

    def hurry(self, longest_grace: timedelta, reason: str) -> None:
        """Stop and end all runs now, with at most *longest_grace* between SIGTERM and SIGKILL. Returns at once."""


MakeEngine = Callable[[Listener], Engine]
"""Makes the engine that tells a listener."""
