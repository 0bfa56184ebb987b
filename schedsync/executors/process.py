"""The engine: one thread that starts, watches and ends the processes of all runs.

A process leads a session and process group of its own. What it prints comes through a pipe that the engine reads in
bounded bites, so that a loud one does not starve the others. When a run has to end, its group and whatever escaped from
the group get SIGTERM, and after the grace SIGKILL; the run is over when all of them are gone. Processes that a run
leaves in the background when it ends by itself are left alone.
"""

import logging
import os
import queue
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from schedsync.clock import Clock, utc_now
from schedsync.executors.base import Launch, Listener
from schedsync.executors.orphans import processes_of, send
from schedsync.executors.spawning import spawn, why_not_started
from schedsync.executors.spool import OutputLimits, Spool
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.run import RunState
from schedsync.specs.durations import format_duration

log = logging.getLogger(__name__)

BITE = 1 << 16
"""Bytes read of one output before the others have their turn."""
SILENCE = 0.2
"""Seconds that a background process may go on printing after the run itself has ended."""
LOOK = 0.05
"""Seconds between two looks at processes that are being ended, and at exits where there is no pidfd."""
LAST_WAIT = 2.0
"""Seconds after SIGKILL until a run counts as ended even if something is left (a process stuck in the kernel)."""


@dataclass(slots=True)
class _Ending:
    """A run that is being ended from outside."""

    state: RunState
    reason: str
    kill_at: float
    killed: bool = False


@dataclass(slots=True)
class _Child:
    launch: Launch
    process: subprocess.Popen[bytes]
    spool: Spool
    started_at: datetime
    timeout_at: float | None
    pidfd: int | None
    pipe: int | None
    exited: bool = False
    quiet_at: float = 0.0
    ending: _Ending | None = None


@dataclass(frozen=True, slots=True)
class _Cancel:
    run_id: str
    reason: str
    state: RunState


@dataclass(frozen=True, slots=True)
class _Stop:
    grace: timedelta
    reason: str


@dataclass(slots=True)
class _Stopping:
    deadline: float
    reason: str
    ended: bool = field(default=False)


class ProcessEngine:
    """Runs processes. Public methods are safe from any thread; the listener is called by the engine's own."""

    def __init__(self, listener: Listener, *, spool_dir: Path, limits: OutputLimits, clock: Clock = utc_now) -> None:
        self._listener, self._spool_dir, self._limits, self._clock = listener, spool_dir, limits, clock
        self._children: dict[str, _Child] = {}
        self._asked: queue.SimpleQueue[Launch | _Cancel | _Stop] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._drain_wake)
        self._stopping: _Stopping | None = None
        self._thread = threading.Thread(target=self._loop, name="schedsync-engine", daemon=True)

    def start(self) -> None:
        """Start the engine's thread."""
        self._thread.start()

    def launch(self, launch: Launch) -> None:
        """Start a process soon; the listener hears of it."""
        self._ask(launch)

    def cancel(self, run_id: str, reason: str, state: RunState = RunState.CANCELLED) -> None:
        """End a run, with *state* and *reason* as its outcome; nothing happens when it has ended already."""
        self._ask(_Cancel(run_id, reason, state))

    def running(self) -> frozenset[str]:
        """Return the runs that have a process."""
        with self._lock:
            return frozenset(self._children)

    def output(self, run_id: str) -> Output | None:
        """Return what a run has printed so far; None when it is not running."""
        with self._lock:
            child = self._children.get(run_id)
            return None if child is None else child.spool.read()

    def stop(self, grace: timedelta, reason: str) -> None:
        """Start nothing more, let runs end by themselves within *grace*, end the rest as ``lost``, and return."""
        self._ask(_Stop(grace, reason))
        self._thread.join()

    def _ask(self, what: Launch | _Cancel | _Stop) -> None:
        self._asked.put(what)
        with suppress(BlockingIOError, OSError):  # full: it is awake; closed: it has stopped
            os.write(self._wake_write, b"\0")

    def _loop(self) -> None:
        while not (self._stopping is not None and not self._children and self._asked.empty()):
            for key, _ in self._selector.select(self._patience()):
                key.data()
            self._guarded(self._take_requests)
            for child in list(self._children.values()):
                self._serve(child)
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _patience(self) -> float | None:
        """Return how long nothing has to be done, unless something is heard."""
        if any(child.exited or child.ending or child.pidfd is None for child in self._children.values()):
            return LOOK
        moments = [child.timeout_at for child in self._children.values() if child.timeout_at is not None]
        if self._stopping is not None and not self._stopping.ended:
            moments.append(self._stopping.deadline)
        return max(min(moments) - time.monotonic(), 0.0) if moments else None

    def _drain_wake(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._wake_read, BITE):
                pass

    # --- requests ---

    def _take_requests(self) -> None:
        while not self._asked.empty():
            asked = self._asked.get_nowait()
            if isinstance(asked, Launch):
                self._take(asked)
            elif isinstance(asked, _Cancel):
                if child := self._children.get(asked.run_id):
                    self._begin_end(child, asked.state, asked.reason)
            elif self._stopping is None:
                self._stopping = _Stopping(time.monotonic() + asked.grace.total_seconds(), asked.reason)
        if self._stopping is not None and not self._stopping.ended and time.monotonic() >= self._stopping.deadline:
            self._stopping.ended = True
            for child in list(self._children.values()):
                self._begin_end(child, RunState.LOST, self._stopping.reason)

    def _take(self, launch: Launch) -> None:
        if self._stopping is not None:
            self._tell(launch.run_id, Outcome(RunState.LOST, self._clock(), reason=self._stopping.reason))
            return
        spool = Spool(self._spool_dir / f"{launch.run_id}.log", self._limits)
        try:
            self._spawn(launch, spool)
        except (OSError, ValueError) as error:
            spool.discard()
            self._tell(launch.run_id, Outcome(RunState.FAILED, self._clock(), reason=why_not_started(launch, error)))

    def _spawn(self, launch: Launch, spool: Spool) -> None:
        now = self._clock()
        new = spawn(launch)
        timeout_at = None if launch.timeout is None else time.monotonic() + launch.timeout.total_seconds()
        child = _Child(launch, new.process, spool, now, timeout_at, new.pidfd, new.pipe)
        with self._lock:
            self._children[launch.run_id] = child
        self._selector.register(new.pipe, selectors.EVENT_READ, lambda: self._read(child))
        if new.pidfd is not None:
            self._selector.register(new.pidfd, selectors.EVENT_READ, lambda: self._reap(child))
        self._guarded(lambda: self._listener.started(launch.run_id, new.process.pid, now))

    # --- a running process ---

    def _serve(self, child: _Child) -> None:
        try:
            self._look_at(child)
        except Exception as error:  # one run's trouble must not end the engine
            log.exception("run could not be watched", extra={"run_id": child.launch.run_id})
            self._finish(child, Outcome(RunState.FAILED, self._clock(), reason=f"could not be watched: {error}"))

    def _look_at(self, child: _Child) -> None:
        now = time.monotonic()
        if child.pidfd is None and not child.exited:
            self._reap(child)
        if child.timeout_at is not None and now >= child.timeout_at and not child.exited and child.ending is None:
            timeout = format_duration(child.launch.timeout or timedelta(0))
            self._begin_end(child, RunState.TIMED_OUT, f"timeout of {timeout} exceeded")
        if child.ending is not None:
            self._go_on_ending(child, child.ending, now)
        elif child.exited and (child.pipe is None or now >= child.quiet_at):
            self._finish(child, self._own_end(child))

    def _reap(self, child: _Child) -> None:
        if child.process.poll() is not None:
            child.exited, child.quiet_at = True, time.monotonic() + SILENCE
            self._forget_pidfd(child)

    def _read(self, child: _Child) -> None:
        if child.pipe is None:
            return
        try:
            data = os.read(child.pipe, BITE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            with self._lock:
                child.spool.append(data)
            child.quiet_at = time.monotonic() + SILENCE if child.exited and child.ending is None else child.quiet_at
        else:
            self._forget_pipe(child)

    def _own_end(self, child: _Child) -> Outcome:
        code = child.process.returncode
        if code == 0:
            return self._outcome(child, RunState.SUCCEEDED, None)
        return self._outcome(child, RunState.FAILED, f"exit code {code}" if code > 0 else f"ended by {_signal(-code)}")

    # --- ending a process ---

    def _begin_end(self, child: _Child, state: RunState, reason: str) -> None:
        if child.ending is None:
            grace = child.launch.kill_grace.total_seconds()
            child.ending = _Ending(state, reason, time.monotonic() + grace)
            self._signal_all(child, signal.SIGTERM)

    def _go_on_ending(self, child: _Child, ending: _Ending, now: float) -> None:
        over = ending.killed and now >= ending.kill_at + LAST_WAIT
        if child.exited and (over or not self._survivors(child)):
            how = "SIGKILL" if ending.killed else "SIGTERM"
            self._drain(child)
            self._finish(child, self._outcome(child, ending.state, f"{ending.reason}; ended by {how}"))
        elif now >= ending.kill_at and not over:
            ending.killed = True
            self._signal_all(child, signal.SIGKILL)

    def _signal_all(self, child: _Child, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, number)
        send(self._survivors(child), number)

    def _survivors(self, child: _Child) -> list[int]:
        """Return the living processes of the run, those that left its group included."""
        run_id = child.launch.run_id
        return processes_of([run_id]).get(run_id, [])

    def _drain(self, child: _Child) -> None:
        """Take what is still in the pipe; whoever wrote it is gone."""
        before = -1
        while child.pipe is not None and before != child.spool.total:
            before = child.spool.total
            self._read(child)

    # --- the end ---

    def _outcome(self, child: _Child, state: RunState, reason: str | None) -> Outcome:
        failure = child.spool.failure
        return Outcome(
            state=state,
            finished_at=self._clock(),
            started_at=child.started_at,
            exit_code=child.process.returncode,
            reason="; ".join(part for part in (reason, failure) if part) or None,
            output=child.spool.read(),
        )

    def _finish(self, child: _Child, outcome: Outcome) -> None:
        self._forget_pidfd(child)
        self._forget_pipe(child)
        with self._lock:
            self._children.pop(child.launch.run_id, None)
        child.spool.discard()
        self._tell(child.launch.run_id, outcome)

    def _forget_pidfd(self, child: _Child) -> None:
        if child.pidfd is not None:
            self._selector.unregister(child.pidfd)
            os.close(child.pidfd)
            child.pidfd = None

    def _forget_pipe(self, child: _Child) -> None:
        if child.pipe is not None:
            self._selector.unregister(child.pipe)
            os.close(child.pipe)
            child.pipe = None

    def _tell(self, run_id: str, outcome: Outcome) -> None:
        self._guarded(lambda: self._listener.finished(run_id, outcome))

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:  # the boundary of the engine's loop
            log.exception("engine request failed")


def _signal(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"
