"""What instances left that are gone: their rows settled, their processes ended, their output kept."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from schedsync.clock import Clock
from schedsync.executors.orphans import terminate
from schedsync.executors.spool import OutputLimits
from schedsync.executors.spool import recover as recover_output
from schedsync.runs.ledger import Entry
from schedsync.runs.outcome import Output
from schedsync.runs.recovery import KnownJob, Recovered, Takeover, recover
from schedsync.runs.run import Run, RunState
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=5)
"""Between SIGTERM and SIGKILL for the processes that a dead instance left."""


class Leftovers:
    """Settles orphans for one instance."""

    def __init__(self, store: Store, *, node: str, owner: str, spool: Path, limits: OutputLimits, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._node, self._owner = node, owner
        self._spool, self._limits = spool, limits

    def settle(self, orphans: Sequence[Run], lease: Lease) -> tuple[list[Run], list[Entry]]:
        """Write down what becomes of *orphans*; return what ended by it, and what may be started now.

        Raises:
            DatabaseUnavailableError: nothing was written.
            LeadershipLostError: nothing was written.
        """
        stored = self._store.jobs.load({run.job_id for run in orphans})
        jobs = {i: KnownJob(job.spec, job.observed.source.file) for i, job in stored.items() if job.spec}
        recovered = recover(orphans, jobs, self._takeover(lease))
        self._end_processes(recovered.lost)
        refused = self._store.runs.record(self._changes(recovered), lease)
        adopted = [entry for entry in recovered.adopted if entry.run.id not in refused]
        return [*recovered.lost, *recovered.skipped], adopted

    def _takeover(self, lease: Lease) -> Takeover:
        def unstarted(run: Run) -> bool:
            # Leave to start that was given to this instance, under this lease, and that it does not know of.
            own = run.owner == self._owner and run.token == lease.token
            return run.state is RunState.QUEUED or own

        return Takeover(self._node, self._owner, self._clock(), unstarted)

    def _end_processes(self, lost: Sequence[Run]) -> None:
        here = [run.id for run in lost if run.node == self._node]
        for run_id, count in terminate(here, GRACE).items():
            log.warning("ended processes of a lost run", extra={"run_id": run_id, "processes": count})

    def _changes(self, recovered: Recovered) -> RunChanges:
        settled = [(run, recover_output(self._spool / f"{run.id}.log", self._limits)) for run in recovered.lost]
        settled += [(run, Output()) for run in recovered.skipped]
        return RunChanges(settled=settled, retries=recovered.retries)
