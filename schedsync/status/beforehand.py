"""What lists show of jobs, made when their runs have ended and not when somebody asks.

Readers go through lists in the order in which jobs fire. Whoever comes by after a while would find hundreds of jobs in
a row that have run since, and wait for all of them; and so would the runs that are to start meanwhile.
"""

import logging
import threading
from collections.abc import Sequence
from contextlib import suppress

from schedsync.clock import Clock
from schedsync.errors import DatabaseUnavailableError, SchemaError
from schedsync.runs.run import Run
from schedsync.status.knowledge import FromStore
from schedsync.status.texts import JobTexts
from schedsync.unhurried import unhurried

log = logging.getLogger(__name__)

GATHER = 0.2
"""Seconds for which runs that end are gathered: to ask for ten jobs takes little longer than for one."""
PORTION = 50
"""How many jobs are asked for at once."""


class Beforehand:
    """A thread that looks at jobs whose runs have ended."""

    def __init__(self, live: FromStore, texts: JobTexts, clock: Clock) -> None:
        """Make one.

        Args:
            live: who is asked how jobs stand, and remembers it.
            texts: who makes of that what lists show, and remembers it.
            clock: the time.
        """
        self._live, self._texts, self._clock = live, texts, clock
        self._lock = threading.Lock()
        self._ended: set[str] = set()
        self._news, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._loop, name="schedsync-lists", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for it."""
        self._stopping.set()
        self._news.set()
        self._thread.join()

    def note(self, run: Run) -> None:
        """Take note that the end of a run is written. Returns at once."""
        with self._lock:
            self._ended.add(run.job_id)
        if not self._news.is_set():
            self._news.set()

    def _loop(self) -> None:
        while self._news.wait() and not self._stopping.wait(GATHER):
            self._news.clear()
            with self._lock:
                ended, self._ended = sorted(self._ended), set()
            for first in range(0, len(ended), PORTION):
                self._guarded(ended[first : first + PORTION])

    def _guarded(self, job_ids: Sequence[str]) -> None:
        try:
            with suppress(DatabaseUnavailableError, SchemaError):  # the firing loop says so
                self.prepare(job_ids)
        except Exception:  # the boundary of the loop
            log.exception("lists could not be prepared")

    def prepare(self, job_ids: Sequence[str]) -> None:
        """Look at these jobs.

        Raises:
            DatabaseUnavailableError: nothing was looked at.
        """
        now = self._clock()
        self._texts.prepare(unhurried(self._live.again(job_ids, now)), now)
