"""The output of a run while it runs: a file up to a cap, and its last bytes in memory."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from schedsync.runs.outcome import Output

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutputLimits:
    """How many bytes of an output are kept, and how long its file may get."""

    file_limit: int = 10 << 20
    keep_head: int = 64 << 10
    keep_tail: int = 64 << 10


class Spool:
    """Takes what a run prints. A disk that is full stops the file, not the run."""

    def __init__(self, path: Path, limits: OutputLimits) -> None:
        self._path, self._limits = path, limits
        self._head, self._tail, self._total = bytearray(), bytearray(), 0
        self.failure: str | None = None
        """Why the file does not have everything; None while it does."""
        self._file = self._open()

    @property
    def total(self) -> int:
        """How many bytes were printed so far."""
        return self._total

    def append(self, data: bytes) -> None:
        """Take more output. Never raises."""
        room = self._limits.keep_head - len(self._head)
        self._head += data[:room] if room > 0 else b""
        self._tail += data
        if len(self._tail) > 2 * self._limits.keep_tail + len(data):
            del self._tail[: -self._limits.keep_tail or len(self._tail)]
        self._write(data[: max(self._limits.file_limit - self._total, 0)])
        self._total += len(data)

    def read(self) -> Output:
        """Return the first and the last bytes so far."""
        return _kept(bytes(self._head), bytes(self._tail), self._total, self._limits)

    def discard(self) -> None:
        """Close and remove the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("spool file stays", extra={"path": self._path, "error": str(error)})

    def _open(self) -> BinaryIO | None:
        try:
            return self._path.open("wb", buffering=0)
        except OSError as error:
            self._fail(error)
            return None

    def _write(self, data: bytes) -> None:
        if self._file is None or not data:
            return
        try:
            self._file.write(data)
        except OSError as error:
            self._fail(error)
            self._file.close()
            self._file = None

    def _fail(self, error: OSError) -> None:
        self.failure = f"output could not be spooled: {error.strerror}"
        log.warning("output cannot be spooled", extra={"path": self._path, "error": str(error)})


def recover(path: Path, limits: OutputLimits) -> Output:
    """Return what the spool file of a dead service holds, and remove it; nothing when there is none."""
    try:
        with path.open("rb") as file:
            head = file.read(limits.keep_head)
            size = file.seek(0, 2)
            file.seek(max(size - limits.keep_tail, 0))
            tail = file.read()
        path.unlink()
    except OSError:
        return Output()
    return _kept(head, tail, size, limits)


def _kept(head: bytes, tail: bytes, total: int, limits: OutputLimits) -> Output:
    beyond = total - len(head)
    kept = min(beyond, limits.keep_tail, len(tail))
    rest = tail[-kept:] if kept else b""
    return Output(head + rest, b"", total) if kept == beyond else Output(head, rest, total)
