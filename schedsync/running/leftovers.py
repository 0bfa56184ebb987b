"""What instances left that are gone: their rows settled, their processes ended, their results and output kept."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from schedsync.clock import Clock
from schedsync.errors import DatabaseUnavailableError, LeadershipLostError, SchemaError
from schedsync.executors.orphans import terminate
from schedsync.executors.spool import OutputLimits, live, remove
from schedsync.executors.spool import recover as recover_output
from schedsync.running.journal import Journal, Result
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


@dataclass(frozen=True, slots=True)
class EndedSlot:
    """A slot that ended without the instance that claimed it; no further attempt follows."""

    run: Run
    job: KnownJob
    output: Output


class Leftovers:
    """Settles orphans for one instance."""

    def __init__(self, store: Store, *, node: str, owner: str, spool: Path, limits: OutputLimits, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._node, self._owner = node, owner
        self._spool, self._limits = spool, limits
        self._journal = Journal(spool)

    def results(self) -> dict[str, Result]:
        """Return the results that are on disk here, by run."""
        return self._journal.read()

    def drop(self, late: Sequence[Result]) -> None:
        """Remove results of runs that are settled already: by another instance, or by a write whose answer was lost."""
        for result in late:
            run = result.run
            fields = {"run_id": run.id, "job_id": run.job_id, "state": run.state.value}
            log.info("kept result is dropped, the run was settled before", extra=fields)
        self._journal.drop(result.run.id for result in late)

    def settle(
        self, orphans: Sequence[Run], lease: Lease, results: Mapping[str, Result]
    ) -> tuple[list[Run], list[Entry], list[EndedSlot]]:
        """Write down what becomes of *orphans*; return what ended by it, what may be started now, and ended slots.

        Args:
            orphans: unsettled runs that nobody looks after.
            lease: the one under which this instance leads.
            results: what is on disk of them.

        Raises:
            DatabaseUnavailableError: nothing was written.
            LeadershipLostError: nothing was written.
        """
        stored = self._store.jobs.load({run.job_id for run in orphans})
        jobs = {i: KnownJob(job.spec, job.observed.source.file) for i, job in stored.items() if job.spec}
        known = {run_id: result.run for run_id, result in results.items()}
        recovered = recover(orphans, jobs, self._takeover(lease), known)
        self._end_processes(recovered.lost)
        changes = self._changes(recovered, results)
        refused = self._record(changes, lease)
        for run in recovered.known:
            log.info("run has the result that was kept on disk", extra={"run_id": run.id, "state": run.state.value})
        self._journal.drop(run.id for run in recovered.known)
        for run in recovered.lost:  # not before its output is in the store
            remove(live(self._spool, run.id))
        adopted = [entry for entry in recovered.adopted if entry.run.id not in refused]
        return [*recovered.known, *recovered.lost, *recovered.skipped], adopted, _ended_slots(changes, jobs)

    def _record(self, changes: RunChanges, lease: Lease) -> frozenset[str]:
        try:
            return self._store.runs.record(changes, lease)
        except (DatabaseUnavailableError, LeadershipLostError, SchemaError):
            raise
        except Exception:  # an output that no database takes must not keep this instance from leading
            log.exception("runs of dead instances are settled without their outputs")
            bare = [(run, Output()) for run, _ in changes.settled]
            return self._store.runs.record(replace(changes, settled=bare), lease)

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

    def _changes(self, recovered: Recovered, results: Mapping[str, Result]) -> RunChanges:
        settled = [(run, results[run.id].output) for run in recovered.known]
        settled += [(run, recover_output(live(self._spool, run.id), self._limits)) for run in recovered.lost]
        settled += [(run, Output()) for run in recovered.skipped]
        return RunChanges(settled=settled, retries=recovered.retries, endings=recovered.endings)


def _ended_slots(changes: RunChanges, jobs: Mapping[str, KnownJob]) -> list[EndedSlot]:
    retried = {(retry.job_id, retry.scheduled_at) for retry in changes.retries}
    return [
        EndedSlot(run, jobs[run.job_id], output)
        for run, output in changes.settled
        if run.job_id in jobs and (run.job_id, run.scheduled_at) not in retried
    ]
