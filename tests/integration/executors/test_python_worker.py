"""Python functions in interpreters of their own."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from schedsync.executors.process import ProcessEngine
from schedsync.executors.python_call import python_argv, request
from schedsync.runs.run import RunState
from tests.integration.executors.conftest import Remembering, bash

MODULE = """
import os, sys, threading
def greet(name, loud=False):
    print("hello", name)
    return name.upper() if loud else None
def fail():
    raise ValueError("no good")
def leave():
    sys.exit(7)
def crash():
    os.abort()
def read():
    return sys.stdin.read()
def leak():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
class Nested:
    @staticmethod
    def method():
        return 42
"""


@pytest.mark.parametrize(
    ("target", "args", "kwargs", "state", "says"),
    [
        ("work:greet", ["you"], {"loud": True}, RunState.SUCCEEDED, "hello you\n'YOU'\n"),
        ("work:read", [], {}, RunState.SUCCEEDED, "''\n"),
        ("work:Nested.method", [], {}, RunState.SUCCEEDED, "42\n"),
        ("work:leak", [], {}, RunState.SUCCEEDED, ""),
        ("work:fail", [], {}, RunState.FAILED, "ValueError: no good"),
        ("work:leave", [], {}, RunState.FAILED, ""),
        ("work:crash", [], {}, RunState.FAILED, ""),
        ("work:gret", [], {}, RunState.FAILED, 'has no function "gret"; did you mean "greet"?'),
        ("wrok:greet", [], {}, RunState.FAILED, 'cannot import "wrok"'),
    ],
)
def test_a_function_is_called_and_its_end_is_the_runs(  # noqa: PLR0917 - a table
    engine: ProcessEngine,
    listener: Remembering,
    tmp_path: Path,
    target: str,
    args: list[object],
    kwargs: dict[str, object],
    state: RunState,
    says: str,
) -> None:
    (tmp_path / "work.py").write_text(MODULE)
    stdin = request(target, args, kwargs, [str(tmp_path)])
    engine.launch(replace(bash(""), argv=python_argv(), stdin=stdin, env=dict(os.environ)))
    outcome = listener.end()
    text = outcome.output.head.decode()
    assert outcome.state is state, text
    assert says in text
    assert "python_worker" not in text
