"""Results on their way to the store: written in groups, and again until the database takes them."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from schedsync.errors import DatabaseUnavailableError, LeadershipLostError, SchemaError
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges, RunTable

log = logging.getLogger(__name__)

RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between two tries while the database does not answer; the last one repeats."""
LAST_DELAYS = (0.2, 0.5)
"""Seconds between the last tries, when the service stops and the database does not answer."""
_AWAY = (DatabaseUnavailableError, SchemaError)


@dataclass(frozen=True, slots=True)
class Refused:
    """What was not written, or not as it was asked."""

    final: frozenset[str] = frozenset()
    """Promoted runs and retries that another instance has, or had."""
    undone: frozenset[str] = frozenset()
    """Promoted runs that wait as before."""
    left: RunChanges = field(default_factory=RunChanges)
    """Results and retries that are still to be written."""


class ResultWriter:
    """Writes what happened to runs, and does not lose it to an error."""

    def __init__(self, runs: RunTable, closing: threading.Event) -> None:
        """Make a writer.

        Args:
            runs: where to.
            closing: set when nothing more will end; then a database that is away is not waited for without end.
        """
        self._runs, self._closing = runs, closing

    def write(self, changes: RunChanges, lease: Callable[[], Lease | None]) -> Refused:
        """Write *changes* down under the lease that is held at the time. Never raises.

        It returns when they are written, or when that is hopeless; what it could not write is ``left``.
        """
        undone = frozenset(run.id for run in changes.promoted)
        try:
            return Refused(final=self._persistently(changes, lease))
        except LeadershipLostError:
            return Refused(undone=undone, left=self._without_lease(changes, lease))
        except _AWAY as error:
            log.error("results are given up, the database does not answer", extra={"error": str(error)})  # noqa: TRY400 - the traceback says nothing more
            return Refused(undone=undone, left=RunChanges(settled=changes.settled, retries=changes.retries))
        except Exception:  # the results are still at hand: write what can be written
            log.exception("results could not be written together, each is written by itself")
            return self._apart(changes, lease, undone)

    def _persistently(self, changes: RunChanges, lease: Callable[[], Lease | None]) -> frozenset[str]:
        tries = last_tries = 0
        while True:
            try:
                return self._runs.record(changes, lease())
            except _AWAY as error:
                if tries == 0:
                    log.warning("results wait for the database", extra={"error": str(error)})
                if not self._closing.is_set():
                    self._closing.wait(RETRY_DELAYS[min(tries, len(RETRY_DELAYS) - 1)])
                    tries += 1
                elif last_tries < len(LAST_DELAYS):
                    time.sleep(LAST_DELAYS[last_tries])
                    last_tries += 1
                else:
                    raise

    def _without_lease(self, changes: RunChanges, lease: Callable[[], Lease | None]) -> RunChanges:
        """Write the results of what ran here, which are ours all the same; what is to be started has to wait."""
        ours = RunChanges(started=changes.started, settled=changes.settled)
        written = not ours or self._written(ours, lease)
        return RunChanges(settled=[] if written else changes.settled, retries=changes.retries)

    def _apart(self, changes: RunChanges, lease: Callable[[], Lease | None], undone: frozenset[str]) -> Refused:
        left = RunChanges(settled=[ended for ended in changes.settled if not self._settled(*ended, lease)])
        refused: set[str] = set()
        for retry in changes.retries:
            try:
                refused |= self._persistently(RunChanges(retries=[retry]), lease)
            except (LeadershipLostError, *_AWAY):
                left.retries.append(retry)
            except Exception:  # the others are still to be written
                log.exception("a further attempt could not be written", extra={"run_id": retry.id})
                refused.add(retry.id)
        return Refused(final=frozenset(refused), undone=undone, left=left)

    def _settled(self, run: Run, output: Output, lease: Callable[[], Lease | None]) -> bool:
        """Write one result; without its output when that is what cannot be written."""
        if self._written(RunChanges(settled=[(run, output)]), lease):
            return True
        return bool(output.total) and self._written(RunChanges(settled=[(run, Output())]), lease)

    def _written(self, changes: RunChanges, lease: Callable[[], Lease | None]) -> bool:
        try:
            self._persistently(changes, lease)
        except Exception:  # what it was is kept by the caller
            log.exception("results could not be written", extra={"runs": [run.id for run, _ in changes.settled]})
            return False
        return True
