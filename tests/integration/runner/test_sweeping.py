"""What lies in the spool folder for long and belongs to no run that goes on is removed."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from schedsync.errors import DatabaseUnavailableError
from schedsync.running.sweeping import sweep
from schedsync.runs.run import new_run_id
from schedsync.service import Service
from schedsync.settings import RunnerSettings, Settings
from tests.integration.runner.bench import Bench

DAY = timedelta(days=1)


@pytest.fixture
def spool(bench: Bench) -> Path:
    return bench.home / "spool"


def _file(bench: Bench, name: str, age: timedelta = 2 * DAY) -> Path:
    path = bench.home / "spool" / name
    path.write_bytes(b"left")
    written = (bench.clock.now - age).timestamp()
    os.utime(path, (written, written))
    return path


def _names(spool: Path) -> set[str]:
    return {path.name for path in spool.iterdir()}


@contextmanager
def _process_of(run_id: str) -> Iterator[None]:
    with subprocess.Popen(["sleep", "60"], env=os.environ | {"SCHEDSYNC_RUN_ID": run_id}) as process:
        yield
        process.kill()


def test_old_files_of_runs_that_have_ended_or_are_unknown_are_removed_and_that_is_said(
    bench: Bench, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bench.job("a")
    bench.fire()
    ended, unknown = bench.next_end().id, new_run_id(bench.clock.now)
    for run_id in (ended, unknown):
        for suffix in ("log", "result.part"):
            _file(bench, f"{run_id}.{suffix}")
    assert sweep(spool, bench.store.runs, bench.clock.now) == 4
    assert _names(spool) == set()
    (said,) = [record for record in caplog.records if "spool folder" in record.message]
    assert (said.files, said.folder) == (4, str(spool))  # type: ignore[attr-defined] # extras
    assert sweep(spool, bench.store.runs, bench.clock.now) == 0


def test_files_of_unsettled_runs_young_ones_whole_results_and_those_of_others_stay(bench: Bench, spool: Path) -> None:
    bench.hold()
    bench.job("a")
    bench.fire()
    (run,) = bench.runs("a")
    unknown, other = new_run_id(bench.clock.now), new_run_id(bench.clock.now)
    kept = [
        _file(bench, f"{run.id}.log"),
        _file(bench, f"{run.id}.result.part"),
        _file(bench, f"{unknown}.log", age=DAY - timedelta(minutes=1)),
        _file(bench, f"{other}.result"),
        _file(bench, f"{other}.result.unreadable"),
        _file(bench, "nightly.log"),
        _file(bench, f"{unknown.upper()}.log"),
        _file(bench, f"{unknown}.log.gz"),
    ]
    assert sweep(spool, bench.store.runs, bench.clock.now) == 0
    assert _names(spool) == {path.name for path in kept}


def test_the_output_of_a_process_that_lives_is_left_alone_whatever_the_store_knows(bench: Bench, spool: Path) -> None:
    foreign = new_run_id(bench.clock.now)
    _file(bench, f"{foreign}.log")
    with _process_of(foreign):
        assert sweep(spool, bench.store.runs, bench.clock.now) == 0
    assert sweep(spool, bench.store.runs, bench.clock.now) == 1


def test_without_the_database_nothing_is_removed_and_without_old_files_it_is_not_asked(
    bench: Bench, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise DatabaseUnavailableError("away")

    monkeypatch.setattr(bench.store.runs, "unsettled", away)
    assert sweep(spool, bench.store.runs, bench.clock.now) == 0
    assert sweep(bench.home / "absent", bench.store.runs, bench.clock.now) == 0
    path = _file(bench, f"{new_run_id(bench.clock.now)}.log")
    with pytest.raises(DatabaseUnavailableError):
        sweep(spool, bench.store.runs, bench.clock.now)
    assert path.exists()


def test_the_instance_that_leads_sweeps_as_it_keeps_house(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.home)
    bench.stop()
    settings = Settings(runner=RunnerSettings(spool=bench.home / "spool"))
    service = Service(settings, bench.store)
    left = _file(bench, f"{new_run_id(bench.clock.now)}.log", age=10_000 * DAY)
    service._keep_house()
    assert left.exists()
    service._scheduler._lease = replace(bench.lease)
    service._keep_house()
    assert not left.exists()
