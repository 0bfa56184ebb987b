"""How far long work is: on a terminal only, on stderr only, and gone when the work is done."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from schedsync.cli import progress
from schedsync.cli.exits import Exit
from tests.integration.cli.harness import CommandLine

FILES = 400
AT_ONCE = """
import sys
from schedsync.cli import main, progress
progress.AFTER, progress.EVERY = 0.0, 0.001
sys.exit(main.main(sys.argv[1:]))
"""
"""Shows the line from the beginning on, so that the work need not take long."""


@pytest.fixture
def many(cli: CommandLine) -> CommandLine:
    for number in range(FILES):
        cli.write(f"job-{number}.yaml")
    return cli


def on_a_terminal(cli: CommandLine, *args: str, script: str = AT_ONCE, **environ: str) -> tuple[int, str, str]:
    """Return exit code, stdout and what a terminal gets that stderr is."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", script, *args, *cli.options],
        cwd=cli.home,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "60"} | environ,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as process:
        os.close(theirs)
        shown = bytearray()
        while data := _read(ours):
            shown += data
        os.close(ours)
        assert process.stdout is not None
        printed = process.stdout.read()
    return process.returncode, printed, shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other end has been closed
        return b""


@pytest.mark.parametrize(
    ("command", "code"), [("validate", Exit.OK), ("plan", Exit.CHANGES), ("apply", Exit.OK)], ids=str
)
def test_a_terminal_is_told_how_far_it_is_until_it_is_done(many: CommandLine, command: str, code: Exit) -> None:
    ended, printed, shown = on_a_terminal(many, command)
    assert ended == code
    drawn = shown.split("\r\x1b[K")
    assert any(f" of {FILES} (" in line for line in drawn), shown
    assert drawn[-1] == "", "the line is taken away at the end"
    assert all(len(line) < 60 for line in drawn)
    assert str(FILES) in printed
    assert "\r" not in printed


def test_what_is_done_at_the_moment_is_said() -> None:
    line = progress._Line("comparing them")
    said = [line._text()]
    for done in (0, 3_000, 12_000):
        line.told(done, 12_000)
        said.append(line._text())
    assert said == [
        "looking for job files",
        "reading job files: 0 of 12,000 (0 %)",
        "reading job files: 3,000 of 12,000 (25 %)",
        "12,000 job files read, now comparing them",
    ]


def test_what_is_quick_shows_nothing(cli: CommandLine) -> None:
    cli.write("a.yaml")
    script = AT_ONCE.replace("progress.AFTER, progress.EVERY = 0.0, 0.001", "progress.AFTER = 60")
    assert on_a_terminal(cli, "validate", script=script) == (Exit.OK, "1 job is valid\n", "")


@pytest.mark.parametrize(("args", "environ"), [(["--json"], {}), ([], {"TERM": "dumb"})], ids=["json", "dumb"])
def test_programs_and_plain_terminals_get_none(many: CommandLine, args: list[str], environ: dict[str, str]) -> None:
    assert on_a_terminal(many, "validate", *args, **environ)[2] == ""


def test_pipes_get_none(many: CommandLine, tmp_path: Path) -> None:
    with (tmp_path / "err").open("w") as err:
        subprocess.run(
            [sys.executable, "-c", AT_ONCE, "validate", *many.options], cwd=many.home, stderr=err, check=True
        )
    assert (tmp_path / "err").read_text() == ""
