"""The output of a run as it comes, for ``schedsync logs -f``: from its spool file, and at its end from the store."""

import codecs
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from schedsync.errors import DatabaseUnavailableError
from schedsync.runs.run import UNSETTLED, Run
from schedsync.status.output import stretch
from schedsync.status.views import RunView
from schedsync.store.runs import KeptOutput
from schedsync.store.store import Store

LOOK = 0.2
"""Seconds between two looks at the file."""
ASK = 1.0
"""Seconds between two questions to the store whether the run has ended."""
_BITE = 1 << 16


def output_of(run: Run | RunView, store: Store, path: Path) -> Iterator[str]:
    """Yield what *run* has printed and prints, as text, until it has ended.

    Args:
        run: it may wait still, run, or have ended.
        store: knows when it has ended, and then what was kept. Outages are waited for.
        path: its spool file, if it runs on this machine.
    """
    tail = _Tail(path)
    asked_at = time.monotonic()
    try:
        while run.state in UNSETTLED:
            yield from tail.news()
            time.sleep(LOOK)
            if time.monotonic() >= asked_at + ASK:
                with suppress(DatabaseUnavailableError):
                    run = store.runs.get(run.id)
                asked_at = time.monotonic()
        yield from tail.news()
        yield tail.rest(store.runs.output(run.id))
    finally:
        tail.close()


class _Tail:
    """A file that grows, and is removed at the end: what is open can still be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._seen = 0
        """Bytes."""

    def news(self) -> Iterator[str]:
        """Yield what was added since the last call."""
        if self._file is None:
            with suppress(FileNotFoundError):
                self._file = self._path.open("rb")
        while self._file is not None and (data := self._file.read(_BITE)):
            self._seen += len(data)
            yield self._decoder.decode(data)

    def rest(self, kept: KeptOutput | None) -> str:
        """Return what comes after that in what was *kept* of the output."""
        begun, _ = self._decoder.getstate()
        return stretch(kept, self._seen - len(begun), ended=True).text

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
