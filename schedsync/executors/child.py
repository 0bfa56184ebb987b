"""The process of one run: how it is spawned, read, signalled and reaped. When to do what is decided in ``process.py``.

The leader of the run's session is reaped last. Until then the kernel keeps its number, so the group and the session of
that number are certainly the run's own, also when the leader has ended long before its children.
"""

import fcntl
import math
import os
import signal
import struct
import subprocess
import tempfile
import termios
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import IO

from schedsync.executors import orphans
from schedsync.executors.base import Launch
from schedsync.executors.environment import invocation
from schedsync.executors.identity import process_name
from schedsync.executors.matching import LineMatcher
from schedsync.executors.redaction import Redactor
from schedsync.executors.spawn_errors import check_program
from schedsync.executors.spool import Sink

BITE = 1 << 16
"""Most bytes that are read of one output before the others have their turn."""


class Child:
    """A process, the read end of its output, and the spool that takes it."""

    def __init__(self, launch: Launch, spool: Sink, started_at: datetime, spawned: "Spawned") -> None:
        """Take charge of a process.

        Args:
            launch: what was started.
            spool: takes the output.
            started_at: when (UTC).
            spawned: what ``spawn`` returned, or ``stranger``.
        """
        self.launch, self.spool, self.started_at = launch, spool, started_at
        self._redactor, self._matcher = Redactor(launch.secrets), LineMatcher(launch.fail_on_output)
        self._process = spawned.process
        self.pid = self._process.pid
        self.pidfd = _pidfd(self.pid)
        """Readable when the leader has ended; None where there is no such thing, or not any more."""
        self.pipe = spawned.pipe
        """The output; None at its end."""
        self.exited = False
        """Whether the leader's end was noticed."""
        self.timeout_at = math.inf
        self.wake_at = math.inf
        """When the engine wants to look at it next, on the monotonic clock."""
        self._status_lost = False

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.launch.run_id

    def take(self, most: int = BITE) -> int | None:
        """Move up to *most* bytes from the pipe to the spool; None: nothing there now, 0: the output has ended."""
        if self.pipe is None:
            return 0
        try:
            data = os.read(self.pipe.fileno(), most)
        except BlockingIOError:
            return None
        self._keep(self._redactor.feed(data))
        return len(data)

    def _keep(self, data: bytes) -> None:
        if data:
            self._matcher.feed(data)
            self.spool.append(data)

    def finish_output(self) -> None:
        """Keep what was held back of the output: no more of it will be taken. Doing so twice does no harm."""
        self._keep(self._redactor.end())
        self._matcher.end()

    @property
    def bad_line(self) -> str | None:
        """The first line of the output so far that makes the run failed."""
        return self._matcher.line

    def drain(self) -> bool:
        """Take all that is in the pipe now, and not what is written meanwhile; return whether the output has ended."""
        left = 0 if self.pipe is None else _waiting_bytes(self.pipe.fileno())
        while left > 0 and (taken := self.take(min(left, BITE))):
            left -= taken
        return self.take() == 0

    def has_exited(self) -> bool:
        """Whether the leader has ended. It is not reaped, where the system can tell without."""
        if isinstance(self._process, Stranger):
            return not self._process.lives()
        if not hasattr(os, "waitid"):
            return self._process.poll() is not None
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            self._status_lost = True
            return True

    def reap(self) -> int | None:
        """Let the system forget the leader; return its exit code (-N: signal N), None if that is not to be had."""
        code = self._process.poll()
        # Popen says 0 for a status that somebody else took; that would be a success which nobody saw.
        return None if self._status_lost else code

    @property
    def holds_number(self) -> bool:
        """Whether the leader's pid is certainly still its own: nobody else can get it."""
        return not isinstance(self._process, Stranger) or self._process.lives()

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the process group; nothing happens if nobody in it is left, or none may be signalled."""
        if not self.holds_number:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def group_lives(self) -> bool:
        """Whether the process group has members; the leader, once it has ended, is reaped so as not to count."""
        if self.exited:
            self.reap()
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):  # macOS refuses with the latter when only zombies are left
            return False
        return True

    def signal_others(self, pids: Collection[int], number: signal.Signals) -> None:
        """Signal those of *pids* that are outside the process group, so that nobody is signalled twice."""
        outside = [pid for pid in pids if _group(pid) != self.pid]
        orphans.send(outside, self.run_id, number, self.pid)

    def kill_at_once(self) -> None:
        """End the run without grace, and wait a moment for its leader, if that is ours."""
        self.signal_group(signal.SIGKILL)
        self.signal_others(survivors([self]).get(self.run_id, []), signal.SIGKILL)
        self._process.wait(timeout=1)

    def abandon(self) -> None:
        """Say that nobody here will wait for the process any more."""
        if isinstance(self._process, subprocess.Popen):
            self._process.returncode = 0  # or Popen warns of a process that is still running

    def close_pipe(self) -> None:
        """Close the output; a background process that still prints gets SIGPIPE from now on."""
        if self.pipe is not None:
            self.pipe.close()
            self.pipe = None

    def close_pidfd(self) -> None:
        """Close the descriptor that announces the leader's end."""
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None


class Stranger:
    """A process that is no child of this one: it can be seen and signalled, and never be waited for."""

    def __init__(self, pid: int) -> None:
        """Note the process *pid*.

        Raises:
            ProcessLookupError: it has ended.
        """
        self.pid = pid
        self._name = process_name(pid)
        if self._name is None:
            raise ProcessLookupError(pid)

    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._name == process_name(self.pid)

    def poll(self) -> int | None:
        """Return its exit code, which nobody but its parent is told: None."""
        return None

    def wait(self, timeout: float) -> None:
        """Return; whoever has signalled it will see."""
        del timeout


def survivors(children: Collection[Child]) -> dict[str, list[int]]:
    """Return the living processes of each run, wherever they went; without ``/proc``, the number of a living group.

    Raises:
        OSError: the system is out of descriptors or memory, so nobody knows.
    """
    if orphans.can_look():
        leaders = {c.pid: c.run_id for c in children if c.holds_number}
        return orphans.processes_of([c.run_id for c in children], leaders)
    return {c.run_id: [c.pid] for c in children if c.group_lives()}


@dataclass(frozen=True, slots=True)
class Spawned:
    """A process that nobody looks after yet, and the end of its output that is read."""

    process: "subprocess.Popen[bytes] | Stranger"
    pipe: IO[bytes] | None


def spawn(launch: Launch, *, leads: bool = True, tidy: bool = False) -> Spawned:
    """Start a process.

    Args:
        launch: what to start.
        leads: whether the process leads a session of its own; else it stays in the caller's.
        tidy: whether this process has no descriptor that another one could inherit, so that none has to be closed. To
            look through hundreds of them, two of each run that goes on, makes each start take longer.

    Raises:
        OSError: the system refuses; ``spawn_errors`` knows the words.
        ValueError: an argument or a variable has a NUL character.
    """
    if launch.confinement.wrapper:
        check_program(launch)
    arguments, environ = invocation(launch)
    with _stdin(launch.stdin) as stdin, _output(launch.confinement.owner) as (pipe, stdout):
        process = subprocess.Popen(
            arguments,
            bufsize=0,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            cwd=launch.cwd,
            env=environ,
            umask=launch.confinement.umask,
            close_fds=not tidy,
            start_new_session=leads,
        )
        return Spawned(process, os.fdopen(pipe, "rb", buffering=0))


def stranger(pid: int) -> Spawned:
    """Return the process *pid*, which leads the session of a run that an earlier service has started.

    Raises:
        ProcessLookupError: it has ended.
    """
    return Spawned(Stranger(pid), None)


@contextmanager
def _output(owner: tuple[int, int] | None) -> Iterator[tuple[int, int]]:
    """Give the two ends of a pipe; the one to read is closed only when something goes wrong."""
    pipe, stdout = os.pipe()
    try:
        os.set_blocking(pipe, False)
        if owner is not None:  # else a job of another user could not open its own /dev/stderr
            os.fchown(stdout, *owner)
        yield pipe, stdout
    except BaseException:
        os.close(pipe)
        raise
    finally:
        os.close(stdout)


@cache
def _nothing() -> int:
    """Return a descriptor that reads as empty: one for all runs, since opening one for each takes time in a burst."""
    return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def _stdin(data: bytes) -> Iterator[IO[bytes] | int]:
    """Give a standard input that holds *data*: a file without a name, since filling a pipe could block the engine."""
    if not data:
        yield _nothing()
        return
    with _unnamed_file() as file:
        file.write(data)
        file.seek(0)
        yield file


def _unnamed_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("schedsync-stdin"), "w+b")
    return tempfile.TemporaryFile()


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # another system, an old kernel, a sandbox; the engine asks now and then instead
        return None


def _waiting_bytes(fd: int) -> int:
    answer = fcntl.ioctl(fd, termios.FIONREAD, bytes(4))
    return int(struct.unpack("i", answer)[0])


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except (ProcessLookupError, PermissionError):
        return 0
