"""What runs print: shown while they run, bounded however much it is, and never at the cost of others."""

import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness import Folder, Service, eventually

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
TALK = (
    'echo 0 0; while [ ! -e {go} ]; do sleep 0.05; done; for i in 1 2 3 4; do echo "$i $(date +%s.%N)"; sleep 0.4; done'
)


def _soon(seconds: float = 2) -> str:
    return f'{{at: "{(datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()}"}}'


@pytest.fixture
def another(service: Service, tmp_path: Path) -> Iterator[Service]:
    """Another instance on the same database and the same spool folder."""
    service.settings["RUNNER__SPOOL"] = str(tmp_path / "spool")
    home = tmp_path / "another"
    home.mkdir()
    running = Service(home, service.jobs, service.database)
    running.settings.update(service.settings)
    yield running
    running.close()


def _age(line: str) -> float:
    return time.time() - float(line.split()[1])


@pytest.mark.alone
def test_output_is_shown_within_a_second_by_the_command_and_by_each_instance_of_the_machine(
    service: Service, another: Service, folder: Folder
) -> None:
    service.start(NODE="first")
    another.start(NODE="second")
    go = folder.path.parent / "go"
    folder.shell("talk", TALK.format(go=go), schedule=_soon())
    (run,) = eventually(lambda: service.ended("talk", "running"))
    command = service.command("logs", run["id"], "-f")
    environ = service._environment({})
    with subprocess.Popen(command, env=environ, cwd=service.home, stdout=-1, stderr=-1, text=True) as follower:
        assert follower.stdout is not None
        assert follower.stderr is not None
        assert follower.stdout.readline() == "0 0\n"
        go.touch()
        for number in range(1, 5):
            line = follower.stdout.readline()
            assert line.startswith(f"{number} ")
            assert _age(line) < 1
            shown = {instance.get(f"/api/runs/{run['id']}/log").splitlines()[number] for instance in (service, another)}
            assert shown == {line.rstrip()}
        assert follower.stdout.read() == ""
        assert follower.stderr.read() == f"schedsync: run {run['id']} has ended: succeeded\n"
    assert follower.returncode == 0


def _lateness(service: Service, since: datetime, until: datetime) -> list[float]:
    """By how many seconds each slot of that time was late when its run had ended."""
    late = []
    for run in service.ended("other", "succeeded"):
        slot, end = (datetime.fromisoformat(run[name]) for name in ("scheduled_at", "finished_at"))
        if since <= slot <= until:
            late.append((end - slot).total_seconds())
    return sorted(late)


def _watched(service: Service, spool: Path) -> tuple[Any, int]:
    """Wait for the end of the loud run; return it, and how long its file was at most."""
    longest = 0
    while not (ended := service.ended("loud", "succeeded")):
        longest = max([longest, *(path.stat().st_size for path in spool.glob(f"{service.runs('loud')[0]['id']}.log"))])
        time.sleep(0.1)  # between two looks
    return ended[0], longest


@pytest.mark.alone
def test_five_gigabytes_of_output_fill_no_disk_and_delay_no_other_job(service: Service, folder: Folder) -> None:
    limit = 1 << 20
    service.settings |= {"RUNNER__MAX_OUTPUT": str(limit), "RUNNER__KEEP_HEAD": "1000", "RUNNER__KEEP_TAIL": "1000"}
    service.start()
    folder.shell("other", "true")
    eventually(lambda: service.ended("other", "succeeded"))
    quiet_since = datetime.now(UTC)
    schedule = _soon(5)
    folder.shell("loud", r"echo first; head -c 5G /dev/zero | tr '\0' x; echo last", schedule=schedule)
    (running,) = eventually(lambda: service.ended("loud", "running"))
    loud_since = datetime.now(UTC)
    eventually(lambda: service.cli("logs", "loud").stdout.endswith("what follows is not on disk ...]\n"))
    run, longest = _watched(service, service.home / "schedsync-spool")
    until = datetime.now(UTC)
    assert longest == limit
    kept = service.get(f"/api/runs/{run['id']}/log")
    head, mark, tail = kept.partition(f"\n[... {5 * (1 << 30) + 11 - 2_000} bytes not kept ...]\n")
    assert head == "first\n" + 994 * "x"
    assert mark
    assert tail == 995 * "x" + "last\n"
    assert service.cli("logs", running["id"]).stdout == kept
    quiet, loud = _lateness(service, quiet_since, loud_since), _lateness(service, loud_since, until)
    assert len(loud) >= 5
    # Measured: 0.02 s without and with it.
    assert loud[len(loud) // 2] < quiet[len(quiet) // 2] + 0.25
    assert loud[-1] < 1
