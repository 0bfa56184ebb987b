"""`schedsync runs` and `schedsync logs`: what happened."""

import os
import pty
import subprocess
import sys
import tty
from contextlib import suppress
from datetime import timedelta

import pytest

from schedsync.cli.exits import Exit
from schedsync.runs.outcome import Output
from schedsync.runs.run import RunState
from schedsync.status.views import RunView
from tests.integration.cli.harness import HOURLY, SLOT, CommandLine

LATER = SLOT + timedelta(hours=1)


@pytest.fixture
def history(cli: CommandLine) -> CommandLine:
    """Two runs of one job, the later one skipped, and one of another."""
    cli.applied(a=HOURLY, b=HOURLY)
    ended = {"started_at": SLOT, "finished_at": SLOT + timedelta(seconds=95)}
    cli.ran("a", RunState.FAILED, exit_code=3, output=Output(b"hello\nworld\n", b"", 12), **ended)
    cli.ran("a", RunState.SKIPPED, slot=LATER, reason="paused")
    cli.ran("b", started_at=SLOT, finished_at=SLOT + timedelta(seconds=0.25), exit_code=0)
    return cli


def test_runs_are_listed_newest_first(history: CommandLine) -> None:
    listed = history("runs", "a")
    assert listed.code == Exit.OK
    heading, skipped, failed = (line.split() for line in listed.out.splitlines())
    assert heading == ["RUN", "JOB", "SCHEDULED", "CAUSE", "STATE", "DURATION", "EXIT", "REASON"]
    assert skipped[1:] == ["a", "2026-11-24", "03:30:00Z", "schedule", "skipped", "-", "-", "paused"]
    assert failed[1:] == ["a", "2026-11-24", "02:30:00Z", "schedule", "failed", "1m35s", "3", "-"]
    assert len(history("runs").rows) == 3
    assert "succeeded  0.2s      0     -" in history("runs", "b").out


def test_runs_are_chosen(history: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [row[1] for row in history("runs", "--state", "failed").rows] == ["a"]
    assert len(history("runs", "--until", "2026-11-24T03:30:00Z").rows) == 2
    assert history("runs", "--cause", "manual").rows == []
    monkeypatch.setattr("schedsync.cli.times.utc_now", lambda: LATER + timedelta(minutes=59))
    assert [row[1] for row in history("runs", "--since", "1h").rows] == ["a"], "a duration is one that has passed"


def test_runs_in_json_are_the_shape_of_the_api(history: CommandLine) -> None:
    page = history("runs", "a", "-n", "1", "--json").json
    assert set(page) == {"runs", "next_cursor"}
    assert set(page["runs"][0]) == set(RunView.model_fields)
    assert page["runs"][0]["scheduled_at"] == "2026-11-24T03:30:00Z"
    assert page["next_cursor"] is not None
    assert history("runs", "a", "-n", "2", "--json").json["next_cursor"] is None


def test_the_runs_of_a_job_that_is_gone_are_still_there(history: CommandLine) -> None:
    (history.jobs / "a.yaml").unlink()
    assert history("apply").code == Exit.OK
    assert len(history("runs", "a").rows) == 2
    assert history("runs", "b").code == Exit.OK
    assert history("runs", "c").err == 'schedsync: no job has the id "c"\n'


def test_a_job_without_runs_has_an_empty_list(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    assert cli("runs", "a").rows == []
    assert cli("runs", "--json").json == {"runs": [], "next_cursor": None}


def test_the_output_of_a_run_is_printed_as_it_was(history: CommandLine) -> None:
    run_id = history("runs", "a", "--json").json["runs"][1]["id"]
    printed = history("logs", run_id)
    assert (printed.code, printed.out, printed.err) == (Exit.OK, "hello\nworld\n", "")


def test_a_job_stands_for_its_latest_run_that_was_not_skipped(history: CommandLine) -> None:
    assert history("logs", "a").out == "hello\nworld\n"
    answer = history("logs", "a", "--json").json
    assert answer["output"] == "hello\nworld\n"
    assert answer["run"]["state"] == "failed"


def test_what_was_not_kept_is_said_where_it_is_missing(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    cli.ran("a", finished_at=SLOT, output=Output(b"head", b"tail", 1_000_008))
    assert cli("logs", "a").out == "head\n[... 1000000 bytes not kept ...]\ntail"


def test_a_run_that_goes_on_is_read_from_its_spool_file(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    run = cli.ran("a", RunState.RUNNING, started_at=SLOT)
    cli.spool.mkdir()
    (cli.spool / f"{run.id}.log").write_bytes(b"so far\xff\n")
    printed = cli("logs", "a")
    assert (printed.code, printed.out) == (Exit.OK, "so far\ufffd\n")
    assert printed.err == f"schedsync: run {run.id} is still running; this is its output so far\n"
    assert cli("logs", run.id, "--json").json["output"] == "so far\ufffd\n"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (RunState.QUEUED, "has not started yet"),
        (RunState.RUNNING, "is running on here, and nothing of its output is in schedsync-spool"),
        (RunState.SKIPPED, "was skipped: paused"),
        (RunState.LOST, "(lost) has no output"),
    ],
)
def test_why_there_is_no_output_is_said(cli: CommandLine, state: RunState, said: str) -> None:
    cli.applied(a=HOURLY)
    run = cli.ran("a", state, reason="paused")
    printed = cli("logs", run.id)
    assert (printed.code, printed.out) == (Exit.OK, "")
    assert printed.err == f"schedsync: run {run.id} {said}\n"


def test_a_name_that_has_no_run_is_a_failure(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    assert cli("logs", "a").err == 'schedsync: the job "a" has not run yet\n'
    failed = cli("logs", "b")
    assert (failed.code, failed.err) == (Exit.FAILURE, 'schedsync: no run or job has the id "b"\n')


STEERING = b"\x1b]0;owned\x07\x1b]52;c;cm0=\x07\x1b[31mred\x1b[0m\x1b[2J \xc2\x9b6n\n"


def on_a_terminal(cli: CommandLine, *args: str) -> bytes:
    """Return what a terminal gets that stdout is."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    with subprocess.Popen(
        [sys.executable, "-m", "schedsync", *args, *cli.options], cwd=cli.home, stdout=theirs, stderr=subprocess.DEVNULL
    ):
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # the other end has been closed
            while data := os.read(ours, 1 << 16):
                shown += data
        os.close(ours)
    return shown


@pytest.mark.parametrize("follow", [(), ("-f",)], ids=["logs", "logs -f"])
def test_an_output_does_not_steer_the_terminal_and_is_a_file_as_it_is(
    cli: CommandLine, follow: tuple[str, ...]
) -> None:
    cli.applied(a=HOURLY)
    cli.ran("a", finished_at=SLOT, output=Output(STEERING, b"", len(STEERING)))
    assert on_a_terminal(cli, "logs", "a", *follow) == b"\x1b[31mred\x1b[0m 6n\n"
    assert cli("logs", "a", *follow).out.encode() == STEERING
