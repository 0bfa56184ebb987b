"""A real runner on a real store, fired by hand on a clock that stands."""

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from schedsync.executors.spool import OutputLimits
from schedsync.plan.state import PruneGuard
from schedsync.reconcile import Reconciler
from schedsync.running.runner import Runner, RunnerOptions
from schedsync.runs.blackouts import NO_BLACKOUTS, Blackouts
from schedsync.runs.ledger import PROCESSES, PYTHON, SQL, Entry
from schedsync.runs.run import Run
from schedsync.scheduler.firing import Firing, Tick
from schedsync.sources.folder import JobsFolder
from schedsync.store.leases import Lease
from schedsync.store.store import Store
from tests.integration.conftest import StandingClock

T = TypeVar("T")
TTL = timedelta(seconds=60)
OWNER = "here/me"


def eventually(ask: Callable[[], T], *, within: float = 10.0) -> T:
    """Ask until the answer is true, and return it; fail with the last answer when the time is over."""
    deadline = time.monotonic() + within
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {within} s; the last answer was {answer!r}"
        time.sleep(0.005)  # between two questions, not for luck: the deadline decides
    return answer


@contextmanager
def without_runs_table(store: Store) -> Iterator[None]:
    """Make every statement about runs fail."""
    with store.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE schedsync_runs RENAME TO elsewhere")
    try:
        yield
    finally:
        with store.database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO schedsync_runs")


class Bench:
    """A folder, a store, a runner that really runs, and a firing that is called by the test."""

    processes = 2
    """How many processes may run at once."""
    blackouts: Blackouts = NO_BLACKOUTS
    """When slots are not run."""

    def __init__(self, home: Path, store: Store, clock: StandingClock) -> None:
        self.home, self.folder, self.store, self.clock = home, home / "jobs.d", store, clock
        self.folder.mkdir()
        self.ended: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self._begin(OWNER)

    def _begin(self, owner: str) -> None:
        self.owner, self._stopped = owner, False
        self.lease = self.store.leases.acquire(owner, TTL)
        self.runner = self.runner_of(owner, self.lease)
        self.firing = Firing(self.store, self.runner, node="here", owner=owner, blackouts=self.blackouts)

    def restart(self, owner: str) -> None:
        """Stop, and go on as another process of this machine."""
        self.stop()
        self.store.leases.end(self.owner)
        self._begin(owner)

    @contextmanager
    def meanwhile(self, owner: str) -> Iterator[Runner]:
        """Let another process of this machine lead, while this one stands still and notices nothing."""
        self.store.leases.end(self.owner)
        runner = self.runner_of(owner, self.store.leases.acquire(owner, TTL))
        yield runner
        runner.stop()
        self.store.leases.end(owner)
        self.lease = self.store.leases.acquire(self.owner, TTL)
        self.runner.lead(self.lease)

    def runner_of(self, owner: str, lease: Lease | None) -> Runner:
        options = RunnerOptions(
            node="here",
            owner=owner,
            folder=self.folder,
            spool=self.home / "spool",
            limits=OutputLimits(),
            capacity={PROCESSES: self.processes, PYTHON: 1, SQL: 1},
            shutdown_grace=timedelta(0),
            blackouts=self.blackouts,
        )
        runner = Runner(self.store, options, clock=self.clock)
        runner.tell.on_finished = self.ended.put
        runner.start()
        runner.lead(lease)
        return runner

    def hold(self) -> tuple[list[Entry], Callable[[Entry], None]]:
        """Keep runs with leave to start from the engine; return them, and what starts one."""
        held: list[Entry] = []
        self.runner.submit = held.append
        return held, self.runner.launch

    def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            self.runner.stop()

    close = stop

    def job(self, name: str, shell: str = "true", more: str = "") -> None:
        text = f"schedule: {{every: 1m}}\nkill_grace: 1s\nrun:\n  shell: |\n    {shell}\n{more}"
        (self.folder / f"{name}.yaml").write_text(text)
        self.apply()

    def apply(self) -> None:
        Reconciler(JobsFolder(self.folder), self.store, PruneGuard(allow=True), node="here", clock=self.clock).step()

    def fire(self, *, lease: Lease | None = None) -> None:
        """Let a minute pass, and claim what is due then."""
        self.clock.forward(minutes=1)
        due = self.store.jobs.due(self.clock.now, 1000)
        self.firing.fire(due, Tick(self.clock.now, self.clock.now, lease or self.lease))

    def next_end(self, within: float = 10.0) -> Run:
        return self.ended.get(timeout=within)

    def runs(self, job_id: str) -> list[Run]:
        """The runs of a job, oldest slot first."""
        runs = self.store.runs.page(job_id=job_id, before=None, limit=1000)
        return sorted(runs, key=lambda run: (run.scheduled_at, run.attempt))

    def states(self, job_id: str) -> list[str]:
        return [run.state.value for run in self.runs(job_id)]

    def until(self, job_id: str, *states: str) -> list[Run]:
        """Wait until the job's runs stand like this, and return them."""
        eventually(lambda: self.states(job_id) == list(states))
        return self.runs(job_id)

    def file(self, name: str) -> Path:
        return self.home / name
