"""The engine in a process of its own: what is not as in a thread, and what becomes of it without the service."""

import os
import queue
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from schedsync.errors import EngineUnavailableError
from schedsync.executors.remote import RemoteEngine
from schedsync.runs.run import RunState
from tests.acceptance.harness import eventually
from tests.integration.executors.conftest import RUN, Remembering, bash, remote

SERVICE = """\
import os, sys, time
from datetime import timedelta
from pathlib import Path
from tests.integration.executors.conftest import Remembering, bash, remote

listener = Remembering()
engine = remote(listener, Path(sys.argv[1]))
engine.start()
engine.launch(bash("sleep 300", "%(run)s"))
pid = listener.starts.get(timeout=20)[1]
print(engine.pid, pid, flush=True)
time.sleep(300)
"""


@pytest.fixture
def pair(tmp_path: Path, listener: Remembering) -> tuple[RemoteEngine, "queue.SimpleQueue[str]"]:
    """An engine, and what is told when it is lost."""
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    return remote(listener, tmp_path, on_lost=lambda: told.put("lost")), told


def _lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_what_is_asked_for_before_the_start_is_done_then(
    pair: tuple[RemoteEngine, "queue.SimpleQueue[str]"], listener: Remembering
) -> None:
    engine, told = pair
    engine.launch(bash("echo early"))
    assert engine.running() == {RUN}
    assert engine.pid is None
    engine.start()
    outcome = listener.end()
    assert (outcome.state, outcome.output.head) == (RunState.SUCCEEDED, b"early\n")
    engine.stop(timedelta(0), "over")
    assert told.empty()


def test_one_that_was_never_started_can_be_stopped_and_nothing_is_run(
    pair: tuple[RemoteEngine, "queue.SimpleQueue[str]"], listener: Remembering, tmp_path: Path
) -> None:
    engine, _ = pair
    engine.launch(bash(f"touch {tmp_path}/mark; sleep 60"))
    engine.stop(timedelta(0), "over")
    assert listener.end().state is RunState.LOST
    with pytest.raises(RuntimeError, match="has stopped"):
        engine.launch(bash("true", "another"))


def test_the_process_knows_no_password_and_no_setting(
    pair: tuple[RemoteEngine, "queue.SimpleQueue[str]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, _ = pair
    monkeypatch.setenv("HIDDEN_PASSWORD", "tiger")
    monkeypatch.setenv("schedsync_database__password", "tiger")  # settings are heard in any letters
    monkeypatch.setenv("SCHEDSYNC_DATABASE__URL", "oracle://scott:tiger@there")
    monkeypatch.setenv("OTHER", "kept")
    engine.start()
    environ = Path(f"/proc/{engine.pid}/environ").read_bytes()
    engine.stop(timedelta(0), "over")
    assert b"OTHER=kept" in environ
    assert b"tiger" not in environ


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_stop_is_not_for_the_process_but_for_what_it_starts(
    pair: tuple[RemoteEngine, "queue.SimpleQueue[str]"], listener: Remembering, number: signal.Signals
) -> None:
    engine, told = pair
    engine.start()
    engine.launch(bash("echo up; read x", stdin=b"x\n"))
    assert listener.end().state is RunState.SUCCEEDED  # it serves, so it has its handlers
    os.kill(engine.pid or 0, number)
    engine.launch(bash(f"kill -{number.value} $$; sleep 60"))
    outcome = listener.end()
    engine.stop(timedelta(0), "over")
    assert (outcome.state, outcome.exit_code) == (RunState.FAILED, -number)
    assert told.empty()


def test_a_lost_process_is_told_once_and_runs_are_left_as_they_are(
    pair: tuple[RemoteEngine, "queue.SimpleQueue[str]"],
    listener: Remembering,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    engine, told = pair
    engine.start()
    engine.launch(bash("sleep 300"))
    _, pid = listener.starts.get(timeout=20)
    try:
        os.kill(engine.pid or 0, signal.SIGKILL)
        assert told.get(timeout=10) == "lost"
        assert engine.running() == {RUN}
        assert listener.ends.empty()
        assert engine.output(RUN) is None
        engine.launch(bash(f"touch {tmp_path}/mark", "another"))
        assert engine.running() == {RUN, "another"}  # as one that was launched a moment earlier
        engine.cancel(RUN, "nobody does")
        engine.stop(timedelta(0), "over")  # returns
    finally:
        os.killpg(pid, signal.SIGKILL)
    assert told.empty()
    assert listener.ends.empty()
    assert not (tmp_path / "mark").exists()
    assert "the process of the engine is gone, nobody watches what runs" in caplog.messages


SILENT = """\
import os, sys, time
from schedsync.executors.wire import Ready, Sender
sender = Sender(os.fdopen(1, "wb", buffering=0), "out")
sender.start()
sender.put(Ready())
sender.close()
time.sleep(300)
"""


def test_a_process_that_lives_and_says_nothing_more_is_ended_as_if_it_were_gone(
    pair: tuple[RemoteEngine, "queue.SimpleQueue[str]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, told = pair
    monkeypatch.setattr("schedsync.executors.remote.COMMAND", (sys.executable, "-c", SILENT))
    monkeypatch.setattr("schedsync.executors.remote.END", 0.1)
    engine.start()
    engine.launch(bash("true"))
    assert told.get(timeout=10) == "lost"
    eventually(lambda: not _lives(engine.pid or 0))
    assert engine.running() == {RUN}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit(3)", "ended with exit code 3 before it served"),
        ("import time; time.sleep(300)", "did not serve within 0 s, and was ended"),
    ],
)
def test_a_process_that_does_not_begin_is_an_error_of_the_start_and_nothing_is_told_of_it(
    pair: tuple[RemoteEngine, "queue.SimpleQueue[str]"], monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    engine, told = pair
    monkeypatch.setattr("schedsync.executors.remote.COMMAND", (sys.executable, "-c", code))
    if "sleep" in code:
        monkeypatch.setattr("schedsync.executors.remote.BEGIN", 0.1)
    with pytest.raises(EngineUnavailableError, match=said):
        engine.start()
    engine.stop(timedelta(0), "over")  # returns
    eventually(lambda: not _lives(engine.pid or 0))
    assert told.empty()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_comes_while_the_process_begins_does_not_end_it(
    pair: tuple[RemoteEngine, "queue.SimpleQueue[str]"], listener: Remembering, number: signal.Signals
) -> None:
    engine, told = pair

    def signal_at_once() -> None:
        eventually(lambda: engine.pid is not None)
        os.kill(engine.pid or 0, number)

    other = threading.Thread(target=signal_at_once)
    other.start()
    engine.start()
    other.join()
    engine.launch(bash(f"kill -{number.value} $$; sleep 60"))
    assert listener.end().exit_code == -number  # it does not wait in what is started
    engine.stop(timedelta(0), "over")
    assert told.empty()


def test_hurry_alone_ends_the_process_in_order(
    pair: tuple[RemoteEngine, "queue.SimpleQueue[str]"], listener: Remembering
) -> None:
    engine, told = pair
    engine.start()
    engine.launch(bash("sleep 300"))
    listener.starts.get(timeout=20)
    engine.hurry(timedelta(0), "in a hurry")
    assert listener.end().state is RunState.LOST
    eventually(lambda: not _lives(engine.pid or 0))
    engine.stop(timedelta(0), "over")  # returns
    assert told.empty()


def test_the_process_ends_with_its_service_and_leaves_what_runs_alone(tmp_path: Path) -> None:
    script = [sys.executable, "-c", SERVICE % {"run": RUN}, str(tmp_path)]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        engine, run = (int(word) for word in service.stdout.readline().split())
        try:
            service.kill()
            eventually(lambda: not _lives(engine))
            assert _lives(run)  # the next start finds it by its environment, and ends it
        finally:
            os.killpg(run, signal.SIGKILL)


def test_nothing_is_started_for_a_service_that_is_gone(tmp_path: Path) -> None:
    """Requests that lie in the pipe when the service is killed: the engine stands still until then."""
    script = SERVICE.replace('engine.launch(bash("sleep 300", "%(run)s"))', 'engine.launch(bash("true", "%(run)s"))')
    script = script.replace(
        "time.sleep(300)",
        f'os.kill(engine.pid, {int(signal.SIGSTOP)}); engine.launch(bash("touch {tmp_path}/mark", "late"));'
        " engine._sender.close(); engine._sender.join(); print('sent', flush=True); time.sleep(300)",
    )
    with subprocess.Popen(
        [sys.executable, "-c", script % {"run": RUN}, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout is not None
        engine = int(service.stdout.readline().split()[0])
        assert service.stdout.readline() == "sent\n"
        service.kill()
        service.wait()
        os.kill(engine, signal.SIGCONT)
        eventually(lambda: not _lives(engine))
    assert not (tmp_path / "mark").exists()


def test_a_process_has_no_descriptor_of_the_engine(
    pair: tuple[RemoteEngine, "queue.SimpleQueue[str]"], listener: Remembering, tmp_path: Path
) -> None:
    engine, _ = pair
    strange = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(strange, True)
    try:
        engine.start()
        for number in range(3):  # each has pipes
            engine.launch(bash("sleep 60", f"{number}" * 24))
            listener.starts.get(timeout=20)
        engine.launch(bash("cd /proc/$$/fd && echo *"))
        assert listener.end().output.head == b"0 1 2 3\n"  # the last one is the folder that is listed
    finally:
        os.close(strange)
        engine.stop(timedelta(0), "over")
