"""The bench on a stand-in for Oracle that the test may break, and whose round trips it may count."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schedsync.scheduler.scheduler import Scheduler
from schedsync.store.store import Store
from tests.contract.oracle import Standin
from tests.integration.conftest import StandingClock
from tests.integration.scheduler.ticking import Ticking


@pytest.fixture
def store(standin: Standin) -> Iterator[Store]:
    opened = Store.open(standin.url)
    opened.upgrade()
    yield opened
    opened.close()


class Roomy(Ticking):
    """A bench where many may run at once."""

    processes = 1_000


@pytest.fixture
def bench(tmp_path: Path, store: Store, clock: StandingClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ticking]:
    # The loop's own thread sleeps: the test makes the ticks.
    monkeypatch.setattr(Scheduler, "_main_loop", lambda _self: None)
    made = Roomy(tmp_path, store, clock)
    yield made
    made.close()
