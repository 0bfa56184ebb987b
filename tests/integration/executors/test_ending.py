"""The engine on real processes: time limits, cancelling, stopping, and who has to be gone then."""

import os
import shlex
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from schedsync.executors import ending, orphans
from schedsync.executors.base import Engine
from schedsync.executors.ending import spelled
from schedsync.executors.orphans import processes_of, terminate
from schedsync.runs.outcome import Outcome
from schedsync.runs.run import RunState
from tests.integration.executors.conftest import ENGINES, LIMITS, RUN, Remembering, bash

SECOND = timedelta(seconds=1)
GRACE = 0.3 * SECOND
DEAF = "trap '' TERM; echo up; while :; do sleep 0.1; done"


@pytest.fixture(params=["pidfd", "polling", "no /proc"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Name what the system offers; macOS has no pidfds, no /proc and, before Python 3.13, no waitid."""
    if request.param != "pidfd":
        monkeypatch.delattr(os, "pidfd_open")
    if request.param == "polling":
        monkeypatch.delattr(os, "waitid")
    if request.param == "no /proc":
        monkeypatch.setattr(orphans, "_PROC", tmp_path / "absent")
    return str(request.param)


def _named(name: object) -> str:
    """Return an id of this test session's own: processes are ended by their run's id, wherever they come from."""
    return f"{name}-{RUN}"


def _took(outcome: Outcome) -> float:
    assert outcome.started_at is not None
    return (outcome.finished_at - outcome.started_at).total_seconds()


def _up(engine: Engine, *run_ids: str, lines: int = 1) -> None:
    """Wait until each of the runs has printed so many lines."""
    deadline = time.monotonic() + 20
    for run_id in run_ids:
        while (output := engine.output(run_id)) is None or output.head.count(b"\n") < lines:
            assert time.monotonic() < deadline
            time.sleep(0.01)  # between two questions, not for luck: the deadline decides


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# Time limits, and who is ended.


def test_a_timeout_ends_a_grandchild_that_ignores_sigterm(engine: Engine, listener: Remembering) -> None:
    text = "bash -c 'trap \"\" TERM; sleep 60 & wait; sleep 60' & wait"
    engine.launch(bash(text, timeout=SECOND, kill_grace=GRACE))
    outcome = listener.end()
    assert outcome.state is RunState.TIMED_OUT
    assert outcome.reason == "timeout of 1s exceeded; ended by SIGKILL after a grace of 0.3s"
    assert outcome.exit_code == -15
    assert 1.3 <= _took(outcome) < 2.3
    assert processes_of([RUN]) == {}


def test_a_process_that_obeys_sigterm_is_gone_before_the_grace_is_over(
    system: str, engine: Engine, listener: Remembering
) -> None:
    engine.launch(bash("sleep 60", timeout=SECOND / 5, kill_grace=30 * SECOND))
    outcome = listener.end()
    assert outcome.reason == "timeout of 0.2s exceeded; ended by SIGTERM", system
    assert outcome.exit_code == -15
    assert _took(outcome) < 2


def test_a_deaf_grandchild_is_ended_on_every_system(
    system: str, engine: Engine, listener: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.launch(bash(f"bash -c {shlex.quote(DEAF)} & wait", kill_grace=GRACE))
    _up(engine, RUN)
    engine.cancel(RUN, "enough")
    assert listener.end().reason == "enough; ended by SIGKILL after a grace of 0.3s", system
    monkeypatch.undo()
    assert processes_of([RUN]) == {}


def test_ends_are_noticed_on_every_system(system: str, engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("echo one; exit 3", _named("one"), timeout=60 * SECOND))
    engine.launch(bash("echo two; exec 1>&- 2>&-; sleep 0.1", _named("two")))
    ends = listener.ends_of(2)
    assert ends[_named("one")].reason == "exit code 3", system
    assert ends[_named("two")].state is RunState.SUCCEEDED
    assert ends[_named("two")].output.head == b"two\n"


def test_a_process_may_end_in_its_own_way_within_the_grace(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("trap 'sleep 0.2; echo tidy; exit 5' TERM; echo up; while :; do sleep 0.05; done"))
    _up(engine, RUN)
    engine.cancel(RUN, "enough")
    outcome = listener.end()
    assert (outcome.exit_code, outcome.reason) == (5, "enough; ended by SIGTERM")
    assert outcome.output.head.endswith(b"tidy\n")


@pytest.mark.parametrize(
    "escape",
    ["setsid bash -c {}", "setsid setsid --fork bash -c {}", "set -m; env -i /bin/bash -c {}"],
    ids=["own session", "daemon", "own group and no environment"],
)
def test_a_process_that_left_the_group_is_ended_too(engine: Engine, listener: Remembering, escape: str) -> None:
    deaf = shlex.quote(f"echo $$; {DEAF}")
    engine.launch(bash(escape.format(deaf) + " & sleep 60", kill_grace=GRACE))
    _up(engine, RUN, lines=2)
    engine.cancel(RUN, "enough")
    outcome = listener.end()
    assert outcome.reason == "enough; ended by SIGKILL after a grace of 0.3s"
    assert not _lives(int(outcome.output.head.split()[0]))


def test_who_left_the_group_gets_sigterm_and_the_grace_too(engine: Engine, listener: Remembering) -> None:
    tidy = shlex.quote("trap 'echo tidy; exit' TERM; echo up; while :; do sleep 0.05; done")
    engine.launch(bash(f"setsid bash -c {tidy} & sleep 60", kill_grace=10 * SECOND))
    _up(engine, RUN)
    engine.cancel(RUN, "enough")
    outcome = listener.end()
    assert outcome.reason == "enough; ended by SIGTERM"
    assert outcome.output.head.endswith(b"tidy\n")


def test_each_process_is_told_to_end_once(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("trap 'echo told' TERM; echo up; while :; do sleep 0.05; done", kill_grace=GRACE))
    _up(engine, RUN)
    engine.cancel(RUN, "enough")
    assert listener.end().output.head.count(b"told") == 1


def test_a_timeout_may_be_longer_than_the_system_can_wait(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("sleep 0.1", timeout=timedelta(days=3_650)))
    assert listener.end().state is RunState.SUCCEEDED


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2, "2s"), (0.5, "0.5s"), (90, "1m30s"), (3_600, "1h"), (5_400, "1h30m"), (0, "0s"), (172_800, "48h")],
)
def test_durations_are_written_the_short_way(seconds: float, text: str) -> None:
    assert spelled(timedelta(seconds=seconds)) == text


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Popen says that its process still lives, and so it does
@pytest.mark.parametrize("place", ["thread"], indirect=True)  # it cannot be patched elsewhere
def test_what_cannot_be_ended_does_not_hold_the_engine_for_ever(
    make_engine: Callable[..., Engine], listener: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "killpg", _refuse)
    monkeypatch.setattr(ending, "LAST_WAIT", 0.2)
    engine = make_engine()
    engine.launch(bash("echo up; exec sleep 60", kill_grace=GRACE))
    _up(engine, RUN)
    pid = listener.starts.get(timeout=5)[1]
    engine.stop(timedelta(0), "stopped")
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code) == (RunState.LOST, None)
    assert outcome.reason == f"stopped; not all of its processes could be ended by SIGKILL (pid {pid})"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _refuse(pgid: int, number: int) -> None:
    raise PermissionError(pgid, number)


# Cancelling.


def test_a_cancelled_run_has_the_state_and_the_reason_it_was_given(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash(DEAF, kill_grace=GRACE))
    _up(engine, RUN)
    engine.cancel(RUN, "replaced by a later slot")
    engine.cancel(RUN, "too late", RunState.LOST)
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code) == (RunState.CANCELLED, -9)
    assert outcome.reason == "replaced by a later slot; ended by SIGKILL after a grace of 0.3s"


def test_a_run_can_be_cancelled_before_its_process_exists(engine: Engine, listener: Remembering) -> None:
    for number in range(20):
        engine.launch(bash("sleep 60", _named(number)))
        engine.cancel(_named(number), "never mind")
    assert {outcome.state for outcome in listener.ends_of(20).values()} == {RunState.CANCELLED}
    assert processes_of([_named(number) for number in range(20)]) == {}


@pytest.mark.parametrize("place", ["thread"], indirect=True)  # only a parent can wait
def test_a_run_that_has_ended_is_not_cancelled(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("sleep 60 & exit 3", _named("ended")))
    pid = listener.starts.get(timeout=5)[1]
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    engine.cancel(_named("ended"), "too late")
    engine.cancel(_named("unknown"), "too late")
    assert listener.end().reason == "exit code 3"
    assert terminate([_named("ended")], timedelta(0)) == {_named("ended"): 1}


# Stopping.


def test_stopping_ends_what_does_not_end_by_itself_as_lost(
    make_engine: Callable[..., Engine], listener: Remembering
) -> None:
    engine = make_engine()
    engine.launch(bash("sleep 0.3", _named("short")))
    engine.launch(bash("sleep 60", _named("long")))
    engine.launch(bash(DEAF, _named("deaf"), kill_grace=GRACE))
    _up(engine, _named("deaf"))
    engine.stop(SECOND / 2, "ended because the service stopped")
    ends = listener.ends_of(3)
    assert ends[_named("short")].state is RunState.SUCCEEDED
    assert ends[_named("long")].state is ends[_named("deaf")].state is RunState.LOST
    assert ends[_named("long")].reason == "ended because the service stopped; ended by SIGTERM"
    assert ends[_named("deaf")].reason == "ended because the service stopped; ended by SIGKILL after a grace of 0.3s"
    assert engine.running() == frozenset()
    assert processes_of([_named("long"), _named("deaf")]) == {}


def test_stopping_many_takes_no_longer_than_stopping_one(
    make_engine: Callable[..., Engine], listener: Remembering
) -> None:
    engine = make_engine()
    names = [_named(number) for number in range(100)]
    for name in names:
        engine.launch(bash(DEAF, name, kill_grace=GRACE))
    _up(engine, *names)
    began = time.monotonic()
    engine.stop(timedelta(0), "stopped")
    assert time.monotonic() - began < 4
    assert {outcome.state for outcome in listener.ends_of(100).values()} == {RunState.LOST}


@pytest.mark.parametrize("begun", [False, True], ids=["runs that may end", "runs that are being ended"])
def test_a_stop_that_is_hurried_cuts_the_grace_of_all_runs(
    make_engine: Callable[..., Engine], listener: Remembering, begun: bool
) -> None:
    engine = make_engine()
    engine.launch(bash(DEAF, _named("deaf"), kill_grace=60 * SECOND))
    engine.launch(bash(DEAF, _named("quick"), kill_grace=GRACE / 3))
    _up(engine, _named("deaf"), _named("quick"))
    if begun:
        engine.cancel(_named("deaf"), "replaced", RunState.CANCELLED)
    engine.hurry(GRACE, "stopped")
    engine.hurry(GRACE, "stopped again")
    began = time.monotonic()
    engine.stop(60 * SECOND, "stopped")
    assert time.monotonic() - began < 4
    ends = listener.ends_of(2)
    why = "replaced" if begun else "stopped"
    assert ends[_named("deaf")].reason == f"{why}; ended by SIGKILL, its grace of 1m was cut to 0.3s"
    assert ends[_named("quick")].reason == "stopped; ended by SIGKILL after a grace of 0.1s"


def test_a_stopped_engine_has_no_thread_and_takes_nothing_more(
    make_engine: Callable[..., Engine], listener: Remembering
) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    engine = make_engine()
    engine.launch(bash("true"))
    engine.stop(10 * SECOND, "stopped")
    engine.stop(10 * SECOND, "stopped again")
    assert listener.end().state is RunState.SUCCEEDED
    with pytest.raises(RuntimeError, match="the engine has stopped"):
        engine.launch(bash("true"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_launched_while_the_engine_stops_is_lost_and_was_never_started(place: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    class Late(Remembering):
        def finished(self, run_id: str, outcome: Outcome) -> None:
            super().finished(run_id, outcome)
            if run_id == _named("first"):
                engine.launch(bash(f"touch {mark}", _named("late")))

    listener = Late()
    engine = ENGINES[place](listener, tmp_path, LIMITS)
    engine.start()
    engine.launch(bash(DEAF, _named("first"), kill_grace=GRACE))
    _up(engine, _named("first"))
    engine.stop(timedelta(0), "the service stopped")
    late = listener.ends_of(2)[_named("late")]
    assert (late.state, late.started_at, late.reason) == (RunState.LOST, None, "not started; the service stopped")
    assert not mark.exists()
