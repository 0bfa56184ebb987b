"""Colour: on a terminal only, as asked for otherwise, and never from what files and people say."""

import os
import pty
import subprocess
import sys

import pytest

from schedsync.cli.exits import Exit
from schedsync.cli.painting import Paint, Painted, joined, painted, shown, words
from schedsync.cli.tables import table
from schedsync.runs.run import RunState
from tests.integration.cli.harness import HOURLY, SLOT, CommandLine

ESCAPE = "\N{ESCAPE}"
RED, GREEN, YELLOW, OFF = (f"{ESCAPE}[{code}m" for code in (31, 32, 33, 0))


def terminal(cli: CommandLine, *args: str, **environ: str) -> str:
    """Return what a terminal gets that stdout and stderr are."""
    ours, theirs = pty.openpty()
    given = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "TERM"}}
    with subprocess.Popen(
        [sys.executable, "-m", "schedsync", *args, *cli.options],
        cwd=cli.home,
        env=given | {"TERM": "xterm", "COLUMNS": "200"} | environ,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        got = bytearray()
        while data := _read(ours):
            got += data
        os.close(ours)
    return got.decode()


def _read(source: int) -> bytes:
    try:
        return os.read(source, 1 << 16)
    except OSError:  # the other end has been closed
        return b""


@pytest.fixture
def history(cli: CommandLine) -> CommandLine:
    cli.applied(a=HOURLY)
    cli.ran("a", RunState.FAILED, exit_code=3, finished_at=SLOT, reason=f"{ESCAPE}[2Jwiped")
    return cli


def test_a_terminal_gets_states_in_colour(history: CommandLine) -> None:
    assert f"{RED}failed{OFF}" in terminal(history, "runs")
    assert f"{RED}schedsync:{OFF} no job has" in terminal(history, "jobs", "nosuch")


@pytest.mark.parametrize(
    ("args", "environ"),
    [(["--color", "never"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})],
    ids=["--color never", "NO_COLOR", "TERM=dumb"],
)
def test_a_terminal_gets_none_where_none_is_wanted(
    history: CommandLine, args: list[str], environ: dict[str, str]
) -> None:
    assert ESCAPE not in terminal(history, "runs", *args, **environ)
    assert ESCAPE not in terminal(history, "jobs", "nosuch", *args, **environ)


def test_pipes_get_none_unless_it_is_asked_for(history: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ESCAPE not in history("runs").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert f"{RED}failed{OFF}" in history("runs", "--color", "always").out
    assert f"{RED}failed{OFF}" in history("--color", "always", "runs").out
    assert ESCAPE not in history("--color", "always", "runs", "--color", "never").out
    assert f"{RED}schedsync:{OFF}" in history("jobs", "nosuch", "--color", "always").err
    assert ESCAPE not in history("runs", "--json", "--color", "always").out


def test_nothing_that_is_printed_carries_a_colour_of_its_own(history: CommandLine) -> None:
    assert "\ufffd[2Jwiped" in terminal(history, "runs")
    assert f"{ESCAPE}[2J" not in terminal(history, "runs")


def test_columns_stand_below_each_other_also_in_colour(history: CommandLine) -> None:
    plain, coloured = history("runs").out, history("runs", "--color", "always").out
    assert coloured != plain
    for code in (0, 1, 2, 31, 32, 33, 34, 36):
        coloured = coloured.replace(f"{ESCAPE}[{code}m", "")
    assert coloured == plain


def test_a_line_is_cut_by_what_it_shows() -> None:
    line = "ab " + painted("failed", Paint.BAD) + " because"
    assert shown(line, room=7) == "ab f..."
    assert shown(line, room=40) == "ab failed because"


def test_a_plan_and_its_problems_are_in_colour(cli: CommandLine) -> None:
    cli.applied(a=HOURLY, b=HOURLY)
    cli.write("a.yaml", f"description: New\n{HOURLY}")
    (cli.jobs / "b.yaml").unlink()
    cli.write("c.yaml")
    cli.write("d.yaml", f"{HOURLY}tiemout: 5m\n")
    planned = cli("plan", "--color", "always")
    assert planned.code == Exit.CHANGES
    assert [line[: len(RED) + 1] for line in planned.out.splitlines() if line.startswith(ESCAPE)] == [
        f"{GREEN}+", f"{YELLOW}~", f"{RED}-",
    ]  # fmt: skip
    checked = cli("validate", "--color", "always")
    assert checked.out.startswith(f"{RED}error{OFF}: unknown key")
    assert f"{RED}^^^^^^^{OFF}" in checked.out


def test_words_without_a_meaning_have_no_colour() -> None:
    assert words("active", "stale").parts == (("active", None), (", ", None), ("stale", Paint.BAD))
    assert joined(", ", []) == Painted(())
    assert table(["A", "B"], [[words("active"), None]])[1] == Painted((("active", None), ("  ", None), ("-", None)))
