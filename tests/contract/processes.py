"""Processes that meet at a barrier and then use the same database, each with connections of its own."""

import multiprocessing
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import suppress
from typing import Any, TypeVar

from schedsync.errors import StaleObservationError
from schedsync.store.leases import Lease
from schedsync.store.store import Store
from tests.contract.builders import SLOT, advance, run

T = TypeVar("T")
COUNT = 4
_PATIENCE = 100
_barriers: list[Any] = []
"""In a process of the pool: where it meets the others."""


class Processes:
    """A pool of COUNT processes."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(COUNT, timeout=_PATIENCE)
        self._pool = ProcessPoolExecutor(COUNT, context, _join, (barrier,))

    def at_once(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make COUNT calls, one in each process, and return what they returned."""
        assert len(calls) == COUNT
        futures = [self._pool.submit(_meet, call) for call in calls]
        wait(futures, timeout=_PATIENCE)  # all of them, so that none goes on when the test is over
        return [future.result(timeout=0) for future in futures]

    def stop(self) -> None:
        self._pool.shutdown()


def _join(barrier: Any) -> None:
    _barriers.append(barrier)


def _meet(call: Callable[[], T]) -> T:
    _barriers[0].wait()
    return call()


def upgrade(url: str) -> bool:
    """Upgrade, and say whether the tables are there."""
    store = Store.open(url)
    store.upgrade()
    store.require_current()
    store.close()
    return True


def claim_what_is_due(url: str, lease: Lease, seed: int) -> list[str]:
    """Claim a few due slots at a time, whichever, until none is left; return the ids of the runs that it wrote."""
    store, chance = Store.open(url), random.Random(seed)
    won: list[str] = []
    while due := store.jobs.due(SLOT, 1_000):
        some = [row.id for row in chance.sample(due, min(20, len(due)))]
        with suppress(StaleObservationError):  # another process has one of them: look again
            claimed = store.runs.claim(lease, [run(each) for each in some], [advance(each) for each in some])
            won += [row.id for row in claimed]
    store.close()
    return won
