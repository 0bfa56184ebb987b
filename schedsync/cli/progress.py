"""How far long work is: a line on a terminal that comes when the work takes a while, and goes when it is done."""

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from schedsync.cli.terminal import cut

AFTER = 0.5
"""Seconds before the line comes: what is quicker needs none."""
EVERY = 0.1
"""Seconds between two looks at how far it is."""
_CLEAR = "\r\N{ESCAPE}[K"

Told = Callable[[int, int], None]
"""Takes how many files have been read, and of how many."""


@contextmanager
def progress(then: str, *, quiet: bool) -> Iterator[Told]:
    """Give what is to be told of each job file that has been read; show it on stderr, if that is a terminal.

    Args:
        then: what comes when all have been read, as it follows "now": ``checking them``.
        quiet: whether nothing is to be shown.
    """
    if quiet or sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _done, _total: None
        return
    line = _Line(then)
    line.start()
    try:
        yield line.told
    finally:
        line.stop()


class _Line:
    """The line, drawn by a thread: the work has nothing to do but to tell, and may be silent for long."""

    def __init__(self, then: str) -> None:
        self._then = then
        self._so_far = (0, 0)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="schedsync-progress", daemon=True)

    def told(self, done: int, total: int) -> None:
        """Note how many files have been read."""
        self._so_far = (done, total)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take the line away."""
        self._ended.set()
        self._thread.join()

    def _draw(self) -> None:
        if self._ended.wait(AFTER):
            return
        while True:
            room = shutil.get_terminal_size().columns - 1  # in the last column some terminals break the line
            self._write(f"{_CLEAR}{cut(self._text(), room)}")
            if self._ended.wait(EVERY):
                break
        self._write(_CLEAR)

    def _text(self) -> str:
        done, total = self._so_far
        if done < total:
            return f"reading job files: {done:,} of {total:,} ({done * 100 // total} %)"
        return f"{total:,} job files read, now {self._then}" if total else "looking for job files"

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
