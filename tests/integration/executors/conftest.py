"""An engine, and a listener that remembers."""

import os
import queue
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from schedsync.executors.base import Engine, Launch, Listener
from schedsync.executors.process import ProcessEngine
from schedsync.executors.remote import RemoteEngine
from schedsync.executors.spool import OutputLimits
from schedsync.executors.wire import Setup
from schedsync.runs.outcome import Outcome

LIMITS = OutputLimits(file_limit=1 << 20, keep_head=1_000, keep_tail=1_000)


class Remembering:
    """A listener with a queue of starts and one of ends."""

    def __init__(self) -> None:
        self.starts: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self.ends: queue.SimpleQueue[tuple[str, Outcome]] = queue.SimpleQueue()

    def started(self, run_id: str, pid: int, at: datetime) -> None:
        assert at.tzinfo is not None
        self.starts.put((run_id, pid))

    def finished(self, run_id: str, outcome: Outcome) -> None:
        self.ends.put((run_id, outcome))

    def end(self, within: float = 20) -> Outcome:
        return self.ends.get(timeout=within)[1]

    def ends_of(self, count: int) -> dict[str, Outcome]:
        return dict(self.ends.get(timeout=30) for _ in range(count))


RUN = f"run-of-{os.getpid()}"
"""Tests that run beside this one must not end its processes, which are found by their run's id."""


def bash(text: str, run_id: str = RUN, **more: object) -> Launch:
    """Return the launch of a line of bash, with the marker that a run's environment has."""
    values: dict[str, object] = {
        "env": {"PATH": os.environ["PATH"], "SCHEDSYNC_RUN_ID": run_id},
        "kill_grace": timedelta(seconds=1),
    }
    return Launch(run_id, ("bash", "-c", text), **values | more)  # type: ignore[arg-type] # named by the caller


@pytest.fixture
def listener() -> Remembering:
    return Remembering()


MakeEngine = Callable[..., Engine]


@pytest.fixture(params=["thread", "process"])
def place(request: pytest.FixtureRequest) -> str:
    """Say where the engine is: a thread of this process, or one of its own, as that of a service is."""
    return str(request.param)


@pytest.fixture
def make_engine(listener: Remembering, tmp_path: Path, place: str) -> Iterator[MakeEngine]:
    engines: list[Engine] = []

    def make(spool_dir: Path = tmp_path, limits: OutputLimits = LIMITS) -> Engine:
        engine = ENGINES[place](listener, spool_dir, limits)
        engine.start()
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.stop(timedelta(0), "the test is over")


@pytest.fixture
def engine(make_engine: MakeEngine) -> Engine:
    return make_engine()


def thread(listener: Listener, spool_dir: Path, limits: OutputLimits) -> Engine:
    """Return an engine in this process, which is not started yet."""
    return ProcessEngine(listener, spool_dir=spool_dir, limits=limits)


def remote(
    listener: Listener, spool_dir: Path, limits: OutputLimits = LIMITS, on_lost: Callable[[], None] = lambda: None
) -> RemoteEngine:
    """Return an engine in a process of its own, which is not started yet."""
    setup = Setup(os.getpid(), spool_dir, limits, most_runs=300, switch=0.005, log_level="info", log_as_json=False)
    return RemoteEngine(listener, setup, hidden=frozenset({"HIDDEN_PASSWORD"}), on_lost=on_lost)


ENGINES: dict[str, Callable[[Listener, Path, OutputLimits], Engine]] = {"thread": thread, "process": remote}
