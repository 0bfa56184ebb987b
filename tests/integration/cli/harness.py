"""The command line on a folder and a database of its own, within this process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schedsync.cli.main import main
from schedsync.runs.outcome import Output
from schedsync.runs.run import Cause, Run, RunState
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store

HOURLY = "schedule: {every: 1h}\nrun: {shell: echo hello}\n"
NO_DATABASE = "no database, but longer than the header of one, so that it is looked at; " * 4
SLOT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a table, without its heading."""
        return [line.split("  ") for line in self.out.splitlines()[1:]]


class CommandLine:
    """`schedsync ...`, with the options that name this folder and this database."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self.jobs, self.spool = home, home / "jobs.d", home / "schedsync-spool"
        self.file = home / "state.db"
        self.database = f"sqlite:///{self.file}"
        self._capsys = capsys
        self.jobs.mkdir()

    def __call__(self, *args: str) -> Result:
        return self.as_is(*args, *self.options)

    def as_is(self, *args: str) -> Result:
        """Call it without these options, so that a settings file or variables say where the database is."""
        self._capsys.readouterr()
        code = main(args)
        printed = self._capsys.readouterr()
        return Result(code, printed.out, printed.err)

    @property
    def options(self) -> list[str]:
        return ["--jobs", str(self.jobs), "--database", self.database]

    def write(self, name: str, text: str = HOURLY) -> Path:
        path = self.jobs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def applied(self, **texts: str) -> None:
        """Make these jobs live."""
        for name, text in texts.items():
            self.write(f"{name}.yaml", text)
        assert self("apply").code == 0

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = Store.open(self.database)
        store.upgrade()
        yield store
        store.close()

    def ran(self, job_id: str, state: RunState = RunState.SUCCEEDED, **more: Any) -> Run:
        """Put a run into the history, as the service does; *output* is what it printed."""
        output = more.pop("output", Output())
        slot = more.pop("slot", SLOT)
        run_id = f"{int(slot.timestamp()):012x}{job_id.encode().hex():0>12.12}"
        claimed = RunState.SKIPPED if state is RunState.SKIPPED else RunState.QUEUED
        run = Run(run_id, job_id, slot, 1, Cause.SCHEDULE, claimed, more.get("reason"), node="here")
        with self.store() as store:
            lease = store.leases.acquire("tests", timedelta(minutes=1))
            store.runs.claim(lease, [run], [])
            run = replace(run, state=state, **more)
            if state is RunState.RUNNING:
                store.runs.record(RunChanges(promoted=[run], started=[run]), lease)
            elif state not in {RunState.SKIPPED, RunState.QUEUED}:
                store.runs.record(RunChanges(settled=[(run, output)]), lease)
        return run
