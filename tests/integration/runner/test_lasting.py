"""Many runs leave nothing behind in the process: no object, no descriptor, no thread."""

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from schedsync.store.store import Store
from tests.integration.conftest import StandingClock
from tests.integration.runner.bench import Bench

JOBS = 50
JOB = '- {{id: many.{0}, schedule: {{every: 1m}}, overlap: allow, run: {{command: [echo, "{0}"]}}}}'


class Wide(Bench):
    processes = JOBS


@pytest.fixture
def bench(tmp_path: Path, store: Store, clock: StandingClock) -> Iterator[Bench]:
    made = Wide(tmp_path, store, clock)
    (made.folder / "many.yaml").write_text("jobs:\n" + "\n".join(JOB.format(number) for number in range(JOBS)))
    made.apply()
    yield made
    made.close()


def _after(bench: Bench, rounds: int) -> tuple[int, int, int]:
    """Let each job run so many times; count objects, descriptors and threads."""
    for _ in range(rounds):
        bench.fire()
        for _ in range(JOBS):
            bench.next_end(within=30)
    gc.collect()
    return len(gc.get_objects()), len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


def test_a_thousand_runs_leave_no_object_no_descriptor_and_no_thread(bench: Bench) -> None:
    objects, descriptors, threads = _after(bench, rounds=6)
    after = _after(bench, rounds=20)
    assert after[0] < objects + 500  # half an object for each run
    assert after[1:] == (descriptors, threads)
