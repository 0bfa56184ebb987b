"""The engine on real processes: what it starts, what it reads, and how runs end by themselves."""

import itertools
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from schedsync.clock import utc_now
from schedsync.executors.base import Engine, Launch
from schedsync.executors.orphans import terminate
from schedsync.executors.process import ProcessEngine
from schedsync.executors.spool import live
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.run import RunState
from tests.integration.executors.conftest import LIMITS, RUN, Remembering, bash


def _took(outcome: Outcome) -> float:
    assert outcome.started_at is not None
    return (outcome.finished_at - outcome.started_at).total_seconds()


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _what_is_printed(engine: Engine, run_id: str) -> Output:
    deadline = time.monotonic() + 10
    while (output := engine.output(run_id)) is None or not output.total:
        assert time.monotonic() < deadline
        time.sleep(0.01)  # between two questions, not for luck: the deadline decides
    return output


def _until_written(path: Path, expected: bytes) -> None:
    deadline = time.monotonic() + 10
    while (written := path.read_bytes()) != expected:  # it is in memory a moment before
        assert time.monotonic() < deadline, written
        time.sleep(0.01)  # between two questions, not for luck: the deadline decides


# How runs end by themselves.


def test_a_process_that_ends_well_has_succeeded_with_its_output(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("echo out; echo err >&2; echo out again"))
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code, outcome.reason) == (RunState.SUCCEEDED, 0, None)
    assert outcome.output == Output(b"out\nerr\nout again\n", b"", 18)
    assert listener.starts.get(timeout=5)[0] == RUN


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        ("exit 3", 3, "exit code 3"),
        ("kill -9 $$", -9, "ended by signal 9 (SIGKILL)"),
        ("kill -40 $$", -40, "ended by signal 40"),
    ],
    ids=["exit code", "signal", "real-time signal"],
)
def test_a_process_that_ends_badly_has_failed_and_says_how(
    engine: Engine, listener: Remembering, text: str, code: int, reason: str
) -> None:
    engine.launch(bash(text))
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code, outcome.reason) == (RunState.FAILED, code, reason)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {"plain.txt": "no program", "binary": "no program", "windows": "#!/bin/sh\r\n", "no-shell": "#!/no/shell\n"}
    for name, text in files.items():
        (tmp_path / name).write_bytes(text.encode())
        (tmp_path / name).chmod(0o644 if name == "plain.txt" else 0o755)
    (tmp_path / "dangling").symlink_to("nowhere")
    return tmp_path


@pytest.mark.parametrize(
    ("argv", "cwd", "says"),
    [
        (("no-such-program",), None, 'cannot start "no-such-program": no such program; install it'),
        (("/no/such/dump.sh",), None, 'cannot start "/no/such/dump.sh": no such file'),
        (("./dump.sh",), "", 'cannot start "./dump.sh": no such file; it was looked for as "{folder}/dump.sh"'),
        (("./plain.txt",), "", 'it is not executable; run "chmod +x {folder}/plain.txt"'),
        (("./plain.txt/x",), "", "no such file"),
        (("./dangling",), "", 'it is a link to "nowhere", which is missing'),
        (("./windows",), "", "it has Windows line ends"),
        (("./no-shell",), "", 'the interpreter in its first line is missing: "#!/no/shell"'),
        (("./binary",), "", "a script needs a first line such as #!/bin/sh"),
        (("/tmp",), None, "it is a folder, not a program"),
        (("true",), "absent", 'cannot start "true": the folder "{folder}/absent" (cwd) is missing'),
        (("no-such-program",), "absent", 'the folder "{folder}/absent" (cwd) is missing'),
        (("true",), "plain.txt", '"{folder}/plain.txt" (cwd) is not a folder'),
        (("echo", "x" * 3_000_000), None, "arguments and environment are too long"),
        (("echo", "a\0b"), None, 'cannot start "echo": embedded null byte'),
        (("e\0cho",), None, r'cannot start "e\x00cho": embedded null byte'),
        ((), None, "cannot start: no program is named"),
    ],
)
def test_what_cannot_be_started_is_a_failed_run_with_a_sentence(
    engine: Engine, listener: Remembering, folder: Path, argv: tuple[str, ...], cwd: str | None, says: str
) -> None:
    where = None if cwd is None else str(folder / cwd)
    engine.launch(replace(bash(""), argv=argv, cwd=where))
    outcome = listener.end()
    assert outcome.state is RunState.FAILED
    assert says.format(folder=folder) in (outcome.reason or "")
    assert (outcome.exit_code, outcome.started_at) == (None, None)
    assert not live(folder, RUN).exists()


def test_the_standard_input_is_what_was_given_or_empty(engine: Engine, listener: Remembering) -> None:
    given = os.urandom(1_000_000)
    engine.launch(bash("sha256sum", "given", stdin=given))
    engine.launch(bash("cat | wc -c", "empty"))
    engine.launch(bash("true", "not read", stdin=given))
    ends = listener.ends_of(3)
    expected = subprocess.run(["sha256sum"], input=given, capture_output=True, check=True).stdout
    assert ends["given"].output.head == expected
    assert ends["empty"].output.head == b"0\n"
    assert ends["not read"].state is RunState.SUCCEEDED


# Output.


def test_a_loud_process_is_cut_and_does_not_starve_the_others(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("printf first; head -c 200000000 /dev/zero; printf last", "loud"))
    engine.launch(bash("sleep 0.2", "quiet"))
    ends = listener.ends_of(2)
    output = ends["loud"].output
    assert output.total == 200_000_009
    assert output.head.startswith(b"first\0")
    assert output.tail.endswith(b"\0last")
    assert (len(output.head), len(output.tail)) == (1_000, 1_000)
    assert output.dropped == 200_000_009 - 2_000
    assert _took(ends["quiet"]) < 2


def test_output_is_kept_as_bytes(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash(r"printf 'a\xff\x00b'"))
    assert listener.end().output.head == b"a\xff\x00b"


def test_output_is_readable_while_the_process_runs(engine: Engine, listener: Remembering, tmp_path: Path) -> None:
    engine.launch(bash("echo early; sleep 60"))
    assert _what_is_printed(engine, RUN).head == b"early\n"
    _until_written(live(tmp_path, RUN), b"early\n")
    engine.cancel(RUN, "seen enough")
    assert listener.end().state is RunState.CANCELLED
    assert engine.output(RUN) is None


@pytest.mark.parametrize(
    "background",
    ["sleep 60", "while :; do echo y; sleep 0.05; done", "exec yes"],
    ids=["silent", "talking", "shouting"],
)
def test_a_background_process_that_holds_the_output_does_not_delay_the_end(
    engine: Engine, listener: Remembering, background: str
) -> None:
    engine.launch(bash(f"echo done; ({background}) &", f"forking-{RUN}"))
    outcome = listener.end()
    assert (outcome.state, outcome.reason) == (RunState.SUCCEEDED, None)
    assert outcome.output.head.startswith(b"done\n")
    assert _took(outcome) < 2
    terminate([f"forking-{RUN}"], timedelta(0))


def test_a_background_process_is_left_alone_when_its_run_ends_by_itself(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("sleep 60 > /dev/null 2>&1 &", f"daemon-{RUN}"))
    outcome = listener.end()
    assert outcome.state is RunState.SUCCEEDED
    assert _took(outcome) < 0.2
    assert terminate([f"daemon-{RUN}"], timedelta(seconds=5)) == {f"daemon-{RUN}": 1}


def test_what_a_filter_prints_right_after_the_end_is_kept(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("exec > >(sleep 0.05; cat); echo late"))
    assert listener.end().output.head == b"late\n"


# Many runs.


def test_three_hundred_processes_share_one_thread(engine: Engine, listener: Remembering) -> None:
    before = threading.active_count()
    for number in range(300):
        engine.launch(bash("exec sleep 1", f"run-{number}"))
    for _ in range(300):
        listener.starts.get(timeout=20)
    assert threading.active_count() <= before
    assert {outcome.state for outcome in listener.ends_of(300).values()} == {RunState.SUCCEEDED}


def test_hundreds_of_runs_leave_no_descriptor_and_no_file(
    engine: Engine, listener: Remembering, tmp_path: Path
) -> None:
    engine.launch(bash("true", "warm-up"))
    listener.end()
    before = _open_descriptors()
    for number in range(500):
        argv = ("true",) if number % 5 else ("no-such-program",)
        engine.launch(replace(bash("", f"run-{number}", stdin=b"some input"), argv=argv))
    assert engine.running()
    listener.ends_of(500)
    engine.launch(bash("true", "the engine has let go of all before"))
    listener.end()
    assert _open_descriptors() == before
    assert list(tmp_path.iterdir()) == []


# Trouble.


@pytest.mark.parametrize("spool", ["planted link", "no folder"])
def test_a_spool_that_cannot_be_written_costs_the_file_and_not_the_run(
    make_engine: Callable[..., Engine], listener: Remembering, tmp_path: Path, spool: str
) -> None:
    if spool == "planted link":
        live(tmp_path, RUN).symlink_to("/dev/full")
    (tmp_path / "file").touch()
    make_engine(spool_dir=tmp_path if spool == "planted link" else tmp_path / "file").launch(bash("echo in memory"))
    outcome = listener.end()
    assert outcome.state is RunState.SUCCEEDED
    assert outcome.output.head == b"in memory\n"
    assert "its output could not be spooled" in (outcome.reason or "")


class _Failing(Remembering):
    def started(self, run_id: str, pid: int, at: datetime) -> None:
        raise RuntimeError(run_id, pid, at)

    def finished(self, run_id: str, outcome: Outcome) -> None:
        super().finished(run_id, outcome)
        raise RuntimeError(run_id)


def test_a_listener_that_fails_does_not_end_the_engine(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    listener = _Failing()
    engine = ProcessEngine(listener, spool_dir=tmp_path, limits=LIMITS)
    engine.start()
    engine.launch(bash("true", "one"))
    engine.launch(bash("true", "two"))
    assert set(listener.ends_of(2)) == {"one", "two"}
    engine.stop(timedelta(0), "over")
    assert engine.running() == frozenset()
    assert [record.message for record in caplog.records].count("the listener failed") == 4


def test_an_unexpected_fault_fails_the_run_it_hit_and_no_other(
    listener: Remembering, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    readings = itertools.count(1)

    def clock() -> datetime:
        if next(readings) == 2:  # the first one is for the start
            raise ZeroDivisionError("the clock broke")
        return utc_now()

    engine = ProcessEngine(listener, spool_dir=tmp_path, limits=LIMITS, clock=clock)
    engine.start()
    engine.launch(bash("echo done", "hit"))
    outcome = listener.end()
    assert (outcome.state, outcome.output.head) == (RunState.FAILED, b"done\n")
    assert "ZeroDivisionError('the clock broke')" in (outcome.reason or "")
    engine.launch(bash("true", "next"))
    assert listener.end().state is RunState.SUCCEEDED
    engine.stop(timedelta(0), "over")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_run_is_not_launched_twice_at_a_time(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("sleep 0.1"))
    with pytest.raises(ValueError, match=f"{RUN} has been launched already"):
        engine.launch(bash("sleep 0.1"))
    assert listener.end().state is RunState.SUCCEEDED


SIGCHLD_IGNORED = """
import queue, signal, sys
from datetime import timedelta
from pathlib import Path
from schedsync.executors.base import Launch
from schedsync.executors.process import ProcessEngine
from schedsync.executors.spool import OutputLimits
class Listener:
    ends = queue.SimpleQueue()
    def started(self, run_id, pid, at): pass
    def finished(self, run_id, outcome): self.ends.put(outcome)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
engine = ProcessEngine(Listener(), spool_dir=Path(sys.argv[1]), limits=OutputLimits())
engine.start()
engine.launch(Launch("run-1", ("bash", "-c", "exit 3"), {"PATH": "/bin:/usr/bin"}))
outcome = Listener.ends.get(timeout=10)
print(outcome.state, outcome.exit_code, outcome.reason)
engine.stop(timedelta(0), "over")
"""


def test_an_exit_code_that_was_lost_is_not_taken_for_success(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SIGCHLD_IGNORED, tmp_path], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("lost None its exit code was lost; is SIGCHLD ignored")
    assert done.stderr == ""


def test_the_environment_is_the_launchs_own(engine: Engine, listener: Remembering) -> None:
    engine.launch(Launch(RUN, ("/usr/bin/env",), {"ONLY": "this"}))
    assert listener.end().output.head == b"ONLY=this\n"
