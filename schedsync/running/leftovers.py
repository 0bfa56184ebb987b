"""What instances left that are gone: their rows settled, their processes ended, their results and output kept."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from schedsync.clock import Clock
from schedsync.errors import DatabaseUnavailableError, LeadershipLostError, SchemaError
from schedsync.executors.orphans import processes_of, terminate
from schedsync.executors.spool import OutputLimits, live, remove
from schedsync.executors.spool import recover as recover_output
from schedsync.running.journal import Journal, Result
from schedsync.running.keeping import Keeping
from schedsync.runs.following import Followers
from schedsync.runs.ledger import Entry
from schedsync.runs.outcome import Output
from schedsync.runs.recovery import KnownJob, Recovered, Takeover, interrupted, recover
from schedsync.runs.run import Run, RunState
from schedsync.specs.actions import CommandAction
from schedsync.specs.job import JobSpec
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=5)
"""Between SIGTERM and SIGKILL for the processes that a dead instance left."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of orphans."""

    ended: Sequence[Run] = ()
    startable: Sequence[Entry] = ()
    living: Sequence[tuple[Entry, int]] = ()
    """Runs that go on under their keepers, with the keepers' pids; they are this instance's now."""
    slots: Sequence["EndedSlot"] = ()
    """Of those that ended, the ones that no further attempt follows."""


def known_jobs(store: Store, runs: Iterable[Run]) -> dict[str, KnownJob]:
    """Return the live jobs of *runs*, by id.

    Raises:
        DatabaseUnavailableError: they cannot be known.
    """
    stored = store.jobs.load({run.job_id for run in runs})
    return {i: KnownJob(job.spec, job.observed.source.file) for i, job in stored.items() if job.spec}


@dataclass(frozen=True, slots=True)
class EndedSlot:
    """A slot that ended without the instance that claimed it; no further attempt follows."""

    run: Run
    job: KnownJob
    output: Output


class Leftovers:
    """Settles orphans for one instance."""

    def __init__(
        self,
        store: Store,
        keeping: Keeping,
        *,
        node: str,
        owner: str,
        spool: Path,
        limits: OutputLimits,
        clock: Clock,
    ) -> None:
        self._store, self._keeping, self._clock = store, keeping, clock
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
        self, orphans: Sequence[Run], lease: Lease, results: Mapping[str, Result], followers: Followers
    ) -> Settled:
        """Write down what becomes of *orphans*; return what ended by it, what may be started now, and what goes on.

        Args:
            orphans: unsettled runs that nobody looks after.
            lease: the one under which this instance leads.
            results: what is on disk of them.
            followers: who runs after whom.

        Raises:
            DatabaseUnavailableError: nothing was written.
            LeadershipLostError: nothing was written.
        """
        jobs = known_jobs(self._store, orphans)
        # A result is the last word: its service may have given up on processes that live on, the keeper among them.
        living = self._living([run for run in orphans if run.id not in results], jobs, lease)
        rest = [run for run in orphans if run.id not in living]
        results = self._keeping.ended(rest, {i: job.spec for i, job in jobs.items()}) | dict(results)
        takeover = self._takeover(lease, followers)
        remaining = self._end_processes(interrupted(rest, takeover, results)) | _remaining(results)
        takeover = replace(takeover, remaining=remaining)
        recovered = recover(rest, jobs, takeover, {run_id: result.run for run_id, result in results.items()})
        taken_up = [entry.run for entry, _ in living.values()]
        changes = self._changes(recovered, results, taken_up)
        refused = self._record(changes, lease)
        for run in recovered.known:
            log.info("run has the result that was kept on disk", extra={"run_id": run.id, "state": run.state.value})
        self._journal.drop(run.id for run in recovered.known)
        self._keeping.forget(run.id for run in (*recovered.known, *recovered.lost))
        for run in recovered.lost:  # not before its output is in the store
            remove(live(self._spool, run.id))
        return Settled(
            ended=[*recovered.known, *recovered.lost, *recovered.skipped],
            startable=[entry for entry in recovered.adopted if entry.run.id not in refused],
            living=[(entry, pid) for run_id, (entry, pid) in living.items() if run_id not in refused],
            slots=_ended_slots(changes, jobs),
        )

    def _living(
        self, orphans: Sequence[Run], jobs: Mapping[str, KnownJob], lease: Lease
    ) -> dict[str, tuple[Entry, int]]:
        """Return the runs that go on, as they are to be under this instance."""
        pids = self._keeping.living(orphans)
        runs = [replace(run, owner=self._owner, token=lease.token) for run in orphans if run.id in pids]
        return {run.id: (_entry(run, jobs.get(run.job_id) or _unknown(run.job_id)), pids[run.id]) for run in runs}

    def _record(self, changes: RunChanges, lease: Lease) -> frozenset[str]:
        try:
            return self._store.runs.record(changes, lease)
        except (DatabaseUnavailableError, LeadershipLostError, SchemaError):
            raise
        except Exception:  # an output or a retry that no database takes must not keep this instance from leading
            log.exception("runs of dead instances are settled without their outputs, further attempts one by one")
            # Attempts first: one that is written twice is recognised, one that is forgotten is lost.
            refused = frozenset(retry.id for retry in changes.retries if self._refused(retry, lease))
            bare = [(run, Output()) for run, _ in changes.settled]
            return refused | self._store.runs.record(replace(changes, settled=bare, retries=[]), lease)

    def _refused(self, retry: Run, lease: Lease) -> bool:
        """Write one further attempt; return whether it must not start."""
        try:
            return bool(self._store.runs.record(RunChanges(retries=[retry]), lease))
        except (DatabaseUnavailableError, LeadershipLostError, SchemaError):
            raise
        except Exception:  # the others are still to be written
            log.exception("a further attempt could not be written", extra={"run_id": retry.id, "job_id": retry.job_id})
            return True

    def _takeover(self, lease: Lease, followers: Followers) -> Takeover:
        def unstarted(run: Run) -> bool:
            # Leave to start that was given to this instance, under this lease, and that it does not know of.
            own = run.owner == self._owner and run.token == lease.token
            return run.state is RunState.QUEUED or own

        return Takeover(self._node, self._owner, self._clock(), unstarted, followers)

    def _end_processes(self, lost: Sequence[Run]) -> dict[str, list[int]]:
        """End what lives of *lost* runs on this machine; return what could not be ended."""
        here = [run.id for run in lost if run.node == self._node]
        for run_id, count in terminate(here, GRACE).items():
            log.warning("ended processes of a lost run", extra={"run_id": run_id, "processes": count})
        remaining = processes_of(here)
        for run_id, pids in remaining.items():
            log.error("processes of a lost run cannot be ended", extra={"run_id": run_id, "pids": pids})
        return remaining

    def _changes(self, recovered: Recovered, results: Mapping[str, Result], taken_up: list[Run]) -> RunChanges:
        settled = [(run, results[run.id].output) for run in recovered.known]
        settled += [(run, recover_output(live(self._spool, run.id), self._limits)) for run in recovered.lost]
        settled += [(run, Output()) for run in recovered.skipped]
        return RunChanges(
            settled=settled,
            retries=recovered.retries,
            taken_up=taken_up,
            followers=recovered.followers,
            endings=recovered.endings,
        )


def _remaining(results: Mapping[str, Result]) -> dict[str, list[int]]:
    """Return the runs that ended with processes which nobody could end; which ones, their reasons say."""
    return {run_id: [] for run_id, result in results.items() if result.remains}


def _unknown(job_id: str) -> KnownJob:
    """Return what stands for a job that is gone, or whose spec cannot be read, while a run of it goes on.

    Nothing is told of its end and nothing tried again, and only its keeper knows a time limit.
    """
    return KnownJob(JobSpec.model_construct(id=job_id, run=CommandAction(command=(":",))), source_file="")


def _entry(run: Run, job: KnownJob) -> Entry:
    return Entry(run, job.spec, job.source_file)


def _ended_slots(changes: RunChanges, jobs: Mapping[str, KnownJob]) -> list[EndedSlot]:
    retried = {(retry.job_id, retry.scheduled_at) for retry in changes.retries}
    return [
        EndedSlot(run, jobs[run.job_id], output)
        for run, output in changes.settled
        if run.job_id in jobs and (run.job_id, run.scheduled_at) not in retried
    ]
