"""The engine on real processes."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from schedsync.executors.orphans import processes_of
from schedsync.executors.process import ProcessEngine
from schedsync.runs.outcome import Outcome
from schedsync.runs.run import RunState
from tests.integration.executors.conftest import LIMITS, RUN, Remembering, bash


def _took(outcome: Outcome) -> float:
    assert outcome.started_at is not None
    return (outcome.finished_at - outcome.started_at).total_seconds()


def test_a_process_that_ends_well_has_succeeded_with_its_output(engine: ProcessEngine, listener: Remembering) -> None:
    engine.launch(bash("echo out; echo err >&2"))
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code, outcome.reason) == (RunState.SUCCEEDED, 0, None)
    assert outcome.output.head == b"out\nerr\n"
    assert listener.starts.get(timeout=5)[0] == RUN


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [("exit 3", 3, "exit code 3"), ("kill -9 $$", -9, "ended by signal 9 (SIGKILL)")],
    ids=["exit code", "signal"],
)
def test_a_process_that_ends_badly_has_failed_and_says_how(
    engine: ProcessEngine, listener: Remembering, text: str, code: int, reason: str
) -> None:
    engine.launch(bash(text))
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code, outcome.reason) == (RunState.FAILED, code, reason)


def test_what_cannot_be_started_is_a_failed_run_with_a_sentence(
    engine: ProcessEngine, listener: Remembering, tmp_path: Path
) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("no program")
    cases = {
        "missing": (replace(bash("", "missing"), argv=("no-such-program",)), "no such program"),
        "not-executable": (replace(bash("", "not-executable"), argv=(str(plain),)), "not executable"),
        "no-folder": (bash("true", "no-folder", cwd="/no/such/folder"), 'the folder "/no/such/folder" (cwd)'),
        "nul": (replace(bash("", "nul"), argv=("echo", "a\0b")), "null byte"),
    }
    for launch, _ in cases.values():
        engine.launch(launch)
    for run_id, outcome in listener.ends_of(len(cases)).items():
        assert outcome.state is RunState.FAILED
        assert cases[run_id][1] in (outcome.reason or "")


def test_a_timeout_ends_a_grandchild_that_ignores_sigterm(engine: ProcessEngine, listener: Remembering) -> None:
    text = "bash -c 'trap \"\" TERM; sleep 60 & wait; sleep 60' & wait"
    engine.launch(bash(text, timeout=timedelta(seconds=1)))
    outcome = listener.end()
    assert outcome.state is RunState.TIMED_OUT
    assert outcome.reason == "timeout of 1s exceeded; ended by SIGKILL"
    assert processes_of([RUN]) == {}
    assert 1.9 < _took(outcome) < 4


def test_a_process_that_obeys_sigterm_is_gone_before_the_grace_is_over(
    engine: ProcessEngine, listener: Remembering
) -> None:
    engine.launch(bash("sleep 60", timeout=timedelta(seconds=1), kill_grace=timedelta(seconds=30)))
    outcome = listener.end()
    assert outcome.reason == "timeout of 1s exceeded; ended by SIGTERM"
    assert _took(outcome) < 5


def test_a_process_that_left_the_group_is_ended_too(engine: ProcessEngine, listener: Remembering) -> None:
    engine.launch(bash("setsid bash -c 'trap \"\" TERM; sleep 60; sleep 60' & wait", timeout=timedelta(seconds=1)))
    assert listener.end().state is RunState.TIMED_OUT
    assert processes_of([RUN]) == {}


def test_a_background_process_that_holds_the_output_does_not_delay_the_end(
    engine: ProcessEngine, listener: Remembering
) -> None:
    engine.launch(bash("sleep 5 & echo done"))
    outcome = listener.end()
    assert outcome.output.head == b"done\n"
    assert _took(outcome) < 2


def test_a_loud_process_is_cut_and_does_not_starve_the_others(engine: ProcessEngine, listener: Remembering) -> None:
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


def test_output_is_kept_as_bytes(engine: ProcessEngine, listener: Remembering) -> None:
    engine.launch(bash(r"printf 'a\xff\x00b'"))
    assert listener.end().output.head == b"a\xff\x00b"


def test_output_is_readable_while_the_process_runs(engine: ProcessEngine, listener: Remembering) -> None:
    engine.launch(bash("echo early; read -r line < /dev/null; sleep 60"))
    listener.starts.get(timeout=5)
    deadline = time.monotonic() + 10
    while (live := engine.output(RUN)) is None or not live.total:
        assert time.monotonic() < deadline
    assert live.head == b"early\n"
    engine.cancel(RUN, "seen enough")
    assert listener.end().state is RunState.CANCELLED
    assert engine.output(RUN) is None


def test_three_hundred_processes_share_one_thread(engine: ProcessEngine, listener: Remembering) -> None:
    before = threading.active_count()
    for number in range(300):
        engine.launch(bash("exec sleep 1", f"run-{number}"))
    for _ in range(300):
        listener.starts.get(timeout=20)
    assert threading.active_count() <= before
    assert {outcome.state for outcome in listener.ends_of(300).values()} == {RunState.SUCCEEDED}


def test_hundreds_of_runs_leave_no_descriptor_and_no_file(
    engine: ProcessEngine, listener: Remembering, tmp_path: Path
) -> None:
    engine.launch(bash("true", "warm-up"))
    listener.end()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(300):
        engine.launch(bash("echo x", f"run-{number}", stdin=b"some input"))
    listener.ends_of(300)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert list(tmp_path.iterdir()) == []


def test_stopping_ends_what_does_not_end_by_itself_as_lost(
    make_engine: Callable[..., ProcessEngine], listener: Remembering
) -> None:
    engine = make_engine()
    engine.launch(bash("sleep 0.3", "short"))
    engine.launch(bash("sleep 60", "long"))
    for _ in range(2):
        listener.starts.get(timeout=5)
    engine.stop(timedelta(seconds=1), "ended because the service stopped")
    ends = listener.ends_of(2)
    assert ends["short"].state is RunState.SUCCEEDED
    assert ends["long"].state is RunState.LOST
    assert (ends["long"].reason or "").startswith("ended because the service stopped")
    assert engine.running() == frozenset()


def test_a_full_disk_costs_the_spool_file_and_not_the_run(
    make_engine: Callable[..., ProcessEngine], listener: Remembering, tmp_path: Path
) -> None:
    (tmp_path / f"{RUN}.log").symlink_to("/dev/full")
    make_engine().launch(bash("echo kept in memory"))
    outcome = listener.end()
    assert outcome.state is RunState.SUCCEEDED
    assert outcome.output.head == b"kept in memory\n"
    assert "could not be spooled" in (outcome.reason or "")


def test_a_listener_that_fails_does_not_end_the_engine(tmp_path: Path) -> None:
    class Failing(Remembering):
        def started(self, run_id: str, pid: int, at: datetime) -> None:
            raise RuntimeError(run_id, pid, at)

    listener = Failing()
    engine = ProcessEngine(listener, spool_dir=tmp_path, limits=LIMITS)
    engine.start()
    engine.launch(bash("true", "one"))
    engine.launch(bash("true", "two"))
    assert set(listener.ends_of(2)) == {"one", "two"}
    engine.stop(timedelta(0), "over")
