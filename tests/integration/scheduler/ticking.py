"""A bench with a scheduler whose ticks the test makes."""

from pathlib import Path

from schedsync.scheduler.firing import Firing
from schedsync.scheduler.leadership import Leadership
from schedsync.scheduler.scheduler import Scheduler
from schedsync.status.vitals import Vitals
from schedsync.store.store import Store
from tests.integration.conftest import StandingClock
from tests.integration.runner.bench import OWNER, TTL, Bench


class Ticking(Bench):
    """A bench with a scheduler whose ticks the test makes."""

    def __init__(self, home: Path, store: Store, clock: StandingClock) -> None:
        super().__init__(home, store, clock)
        self.seconds = 0.0
        self.asleep = 0.0
        """For how many seconds the machine has been suspended."""
        self.vitals = Vitals()
        self.leadership = Leadership(store.leases, owner=OWNER, node="here", ttl=TTL, monotonic=lambda: self.seconds)
        firing = Firing(store, self.runner, node="here", owner=OWNER, blackouts=self.blackouts)
        self.scheduler = Scheduler(
            store, self.runner, firing, self.leadership, self.vitals, clock=clock, monotonic=self._awake
        )
        self.scheduler.start(paused=True)

    def _awake(self) -> float:
        return self.clock.now.timestamp() - self.asleep

    def tick(self) -> float:
        return self.scheduler._process_jobs()

    def close(self) -> None:
        self.scheduler.shutdown()
        self.stop()
