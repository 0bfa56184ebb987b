"""The unit for systemd: what it starts exists, and it lets a service stop as the service wants to."""

import shlex
from configparser import ConfigParser
from datetime import timedelta
from pathlib import Path

from click.testing import CliRunner

from schedsync.cli.main import cli
from schedsync.settings import Settings
from schedsync.specs.job import JobSpec

UNIT = Path(__file__).parents[2] / "deploy/systemd/schedsync.service"


def _service() -> dict[str, str]:
    parser = ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names of systemd are not in lower case
    parser.read_string(UNIT.read_text())
    return dict(parser["Service"])


def test_it_starts_the_service_with_options_that_there_are() -> None:
    program, *arguments = shlex.split(_service()["ExecStart"])
    assert Path(program).name == "schedsync"
    assert CliRunner().invoke(cli, [*arguments, "--help"]).exit_code == 0
    assert CliRunner().invoke(cli, [*arguments, "--confg", "--help"]).exit_code != 0


def test_a_stop_is_for_the_service_alone_and_has_time_for_the_grace_of_runs() -> None:
    service = _service()
    assert service["KillMode"] == "mixed"
    longest = Settings().runner.shutdown_grace + JobSpec.model_fields["kill_grace"].default
    assert timedelta(seconds=int(service["TimeoutStopSec"])) > longest


def test_a_job_that_takes_all_memory_does_not_stop_the_others() -> None:
    assert _service()["OOMPolicy"] == "continue"


def test_the_state_is_not_for_everybody_and_files_of_jobs_are_as_before() -> None:
    service = _service()
    assert (service["StateDirectory"], service["StateDirectoryMode"]) == ("schedsync", "0750")
    assert "UMask" not in service
