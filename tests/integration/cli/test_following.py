"""`schedsync logs -f`: what is missing at the end comes from the store."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from schedsync.cli.exits import Exit
from schedsync.cli.following import output_of
from schedsync.errors import DatabaseUnavailableError
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run, RunState
from schedsync.store.runs import RunChanges, RunTable
from tests.integration.cli.harness import HOURLY, SLOT, CommandLine


def _follow(cli: CommandLine, output: Output, written: bytes | None) -> str:
    """Follow a run of which a part is in its file, and that has ended before the next look."""
    cli.applied(a=HOURLY)
    run = cli.ran("a", finished_at=SLOT, output=output)
    path = cli.home / "run.log"
    if written is not None:
        path.write_bytes(written)
    with cli.store() as store:
        return "".join(output_of(run, store, path))


@pytest.mark.parametrize(
    ("output", "written", "printed"),
    [
        (Output(b"all of it", b"", 9), b"all of it", "all of it"),
        (Output(b"all of it", b"", 9), b"all of", "all of it"),
        (Output(b"all of it", b"", 9), None, "all of it"),
        (Output("grün".encode(), b"", 5), "grün".encode()[:3], "grün"),
        (Output(b"head", b"tail", 108), b"head" + b"." * 96, "head" + "." * 96 + "\n[... 4 bytes not kept ...]\ntail"),
        (Output(b"head", b"tail", 108), b"head" + b"." * 100 + b"ta", "head" + "." * 100 + "tail"),
        (Output(b"head", b"tail", 108), None, "head\n[... 100 bytes not kept ...]\ntail"),
        (Output(), None, ""),
    ],
    ids=["whole", "last bytes", "no file", "within a letter", "a gap", "no gap", "kept parts only", "nothing"],
)
def test_what_the_file_lacks_comes_from_what_was_kept(
    cli: CommandLine, output: Output, written: bytes | None, printed: str
) -> None:
    assert _follow(cli, output, written) == printed


def test_an_outage_is_waited_for_and_a_removed_file_is_read_to_its_end(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.applied(a=HOURLY)
    run = cli.ran("a", RunState.RUNNING, started_at=SLOT)
    monkeypatch.setattr("schedsync.cli.following.ASK", 0.0)
    path: Path = cli.home / "run.log"
    path.write_bytes(b"one, ")

    def goes_on() -> None:
        with path.open("ab") as file:
            file.write(b"two, ")
        raise DatabaseUnavailableError("away")

    def ends() -> None:
        with path.open("ab") as file:
            file.write(b"three")
        path.unlink()

    steps: list[Callable[[], None]] = [ends, goes_on]
    with cli.store() as store:

        def asked(_run_id: str) -> Run:
            steps.pop()()
            return replace(run, state=RunState.SUCCEEDED)

        monkeypatch.setattr(store.runs, "get", asked)
        assert list(output_of(run, store, path)) == ["one, ", "two, ", "three", ""]


def test_what_is_not_here_is_said_and_waited_for(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.applied(a=HOURLY)
    run = cli.ran("a", RunState.RUNNING, started_at=SLOT)
    monkeypatch.setattr("schedsync.cli.following.ASK", 0.0)
    get = RunTable.get

    def ended_meanwhile(runs: RunTable, run_id: str) -> Run:
        ended = replace(run, state=RunState.SUCCEEDED, finished_at=SLOT)
        runs.record(RunChanges(settled=[(ended, Output(b"done\n", b"", 5))]), None)
        monkeypatch.setattr(RunTable, "get", get)
        return get(runs, run_id)

    def once(runs: RunTable, run_id: str) -> Run:
        monkeypatch.setattr(RunTable, "get", ended_meanwhile)
        return get(runs, run_id)

    monkeypatch.setattr(RunTable, "get", once)
    printed = cli("logs", run.id, "-f")
    assert (printed.code, printed.out) == (Exit.OK, "done\n")
    waiting, end = printed.err.splitlines()
    assert "is running on here, and nothing of its output is in" in waiting
    assert waiting.endswith("; waiting for it")
    assert end.endswith("has ended: succeeded")


def test_following_a_run_that_has_ended_prints_it_and_says_how_it_ended(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    run = cli.ran("a", RunState.FAILED, reason="exit code 3", finished_at=SLOT, output=Output(b"hello\n", b"", 6))
    printed = cli("logs", "a", "-f")
    assert (printed.code, printed.out) == (Exit.OK, "hello\n")
    assert printed.err == f"schedsync: run {run.id} has ended: failed, exit code 3\n"
    assert cli("logs", "a", "-f", "--json").code == Exit.USAGE
