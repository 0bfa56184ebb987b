"""SIGTERM: nothing starts any more, what runs may end, the API says so, and a second signal makes it short."""

import json
import signal
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness import Folder, Service, eventually

WAITING = "echo $$ >> {pids}; while [ ! -e {go} ]; do sleep 0.05; done"
DEAF = "trap '' TERM; echo $$ >> {pids}; while :; do sleep 0.1; done"


@pytest.fixture
def files(folder: Folder) -> dict[str, Path]:
    return {name: folder.path.parent / name for name in ("pids", "go")}


def _stopping(service: Service) -> Any:
    return eventually(lambda: [h for h in [service.ask("/health")[1]] if h["status"] == "stopping"])[0]


def _slots(runs: list[Any]) -> list[datetime]:
    return sorted(datetime.fromisoformat(run["scheduled_at"]) for run in runs)


def test_while_it_stops_nothing_starts_and_the_api_says_so_and_the_next_start_catches_up(
    service: Service, folder: Folder, files: dict[str, Path]
) -> None:
    policy = "overlap: allow\nmisfire: {policy: all, grace: 1h}\n"
    folder.shell("job", WAITING.format(**files), more=policy)
    service.start(RUNNER__SHUTDOWN_GRACE="30s", RUNNER__MAX_PROCESSES="1")
    eventually(lambda: service.ended("job", "running") and len(service.ended("job", "queued")) >= 2)
    service.tell(signal.SIGTERM)
    health = _stopping(service)
    assert "told to stop" in health["reason"]
    code, ready = service.ask("/ready")
    assert (code, ready["reasons"]) == (503, [health["reason"]])
    before = service.runs("job")
    time.sleep(2.5)  # slots are due meanwhile, and there is nothing to wait for
    assert service.runs("job") == before
    assert service.ask("/health")[0] == 200
    files["go"].touch()
    assert service.ended_itself() == 0
    assert len(files["pids"].read_text().split()) == 1
    service.start()
    last = max(_slots(before)) + timedelta(seconds=3)
    eventually(lambda: max(_slots(service.ended("job", "succeeded"))) > last)
    ended = [run for run in service.runs("job") if datetime.fromisoformat(run["scheduled_at"]) <= last]
    assert {run["state"] for run in ended} == {"succeeded"}
    assert all(b - a == timedelta(seconds=1) for a, b in pairwise(_slots(ended)))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("grace", "second"),
    [("60s", signal.SIGTERM), ("0s", signal.SIGINT)],
    ids=["while runs may end", "while runs are being ended"],
)
def test_a_second_signal_ends_the_runs_now_and_a_third_one_changes_nothing(
    service: Service, folder: Folder, files: dict[str, Path], grace: str, second: signal.Signals
) -> None:
    folder.shell("deaf", DEAF.format(**files), more="kill_grace: 60s\n")
    service.start(RUNNER__SHUTDOWN_GRACE=grace)
    eventually(lambda: files["pids"].exists() and files["pids"].read_text())
    service.tell(signal.SIGTERM)
    _stopping(service)
    time.sleep(1.2)  # before, it would be the first one delivered twice
    began = time.monotonic()
    service.tell(second)
    eventually(lambda: any("told to stop once more" in line for line in service.log))
    service.tell(second)
    assert service.ended_itself() == 0
    assert 1 <= time.monotonic() - began < 6
    assert not Path(f"/proc/{files['pids'].read_text().split()[0]}").exists()
    (run,) = [run for run in json.loads(service.cli("runs", "deaf", "--json").stdout)["runs"] if run["state"] == "lost"]
    said = "ended because the service stopped; ended by SIGKILL, its grace of 1m was cut to 1s"
    assert (run["reason"], run["exit_code"]) == (said, -9)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_is_delivered_twice_leaves_runs_their_grace(
    service: Service, folder: Folder, files: dict[str, Path], number: signal.Signals
) -> None:
    folder.shell("job", WAITING.format(**files))
    service.start(RUNNER__SHUTDOWN_GRACE="60s")
    eventually(lambda: files["pids"].exists() and files["pids"].read_text())
    service.tell(number)
    eventually(lambda: any("stopping; runs may take a moment" in line for line in service.log))
    service.tell(number)
    time.sleep(1.5)  # in which a stop that is hurried ends the run
    files["go"].touch()
    assert service.ended_itself() == 0
    assert not [line for line in service.log if "once more" in line]
    (run,) = [run for run in json.loads(service.cli("runs", "job", "--json").stdout)["runs"] if run["exit_code"] == 0]
    assert run["state"] == "succeeded"


@pytest.fixture
def another(service: Service, tmp_path: Path) -> Iterator[Service]:
    """Another instance on the same database."""
    home = tmp_path / "another"
    home.mkdir()
    running = Service(home, service.jobs, service.database)
    yield running
    running.close()


def test_runs_of_a_service_that_stops_for_long_are_its_own_whatever_the_term_of_the_lease(
    service: Service, another: Service, folder: Folder, files: dict[str, Path]
) -> None:
    folder.shell("job", WAITING.format(**files), more="retry: {attempts: 3, delay: 1s}\n")
    service.start(RUNNER__SHUTDOWN_GRACE="30s", LEASE__TTL="2s", NODE="first")
    eventually(lambda: files["pids"].exists() and files["pids"].read_text())
    service.tell(signal.SIGTERM)
    another.start(LEASE__TTL="2s", NODE="second")
    time.sleep(5)  # more than two terms: what must not happen would have happened
    assert another.get("/api/status")["leader"] == "first"
    assert [run["state"] for run in another.runs("job") if run["state"] != "skipped"] == ["running"]
    files["go"].touch()
    assert service.ended_itself() == 0
    eventually(lambda: another.get("/api/status")["leader"] == "second")
    first = another.runs("job")[-1]
    assert (first["state"], first["node"], first["attempt"]) == ("succeeded", "first", 1)
