"""A running service without its folder loop and API: store, runner, engine and scheduler, all real."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schedsync.store.store import Store
from tests.integration.conftest import StandingClock
from tests.integration.runner.bench import Bench


@pytest.fixture
def bench(tmp_path: Path, store: Store, clock: StandingClock) -> Iterator[Bench]:
    made = Bench(tmp_path, store, clock)
    yield made
    made.close()
