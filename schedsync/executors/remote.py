"""The engine in a process of its own, as the service sees it.

A spawn needs Python's lock some twenty times, once after each call of the system, and waits for it each time while
other threads compute. In a process where nothing else computes it waits for nobody. What the service has left of a run
is a message each way.

The process is as the service is: it has no state that outlives it, and ends when the service is gone. Should it be gone
while the service lives, nobody watches what runs; then the service ends as if it had been killed itself, and the next
start makes of the runs what it always does, also of those that were launched since.
"""

import itertools
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from schedsync.clock import utc_now
from schedsync.errors import EngineUnavailableError
from schedsync.executors.base import Launch, Listener
from schedsync.executors.kept import KeptOutput
from schedsync.executors.wire import (
    NOT_HEARD,
    Ask,
    Cancel,
    Closed,
    Finished,
    Hurry,
    LaunchIt,
    Message,
    Printed,
    Ready,
    Request,
    Sender,
    Setup,
    Started,
    Stop,
    TakeUp,
    received,
)
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.run import RunState
from schedsync.specs.variables import may_be_setting

log = logging.getLogger(__name__)

COMMAND: tuple[str, ...] = (sys.executable, "-P", "-m", "schedsync.engine")
"""What is started. -P: nothing is loaded from the folder that the service was started in."""
ANSWER = 5.0
"""Seconds that the engine may take to say what a run has printed."""
BEGIN = 30.0
"""Seconds that it may take until it serves; it takes a part of one where the machine is not busy."""
END = 5.0
"""Seconds that the process may take to end when it has said its last word."""


class RemoteEngine:
    """A ``ProcessEngine`` elsewhere. Methods are safe from any thread; the listener is called by one of its own."""

    def __init__(
        self, listener: Listener, setup: Setup, *, hidden: Collection[str], on_lost: Callable[[], None]
    ) -> None:
        """Make one; nothing is started yet.

        Args:
            listener: is told of starts and ends.
            setup: what the process is told first.
            hidden: variables of the service that hold passwords; the engine has no use for them.
            on_lost: told when the process is gone that should be there.
        """
        self._listener, self._setup, self._hidden, self._on_lost = listener, setup, hidden, on_lost
        self._lock = threading.Lock()
        # Under the lock: the runs that were launched and have not ended (True: their processes exist), questions,
        # whether all of it is over, and whether that came out of turn.
        self._known: dict[str, bool] = {}
        self._kept: set[str] = set()
        """Those of them that have keepers, whose output is in files."""
        self._asked: dict[int, queue.SimpleQueue[Output | None]] = {}
        self._closed = self._lost = False
        self._serves = False
        """Whether the engine has said so, once."""
        self._began = threading.Event()
        """Set when it has, or is gone before."""
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self._sender: Sender | None = None
        self._hearing: threading.Thread | None = None
        self._early: list[Request] = []
        """What was asked for before the process was started."""
        self._stop_reason = ""

    @property
    def pid(self) -> int | None:
        """The process; None when it was not started yet."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process, and return when it serves; what was launched before is started then.

        Raises:
            EngineUnavailableError: it does not serve.
        """
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        process = self._spawn(theirs_in, theirs_out)
        os.close(theirs_in)
        os.close(theirs_out)
        sender = Sender(os.fdopen(ours_out, "wb", buffering=0), "schedsync-engine-in")
        self._hearing = threading.Thread(
            target=self._hear, args=(process, os.fdopen(ours_in, "rb"), sender), name="schedsync-engine", daemon=True
        )
        with self._lock:
            self._process, self._sender = process, sender
            for message in (self._setup, *self._early):
                sender.put(message)
        sender.start()
        self._hearing.start()
        if not self._began.wait(BEGIN):
            process.kill()
            raise EngineUnavailableError(f"the engine's process did not serve within {BEGIN:.0f} s, and was ended")
        if not self._serves:
            code = process.wait()
            raise EngineUnavailableError(
                f"the engine's process ended with exit code {code} before it served; what it printed says why"
            )

    def _spawn(self, source: int, sink: int) -> subprocess.Popen[bytes]:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, NOT_HEARD)  # inherited; the engine unblocks them
        try:
            return subprocess.Popen(COMMAND, stdin=source, stdout=sink, env=self._environ(), start_new_session=True)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _environ(self) -> dict[str, str]:
        """Return the service's variables without what only it needs, and with the folders that it loads code from."""
        kept = {
            name: value for name, value in os.environ.items() if name not in self._hidden and not may_be_setting(name)
        }
        return kept | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}

    def launch(self, launch: Launch) -> None:
        """Start a process soon, as ``ProcessEngine`` does. Nothing happens when the engine was lost.

        Raises:
            ValueError: the run has been launched and has not ended.
            RuntimeError: the engine has stopped.
        """
        self._enter(launch, LaunchIt(launch))

    def take_up(self, launch: Launch, pid: int, started_at: datetime) -> None:
        """Watch a run that an earlier service has started, and whose keeper is the process *pid*.

        Raises:
            ValueError: the run is watched already.
            RuntimeError: the engine has stopped.
        """
        self._enter(launch, TakeUp(launch, pid, started_at))

    def _enter(self, launch: Launch, request: LaunchIt | TakeUp) -> None:
        with self._lock:
            if self._closed and not self._lost:
                raise RuntimeError("the engine has stopped")
            if launch.run_id in self._known:
                raise ValueError(f"run {launch.run_id} has been launched already")
            self._known[launch.run_id] = isinstance(request, TakeUp)
            if launch.kept:
                self._kept.add(launch.run_id)
            self._send(request)

    def cancel(self, run_id: str, reason: str, state: RunState = RunState.CANCELLED) -> None:
        """End a run, with *state* and *reason* as its outcome; nothing happens when it is ending or has ended."""
        with self._lock:
            if run_id in self._known:
                self._send(Cancel(run_id, reason, state))

    def running(self) -> frozenset[str]:
        """Return the runs that were launched and whose end has not been told."""
        with self._lock:
            return frozenset(self._known)

    def output(self, run_id: str) -> Output | None:
        """Return what a run has printed so far; None when it is not running, or that cannot be said now."""
        with self._lock:
            if self._closed or run_id not in self._known:
                return None
            kept = run_id in self._kept
        if kept:  # whoever asks reads it: what spawns waits for no disk for that
            return KeptOutput(self._setup.spool, run_id, self._setup.limits).read()
        return self._answer(run_id)

    def _answer(self, run_id: str) -> Output | None:
        with self._lock:
            number = next(self._numbers)
            answer = self._asked[number] = queue.SimpleQueue()
            if self._closed:
                answer.put(None)
            self._send(Ask(number, run_id))
        try:
            return answer.get(timeout=ANSWER)
        except queue.Empty:
            return None
        finally:
            with self._lock:
                self._asked.pop(number, None)

    def stop(self, grace: timedelta, reason: str) -> None:
        """Start nothing more, let runs end by themselves within *grace*, end the rest as ``lost``, and return.

        Runs that had to be ended have *reason* in theirs. Called again, it can only shorten the grace.
        """
        with self._lock:
            self._stop_reason = self._stop_reason or reason
            self._send(Stop(grace, reason))
        if self._hearing is None:
            self._tell_not_started(self._close(lost=False))
        else:
            self._hearing.join()

    def hurry(self, longest_grace: timedelta, reason: str) -> None:
        """Stop and end all runs now, with at most *longest_grace* between SIGTERM and SIGKILL. Returns at once."""
        with self._lock:
            self._stop_reason = self._stop_reason or reason
            self._send(Hurry(longest_grace, reason))

    def _send(self, request: Request) -> None:
        if self._sender is None:
            self._early.append(request)
        else:
            self._sender.put(request)

    # What the engine says.

    def _hear(self, process: subprocess.Popen[bytes], source: IO[bytes], sender: Sender) -> None:
        in_order = False
        try:
            for events in received(source):
                for event in events:
                    in_order = self._heed(event) or in_order
        except Exception:  # whatever it is, nothing more is heard
            log.exception("the engine cannot be heard")
        late = self._close(lost=not in_order)  # which also ends a process that is silent and not gone
        code = _ended(process)
        sender.join()  # nobody listens any more, so that it cannot wait for long
        if in_order:
            self._tell_not_started(late)
        elif self._serves:
            log.error("the process of the engine is gone, nobody watches what runs", extra={"exit_code": code})
            self._on_lost()
        self._began.set()

    def _tell_not_started(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            reason = f"not started; {self._stop_reason}"
            self._heed(Finished(run_id, Outcome(RunState.LOST, utc_now(), reason=reason)))

    def _close(self, *, lost: bool) -> list[str]:
        """Take nothing more, answer all questions, and return the runs of which no process was heard of."""
        with self._lock:
            self._closed, self._lost = True, lost
            late = [run_id for run_id, exists in self._known.items() if not exists]
            asked, self._asked = list(self._asked.values()), {}
            sender, self._sender = self._sender, None
        if sender is not None:
            sender.close()
        for answer in asked:
            answer.put(None)
        return late

    def _heed(self, event: Message) -> bool:
        """Take note of an event; return whether it is the last one."""
        match event:
            case Ready():
                self._serves = True
                self._began.set()
            case Started(run_id, pid, at):
                with self._lock:
                    self._known[run_id] = True
                self._tell(lambda: self._listener.started(run_id, pid, at))
            case Finished(run_id, outcome):
                self._tell(lambda: self._listener.finished(run_id, outcome))
                with self._lock:
                    self._known.pop(run_id, None)
                    self._kept.discard(run_id)
            case Printed(number, output):
                with self._lock:
                    answer = self._asked.get(number)
                if answer is not None:
                    answer.put(output)
            case Closed():
                return True
        return False

    def _tell(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:  # the boundary to the listener
            log.exception("the listener failed")


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process whose input and output are closed, and return its exit code."""
    try:
        return process.wait(END)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
