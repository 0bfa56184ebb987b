"""A process as the engine wants it: a session of its own, one pipe for both outputs, and a handle on its end."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from schedsync.executors.base import Launch

HAS_PIDFD = hasattr(os, "pidfd_open")


@dataclass(frozen=True, slots=True)
class Spawned:
    """A process that has just begun."""

    process: subprocess.Popen[bytes]
    pipe: int
    """Where its output comes from; does not block. The caller closes it."""
    pidfd: int | None
    """Is readable when it has ended; None where the system has none. The caller closes it."""


def spawn(launch: Launch) -> Spawned:
    """Start a process.

    Neither ``preexec_fn`` nor ``user`` is used: both would make each start several times slower.

    Raises:
        OSError: it cannot be started; ``why_not_started`` puts that in words.
        ValueError: an argument or a variable contains NUL.
    """
    with _stdin(launch.stdin) as stdin:
        process = subprocess.Popen(
            launch.argv,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=launch.cwd,
            env=dict(launch.env),
            start_new_session=True,
            bufsize=0,
        )
    assert process.stdout is not None  # noqa: S101 - for the type checker: it was asked for
    pipe = os.dup(process.stdout.fileno())
    process.stdout.close()
    os.set_blocking(pipe, False)
    return Spawned(process, pipe, _pidfd(process.pid))


def why_not_started(launch: Launch, error: OSError | ValueError) -> str:
    """Return a sentence about what kept the process from starting."""
    program = launch.argv[0]
    if launch.cwd is not None and not Path(launch.cwd).is_dir():
        return f'cannot start: the folder "{launch.cwd}" (cwd) is not there'
    if isinstance(error, FileNotFoundError):
        return f'cannot start "{program}": no such program, or its interpreter (first line) is missing'
    if isinstance(error, PermissionError):
        return f'cannot start "{program}": it is not executable for this user'
    return f'cannot start "{program}": {error.strerror if isinstance(error, OSError) else error}'


@contextmanager
def _stdin(data: bytes) -> Iterator[IO[bytes] | int]:
    """Give a standard input that holds *data*: a file, since a pipe could block the engine."""
    if not data:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file


def _pidfd(pid: int) -> int | None:
    if not HAS_PIDFD:
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
