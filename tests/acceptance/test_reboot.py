"""A job with `@reboot` runs once for each start of the service, whatever ends the one before."""

import subprocess
from datetime import datetime
from typing import Any

import pytest

from tests.acceptance.harness import REPOSITORY, Folder, Service, eventually

KILLED = str(REPOSITORY / "tests" / "acceptance" / "kill_points.py")
REBOOT = '{cron: "@reboot"}'


def _slots(service: Service, job_id: str = "boot") -> list[datetime]:
    return sorted(datetime.fromisoformat(run["scheduled_at"]) for run in service.runs(job_id))


def _ended(service: Service, count: int, state: str = "succeeded", job_id: str = "boot") -> list[Any]:
    eventually(lambda: len(service.ended(job_id, state)) == count)
    return service.ended(job_id, state)


def test_it_runs_with_each_start_also_with_the_one_that_finds_its_file_first(service: Service, folder: Folder) -> None:
    folder.shell("boot", "true", schedule=REBOOT)
    folder.shell("off", "true", schedule=REBOOT, more="suspend: true\n")
    service.start()
    _ended(service, 1)
    job = service.job("boot")
    assert (job["state"], job["next_fire_at"], job["at_boot"], job["schedule"]) == ("active", None, True, "@reboot")
    service.cli("pause", "boot", "--reason", "a move")
    folder.shell("later", "true", schedule=REBOOT)
    eventually(lambda: "later" in service.job_ids())
    assert service.end() == 0

    service.start()
    _ended(service, 1, job_id="later")
    (skipped,) = _ended(service, 1, "skipped")
    assert skipped["reason"] == "paused"
    assert [run["reason"] for run in service.runs("off")] == ["suspended"] * 2
    assert service.cli("resume", "boot").returncode == 0
    service.kill()

    service.start()
    _ended(service, 2)
    _ended(service, 2, job_id="later")
    assert len(set(_slots(service))) == 3


@pytest.mark.parametrize("database", ["sqlite", "postgresql", "oracle"], indirect=True)
def test_a_service_that_is_killed_leaves_one_outcome_for_its_start(service: Service, folder: Folder) -> None:
    folder.shell("boot", "exec sleep 60", schedule=REBOOT)
    service.start()
    _ended(service, 1, "running")
    service.kill()
    service.start()
    (lost,) = _ended(service, 1, "lost")
    (running,) = _ended(service, 1, "running")
    assert lost["scheduled_at"] < running["scheduled_at"]


@pytest.mark.parametrize("point", ["claim sent", "claim committed", "process spawned"])
def test_it_runs_again_after_a_kill_at_any_step_of_its_start(service: Service, folder: Folder, point: str) -> None:
    folder.shell("boot", "true", schedule=REBOOT)
    environ = service._environment({}) | {"KILL_AT": point}
    command = service.command("run", "--no-api", script=KILLED)
    killed = subprocess.run(command, cwd=service.home, env=environ, capture_output=True, timeout=30, check=False)
    assert killed.returncode == -9
    service.start()
    _ended(service, 1)
    assert [run["state"] for run in service.runs("boot")] == (
        ["succeeded"] if point == "claim sent" else ["succeeded", "lost"]
    )
