"""Results until the store has taken them: in memory at once, and on disk when that takes longer than a moment.

A thread of its own watches how long each one waits, so a database that hangs keeps no result off the disk.
"""

import logging
import math
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from schedsync.outages import Outage
from schedsync.running.journal import Journal, Result
from schedsync.runs.outcome import Output

log = logging.getLogger(__name__)

PATIENCE = 0.5
"""Seconds that a result may wait for the store before it is put on disk."""
AGAIN = 10.0
"""Seconds until a result that could not be put on disk is tried again."""
CLOSING = 5.0
"""Seconds that the disk is waited for at the end."""


class Custody:
    """Holds results. Methods may be called from any thread and return at once, but for ``close``."""

    def __init__(self, folder: Path) -> None:
        """Hold results, with *folder* for those that wait."""
        self._journal = Journal(folder)
        self._changed = threading.Condition()
        # Under the condition's lock.
        self._held: dict[str, Result] = {}
        self._due: dict[str, float] = {}
        """When those that are not on disk are to be put there."""
        self._gone: set[str] = set()
        """Whose files are to be removed."""
        self._urgent = self._closing = False
        self._looks_at = math.inf
        """When the thread looks again of itself, by the monotonic clock."""
        # Of the thread alone.
        self._on_disk: set[str] = set()
        self._disk = Outage(log, "results cannot be kept on disk, they wait in memory", "results go to disk again")
        self._thread = threading.Thread(target=self._loop, name="schedsync-custody", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def take(self, result: Result) -> None:
        """Hold *result* until it is released."""
        with self._changed:
            due = time.monotonic() + (0.0 if self._urgent else PATIENCE)
            self._held[result.run.id], self._due[result.run.id] = result, due
            if due < self._looks_at:  # otherwise it waits for an earlier one already, or for one that is gone
                self._changed.notify()

    def release(self, run_ids: Iterable[str]) -> None:
        """Let go of results that the store has taken."""
        with self._changed:
            for run_id in run_ids:
                if self._held.pop(run_id, None) is not None and self._due.pop(run_id, None) is None:
                    self._gone.add(run_id)
            if self._gone:
                self._changed.notify()

    def hurry(self, *, urgent: bool) -> None:
        """Say whether the store is away: then results are put on disk as they come."""
        with self._changed:
            begins, self._urgent = urgent and not self._urgent, urgent
            if begins:
                self._due = dict.fromkeys(self._due, 0.0)
                self._changed.notify()

    def held(self) -> frozenset[str]:
        """Return the runs whose results wait for the store."""
        with self._changed:
            return frozenset(self._held)

    def counts(self) -> tuple[int, int]:
        """Return how many results wait for the store in memory alone, and how many on disk."""
        with self._changed:
            return len(self._due), len(self._held) - len(self._due)

    def output(self, run_id: str) -> Output | None:
        """Return the output of a run whose result waits; None where none does."""
        with self._changed:
            result = self._held.get(run_id)
        return None if result is None else result.output

    def close(self) -> list[str]:
        """Put on disk what still waits, and return the runs whose results could not be put there."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(CLOSING)
        with self._changed:
            return sorted(self._due)

    def _loop(self) -> None:
        while True:
            with self._changed:
                while not self._has_work():
                    seconds = self._until_due()
                    self._looks_at = math.inf if seconds is None else time.monotonic() + seconds
                    self._changed.wait(seconds)
                due, gone, closing = self._taken_up(), self._gone, self._closing
                self._gone = set()
            self._remove(gone)
            self._keep(due)
            if closing:
                return

    def _has_work(self) -> bool:
        return self._closing or bool(self._gone) or self._until_due() == 0.0

    def _until_due(self) -> float | None:
        """Return the seconds until a result is to be put on disk; None while none is."""
        return max(min(self._due.values()) - time.monotonic(), 0.0) if self._due else None

    def _taken_up(self) -> list[Result]:
        now = time.monotonic()
        return [self._held[run_id] for run_id, moment in self._due.items() if self._closing or moment <= now]

    def _remove(self, run_ids: set[str]) -> None:
        self._journal.drop(run_ids & self._on_disk)
        self._on_disk -= run_ids

    def _keep(self, results: list[Result]) -> None:
        for result in results:
            try:
                self._journal.keep(result)
            except OSError as error:
                self._disk.failed(error)
                self._postpone(result.run.id, AGAIN)
            except Exception:  # the boundary of one result: the others are still to be kept
                log.exception("result cannot be kept on disk", extra={"run_id": result.run.id})
                self._postpone(result.run.id, AGAIN)
            else:
                self._disk.succeeded()
                self._note_kept(result.run.id)

    def _postpone(self, run_id: str, seconds: float) -> None:
        with self._changed:
            if run_id in self._due:
                self._due[run_id] = time.monotonic() + seconds

    def _note_kept(self, run_id: str) -> None:
        self._on_disk.add(run_id)
        with self._changed:
            self._due.pop(run_id, None)
            if run_id not in self._held:  # released meanwhile
                self._gone.add(run_id)
