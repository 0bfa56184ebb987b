"""The runs of this machine that have keepers: they outlive the service, and the next one takes them up."""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from schedsync.executors import kept
from schedsync.executors.base import Launch
from schedsync.executors.ending import Ended, judged_kept
from schedsync.executors.spool import OutputLimits
from schedsync.running.journal import Result
from schedsync.runs.ledger import Entry
from schedsync.runs.run import Run, RunState
from schedsync.specs.job import JobSpec
from schedsync.specs.policy import Orphan

log = logging.getLogger(__name__)


class Keeping:
    """Gives keepers to runs whose jobs ask for it, and knows what keepers left. Safe from any thread."""

    def __init__(self, spool: Path, limits: OutputLimits, *, node: str) -> None:
        self._spool, self._limits, self._node = spool, limits, node
        self._kept: set[str] = set()

    def of(self, launch: Launch, entry: Entry) -> Launch:
        """Return *launch*, with a keeper between where the job asks for one and the system can have it."""
        if entry.spec.orphan is not Orphan.ADOPT or not kept.can_keep():
            return launch
        self._kept.add(entry.run.id)
        return kept.keep(launch, self._spool, self._limits, os.environ)

    def again(self, entry: Entry) -> Launch:
        """Return how to look after a run that an earlier service has started with a keeper."""
        self._kept.add(entry.run.id)
        return taken_up(entry.run.id, entry.spec)

    def living(self, runs: Iterable[Run]) -> dict[str, int]:
        """Return which of *runs* have keepers that live, with the keepers' pids."""
        pids = {run.id: kept.living_keeper(self._spool, run.id) for run in runs if self._may_be_here(run)}
        return {run_id: pid for run_id, pid in pids.items() if pid is not None}

    def since(self, run_id: str) -> datetime | None:
        """Return when the keeper of a run began (UTC); None where that cannot be known."""
        return kept.keeper_since(self._spool, run_id)

    def ended(self, runs: Iterable[Run], specs: Mapping[str, JobSpec]) -> dict[str, Result]:
        """Return the results of those of *runs* whose keepers have written them, as their jobs' *specs* see them."""
        results = {run.id: self._result(run, specs.get(run.job_id)) for run in runs if self._may_be_here(run)}
        return {run_id: result for run_id, result in results.items() if result is not None}

    def forget(self, run_ids: Iterable[str]) -> None:
        """Remove the files of runs whose results the store has."""
        known = self._kept.intersection(run_ids)
        self._kept -= known
        kept.forget(self._spool, known)

    def ends(self) -> set[str]:
        """Return the runs whose ends lie here, also those of other services that share the folder."""
        try:
            return kept.ended_runs(self._spool)
        except OSError as error:
            log.warning("kept ends cannot be listed", extra={"folder": str(self._spool), "error": str(error)})
            return set()

    def drop(self, late: Iterable[str]) -> None:
        """Remove the files of runs that are settled: their service had no time to."""
        kept.forget(self._spool, late)

    def _may_be_here(self, run: Run) -> bool:
        return run.state is RunState.RUNNING and run.node == self._node

    def _result(self, run: Run, spec: JobSpec | None) -> Result | None:
        end = kept.end_of(self._spool, run.id)
        if end is None:
            return None
        self._kept.add(run.id)
        if end.told_to_end:  # by whoever watched it then, and nobody knows any more why
            ended = Ended(RunState.LOST, "it was told to end (SIGTERM) before its service ended, or meanwhile")
        else:
            ended = judged_kept(Launch(run.id, (), {}) if spec is None else taken_up(run.id, spec), end)
        done = replace(run, state=ended.state, reason=ended.reason, exit_code=end.code, finished_at=end.at)
        return Result(done, end.output)


def taken_up(run_id: str, spec: JobSpec) -> Launch:
    """Return how to look after a run that was started by an earlier process, by what its job says."""
    return Launch(
        run_id,
        argv=(),
        env={},
        timeout=spec.timeout,
        success_exit_codes=frozenset(spec.success_exit_codes),
        fail_on_output=spec.fail_on_output or "",
        kill_grace=spec.kill_grace,
        kept=True,
    )
