"""`schedsync completion`: words that a real shell completes."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from schedsync.cli.exits import Exit
from schedsync.cli.main import COMMANDS
from tests.integration.cli.harness import HOURLY, CommandLine
from tests.needs import do_without

COMPLETE = """
eval "$(schedsync completion bash)"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_schedsync_completion schedsync
printf '%s\\n' "${COMPREPLY[@]}"
"""
SYNTAX = {"zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"], "bash": ["bash", "-n"]}


@pytest.fixture
def folder(cli: CommandLine) -> CommandLine:
    cli.write("erp/close.yaml")
    cli.write("erp/_defaults.yaml", "timeout: 5m\n")
    cli.write("erp/broken.yaml", "x: [")
    cli.write("named.yaml", f'# of the ERP\nid: "erp.dump"\n{HOURLY}')
    cli.write("two.yaml", "jobs:\n  - id: one\n    run: {shell: a}\n  - run: {shell: a}\n    id: other\n")
    return cli


def completed(cli: CommandLine, *words: str, **environ: str) -> list[str]:
    """Return what bash makes of *words*, of which the last one is completed."""
    if shutil.which("bash") is None:
        do_without("there is no bash to complete words")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "--norc", "-c", COMPLETE, "bash", *words],
        cwd=cli.home,
        env=os.environ | {"PATH": path} | environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ended.stderr == ""
    return ended.stdout.split()


def test_commands_and_options_are_completed(folder: CommandLine) -> None:
    assert completed(folder, "schedsync", "p") == ["plan", "pressure", "pause"]
    assert set(completed(folder, "schedsync", "")) == set(COMMANDS)
    assert completed(folder, "schedsync", "pause", "--re") == ["--reason"]
    assert completed(folder, "schedsync", "completion", "") == ["bash", "zsh", "fish"]
    assert completed(folder, "schedsync", "db", "") == ["check", "ddl", "upgrade"]
    assert completed(folder, "schedsync", "pressure", "--by", "") == ["hour", "minute"]
    assert completed(folder, "schedsync", "lint", "--ignore", "every") == ["every-second", "every-minute"]


def test_zones_are_completed_in_whatever_case(folder: CommandLine) -> None:
    assert completed(folder, "schedsync", "next", "--tz", "europe/berl") == ["Europe/Berlin"]
    assert completed(folder, "schedsync", "pressure", "--tz", "loc") == ["local"]


def test_jobs_are_completed_from_what_the_files_say(folder: CommandLine) -> None:
    assert completed(folder, "schedsync", "jobs", "") == ["erp.broken", "erp.close", "erp.dump", "one", "other"]
    for command in (["pause"], ["trigger"], ["logs"], ["runs"], ["next"], ["audit", "--job"]):
        assert completed(folder, "schedsync", *command, "erp.d") == ["erp.dump"], command
    assert not folder.file.exists()
    assert [path.name for path in folder.home.iterdir()] == ["jobs.d"]


def test_the_folder_is_that_of_options_variables_and_settings(folder: CommandLine) -> None:
    folder.jobs.rename(folder.home / "elsewhere")
    assert completed(folder, "schedsync", "jobs", "o") == []
    assert completed(folder, "schedsync", "--jobs", "elsewhere", "jobs", "o") == ["one", "other"]
    assert completed(folder, "schedsync", "jobs", "o", SCHEDSYNC_JOBS__PATH="elsewhere") == ["one", "other"]
    (folder.home / "schedsync.toml").write_text('[jobs]\npath = "elsewhere"\n')
    assert completed(folder, "schedsync", "jobs", "o") == ["one", "other"]


@pytest.mark.parametrize(
    "settings", ["[jobs", "jobs = 1\n", "[jobs]\npath = 1\n"], ids=["no TOML", "no group", "no path"]
)
def test_what_is_broken_completes_nothing_and_says_nothing(folder: CommandLine, settings: str) -> None:
    (folder.home / "schedsync.toml").write_text(settings)
    assert completed(folder, "schedsync", "jobs", "o") == []


def test_wrong_words_before_are_no_reason_to_speak(folder: CommandLine) -> None:
    assert completed(folder, "schedsync", "nosuch", "x") == []
    assert completed(folder, "schedsync", "--database", "nosuch://", "--color", "mauve", "jobs", "one") == ["one"]
    assert completed(folder, "schedsync", "jobs", "--limit", "x", "one") == ["one"]


def test_a_word_takes_little_time_also_with_thousands_of_files(cli: CommandLine) -> None:
    for number in range(3_000):
        cli.write(f"job-{number:04}.yaml")
    environ = {"_SCHEDSYNC_COMPLETE": "bash_complete", "COMP_WORDS": "schedsync jobs job-2", "COMP_CWORD": "2"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        [sys.executable, "-m", "schedsync"],
        cwd=cli.home,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert len(ended.stdout.splitlines()) == 1_000
    # The processor's time: that of the clock is also a matter of what else the machine does.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


@pytest.mark.parametrize("shell", SYNTAX)
def test_the_script_is_one_that_the_shell_can_read(cli: CommandLine, shell: str) -> None:
    script = cli.as_is("completion", shell)
    assert script.code == Exit.OK
    assert cli.as_is("completion", shell, "--json").json == {"shell": shell, "script": script.out}
    if shutil.which(shell) is None:
        do_without(f"there is no {shell} to read the script")
    (cli.home / "script").write_text(script.out)
    subprocess.run([*SYNTAX[shell], "script"], cwd=cli.home, check=True)
