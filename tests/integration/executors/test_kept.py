"""Runs with a keeper: they outlive their engine, and the next one takes them up."""

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from schedsync.clock import utc_now
from schedsync.executors.base import Engine, Launch
from schedsync.executors.confinement import account_of, confinement_of
from schedsync.executors.identity import process_name
from schedsync.executors.kept import end_of, forget, keep, living_keeper
from schedsync.running.keeping import taken_up
from schedsync.runs.run import RunState
from schedsync.specs.actions import ShellAction
from tests.acceptance.harness import eventually
from tests.builders import spec
from tests.integration.executors.conftest import LIMITS, Remembering, bash

MakeEngine = Callable[..., Engine]


def _kept(tmp_path: Path, text: str, run_id: str, **more: object) -> Launch:
    return keep(bash(text, run_id, **more), tmp_path, LIMITS, os.environ)


def _again(run_id: str, **fields: object) -> Launch:
    return taken_up(run_id, spec(kill_grace="1s", **fields))


def _keeper(tmp_path: Path, run_id: str) -> int:
    return eventually(lambda: living_keeper(tmp_path, run_id)) or 0


@pytest.fixture
def run_id(request: pytest.FixtureRequest) -> str:
    """A run of its own for each test: processes are found by it."""
    return f"kept-{os.getpid()}-{abs(hash(request.node.name)):x}"[:40]


def test_a_kept_run_ends_as_its_process_does(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    engine = make_engine()
    engine.launch(_kept(tmp_path, "echo out; echo err >&2; exit 3", run_id))
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code, outcome.reason) == (RunState.FAILED, 3, "exit code 3")
    assert sorted(outcome.output.head.split()) == [b"err", b"out"]


def test_what_cannot_be_started_says_why(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    launch = Launch(run_id, ("no-such-program",), {"PATH": os.environ["PATH"], "SCHEDSYNC_RUN_ID": run_id})
    make_engine().launch(keep(launch, tmp_path, LIMITS, os.environ))
    outcome = listener.end()
    assert outcome.state is RunState.FAILED
    assert 'cannot start "no-such-program"' in (outcome.reason or "")


def test_output_is_there_while_the_run_lives(make_engine: MakeEngine, tmp_path: Path, run_id: str) -> None:
    engine = make_engine()
    engine.launch(_kept(tmp_path, "echo first; sleep 60", run_id))
    eventually(lambda: (output := engine.output(run_id)) is not None and output.head == b"first\n")
    engine.cancel(run_id, "enough")


def test_sigterm_reaches_the_run_and_its_keeper_tells_the_end(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    engine = make_engine()
    engine.launch(_kept(tmp_path, "trap 'echo bye; exit 0' TERM; echo ready; sleep 60 & wait", run_id))
    eventually(lambda: (output := engine.output(run_id)) is not None and output.head == b"ready\n")
    engine.cancel(run_id, "enough")
    outcome = listener.end()
    assert outcome.state is RunState.CANCELLED
    assert outcome.output.head == b"ready\nbye\n"
    assert outcome.reason == "enough; ended by SIGTERM"


def test_a_timeout_ends_the_run_and_its_keeper(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    engine = make_engine()
    engine.launch(_kept(tmp_path, "trap '' TERM; sleep 60", run_id, timeout=timedelta(seconds=0.5)))
    outcome = listener.end()
    assert outcome.state is RunState.TIMED_OUT
    assert living_keeper(tmp_path, run_id) is None


def test_a_stopped_engine_leaves_the_run_and_the_next_one_hears_its_end(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    first = make_engine()
    first.launch(
        _kept(tmp_path, f"echo begun; until [ -e {tmp_path}/go ]; do sleep 0.05; done; echo done; exit 4", run_id)
    )
    keeper = _keeper(tmp_path, run_id)
    first.stop(timedelta(), "stopped")
    assert listener.ends.empty()
    second = make_engine()
    started_at = utc_now() - timedelta(minutes=5)
    second.take_up(_again(run_id), keeper, started_at)
    eventually(lambda: (output := second.output(run_id)) is not None and output.head == b"begun\n")
    (tmp_path / "go").touch()
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code, outcome.started_at) == (RunState.FAILED, 4, started_at)
    assert outcome.output.head == b"begun\ndone\n"


def test_a_run_that_is_taken_up_keeps_its_timeout(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    first = make_engine()
    first.launch(_kept(tmp_path, "sleep 60", run_id))
    keeper = _keeper(tmp_path, run_id)
    first.stop(timedelta(), "stopped")
    make_engine().take_up(_again(run_id, timeout="1m"), keeper, utc_now() - timedelta(hours=1))
    assert listener.end().state is RunState.TIMED_OUT
    assert living_keeper(tmp_path, run_id) is None


def test_a_run_that_ended_while_nobody_watched_has_its_own_end(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    first = make_engine()
    first.launch(_kept(tmp_path, "echo out; exit 5", run_id))
    pid = listener.starts.get(timeout=10)[1]
    eventually(lambda: end_of(tmp_path, run_id))
    listener.end()
    make_engine().take_up(_again(run_id), pid, utc_now())
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code, outcome.output.head) == (RunState.FAILED, 5, b"out\n")


def test_a_killed_keeper_is_a_lost_run(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    make_engine().launch(_kept(tmp_path, "exec sleep 60", run_id))
    os.killpg(_keeper(tmp_path, run_id), signal.SIGKILL)
    outcome = listener.end()
    assert outcome.state is RunState.LOST
    assert "keeper" in (outcome.reason or "")


def test_a_keeper_ends_what_nobody_watches_any_more(
    make_engine: MakeEngine, tmp_path: Path, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedsync.executors.kept.SLACK", timedelta(seconds=1))
    first = make_engine()
    timeout = timedelta(seconds=2)
    first.launch(_kept(tmp_path, "sleep 60", run_id, timeout=timeout, kill_grace=timedelta()))
    keeper = _keeper(tmp_path, run_id)
    first.stop(timedelta(), "stopped")
    end = eventually(lambda: end_of(tmp_path, run_id))
    assert end is not None
    assert end.code is None
    eventually(lambda: not Path(f"/proc/{keeper}/environ").exists() or living_keeper(tmp_path, run_id) is None)


def test_the_keeper_does_not_mind_what_the_author_sets(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    env = {"PATH": os.environ["PATH"], "SCHEDSYNC_RUN_ID": run_id, "PYTHONHOME": "/nowhere", "MINE": "x"}
    make_engine().launch(_kept(tmp_path, 'echo "$PYTHONHOME $MINE"', run_id, env=env))
    outcome = listener.end()
    assert (outcome.state, outcome.output.head) == (RunState.SUCCEEDED, b"/nowhere x\n")


def test_nothing_is_left_when_it_is_forgotten(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    make_engine().launch(_kept(tmp_path, "echo printed", run_id))
    listener.end()
    assert {path.suffix for path in tmp_path.glob(f"{run_id}*")} == {".keeper", ".end", ".log"}
    forget(tmp_path, [run_id])
    assert not list(tmp_path.glob(f"{run_id}*"))


def test_secrets_and_bad_lines_are_the_keepers_business_too(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    more = {"secrets": ("hunter22",), "fail_on_output": "ORA-[0-9]+"}
    make_engine().launch(_kept(tmp_path, "printf hunt; sleep 0.1; echo er22; echo ORA-00600 hunter22", run_id, **more))
    outcome = listener.end()
    assert outcome.output.head == b"[redacted]\nORA-00600 [redacted]\n"
    assert (outcome.state, outcome.exit_code) == (RunState.FAILED, 0)
    assert outcome.reason == 'output matches "ORA-[0-9]+": ORA-00600 [redacted]'
    assert not [path for path in tmp_path.iterdir() if b"hunter22" in path.read_bytes()]


def test_exit_codes_that_are_success_hold_for_kept_runs(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    make_engine().launch(_kept(tmp_path, "exit 3", run_id, success_exit_codes=frozenset({0, 3})))
    assert listener.end().state is RunState.SUCCEEDED


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_kept_run_has_its_user_and_its_limits_and_its_keeper_has_not(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    action = ShellAction.model_validate({"shell": "x", "user": "nobody", "umask": "027", "limits": {"files": 99}})
    confinement = confinement_of(action, account_of("nobody"), os.environ)
    make_engine().launch(_kept(tmp_path, "id -un; umask; ulimit -n; cat /nowhere", run_id, confinement=confinement))
    outcome = listener.end()
    assert outcome.output.head.split(b"\n")[:3] == [b"nobody", b"0027", b"99"]
    assert end_of(tmp_path, run_id) is not None


def test_an_end_that_cannot_be_written_is_told_to_whoever_listens(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    text = f"echo out; rm -r {spool}; touch {spool}; exit 3"  # no folder can be made there again
    make_engine(spool).launch(keep(bash(text, run_id), spool, LIMITS, os.environ))
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code, outcome.output.head) == (RunState.FAILED, 3, b"out\n")


def test_what_a_killed_keeper_kept_is_ended_before_anything_follows(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    make_engine().launch(_kept(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60", run_id))
    eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    os.kill(_keeper(tmp_path, run_id), signal.SIGKILL)
    assert listener.end().state is RunState.LOST
    assert process_name(int((tmp_path / "pid").read_text())) is None


def test_what_the_author_says_does_not_tell_the_keeper_where_its_code_is(
    make_engine: MakeEngine, listener: Remembering, tmp_path: Path, run_id: str
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)\n")
    env = {"PATH": os.environ["PATH"], "SCHEDSYNC_RUN_ID": run_id, "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}
    make_engine().launch(_kept(tmp_path, 'echo "$PYTHONPATH"', run_id, env=env))
    outcome = listener.end()
    assert (outcome.state, outcome.output.head) == (RunState.SUCCEEDED, f"{tmp_path}\n".encode())


def test_an_end_after_sigterm_says_so(make_engine: MakeEngine, tmp_path: Path, run_id: str) -> None:
    engine = make_engine()
    engine.launch(_kept(tmp_path, "trap 'exit 0' TERM; echo ready; sleep 60 & wait", run_id))
    eventually(lambda: (output := engine.output(run_id)) is not None and output.head == b"ready\n")
    os.killpg(_keeper(tmp_path, run_id), signal.SIGTERM)
    end = eventually(lambda: end_of(tmp_path, run_id))
    assert end is not None
    assert (end.code, end.told_to_end) == (0, True)
