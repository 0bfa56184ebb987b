"""The system's limits are reached: what cannot be started fails with the reason, and the service goes on."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness import Folder, Service, eventually
from tests.needs import do_without

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
HIERARCHIES = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))


@contextmanager
def at_most(service: Service, more: int) -> Iterator[None]:
    """Let the service and its engine, with all that they start, have so many *more* processes and threads than now."""
    pids = [str(service.pid), str(service.engine)]
    place = next((each for each in HIERARCHIES if (each / "cgroup.procs").exists()), Path("/absent"))
    group = place / f"schedsync-test-{pids[0]}"
    try:
        group.mkdir()
        limit = (group / "pids.max").open("w")
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        do_without(f"no group of processes can be limited here: {error}")
    with limit:
        for pid in pids:
            (group / "cgroup.procs").write_text(pid)
        limit.write(str(sum(_entries(f"/proc/{pid}/task") for pid in pids) + more))
    try:
        yield
    finally:
        (group / "pids.max").write_text("max")
        for pid in pids:
            with suppress(ProcessLookupError):  # it has ended
                (group.parent / "cgroup.procs").write_text(pid)
        eventually(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


def _entries(folder: str) -> int:
    return len(list(Path(folder).iterdir()))


def _burst(folder: Folder, count: int, seconds: float) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    job = '- {{id: burst.{0}, schedule: {{at: "{1}"}}, run: {{command: [sleep, "{2}"]}}}}'
    folder.write("burst.yaml", "jobs:\n" + "\n".join(job.format(number, at, seconds) for number in range(count)))


def _ended(service: Service, count: int) -> list[Any]:
    """Return the runs of the burst when all of them have ended."""
    runs = [run for run in service.get("/api/runs?limit=500")["runs"] if run["job_id"].startswith("burst.")]
    return runs if sum(run["finished_at"] is not None for run in runs) == count else []


def _in_peace(ask: Callable[[], Any]) -> Any:
    """Ask a service that may not be able to answer now."""
    try:
        return ask()
    except OSError:
        return None


def _goes_on(service: Service) -> None:
    """Look whether each slot of the other job has its one outcome, and later ones succeed."""
    now = datetime.now(UTC)
    eventually(lambda: service.ended("other", "succeeded")[0]["scheduled_at"] > now.isoformat())
    slots = sorted(datetime.fromisoformat(run["scheduled_at"]) for run in service.runs("other"))
    assert all(b - a == timedelta(seconds=1) for a, b in pairwise(slots))
    assert service.get("/health")["status"] == "ok"


def test_runs_that_the_limit_of_processes_stops_fail_and_say_so_and_later_ones_run(
    service: Service, folder: Folder
) -> None:
    service.start()
    folder.shell("other", "true", more="overlap: allow\nmisfire: {policy: all, grace: 1h}\n")
    eventually(lambda: service.ended("other", "succeeded"))
    _burst(folder, 20, 3)
    with at_most(service, 8):
        runs = eventually(partial(_ended, service, 20), within=30)
    refused = [run["reason"] for run in runs if run["state"] == "failed"]
    said = (
        'cannot start "sleep": the limit of processes is reached; raise it (ulimit -u, TasksMax) or run fewer at once'
    )
    assert set(refused) == {said}
    assert {run["state"] for run in runs} == {"failed", "succeeded"}
    _goes_on(service)


def test_a_service_at_the_limit_of_processes_stops_in_order(service: Service, folder: Folder) -> None:
    service.start()
    folder.shell("job", "exec sleep 60", more="kill_grace: 1s\n")
    eventually(lambda: service.ended("job", "running"))
    with at_most(service, 0):
        assert service.end() == 0
    assert "lost" in service.cli("runs", "job").stdout
    assert not [line for line in service.log if "Traceback" in line or "ERROR" in line]


def test_runs_that_the_limit_of_open_files_stops_fail_and_say_so_and_later_ones_run(
    service: Service, folder: Folder
) -> None:
    service.start()
    folder.shell("other", "true", more="overlap: allow\nmisfire: {policy: all, grace: 1h}\n")
    eventually(lambda: service.ended("other", "succeeded"))
    before = _entries(f"/proc/{service.engine}/fd")  # the service itself needs none for a run
    _, most = resource.prlimit(service.engine, resource.RLIMIT_NOFILE)
    resource.prlimit(service.engine, resource.RLIMIT_NOFILE, (before + 25, most))
    _burst(folder, 40, 3)
    runs = eventually(lambda: _in_peace(partial(_ended, service, 40)), within=30)
    refused = [run["reason"] for run in runs if run["state"] == "failed"]
    assert refused
    assert {run["state"] for run in runs} == {"failed", "succeeded"}
    assert all("too many files open; raise its limit (ulimit -n, LimitNOFILE)" in reason for reason in refused)
    _goes_on(service)
