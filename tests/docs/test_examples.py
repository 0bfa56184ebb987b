"""Every job of jobs.d/ and examples/ is valid, and runs."""

import os
import queue
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schedsync.executors.prepare import prepare
from schedsync.executors.process import ProcessEngine
from schedsync.executors.spool import OutputLimits
from schedsync.plan.state import Located
from schedsync.runs.outcome import Outcome
from schedsync.runs.run import Cause, Run, RunState
from schedsync.sources.folder import JobsFolder

REPOSITORY = Path(__file__).parents[2]
FOLDERS = [REPOSITORY / "jobs.d", *sorted(p for p in (REPOSITORY / "examples").iterdir() if p.is_dir())]
SLOT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


def jobs_of(folder: Path) -> list[Located]:
    return [place for places in JobsFolder(folder).read().jobs.values() for place in places]


CASES = [(folder, job) for folder in FOLDERS for job in jobs_of(folder)]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_of_examples_has_jobs_and_no_problems(folder: Path) -> None:
    snapshot = JobsFolder(folder).read()
    assert snapshot.problems == ()
    assert snapshot.jobs
    assert all(len(places) == 1 for places in snapshot.jobs.values())


class _Listener:
    def __init__(self) -> None:
        self.outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()

    def started(self, run_id: str, pid: int, at: datetime) -> None:
        del run_id, pid, at

    def finished(self, run_id: str, outcome: Outcome) -> None:
        del run_id
        self.outcomes.put(outcome)


@pytest.mark.parametrize(("folder", "job"), CASES, ids=[f"{f.name}/{j.spec.id}" for f, j in CASES])
def test_an_example_runs(folder: Path, job: Located, tmp_path: Path) -> None:
    listener = _Listener()
    engine = ProcessEngine(listener, spool_dir=tmp_path, limits=OutputLimits())
    engine.start()
    run = Run("r1", job.spec.id, SLOT, 1, Cause.SCHEDULE, RunState.RUNNING)
    engine.launch(prepare(run, job.spec, (folder / job.source.file).parent, os.environ))
    outcome = listener.outcomes.get(timeout=30)
    assert outcome.state is RunState.SUCCEEDED, (outcome.reason, outcome.output.head)
    assert outcome.output.total > 0
