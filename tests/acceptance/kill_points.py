"""`schedsync` with one place at which it kills itself: ``KILL_AT="result held" python kill_points.py run ...``.

The product has no such places: they are put around its functions here, in a process of its own and in that of its
engine. Where a function is named that does not exist any more, the start fails. Wherever it is, both die.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from schedsync import engine
from schedsync.cli.main import main
from schedsync.executors import remote
from schedsync.executors.child import Child
from schedsync.executors.process import ProcessEngine
from schedsync.running.journal import Journal
from schedsync.running.results import ResultWriter
from schedsync.running.runner import Runner
from schedsync.runs.ledger import Ledger
from schedsync.store import claims, results, rows
from schedsync.store.runs import RunTable

ENGINE = "engine"
"""As the first argument: this is the engine's process."""


def _die() -> None:
    if sys.argv[1] == ENGINE:
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: Any, name: str) -> None:
    call = getattr(owner, name)

    @wraps(call)
    def dying(*args: Any, **kwargs: Any) -> Any:
        _die()
        return call(*args, **kwargs)

    setattr(owner, name, dying)


def _after(owner: Any, name: str, when: Callable[..., bool] = lambda *_: True) -> None:
    """Die behind a call, if *when* says so of its result and its arguments."""
    call = getattr(owner, name)

    @wraps(call)
    def dying(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        if when(result, *args):
            _die()
        return result

    setattr(owner, name, dying)


def _before_the_commit_of_results() -> None:
    """Die where the last statement is due, with which the commit may travel."""
    execute_last = rows.execute_last

    def dying(connection: Any, writes: Any) -> None:
        todo = [(statement, values) for statement, values in writes if values]
        if any("state" in row for _, values in todo for row in values):
            for statement, values in todo[:-1]:
                connection.execute(statement, values)
            _die()
        execute_last(connection, writes)

    setattr(results, "execute_last", dying)  # noqa: B010 - the name that the module has imported


def _on_disk_only() -> None:
    """Die when a result is on disk, which the database keeps waiting for."""
    record = ResultWriter._record

    def waiting(self: ResultWriter, changes: Any) -> Any:
        while changes.settled:
            time.sleep(1)
        return record(self, changes)

    setattr(ResultWriter, "_record", waiting)  # noqa: B010 - a method may not be assigned to
    _after(Journal, "keep")


def _wrote_a_start(_result: Any, _table: Any, changes: Any, _lease: Any) -> bool:
    return bool(changes.started)


def _wrote_a_result(_result: Any, _table: Any, changes: Any, _lease: Any) -> bool:
    return bool(changes.settled)


POINTS: dict[str, Callable[[], None]] = {
    "claim sent": lambda: _after(claims, "_advance"),
    "claim committed": lambda: _after(claims, "claim"),
    "run taken up": lambda: _after(Ledger, "enter"),
    "run handed over": lambda: _before(ProcessEngine, "_begin"),
    "process spawned": lambda: _after(Child, "__init__"),
    "start noted": lambda: _after(Runner, "started"),
    "start written": lambda: _after(RunTable, "record", _wrote_a_start),
    "exit noticed": lambda: _after(Child, "has_exited", lambda exited, *_: exited),
    "result held": lambda: _after(Runner, "finished"),
    "result on disk": _on_disk_only,
    "result sent": _before_the_commit_of_results,
    "result committed": lambda: _after(RunTable, "record", _wrote_a_result),
}
"""Where it dies, in the order in which a run comes by."""


if __name__ == "__main__":
    remote.COMMAND = (sys.executable, __file__, ENGINE)
    POINTS[os.environ["KILL_AT"]]()
    if sys.argv[1] == ENGINE:
        engine.main()
    sys.exit(main())
