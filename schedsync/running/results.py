"""Results on their way to the store: written in groups, and again until the database takes them."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from schedsync.errors import DatabaseUnavailableError, LeadershipLostError, SchemaError
from schedsync.outages import Outage
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run
from schedsync.store.leases import Lease
from schedsync.store.runs import HandedOver, RunChanges, RunTable

log = logging.getLogger(__name__)

RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between two tries while something cannot be written; the last one repeats."""
AGAIN = 1.0
"""Seconds between two tries to write what waits for something else: the lease, or a mistake of ours to be mended."""
LONGEST = 60.0
"""Seconds that a result which the database refuses waits at most until it is tried again."""
AWAY = (DatabaseUnavailableError, SchemaError)
"""What says that the database cannot be written to now."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a try has done, and what it has not done as it was asked."""

    settled: tuple[Run, ...] = ()
    """Ended runs that the store knows of."""
    final: frozenset[str] = frozenset()
    """Promoted runs and retries that another instance has, or had."""
    undone: frozenset[str] = frozenset()
    """Promoted runs that wait as before."""
    followed: bool = False
    """Whether runs may wait now for the instance that leads, because they follow others."""


class ResultWriter:
    """Writes what happened to runs, and does not lose it to an error. Used by one thread.

    Each method makes one try and returns: what could not be written is ``left``, to be written by ``write_left`` when
    ``patience`` says so. Nothing here waits, because more runs end meanwhile.
    """

    def __init__(
        self, runs: RunTable, lease: Callable[[], Lease | None], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Make a writer.

        Args:
            runs: where to.
            lease: returns the lease that is held, under which runs may be started.
            monotonic: a clock that never goes back, in seconds.
        """
        self._runs, self._lease, self._monotonic = runs, lease, monotonic
        self.left = RunChanges()
        """Results, starts and retries that are still to be written; never leave to start."""
        self._tries, self._next_try = 0, 0.0
        self._refused_in_a_row = 0
        """How often in a row a result was refused for what it is."""
        self._told: set[str] = set()
        """The runs of which that was said."""
        self._outage = Outage(log, "results wait for the database", "results are written again", monotonic=monotonic)

    @property
    def away(self) -> bool:
        """Whether the database did not take what was written last."""
        return self._outage.lasts

    @property
    def rest(self) -> float:
        """The seconds until the database is to be asked again after it was away; 0: now."""
        return max(self._next_try - self._monotonic(), 0.0) if self.away else 0.0

    @property
    def rests(self) -> bool:
        """Whether it is not to be asked yet: nothing can be started now."""
        return self.rest > 0.0

    def hurry(self) -> None:
        """Let the next try be made at once: there may be no other."""
        self._next_try = 0.0

    @property
    def patience(self) -> float | None:
        """The seconds until ``write_left`` is due; None when nothing is left."""
        return max(self._next_try - self._monotonic(), 0.0) if self.left else None

    def write(self, changes: RunChanges) -> Written:
        """Write *changes* down; while the database rests, keep them for later. Never raises."""
        if self.rests:
            self._keep(changes)
            return Written(undone=frozenset(run.id for run in changes.promoted))
        return self._try(changes)

    def write_left(self) -> Written:
        """Write what is left, if it is due. Never raises."""
        if not self.left or self._monotonic() < self._next_try:
            return Written()
        left, self.left = self.left, RunChanges()
        written = self._try(left)
        if self.left and not self.away:
            self._next_try = self._monotonic() + min(AGAIN * 2**self._refused_in_a_row, LONGEST)
        return written

    def _try(self, changes: RunChanges) -> Written:
        undone = frozenset(run.id for run in changes.promoted)
        try:
            final = self._record(changes)
        except LeadershipLostError:
            return self._without_lease(changes, undone)
        except AWAY:
            self._keep(changes)
            return Written(undone=undone)
        except Exception:  # the results are still at hand: write what can be written
            log.exception("results could not be written together, each is written by itself")
            settled, refused = self._apart(changes)
            return Written(settled, refused, undone, bool(changes.followers))
        return Written(tuple(run for run, _ in changes.settled), final, followed=bool(changes.followers))

    def _record(self, changes: RunChanges) -> frozenset[str]:
        try:
            final = self._runs.record(changes, self._lease())
        except AWAY as error:
            self._outage.failed(error)
            self._postpone()
            raise
        except LeadershipLostError:
            if not changes.settled:  # those are written by themselves next, and that is said then
                self._answered(changes)
            raise
        self._answered(changes)
        return final

    def _answered(self, changes: RunChanges) -> None:
        self._outage.succeeded(results=len(changes.settled))
        self._tries = 0

    def _postpone(self) -> None:
        self._next_try = self._monotonic() + RETRY_DELAYS[min(self._tries, len(RETRY_DELAYS) - 1)]
        self._tries += 1

    def _keep(self, changes: RunChanges) -> None:
        self.left.settled += changes.settled
        self.left.followers += changes.followers
        self.left.retries += changes.retries
        self.left.endings += changes.endings
        ended = {run.id for run, _ in self.left.settled}
        self.left.started = [run for run in (*self.left.started, *changes.started) if run.id not in ended]

    def _without_lease(self, changes: RunChanges, undone: frozenset[str]) -> Written:
        """Write the results of what ran here, which are ours all the same, and queue their retries for the leader."""
        ours = replace(changes, promoted=[], taken_up=[], retries=[])
        settled = self._try(ours).settled if ours else ()
        return Written(settled, self._handed_over(changes.retries), undone)

    def _handed_over(self, retries: list[Run]) -> frozenset[str]:
        """Queue *retries* for the leader, and return those that must not start."""
        handed = HandedOver(early=frozenset(run.id for run in retries))
        if retries and not self.away:
            try:
                handed = self._runs.hand_over(retries)
            except AWAY as error:
                self._outage.failed(error)
                self._postpone()
            except Exception:  # they stay at hand until this instance leads again
                log.exception("further attempts could not be handed over")
        self._keep(RunChanges(retries=[run for run in retries if run.id in handed.early]))
        return handed.refused

    def _apart(self, changes: RunChanges) -> tuple[tuple[Run, ...], frozenset[str]]:
        """Write each result and each retry by itself; return what is settled, and the retries that are refused."""
        settled = tuple(run for run, output in changes.settled if self._settled(changes.only(run, output)))
        self._refused_in_a_row = 0 if len(settled) == len(changes.settled) else min(self._refused_in_a_row + 1, 10)
        self._told.difference_update(run.id for run in settled)
        return settled, frozenset(retry.id for retry in changes.retries if self._refused(retry))

    def _settled(self, change: RunChanges) -> bool:
        """Write one result; without its output, with a plain reason, at last untold, where that cannot be written."""
        ((run, output),) = change.settled
        bare = [(run, Output(), True), (_plain(run), Output(), True), (_plain(run), Output(), False)]
        for written, kept, tells in dict.fromkeys([(run, output, True), *bare]):
            if self.rests:
                break
            try:
                self._record(replace(change, settled=[(written, kept)], endings=change.endings if tells else []))
                return True
            except AWAY:
                pass
            except Exception as error:  # what it was is kept, and the others are still to be written
                self._say_refused(run, error)
        self._keep(change)
        return False

    def _say_refused(self, run: Run, error: Exception) -> None:
        """Say it once for each run; it is tried again and again."""
        level = logging.DEBUG if run.id in self._told else logging.ERROR
        log.log(level, "result could not be written as it is", extra={"run_id": run.id}, exc_info=error)
        self._told.add(run.id)

    def _refused(self, retry: Run) -> bool:
        """Write one retry; return whether it must not start."""
        try:
            if not self.rests:
                return bool(self._record(RunChanges(retries=[retry])))
        except (LeadershipLostError, *AWAY):
            pass
        except Exception:  # the others are still to be written
            log.exception("a further attempt could not be written", extra={"run_id": retry.id})
            return True
        self._keep(RunChanges(retries=[retry]))
        return False


def _plain(run: Run) -> Run:
    """Return *run* with a reason that any encoding has."""
    return run if run.reason is None else replace(run, reason=run.reason.encode("ascii", "replace").decode())
