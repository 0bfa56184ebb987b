"""What a run needs goes away between its claim and its start: the run fails, and says what is missing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from schedsync.runs.run import RunState
from tests.integration.runner.bench import Bench

SCRIPT = "run: {script: work/do.sh, cwd: work}\n"
PYTHON = "run: {python: 'module:function'}\n"


def _without_script(folder: Path) -> None:
    (folder / "work/do.sh").unlink()


def _without_folder(folder: Path) -> None:
    _without_script(folder)
    (folder / "work").rmdir()


def _without_interpreter(folder: Path) -> None:
    (folder / "work/do.sh").write_text("#!/no/such/interpreter\n")


def _with_windows_line_ends(folder: Path) -> None:
    (folder / "work/do.sh").write_text("#!/bin/sh\r\n")


def _without_module(folder: Path) -> None:
    (folder / "module.py").unlink()


@pytest.mark.parametrize(
    ("run", "take_away", "says"),
    [
        (SCRIPT, _without_script, '/work/do.sh": no such file'),
        (SCRIPT, _without_folder, '/work" (cwd) is missing; create it or correct cwd'),
        (SCRIPT, _without_interpreter, 'the interpreter in its first line is missing: "#!/no/such/interpreter"'),
        (SCRIPT, _with_windows_line_ends, "it has Windows line ends"),
        (PYTHON, _without_module, "exit code 1"),
    ],
    ids=["script", "folder", "interpreter", "line ends", "module"],
)
def test_a_run_whose_program_vanishes_after_its_claim_fails_and_the_next_one_does_not(
    bench: Bench, run: str, take_away: Callable[[Path], None], says: str
) -> None:
    _furnish(bench.folder)
    (bench.folder / "a.yaml").write_text(f"schedule: {{every: 1m}}\n{run}")
    bench.apply()
    held, launch = bench.hold()
    bench.fire()
    take_away(bench.folder)
    launch(held[0])
    ended = bench.next_end()
    assert ended.state is RunState.FAILED
    assert says in (ended.reason or "")
    _furnish(bench.folder)
    bench.runner.submit = launch
    bench.fire()
    assert bench.next_end().state is RunState.SUCCEEDED


def _furnish(folder: Path) -> None:
    (folder / "work").mkdir(exist_ok=True)
    script = folder / "work/do.sh"
    script.write_text("#!/bin/sh\ntrue\n")
    script.chmod(0o755)
    (folder / "module.py").write_text("def function():\n    pass\n")
