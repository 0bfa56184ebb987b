"""How runs end: by themselves, or from outside: SIGTERM to all processes, a grace, SIGKILL, until nobody is left.

``process.py`` says which runs to end, and asks again until they have ended; ``child.py`` and ``orphans.py`` find and
signal the processes.
"""

import logging
import math
import signal
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from schedsync.executors.base import Launch
from schedsync.executors.child import Child, survivors
from schedsync.executors.kept import KeptEnd, KeptOutput
from schedsync.executors.limits import met
from schedsync.runs.run import RunState
from schedsync.specs.wording import quoted, shortened

log = logging.getLogger(__name__)

LOOK = 0.05
"""Seconds between two looks at who is left; longer where a look takes long, so that it costs a fifth of the time."""
LAST_WAIT = 5.0
"""Seconds after SIGKILL until a run counts as ended although something is left: stuck in the kernel, or not ours."""
SURE = 2
"""Looks in a row that must find nobody: one alone can miss a process that is just being replaced by another program."""


KEEPER_GONE = "its keeper ended before it had written down how the run did"


@dataclass(slots=True)
class _Ending:
    state: RunState
    reason: str
    kill_at: float
    cut_to: timedelta | None = None
    """What the run's grace was cut to, if it was."""
    told_all: bool = False
    """Whether those who left the group have had their SIGTERM."""
    killed_at: float = math.inf
    """When SIGKILL was sent first."""
    empty_looks: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run that has ended is recorded as."""

    state: RunState
    reason: str | None = None
    remains: bool = False
    """Whether processes live on that could not be ended."""


def own_end(code: int | None, success: Collection[int] = (0,)) -> Ended:
    """Return what a run is that ended by itself.

    Args:
        code: its exit code; -N: signal N; None: nobody knows.
        success: the exit codes of a run that has done what it should.
    """
    if code is None:
        return Ended(RunState.LOST, "its exit code was lost; is SIGCHLD ignored where schedsync was started?")
    if code in success:
        return Ended(RunState.SUCCEEDED)
    if code == 0:
        return Ended(RunState.FAILED, "exit code 0, which is not among its success_exit_codes")
    return Ended(RunState.FAILED, f"exit code {code}" if code > 0 else f"ended by {_signal_name(-code)}")


def judged(child: Child) -> Ended:
    """Return what the run of *child* is, which has ended by itself and whose output is complete."""
    if isinstance(child.spool, KeptOutput):
        return judged_kept(child.launch, child.spool.end, child.reap())
    return _judged(child.launch, child.reap(), said_by(child), child.bad_line)


def judged_kept(launch: Launch, end: KeptEnd | None, code: int | None = None) -> Ended:
    """Return what a run is whose keeper has ended.

    Args:
        launch: how it was started, or is looked after.
        end: what the keeper has written; None: it had no time to.
        code: the keeper's own exit code, if it is known.
    """
    if end is None:
        how = "" if code is None else f", {own_end(code).reason or 'exit code 0'}"
        return Ended(RunState.LOST, f"{KEEPER_GONE}{how}")
    if end.code is None:
        return Ended(RunState.TIMED_OUT, "its time was over while no service watched; ended by SIGKILL")
    return _judged(launch, end.code, end.told, end.bad_line)


def _judged(launch: Launch, code: int | None, said: str, bad_line: str | None) -> Ended:
    ended = own_end(code, launch.success_exit_codes)
    bad = "" if bad_line is None else shortened(f"output matches {quoted(launch.fail_on_output)}: {bad_line}")
    match ended.state:
        case RunState.SUCCEEDED:
            return Ended(RunState.FAILED, bad) if bad else ended
        case RunState.FAILED:
            more = said or bad
            return Ended(RunState.FAILED, f"{ended.reason}; {more}") if more else ended
    return ended


def said_by(child: Child) -> str:
    """Return what the output of *child*, which has ended, says about its failure; empty if nothing."""
    return _told(child) or _met_limit(child)


def _told(child: Child) -> str:
    """Return what the process said itself about its failure."""
    mark, line = child.launch.failure_mark, child.spool.last_line()
    if mark and line.startswith(mark):
        return line.removeprefix(mark)
    confinement = child.launch.confinement
    wrapper = {Path(word).name for word in (*confinement.wrapper, *(confinement.restorer or ()))}
    return shortened(line) if Path(line.partition(": ")[0]).name in wrapper else ""


def _met_limit(child: Child) -> str:
    limits, output = child.launch.confinement.limits, child.spool.read()
    return met(limits, child.reap() or 0, output.tail or output.head) if limits else ""


def _signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:  # a real-time signal
        return f"signal {number}"


class Endings:
    """The runs that are being ended. For the engine's thread only."""

    def __init__(self) -> None:
        self._endings: dict[str, _Ending] = {}
        self._look_at = 0.0
        self._longest = timedelta.max
        """The longest grace that a run has from now on."""

    def __contains__(self, child: Child) -> bool:
        return child.run_id in self._endings

    @property
    def next_look(self) -> float:
        """When to call ``survey`` and ``advance`` again, on the monotonic clock."""
        return self._look_at if self._endings else math.inf

    def begin(self, child: Child, state: RunState, reason: str) -> None:
        """Begin to end a run with SIGTERM to its group; whoever left the group gets it at the next look."""
        kill_at = time.monotonic() + child.launch.kill_grace.total_seconds()
        self._endings[child.run_id] = ending = _Ending(state, reason, kill_at)
        self._cut(ending)
        child.signal_group(signal.SIGTERM)

    def hurry(self, longest: timedelta) -> None:
        """Let no run have a longer grace than *longest*, counted from now for those that are being ended."""
        self._longest = min(self._longest, longest)
        for ending in self._endings.values():
            self._cut(ending)

    def _cut(self, ending: _Ending) -> None:
        if self._longest < timedelta.max:
            kill_at = time.monotonic() + self._longest.total_seconds()
            if kill_at < ending.kill_at:
                ending.kill_at, ending.cut_to = kill_at, self._longest

    def forget(self, child: Child) -> None:
        """Forget a run that has ended."""
        self._endings.pop(child.run_id, None)

    def survey(self, children: Collection[Child]) -> dict[str, list[int]] | None:
        """Return the living processes of runs that are being ended, in one look for all; None: nobody can know now."""
        began = time.monotonic()
        try:
            return survivors(children)
        except OSError as error:
            log.warning("cannot see which processes are left", extra={"error": str(error)})
            return None
        finally:
            ended = time.monotonic()
            self._look_at = ended + max(LOOK, 4 * (ended - began))

    def advance(self, child: Child, left: list[int] | None) -> Ended | None:
        """Do what is due for a run of which the processes *left* live; return how it ended once nobody does."""
        ending = self._endings[child.run_id]
        now = time.monotonic()
        ending.empty_looks = ending.empty_looks + 1 if child.exited and left == [] else 0
        if ending.empty_looks >= SURE:
            return Ended(ending.state, f"{ending.reason}; ended by {_means(child, ending)}")
        if now >= ending.killed_at + LAST_WAIT:
            return Ended(ending.state, f"{ending.reason}; {_remains(child, left)}", remains=True)
        if not ending.empty_looks:
            _signal(child, ending, left or [], now)
        return None


def _signal(child: Child, ending: _Ending, left: list[int], now: float) -> None:
    if now >= ending.kill_at:
        # Again at each look: a process may have been born while its parent was killed.
        ending.killed_at = min(ending.killed_at, now)
        child.signal_group(signal.SIGKILL)
        child.signal_others(left, signal.SIGKILL)
    elif not ending.told_all:
        ending.told_all = True
        child.signal_others(left, signal.SIGTERM)


def _means(child: Child, ending: _Ending) -> str:
    if ending.killed_at == math.inf:
        return "SIGTERM"
    grace = f"grace of {spelled(child.launch.kill_grace)}"
    return (
        f"SIGKILL after a {grace}"
        if ending.cut_to is None
        else f"SIGKILL, its {grace} was cut to {spelled(ending.cut_to)}"
    )


def _remains(child: Child, left: list[int] | None) -> str:
    pids = ", ".join(str(pid) for pid in left or [child.pid])
    return f"not all of its processes could be ended by SIGKILL (pid {pids})"


def spelled(duration: timedelta) -> str:
    """Write *duration* the short way, e.g. ``1h30m`` or ``0.5s``."""
    minutes, seconds = divmod(duration.total_seconds(), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{number:g}{unit}" for number, unit in parts if number) or "0s"
