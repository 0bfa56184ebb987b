"""Every job of jobs.d/ and examples/ is valid, and runs."""

import os
import queue
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from schedsync.executors.prepare import inherited, prepare
from schedsync.executors.process import ProcessEngine
from schedsync.executors.spool import OutputLimits
from schedsync.plan.state import Located
from schedsync.runs.outcome import Outcome
from schedsync.runs.run import Cause, Run, RunState
from schedsync.settings import load
from schedsync.sources.folder import JobsFolder
from schedsync.specs.actions import DatabaseAction, HttpAction
from schedsync.store.database import Database
from tests.integration.executors.web import made, serving

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = sorted(p for p in (REPOSITORY / "examples").iterdir() if p.is_dir())
FOLDERS = [REPOSITORY / "jobs.d", *(p / "jobs.d" if (p / "jobs.d").is_dir() else p for p in EXAMPLES)]
WITH_SETTINGS = [folder for folder in EXAMPLES if (folder / "schedsync.toml").exists()]
STATEMENTS = {"sql", "plsql"}
SLOT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


def needs_others(job: Located) -> bool:
    """Whether a job needs a database or a web service."""
    return isinstance(job.spec.run, DatabaseAction | HttpAction)


def jobs_of(folder: Path) -> list[Located]:
    return [place for places in JobsFolder(folder).read().jobs.values() for place in places]


def named(folder: Path) -> str:
    return str(folder.relative_to(REPOSITORY))


CASES = [(folder, job) for folder in FOLDERS for job in jobs_of(folder) if not needs_others(job)]
REQUESTS = [job for job in jobs_of(REPOSITORY / "examples" / "07-http") if isinstance(job.spec.run, HttpAction)]


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_a_folder_of_examples_has_jobs_and_no_problems(folder: Path) -> None:
    snapshot = JobsFolder(folder).read()
    assert snapshot.problems == ()
    assert snapshot.jobs
    assert all(len(places) == 1 for places in snapshot.jobs.values())


@pytest.mark.parametrize("example", WITH_SETTINGS, ids=named)
def test_the_settings_of_an_example_can_be_used_for_its_jobs(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(example)
    settings = load(Path("schedsync.toml"))
    assert settings.jobs.path.is_dir()
    runs = [yaml.safe_load(file.read_text())["run"] for file in settings.jobs.path.glob("*.yaml")]
    assert {run["connection"] for run in runs if STATEMENTS & set(run)} <= set(settings.connections)


@pytest.mark.parametrize("file", sorted(REPOSITORY.glob("examples/06-oracle/jobs.d/*.yaml")), ids=lambda f: f.name)
def test_a_statement_of_an_example_is_understood_by_oracle(file: Path, oracle_place_url: str) -> None:
    action = yaml.safe_load(file.read_text())["run"]
    database = Database.open(oracle_place_url)
    with database.engine.connect() as connection:
        cursor: Any = connection.connection.cursor()
        out = {name: cursor.var(int if kind == "number" else str) for name, kind in action.get("out", {}).items()}
        cursor.execute(action.get("plsql") or action["sql"], action.get("binds", {}) | out)
        assert all(value.getvalue() is not None for value in out.values())
        cursor.close()
    database.close()


@pytest.mark.parametrize("job", REQUESTS, ids=lambda job: job.spec.id)
def test_a_request_of_an_example_is_made_as_it_says(job: Located) -> None:
    action = job.spec.run
    assert isinstance(action, HttpAction)
    with serving(lambda handler: handler.answer(200, b'{"status": "ok"}')) as web:
        here = action.http.model_copy(update={"url": web.url})
        spec = job.spec.model_copy(update={"run": HttpAction(http=here)})
        run = Run("r1", spec.id, SLOT, 1, Cause.SCHEDULE, RunState.RUNNING)
        code, output = made(prepare(run, spec, REPOSITORY / "examples" / "07-http", inherited(os.environ)))
    assert code == 0, output
    assert [asked.method for asked in web.asked] == [action.http.method]


class _Listener:
    def __init__(self) -> None:
        self.outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()

    def started(self, run_id: str, pid: int, at: datetime) -> None:
        del run_id, pid, at

    def finished(self, run_id: str, outcome: Outcome) -> None:
        del run_id
        self.outcomes.put(outcome)


@pytest.mark.parametrize(("folder", "job"), CASES, ids=[f"{named(f)}/{j.spec.id}" for f, j in CASES])
def test_an_example_runs(folder: Path, job: Located, tmp_path: Path) -> None:
    listener = _Listener()
    engine = ProcessEngine(listener, spool_dir=tmp_path, limits=OutputLimits())
    engine.start()
    run = Run("r1", job.spec.id, SLOT, 1, Cause.SCHEDULE, RunState.RUNNING)
    engine.launch(prepare(run, job.spec, (folder / job.source.file).parent, inherited(os.environ)))
    outcome = listener.outcomes.get(timeout=30)
    assert outcome.state is RunState.SUCCEEDED, (outcome.reason, outcome.output.head)
    assert outcome.output.total > 0
