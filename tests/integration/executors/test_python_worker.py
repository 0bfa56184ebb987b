"""Python functions in interpreters of their own."""

import os
import signal
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from schedsync.executors.base import Engine, Launch
from schedsync.executors.orphans import terminate
from schedsync.executors.python_call import python_argv, request
from schedsync.runs.run import RunState
from tests.integration.executors.conftest import RUN, Remembering, bash

MODULE = """
import asyncio, os, sys, threading, time
LIMIT = 3
def greet(name, loud=False):
    print("hello", name)
    return name.upper() if loud else None
def fail():
    raise ValueError("no good")
def fail_below():
    print("before", end="")
    fail()
def leave():
    sys.exit(7)
def leave_with_words():
    sys.exit("nothing to do")
def crash():
    os.abort()
def read():
    return sys.stdin.read()
def leak():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
def leave_well():
    sys.exit(0)
def leave_at_once():
    print("lost", end="")
    os._exit(3)
def dereference_null():
    import ctypes
    ctypes.string_at(0)
def close_stdout(result=None):
    print("before")
    sys.stdout.close()
    return result
def close_stdout_and_fail():
    sys.stdout.close()
    fail()
def close_both():
    os.close(1)
    os.close(2)
def leave_daemon():
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
        os._exit(0)
    return "forked"
def leave_pool():
    from concurrent.futures import ThreadPoolExecutor
    ThreadPoolExecutor(2).submit(time.sleep, 0.1)
def leave_thread():
    print("working")
    threading.Thread(target=time.sleep, args=(60,), name="stuck").start()
def cwd_on_path():
    return os.getcwd() in sys.path or "" in sys.path
async def later(value):
    await asyncio.sleep(0)
    return value
async def fail_later():
    fail()
def talk():
    print("first line")
    time.sleep(60)
class Nested:
    @staticmethod
    def method():
        return 42
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    jobs = tmp_path / "jobs"
    (jobs / "package").mkdir(parents=True)
    (jobs / "work.py").write_text(MODULE)
    (jobs / "json.py").write_text("raise RuntimeError('not the real one')\n")
    (jobs / "needy.py").write_text("import os\nimport no_such_dependency\n")
    (jobs / "broken.py").write_text("def f(:\n")
    (jobs / "raising.py").write_text("import broken\n")
    (jobs / "package" / "__init__.py").write_text("")
    (jobs / "package" / "report.py").write_text("from os import no_such_name\n")
    return jobs


def _call(stdin: bytes, cwd: Path) -> Launch:
    return replace(bash(""), argv=python_argv(), stdin=stdin, env=dict(os.environ), cwd=str(cwd))


@pytest.mark.parametrize(
    ("target", "args", "kwargs", "state", "says"),
    [
        ("work:greet", ["you"], {"loud": True}, RunState.SUCCEEDED, "hello you\n'YOU'\n"),
        ("work:greet", ["Grüße"], {}, RunState.SUCCEEDED, "hello Grüße\n"),
        ("work:read", [], {}, RunState.SUCCEEDED, "''\n"),
        ("work:Nested.method", [], {}, RunState.SUCCEEDED, "42\n"),
        ("work:leak", [], {}, RunState.SUCCEEDED, ""),
        ("work:later", [5], {}, RunState.SUCCEEDED, "5\n"),
        ("work:cwd_on_path", [], {}, RunState.SUCCEEDED, "False\n"),
        ("work:fail", [], {}, RunState.FAILED, "ValueError: no good"),
        ("work:fail_later", [], {}, RunState.FAILED, "ValueError: no good"),
        ("work:leave", [], {}, RunState.FAILED, ""),
        ("work:leave_with_words", [], {}, RunState.FAILED, "nothing to do\n"),
        ("work:leave_well", [], {}, RunState.SUCCEEDED, ""),
        ("work:leave_at_once", [], {}, RunState.FAILED, ""),
        ("work:close_stdout", [], {}, RunState.SUCCEEDED, "before\n"),
        ("work:close_stdout", [5], {}, RunState.SUCCEEDED, "before\n"),
        ("work:close_stdout_and_fail", [], {}, RunState.FAILED, "ValueError: no good"),
        ("work:close_both", [], {}, RunState.SUCCEEDED, ""),
        ("work:leave_pool", [], {}, RunState.SUCCEEDED, ""),
        ("work:greet", [], {"nmae": 1}, RunState.FAILED, "greet() got an unexpected keyword argument 'nmae'"),
        ("work:gret", [], {}, RunState.FAILED, 'has no function "gret"; did you mean "greet"?'),
        ("work:xyz", [], {}, RunState.FAILED, '"work" has no function "xyz"; it has Nested, close_both, '),
        ("work:Nested.methud", [], {}, RunState.FAILED, '"Nested" has no function "methud"; did you mean "method"?'),
        ("work:LIMIT", [], {}, RunState.FAILED, 'cannot call "work:LIMIT": it is no function, but of type int\n'),
        ("wrok:greet", [], {}, RunState.FAILED, 'cannot import "wrok": No module named \'wrok\'; did you mean "work"?'),
        ("package.reprot:f", [], {}, RunState.FAILED, 'did you mean "package.report"?'),
        ("package.report:f", [], {}, RunState.FAILED, "cannot import name 'no_such_name' from 'os'"),
        ("needy:f", [], {}, RunState.FAILED, "needy.py, line 2); install it for "),
        ("broken:f", [], {}, RunState.FAILED, "SyntaxError: invalid syntax"),
        ("raising:f", [], {}, RunState.FAILED, "raising.py"),
    ],
)
def test_a_function_is_called_and_its_end_is_the_runs(  # noqa: PLR0917 - a table
    engine: Engine,
    listener: Remembering,
    folder: Path,
    target: str,
    args: list[object],
    kwargs: dict[str, object],
    state: RunState,
    says: str,
) -> None:
    stdin = request(target, args, kwargs, [str(folder)])
    engine.launch(_call(stdin, cwd=folder.parent))
    outcome = listener.end()
    text = outcome.output.head.decode()
    assert outcome.state is state, text
    assert says in text
    assert "python_worker" not in text
    assert "importlib" not in text
    if state is RunState.FAILED:
        assert outcome.exit_code == {"work:leave": 7, "work:leave_at_once": 3}.get(target, 1)


@pytest.mark.parametrize(("target", "number"), [("crash", signal.SIGABRT), ("dereference_null", signal.SIGSEGV)])
def test_a_crash_of_the_interpreter_is_a_signal_and_the_output_says_where_it_was(
    engine: Engine, listener: Remembering, folder: Path, target: str, number: signal.Signals
) -> None:
    engine.launch(_call(request(f"work:{target}", [], {}, [str(folder)]), cwd=folder.parent))
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code) == (RunState.FAILED, -number)
    assert outcome.reason == f"ended by signal {int(number)} ({number.name})"
    assert f'{folder}/work.py", line' in outcome.output.head.decode()


def test_a_daemon_that_a_function_forks_and_that_holds_the_output_does_not_delay_the_end(
    engine: Engine, listener: Remembering, folder: Path
) -> None:
    launch = _call(request("work:leave_daemon", [], {}, [str(folder)]), cwd=folder.parent)
    launch = replace(launch, run_id=f"forking-{RUN}", env=dict(launch.env) | {"SCHEDSYNC_RUN_ID": f"forking-{RUN}"})
    engine.launch(launch)
    outcome = listener.end(within=10)
    assert (outcome.state, outcome.output.head) == (RunState.SUCCEEDED, b"'forked'\n")
    assert terminate([f"forking-{RUN}"], timedelta(0)) == {f"forking-{RUN}": 1}


def test_a_thread_that_a_function_leaves_is_waited_for_until_the_timeout_and_named(
    engine: Engine, listener: Remembering, folder: Path
) -> None:
    launch = _call(request("work:leave_thread", [], {}, [str(folder)]), cwd=folder.parent)
    engine.launch(replace(launch, timeout=timedelta(seconds=4)))
    outcome = listener.end()
    assert outcome.state is RunState.TIMED_OUT
    said = "the function has returned, its run goes on with its threads (stuck); join them, or make them daemons"
    assert outcome.output.head.decode() == f"working\n{said}\n"


def test_a_traceback_comes_after_what_was_printed_and_begins_in_the_users_code(
    engine: Engine, listener: Remembering, folder: Path
) -> None:
    stdin = request("work:fail_below", [], {}, [str(folder)])
    engine.launch(_call(stdin, cwd=folder.parent))
    lines = listener.end().output.head.decode().splitlines()
    assert lines[0] == "beforeTraceback (most recent call last):"
    assert lines[1].endswith("in fail_below")
    assert lines[-1] == "ValueError: no good"


def test_output_shows_line_by_line_while_the_function_runs(folder: Path) -> None:
    with subprocess.Popen(python_argv(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(request("work:talk", [], {}, [str(folder)]))
        worker.stdin.close()
        assert worker.stdout.readline() == b"first line\n"
        worker.kill()


def test_a_module_in_the_working_folder_does_not_get_in_the_way(folder: Path) -> None:
    stdin = request("work:greet", ["you"], {}, [str(folder)])
    done = subprocess.run(python_argv(), cwd=folder, input=stdin, capture_output=True, check=True)
    assert done.stdout == b"hello you\n"


def test_the_worker_loads_nothing_of_schedsync_but_itself(folder: Path) -> None:
    (folder / "loaded.py").write_text("import sys\ndef names():\n    return [m for m in sys.modules if 'sched' in m]\n")
    stdin = request("loaded:names", [], {}, [str(folder)])
    done = subprocess.run(python_argv(), input=stdin, capture_output=True, check=True)
    assert done.stdout == b"['schedsync', 'schedsync.executors']\n"


def test_arguments_that_json_does_not_have_are_refused() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        request("work:greet", [object()], {}, [])
