"""Results on their way to the store: written in groups, and again until the database takes them."""

import logging
import threading
from dataclasses import dataclass

from schedsync.errors import DatabaseUnavailableError, LeadershipLostError
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges, RunTable

log = logging.getLogger(__name__)

RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between two tries while the database does not answer; the last one repeats."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Runs that did not get what they were to be given."""

    final: frozenset[str] = frozenset()
    """Promoted runs and retries that another instance has, or had."""
    undone: frozenset[str] = frozenset()
    """Promoted runs that wait as before."""


class ResultWriter:
    """Writes what happened to runs, and does not lose it to an error."""

    def __init__(self, runs: RunTable, stopping: threading.Event) -> None:
        """Make a writer.

        Args:
            runs: where to.
            stopping: set when the service stops; then a database that is away is not waited for without end.
        """
        self._runs, self._stopping = runs, stopping

    def write(self, changes: RunChanges, lease: Lease | None) -> Refused:
        """Write *changes* down under *lease*; returns when they are written, or when that is hopeless."""
        promoted = frozenset(run.id for run in changes.promoted)
        try:
            return Refused(final=self._persistently(changes, lease))
        except LeadershipLostError:
            # Another instance starts what waits here; only the results of what ran here are still ours to write.
            ours = RunChanges(started=changes.started, settled=changes.settled)
            self._persistently(ours, None)
            return Refused(undone=promoted)
        except Exception:  # the results are still at hand: write what can be written
            log.exception("results could not be written together, each is written by itself")
            self._apart(changes, lease)
            return Refused(undone=promoted)

    def _persistently(self, changes: RunChanges, lease: Lease | None) -> frozenset[str]:
        tries = 0
        while True:
            try:
                return self._runs.record(changes, lease)
            except DatabaseUnavailableError as error:
                if tries == 0:
                    log.warning("results wait for the database", extra={"error": str(error)})
                if self._stopping.is_set() and tries >= len(RETRY_DELAYS):
                    raise
                self._stopping.wait(RETRY_DELAYS[min(tries, len(RETRY_DELAYS) - 1)])
                tries += 1

    def _apart(self, changes: RunChanges, lease: Lease | None) -> None:
        parts = [RunChanges(settled=[ended]) for ended in changes.settled]
        parts += [RunChanges(retries=[retry]) for retry in changes.retries]
        for part in parts:
            try:
                self._persistently(part, lease)
            except Exception:  # the others are still to be written
                log.exception("a result could not be written")
