"""A scheduler whose ticks the test makes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schedsync.scheduler.scheduler import Scheduler
from schedsync.store.store import Store
from tests.integration.conftest import StandingClock
from tests.integration.scheduler.ticking import Ticking


@pytest.fixture
def bench(tmp_path: Path, store: Store, clock: StandingClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ticking]:
    # The loop's own thread sleeps: the test makes the ticks.
    monkeypatch.setattr(Scheduler, "_main_loop", lambda _self: None)
    made = Ticking(tmp_path, store, clock)
    yield made
    made.close()
