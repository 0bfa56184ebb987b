"""The output of a run while it runs: a file that other processes can read, and its first and last bytes in memory.

The engine (``process.py``) appends; what is kept goes into the run's ``Outcome``, and the file is removed. After a
crash of the service the file is what remains, and ``recover`` reads it; ``spooled`` does for other processes meanwhile.
A run that prints nothing has no file: in a burst, to make and remove one takes a tenth of what a start takes.
"""

import logging
import os
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from schedsync.executors.spool_folder import make
from schedsync.runs.outcome import Output

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutputLimits:
    """How much of an output is kept; all in bytes."""

    file_limit: int = 10 << 20
    """How long the file may get. What comes later is counted, and kept only as the tail in memory."""
    keep_head: int = 64 << 10
    """How many of the first bytes are kept."""
    keep_tail: int = 64 << 10
    """How many of the last bytes are kept."""

    @property
    def cut(self) -> bytes:
        """What a reader of a file is told that has reached its limit."""
        return b"\n[... longer than %d bytes (runner.max_output), what follows is not on disk ...]\n" % self.file_limit


def live(folder: Path, run_id: str) -> Path:
    """Return where a run's output is while it runs: for other processes to read, and gone when the run has ended."""
    return folder / f"{run_id}.log"


class Sink(Protocol):
    """What takes an output: a ``Spool``, or what stands for one."""

    @property
    def failure(self) -> str | None:
        """Why not all of it is kept that should be, in words; None while all is well."""

    def append(self, data: bytes) -> None:
        """Take more output."""

    def read(self) -> Output:
        """Return the first and the last bytes so far."""

    def last_line(self) -> str:
        """Return the last line that is kept and has something on it; empty when there is none."""

    def discard(self) -> None:
        """Let go of what only a run that goes on needs."""


class Spool:
    """Takes what one run prints. One thread appends; any thread may read.

    The file is made for the first bytes, and a folder that is missing with it. A file that cannot be written (disk
    full, folder not writable) hurts nobody but the readers of the file: what is kept is in memory, and ``failure`` says
    what happened.
    """

    def __init__(self, path: Path, limits: OutputLimits) -> None:
        """Take what is printed, for the file at *path*, which ``live`` names; what it may hold goes then."""
        self.failure: str | None = None
        """Why the file does not hold what it should: the first failure, in words; None while all is well."""
        self._path, self._limits = path, limits
        self._head, self._tail, self._total = bytearray(), bytearray(), 0
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._begun = False
        """Whether the file was opened, or could not be."""

    def append(self, data: bytes) -> None:
        """Take more output. Never raises for a file that cannot be written."""
        room = max(self._limits.file_limit - self._total, 0)
        with self._lock:
            self._keep(data)
        self._write(memoryview(data)[:room])

    def read(self) -> Output:
        """Return the first and the last bytes so far."""
        with self._lock:
            return _kept(bytes(self._head), bytes(self._tail), self._total, self._limits)

    def last_line(self) -> str:
        """Return the last line that is kept and has something on it; empty when there is none."""
        return last_line(self.read())

    def close(self) -> None:
        """Close the file and leave it there; closing twice does no harm."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            try:
                os.close(fd)
            except OSError as error:  # network file systems report a full disk as late as here
                self._fail(error)

    def discard(self) -> None:
        """Close and remove the file, if there is one; ``read`` still answers."""
        self.close()
        remove(self._path)  # also one of an earlier attempt to start the run

    def _keep(self, data: bytes) -> None:
        room = self._limits.keep_head - len(self._head)
        if room > 0:
            self._head += data[:room]
        self._tail += data
        # Trimmed at twice the size, so that each byte is moved once on average and not once per append.
        if len(self._tail) > 2 * self._limits.keep_tail:
            del self._tail[: len(self._tail) - self._limits.keep_tail]
        self._total += len(data)

    def _open(self) -> int | None:
        try:
            with suppress(FileNotFoundError):
                return self._opened()
            make(self._path.parent)  # somebody has tidied up
            return self._opened()
        except OSError as error:
            self._fail(error)
            return None

    def _opened(self) -> int:
        # Not for everybody: jobs print what they should not.
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o640)

    def _write(self, data: memoryview) -> None:
        if data and not self._begun:
            self._begun, self._fd = True, self._open()
        try:
            while self._fd is not None and data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            self._fail(error)
            self.close()

    def _fail(self, error: OSError) -> None:
        if self.failure is None:
            self.failure = f"its output could not be spooled: {error.strerror}"
            log.warning("output cannot be spooled", extra={"path": str(self._path), "error": str(error)})


def last_line(output: Output) -> str:
    """Return the last line of *output* that has something on it; empty when there is none."""
    lines = (output.tail or output.head).decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def recover(path: Path, limits: OutputLimits) -> Output:
    """Return what the spool file of a dead service holds; nothing where there is none. ``remove`` it when that is kept.

    The file ends at ``file_limit``; what the run printed beyond that is unknown. Then a line at the end of the output
    says so, and counts as if it had been printed.
    """
    return spooled(path, limits) or Output()


def spooled(path: Path, limits: OutputLimits) -> Output | None:
    """Return what the spool file of another process holds, as ``recover`` does; None where there is none."""
    try:
        with path.open("rb") as file:
            head = file.read(limits.keep_head)
            total = file.seek(0, os.SEEK_END)
            file.seek(max(total - limits.keep_tail, 0))
            tail = file.read(limits.keep_tail)
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("spooled output cannot be read", extra={"path": str(path), "error": str(error)})
        return None
    output = _kept(head, tail, total, limits)
    if total < limits.file_limit:
        return output
    return replace(output, tail=output.tail + limits.cut, total=total + len(limits.cut))


def printed(path: Path, start: int, most: int) -> bytes:
    """Return up to *most* bytes of a spool file from byte *start* on; none where there is no file, or no more of it."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(most)
    except FileNotFoundError:
        return b""
    except OSError as error:
        log.warning("spooled output cannot be read", extra={"path": str(path), "error": str(error)})
        return b""


def remove(path: Path) -> None:
    """Remove a spool file; one that cannot be removed stays, with a line in the log."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("spool file stays", extra={"path": str(path), "error": str(error)})


def _kept(head: bytes, tail: bytes, total: int, limits: OutputLimits) -> Output:
    """Put together what was kept: *tail* may be longer than wanted, and may reach back into *head*."""
    beyond = total - len(head)
    wanted = min(beyond, limits.keep_tail)
    rest = tail[len(tail) - wanted :]
    return Output(head + rest, b"", total) if wanted == beyond else Output(head, rest, total)
