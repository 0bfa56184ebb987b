"""What the service and the process of its engine say to each other, over the standard input and output of the latter.

Both are of one version and one user, and nobody else has an end of these pipes: so messages are pickled, in lists,
since what comes together is sent, and heard, at once.
"""

import pickle
import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple

from schedsync.executors.base import Launch
from schedsync.executors.spool import OutputLimits
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.run import RunState

NOT_HEARD = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Signals to stop or to look again that whoever signals a group of processes sends to the engine, too; they are the
service's. They wait while the engine's process begins, which without its handlers would end."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the engine's process is told first."""

    service: int
    """The pid of the service: when that is gone, so is its engine."""
    spool: Path
    limits: OutputLimits
    most_runs: int
    """How many runs there may be at once."""
    switch: float
    """Seconds after which a busy thread lets another one run."""
    log_level: str
    log_as_json: bool


# From the service.


class LaunchIt(NamedTuple):
    """Start a process."""

    launch: Launch


class TakeUp(NamedTuple):
    """Watch a run that an earlier service has started."""

    launch: Launch
    pid: int
    started_at: datetime


class Cancel(NamedTuple):
    """End a run."""

    run_id: str
    reason: str
    state: RunState


class Ask(NamedTuple):
    """Say what a run has printed so far, as a ``Printed`` with this number."""

    number: int
    run_id: str


class Hurry(NamedTuple):
    """Stop, and end all runs now."""

    longest_grace: timedelta
    reason: str


class Stop(NamedTuple):
    """Start nothing more, and end when no run is left."""

    grace: timedelta
    reason: str


Request = LaunchIt | TakeUp | Cancel | Ask | Hurry | Stop

# From the engine.


class Ready(NamedTuple):
    """The engine does what it is asked for. It is the first that is heard of it."""


class Started(NamedTuple):
    """A run's process exists."""

    run_id: str
    pid: int
    at: datetime


class Finished(NamedTuple):
    """A run has ended."""

    run_id: str
    outcome: Outcome


class Printed(NamedTuple):
    """The answer to an ``Ask``."""

    number: int
    output: Output | None


class Closed(NamedTuple):
    """The engine has stopped in order. It is the last that is heard of it."""


Event = Ready | Started | Finished | Printed | Closed
Message = Setup | Request | Event


class Sender:
    """Sends messages by a thread of its own, so that nobody waits for whoever is to hear them."""

    def __init__(self, sink: IO[bytes], name: str, *, gather: float = 0.0) -> None:
        """Make one; ``start`` it.

        Args:
            sink: where to, unbuffered.
            name: the thread's.
            gather: for how many seconds what follows is waited for, to be sent together.
        """
        self._sink, self._gather = sink, gather
        self._waiting: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def start(self) -> None:
        """Begin to send, what was put before, too."""
        self._thread.start()

    def put(self, message: Message) -> None:
        """Send *message* soon. Safe from any thread, and returns at once; nothing happens when nobody listens."""
        self._waiting.put(message)

    def close(self) -> None:
        """Send what is left, then close where it went. Returns at once."""
        self._waiting.put(None)

    def join(self) -> None:
        """Wait until it is closed."""
        self._thread.join()

    def _loop(self) -> None:
        with self._sink, suppress(OSError):  # who listened is gone; what that means is seen where it is listened to
            closing = False
            while not closing:
                messages = [self._waiting.get()]
                if self._gather:
                    time.sleep(self._gather)
                while not self._waiting.empty():
                    messages.append(self._waiting.get_nowait())
                closing = None in messages
                self._send([message for message in messages if message is not None])

    def _send(self, messages: list[Message]) -> None:
        data = memoryview(pickle.dumps(messages, pickle.HIGHEST_PROTOCOL))
        while data:
            data = data[self._sink.write(data) :]


def received(source: IO[bytes]) -> Iterator[list[Message]]:
    """Yield what is sent, as it comes, until the other end is closed, or breaks off; then *source* is closed."""
    with source, suppress(EOFError, OSError, pickle.UnpicklingError):
        while True:
            yield pickle.load(source)  # noqa: S301 - see above
