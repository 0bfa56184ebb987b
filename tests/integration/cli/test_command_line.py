"""What all commands share: help, options, exit codes, streams, and what is imported."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from schedsync import __version__
from schedsync.cli.exits import Exit
from schedsync.cli.main import COMMANDS, load, main
from schedsync.cli.main import cli as group
from schedsync.settings import Settings
from tests.integration.cli.harness import HOURLY, CommandLine

HEAVY = {"sqlalchemy", "alembic", "flask", "apscheduler", "waitress", "watchdog"}


def imported_by(cli: CommandLine, *args: str) -> set[str]:
    """Return the packages that a process has imported when its command ends."""
    code = "import sys; from schedsync.cli.main import main; code = main(sys.argv[1:]); print(*sys.modules); exit(code)"
    done = subprocess.run(
        [sys.executable, "-c", code, *args], cwd=cli.home, capture_output=True, text=True, check=True, timeout=30
    )
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_help_lists_the_commands(cli: CommandLine) -> None:
    shown = cli("--help")
    assert shown.code == Exit.OK
    assert all(name in shown.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_can_be_loaded_and_begins_its_help_as_the_list_does(name: str) -> None:
    stand_in, command = group.commands[name], load(name)
    assert isinstance(stand_in, click.Command)
    assert command.name == name
    assert stand_in.help is not None
    assert command.help is not None
    assert command.help.replace("\n", " ").startswith(stand_in.help.rstrip("."))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_takes_the_common_options(cli: CommandLine, name: str) -> None:
    shown = cli(name, "--help")
    assert shown.code == Exit.OK
    assert all(option in shown.out for option in ("--config", "--jobs", "--database", "--json", "--color"))


def test_the_version_is_told(cli: CommandLine) -> None:
    assert cli("--version").out == f"schedsync {__version__}\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["polish"], "No such command 'polish'."),
        (["validte"], "Did you mean 'validate'?"),
        (["plan", "--jsn"], "--json"),
        (["jobs", "a", "b"], "unexpected extra argument"),
        (["runs", "-n", "0"], "0"),
        (["logs"], "Missing argument 'RUN'"),
        (["pause"], "Name one job, or say --all."),
        (["pause", "a", "--all"], "Name one job, or say --all."),
        (["resume"], "Name one job, or say --all."),
        (["pause", "a", "--until", "tomorrow"], "or as a duration from now"),
        (["pause", "a", "--until", "2027-01-31T23:59:59"], "has no time zone"),
        (["pause", "a", "--until", "0001-01-01T00:00:00+10:00"], "--until"),
        (["jobs", "a/b"], '"a/b" cannot be an id'),
        (["logs", "\udcff"], "cannot be an id"),
        (["run", "--api", "5000"], "127.0.0.1:5000"),
        (["run", "--api", "::1:5000"], "[::1]:5000"),
        (["run", "--api", "localhost:65536"], "127.0.0.1:5000"),
        (["run", "--api", "localhost:1", "--no-api"], "exclude each other"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_explained_and_ends_with_64(cli: CommandLine, args: list[str], said: str) -> None:
    refused = cli(*args)
    assert refused.code == Exit.USAGE
    assert said in refused.err
    assert refused.out == ""


def test_a_failure_is_a_sentence_on_stderr(cli: CommandLine) -> None:
    failed = cli("jobs", "--json")
    assert failed.code == Exit.FAILURE
    assert failed.err.startswith("schedsync: there is no database at ")
    assert failed.out == ""


@pytest.mark.parametrize("command", [["jobs"], ["runs"], ["logs", "x"], ["pause", "x"], ["resume", "--all"]])
def test_a_command_that_needs_a_database_creates_none(cli: CommandLine, command: list[str]) -> None:
    assert cli(*command).code == Exit.FAILURE
    assert not cli.file.exists()


def test_a_bad_setting_is_a_failure_that_names_it(cli: CommandLine) -> None:
    Path("schedsync.toml").write_text("[jobs]\nrescn = '5s'\n")
    failed = cli("validate")
    assert failed.code == Exit.FAILURE
    assert failed.err == "schedsync: schedsync.toml: jobs.rescn is not a setting; did you mean jobs.rescan?\n"


def test_settings_come_from_the_file_that_is_named(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.yaml").write_text(HOURLY)
    (tmp_path / "other.toml").write_text('[jobs]\npath = "elsewhere"\n')
    assert main(["validate", "--config", "other.toml"]) == Exit.OK
    assert main(["validate", "--config", "missing.toml"]) == Exit.FAILURE


def test_common_options_stand_before_or_after_the_command_and_after_wins(
    cli: CommandLine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.write("a.yaml")
    (tmp_path / "empty").mkdir()
    assert main(["--jobs", str(cli.jobs), "--json", "validate"]) == Exit.OK
    assert capsys.readouterr().out.startswith("{")
    assert main(["--jobs", str(tmp_path / "empty"), "validate", "--jobs", str(cli.jobs)]) == Exit.OK


@pytest.mark.parametrize(
    "args", [["--help"], ["validate", "--help"], ["validate"], ["validate", "--json"]], ids=" ".join
)
def test_help_and_validate_import_nothing_of_the_service(cli: CommandLine, args: list[str]) -> None:
    cli.write("a.yaml")
    imported = imported_by(cli, *args)
    assert "click" in imported
    assert imported & HEAVY == set()
    assert ("pydantic" in imported) is (args != ["--help"])


def test_a_reader_that_leaves_early_is_no_error(cli: CommandLine) -> None:
    for number in range(300):
        cli.write(f"a-job-with-a-long-name-{number}.yaml")
    with subprocess.Popen(
        [sys.executable, "-m", "schedsync", "next", *cli.options],
        cwd=cli.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == Exit.FAILURE


def test_an_answer_that_cannot_be_written_is_a_failure(cli: CommandLine) -> None:
    cli.write("a.yaml")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "schedsync", "validate", *cli.options],
            cwd=cli.home,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (Exit.FAILURE, "schedsync: No space left on device\n")


def test_an_interrupt_ends_with_130_and_no_traceback(cli: CommandLine) -> None:
    fifo = cli.home / "schedsync.toml"
    os.mkfifo(fifo)
    # Who runs the tests in the background has them ignore interrupts, and programs inherit that.
    heeding = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
    argv = [sys.executable, "-c", heeding, "-m", "schedsync", "validate"]
    with subprocess.Popen(argv, cwd=cli.home, stderr=subprocess.PIPE, text=True) as process:
        writer = fifo.open("w")  # returns when the process opens the pipe to read
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read()
        writer.close()
        assert process.wait(30) == Exit.INTERRUPTED
    assert said.strip() == ""


def test_what_the_terminal_cannot_show_is_escaped(cli: CommandLine) -> None:
    cli.write("a.yaml", 'schedule: {every: "日本"}\nrun: {shell: echo}\n')
    done = subprocess.run(
        [sys.executable, "-m", "schedsync", "validate", *cli.options],
        cwd=cli.home,
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == Exit.FAILURE
    assert "\\u65e5" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("args", "api"),
    [
        ([], (True, "127.0.0.1", 5000)),
        (["--api", "0.0.0.0:8080"], (True, "0.0.0.0", 8080)),
        (["--api", "[::1]:0"], (True, "::1", 0)),
        (["--no-api"], (False, "127.0.0.1", 5000)),
    ],
)
def test_run_hands_its_options_to_the_service(
    cli: CommandLine, args: list[str], api: tuple[bool, str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Settings] = []

    def note(settings: Settings) -> int:
        given.append(settings)
        return 0

    monkeypatch.setattr("schedsync.cli.serve.service.run", note)
    assert cli("run", *args).code == Exit.OK
    assert (given[0].api.enabled, given[0].api.host, given[0].api.port) == api
    assert (given[0].jobs.path, given[0].database.url) == (cli.jobs, cli.database)


def test_a_service_that_cannot_start_says_why(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "schedsync", "run", "--api", address, *cli.options]
        failed = subprocess.run(command, cwd=cli.home, capture_output=True, text=True, check=False, timeout=60)
    assert failed.returncode == Exit.FAILURE
    assert failed.stderr.splitlines()[-1].startswith("schedsync: ")
    assert address in failed.stderr.splitlines()[-1]


def test_the_log_of_a_service_is_json_when_that_is_asked_for(cli: CommandLine) -> None:
    cli.write("a.yaml")
    command = [sys.executable, "-m", "schedsync", "run", "--json", "--no-api", *cli.options]
    with subprocess.Popen(command, cwd=cli.home, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        messages = {json.loads(process.stderr.readline())["message"] for _ in range(3)}
        process.terminate()
        assert all(json.loads(line)["level"] == "INFO" for line in process.stderr)
    assert process.returncode == Exit.OK
    assert "schedsync runs" in messages


def test_a_service_is_ended_by_sigterm(cli: CommandLine) -> None:
    cli.write("a.yaml")
    with subprocess.Popen(
        [sys.executable, "-m", "schedsync", "run", "--no-api", *cli.options],
        cwd=cli.home,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "schedsync runs" in line:
                break
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait(30) == Exit.OK
