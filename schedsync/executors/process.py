"""The engine: one thread that starts, watches and ends the processes of all runs.

Each run leads a session and a process group of its own. Its output comes through a pipe that is read in bounded bites,
so that a loud run does not starve the others; what is kept of it goes into a ``Spool``.

A run that ends by itself is over when its first process is: what it leaves in the background is left alone, is heard
for a moment more (``LINGER``), and finds the pipe closed afterwards, so a daemon needs an output of its own. A run that
is ended from outside (timeout, cancel, stop) is over when all of its processes are gone: its group gets SIGTERM, and so
do those that left the group (``orphans.py`` finds them by their environment); after the grace, SIGKILL.

``child.py`` is the process, ``ending.py`` ends it, ``spawn_errors.py`` has the words for what does not start.
"""

import logging
import math
import os
import queue
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO

from schedsync.clock import Clock, utc_now
from schedsync.executors.base import Launch, Listener
from schedsync.executors.child import Child, Spawned, spawn, stranger, survivors
from schedsync.executors.ending import KEEPER_GONE, Ended, Endings, judged, judged_kept, spelled
from schedsync.executors.kept import KeptEnd, KeptOutput
from schedsync.executors.redaction import redacted
from schedsync.executors.spawn_errors import why_not_started
from schedsync.executors.spool import OutputLimits, Sink, Spool, live
from schedsync.outages import Faults
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.run import RunState

log = logging.getLogger(__name__)

LINGER = 0.2
"""Seconds that background processes are heard after their run has ended: filters such as ``> >(tee log)`` end then."""
POLL = 0.05
"""Seconds between two questions whether a process has ended, where the system cannot announce it."""
LONGEST_PAUSE = 1.0
"""Seconds that the engine rests at most after an error that it did not expect."""
BURST = 0.5
"""Seconds for which requests go before outputs and ends: in a burst each start waits for those before it, and an output
only for its turn."""
LONGEST_SLEEP = 3_600.0
"""Seconds; the system's own limit is 24 days, and a timeout may be longer."""


class ProcessEngine:
    """Runs processes. Public methods are safe from any thread; the listener is called by the engine's own."""

    def __init__(
        self,
        listener: Listener,
        *,
        spool_dir: Path,
        limits: OutputLimits,
        clock: Clock = utc_now,
        before_spawn: Callable[[], None] = lambda: None,
        tidy: bool = False,
    ) -> None:
        """Prepare the engine.

        Args:
            listener: is told of starts and ends.
            spool_dir: an existing folder for the output of runs that have not ended.
            limits: how much output is kept.
            clock: for the instants that are reported; what is measured is measured on the monotonic clock.
            before_spawn: called right before each process is started.
            tidy: see ``spawn``.
        """
        self._listener, self._spool_dir, self._limits, self._clock = listener, spool_dir, limits, clock
        self._before_spawn, self._tidy = before_spawn, tidy
        self._thread = threading.Thread(target=self._run, name="schedsync-engine", daemon=True)
        self._lock = threading.Lock()
        # Under the lock: the runs that were launched and have not ended (with a spool when started), and the way in.
        self._known: dict[str, Sink | None] = {}
        self._requests: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._closed = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        # Of the engine's thread alone.
        self._children: dict[str, Child] = {}
        self._new: deque[tuple[Launch, datetime, Spawned]] = deque()
        """What was started, when, and is not looked after yet."""
        self._endings = Endings()
        self._stop_at, self._stop_reason = math.inf, ""
        self._alarm = math.inf
        """Not later than the first moment at which a child is to be looked at, or the engine's grace is over."""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._hear_wake)

    def start(self) -> None:
        """Start the engine's thread; what was launched before is started then."""
        self._thread.start()

    def launch(self, launch: Launch) -> None:
        """Start a process soon; the listener hears of it. While the engine stops, that is ``lost``, never started.

        Raises:
            ValueError: the run has been launched and has not ended.
            RuntimeError: the engine has stopped.
        """
        self._enter(launch, partial(self._begin, launch))

    def take_up(self, launch: Launch, pid: int, started_at: datetime) -> None:
        """Watch a run that an earlier service has started, and whose keeper is the process *pid*.

        Raises:
            ValueError: the run is watched already.
            RuntimeError: the engine has stopped.
        """
        self._enter(launch, partial(self._take_up, launch, pid, started_at))

    def _enter(self, launch: Launch, request: Callable[[], None]) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError("the engine has stopped")
            if launch.run_id in self._known:
                raise ValueError(f"run {launch.run_id} has been launched already")
            self._known[launch.run_id] = None
            self._ask(request)

    def cancel(self, run_id: str, reason: str, state: RunState = RunState.CANCELLED) -> None:
        """End a run, with *state* and *reason* as its outcome; nothing happens when it is ending or has ended."""
        with self._lock:
            if run_id in self._known:
                self._ask(partial(self._cancel, run_id, state, reason))

    def running(self) -> frozenset[str]:
        """Return the runs that were launched and whose end has not been told."""
        with self._lock:
            return frozenset(self._known)

    def output(self, run_id: str) -> Output | None:
        """Return what a run has printed so far; None when it is not running."""
        with self._lock:
            spool = self._known.get(run_id)
        return None if spool is None else spool.read()

    def stop(self, grace: timedelta, reason: str) -> None:
        """Start nothing more, let runs end by themselves within *grace*, end the rest as ``lost``, and return.

        Runs that had to be ended have *reason* in theirs. Called again, it can only shorten the grace.
        """
        self.begin_stop(grace, reason)
        if self._thread.ident is None:
            self.start()
        self.join()

    def begin_stop(self, grace: timedelta, reason: str) -> None:
        """Begin to ``stop``, and return at once."""
        with self._lock:
            if not self._closed:
                self._ask(partial(self._begin_stop, time.monotonic() + grace.total_seconds(), reason))

    def join(self) -> None:
        """Wait until it has stopped."""
        self._thread.join()

    def hurry(self, longest_grace: timedelta, reason: str) -> None:
        """Stop and end all runs now, with at most *longest_grace* between SIGTERM and SIGKILL. Returns at once."""
        with self._lock:
            if not self._closed:
                self._ask(partial(self._endings.hurry, longest_grace))
                self._ask(partial(self._begin_stop, time.monotonic(), reason))

    def _ask(self, request: Callable[[], None]) -> None:
        self._requests.put(request)
        with suppress(BlockingIOError):  # it has been woken often enough
            os.write(self._wake_write, b"\0")

    # The loop.

    def _run(self) -> None:
        faults = Faults(log, "the engine stumbled", "the engine goes on", first=POLL, longest=LONGEST_PAUSE)
        while not self._over():
            try:
                self._turn()
            except Exception as error:  # the boundary of the loop
                time.sleep(faults.met(error))
            else:
                faults.none()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _over(self) -> bool:
        if self._stop_at == math.inf or self._children or self._new:
            return False
        with self._lock:
            self._closed = self._requests.empty()
            return self._closed

    def _turn(self) -> None:
        """Do what there is to do. Starts go first: whatever else waits for its turn is as good a moment later."""
        heard = self._selector.select(self._patience())
        until = time.monotonic() + BURST
        self._serve_requests(until)
        for key, _ in heard:
            key.data()
            self._serve_requests(until)
        while self._new:
            self._look_after(*self._new.popleft())
            self._serve_requests(until)
        self._keep_time()

    def _serve_requests(self, until: float) -> None:
        while not self._requests.empty() and time.monotonic() < until:
            self._requests.get_nowait()()

    def _patience(self) -> float:
        """Return for how many seconds nothing has to be done unless something is heard."""
        if not self._requests.empty():
            return 0.0
        moment = min(self._alarm, self._endings.next_look)
        return min(max(moment - time.monotonic(), 0.0), LONGEST_SLEEP)

    def _hear_wake(self) -> None:
        os.read(self._wake_read, 1 << 16)

    def _keep_time(self) -> None:
        now = time.monotonic()
        if now >= self._alarm:
            self._sound_alarm(now)
        if now >= self._endings.next_look:
            self._look_at_endings()

    def _sound_alarm(self, now: float) -> None:
        for child in [c for c in self._children.values() if c.wake_at <= now]:
            self._serve(child, self._wake)
        if now >= self._stop_at:
            for child in list(self._children.values()):
                self._serve(child, partial(self._end, state=RunState.LOST, reason=self._stop_reason))
        moments = [self._stop_at] if now < self._stop_at else []
        self._alarm = min(moments + [child.wake_at for child in self._children.values()], default=math.inf)

    def _look_at_endings(self) -> None:
        ending = [child for child in self._children.values() if child in self._endings]
        left = self._endings.survey(ending)
        for child in ending:
            self._serve(child, partial(self._go_on_ending, None if left is None else left.get(child.run_id, [])))

    def _wake_at(self, child: Child, moment: float) -> None:
        child.wake_at = moment
        self._alarm = min(self._alarm, moment)

    def _serve(self, child: Child, step: Callable[[Child], None]) -> None:
        """Do something for one run, whose trouble stays its own."""
        if self._children.get(child.run_id) is not child:
            return  # it ended a moment ago, in the same turn
        try:
            step(child)
        except Exception as error:  # the boundary of one run
            log.exception("run could not be watched", extra={"run_id": child.run_id})
            self._give_up(child, error)

    # From launch to a running process.

    def _begin(self, launch: Launch) -> None:
        if self._stop_at < math.inf:
            self._tell_not_started(launch, RunState.LOST, f"not started; {self._stop_reason}")
            return
        at = self._clock()
        self._before_spawn()
        try:
            spawned = spawn(launch, tidy=self._tidy)
        except Exception as error:  # whatever keeps it from starting is this run's failure
            why = redacted(why_not_started(launch, error), launch.secrets)
            self._tell_not_started(launch, RunState.FAILED, why)
        else:
            self._new.append((launch, at, spawned))

    def _look_after(self, launch: Launch, started_at: datetime, spawned: Spawned) -> None:
        child = Child(launch, self._spool_of(launch), started_at, spawned)
        self._children[launch.run_id] = child
        self._serve(child, self._watch)

    def _look_after_all(self) -> None:
        while self._new:
            self._look_after(*self._new.popleft())

    def _take_up(self, launch: Launch, pid: int, started_at: datetime) -> None:
        try:
            self._new.append((launch, started_at, stranger(pid)))
        except ProcessLookupError:  # it has ended a moment ago, and may have written how
            self._tell_end(launch, started_at, KeptOutput(self._spool_dir, launch.run_id, self._limits))

    def _tell_end(self, launch: Launch, started_at: datetime, kept: KeptOutput) -> None:
        ended = judged_kept(launch, kept.end)
        end = kept.end or KeptEnd(self._clock(), None, kept.read())
        outcome = Outcome(ended.state, end.at, started_at, end.code, ended.reason, end.output)
        self._tell_finished(launch.run_id, outcome)

    def _spool_of(self, launch: Launch) -> Sink:
        if launch.kept:
            return KeptOutput(self._spool_dir, launch.run_id, self._limits)
        return Spool(live(self._spool_dir, launch.run_id), self._limits)

    def _watch(self, child: Child) -> None:
        with self._lock:
            self._known[child.run_id] = child.spool
        if child.launch.timeout is not None:
            left = child.launch.timeout - (self._clock() - child.started_at)
            child.timeout_at = time.monotonic() + left.total_seconds()
        if child.pipe is not None:
            self._selector.register(child.pipe, selectors.EVENT_READ, partial(self._serve, child, self._read))
        if child.pidfd is not None:
            self._selector.register(child.pidfd, selectors.EVENT_READ, partial(self._serve, child, self._notice_exit))
        self._wait_on(child)
        self._tell(lambda: self._listener.started(child.run_id, child.pid, child.started_at))

    def _wait_on(self, child: Child) -> None:
        unannounced = time.monotonic() + POLL if child.pidfd is None else math.inf
        self._wake_at(child, min(child.timeout_at, unannounced))

    def _wake(self, child: Child) -> None:
        """Do what was to be done at this moment."""
        if child.exited:
            self._settle_own_end(child)
            return
        if child.pidfd is None:
            self._notice_exit(child)
        if child.timeout_at <= time.monotonic():
            timeout = spelled(child.launch.timeout or timedelta())
            self._end(child, RunState.TIMED_OUT, f"timeout of {timeout} exceeded")
        elif not child.exited:
            self._wait_on(child)

    def _read(self, child: Child) -> None:
        if child.take() == 0:
            self._hang_up(child)
            if child.exited and child not in self._endings:
                self._settle_own_end(child)

    def _notice_exit(self, child: Child) -> None:
        if not child.has_exited():
            return
        child.exited = True
        self._stop_listening_for_exit(child)
        if child in self._endings:
            return
        if child.drain():
            self._settle_own_end(child)
        else:
            self._wake_at(child, time.monotonic() + LINGER)

    # Ending a run.

    def _cancel(self, run_id: str, state: RunState, reason: str) -> None:
        self._look_after_all()
        child = self._children.get(run_id)
        if child is not None:
            self._serve(child, partial(self._end, state=state, reason=reason))

    def _begin_stop(self, stop_at: float, reason: str) -> None:
        self._look_after_all()
        self._stop_reason = self._stop_reason or reason
        self._stop_at = min(self._stop_at, stop_at)
        self._alarm = min(self._alarm, self._stop_at)
        for child in [c for c in self._children.values() if c.launch.kept and c not in self._endings]:
            self._leave(child)

    def _end(self, child: Child, state: RunState, reason: str) -> None:
        if child not in self._endings and not child.has_exited():
            child.wake_at = math.inf
            self._endings.begin(child, state, reason)

    def _go_on_ending(self, left: list[int] | None, child: Child) -> None:
        if not child.exited:
            self._notice_exit(child)
        ended = self._endings.advance(child, left)
        if ended is not None:
            child.drain()
            self._settle(child, ended)

    def _leave(self, child: Child) -> None:
        """Leave a run to its keeper: the next service takes it up, or finds how it ended."""
        self._let_go(child)
        child.abandon()
        with self._lock:
            del self._known[child.run_id]

    # The end of a run.

    def _settle_own_end(self, child: Child) -> None:
        child.finish_output()
        if isinstance(child.spool, KeptOutput) and child.spool.end is None and self._remains(child):
            # Its keeper was killed. What it kept is ended before anything may follow.
            self._endings.begin(child, RunState.LOST, KEEPER_GONE)
        else:
            self._settle(child, judged(child))

    def _remains(self, child: Child) -> bool:
        """Whether processes of a run live; also where nobody can know that now."""
        try:
            return bool(survivors([child]))
        except OSError:
            return True

    def _give_up(self, child: Child, error: Exception) -> None:
        with suppress(Exception):  # nothing more can be done about it, and the run must be settled
            child.kill_at_once()
        self._settle(child, Ended(RunState.FAILED, f"killed, because it could not be watched any more: {error!r}"))

    def _settle(self, child: Child, ended: Ended) -> None:
        child.finish_output()
        told = "; ".join(part for part in (ended.reason, child.spool.failure) if part)
        outcome = Outcome(
            state=ended.state,
            finished_at=self._clock(),
            started_at=child.started_at,
            exit_code=_exit_code(child),
            reason=redacted(told, child.launch.secrets) or None,
            output=child.spool.read(),
            remains=ended.remains,
        )
        self._let_go(child)
        child.spool.discard()
        self._tell_finished(child.run_id, outcome)

    def _let_go(self, child: Child) -> None:
        self._hang_up(child)
        self._stop_listening_for_exit(child)
        self._endings.forget(child)
        del self._children[child.run_id]

    def _hang_up(self, child: Child) -> None:
        if child.pipe is not None:
            self._ignore(child.pipe)
            child.close_pipe()

    def _stop_listening_for_exit(self, child: Child) -> None:
        if child.pidfd is not None:
            self._ignore(child.pidfd)
            child.close_pidfd()

    def _ignore(self, source: IO[bytes] | int) -> None:
        with suppress(KeyError):  # not registered: watching it has failed half-way
            self._selector.unregister(source)

    def _tell_not_started(self, launch: Launch, state: RunState, reason: str) -> None:
        self._tell_finished(launch.run_id, Outcome(state, self._clock(), reason=reason))

    def _tell_finished(self, run_id: str, outcome: Outcome) -> None:
        self._tell(lambda: self._listener.finished(run_id, outcome))
        with self._lock:
            del self._known[run_id]

    def _tell(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:  # the boundary to the listener
            log.exception("the listener failed")


def _exit_code(child: Child) -> int | None:
    code = child.reap()
    if isinstance(child.spool, KeptOutput) and child.spool.end is not None:
        return child.spool.end.code
    return code
