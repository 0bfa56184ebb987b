"""The command line beside a service that runs: what it says of it, here and from elsewhere."""

import os
import subprocess
import sys

import pytest

from schedsync.cli.exits import Exit
from tests.acceptance.harness import Folder, Service, eventually

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def from_elsewhere(service: Service, *args: str) -> subprocess.CompletedProcess[str]:
    """Call the command line as on another machine, which has neither files nor database."""
    command = [sys.executable, "-m", "schedsync", *args, "--server", service.url]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SCHEDSYNC_")}
    return subprocess.run(
        command, cwd=service.home, env=environ, capture_output=True, text=True, check=False, timeout=90
    )


def test_a_service_that_runs_leads_and_one_that_was_killed_does_not(folder: Folder, service: Service) -> None:
    folder.shell("a", "echo hello", schedule="{every: 1h}")
    service.start(NODE="here")
    service.settings["NODE"] = "here"
    eventually(lambda: "well: here leads" in service.cli().stdout)
    assert "jobs:      1: 1 active" in service.cli("status").stdout
    elsewhere = from_elsewhere(service)
    assert elsewhere.returncode == Exit.OK, elsewhere.stderr
    assert "well: here leads, its last tick" in elsewhere.stdout
    service.kill()
    assert "no instance leads" in service.cli().stdout


def test_a_pipeline_waits_until_what_it_has_written_is_live(folder: Folder, service: Service) -> None:
    folder.shell("a", "echo hello", schedule="{every: 1h}")
    revision = service.cli("plan", "--json").stdout.partition('"revision": "')[2].partition('"')[0]
    service.start()
    waited = from_elsewhere(service, "status", "--wait", "--revision", revision)
    assert (waited.returncode, waited.stdout) == (Exit.OK, f"{revision} is live\n"), waited.stderr
    assert service.job_ids() == {"a"}
    folder.write("a.yaml", "schedule: {every: 1h}\nrun: {shell: echo, tiemout: 5m}\n")
    broken = service.cli("plan", "--json").stdout.partition('"revision": "')[2].partition('"')[0]
    failed = from_elsewhere(service, "status", "--wait", "--revision", broken)
    assert failed.returncode == Exit.FAILURE
    assert failed.stdout.startswith("a.yaml:2:")
