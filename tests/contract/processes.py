"""Processes that meet at a barrier and then use the same database, each with connections of its own."""

import multiprocessing
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from schedsync.errors import StaleObservationError
from schedsync.store.leases import Lease
from schedsync.store.store import Store
from tests.contract.builders import advance, run

T = TypeVar("T")
COUNT = 4
_PATIENCE = 60
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
        return [future.result(timeout=_PATIENCE) for future in [self._pool.submit(_meet, call) for call in calls]]

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


def claim_each(url: str, lease: Lease, job_ids: Sequence[str], seed: int) -> list[str]:
    """Claim the slots of all these jobs one by one, in an order of its own; return the ids of the runs it wrote."""
    store, order = Store.open(url), list(job_ids)
    random.Random(seed).shuffle(order)
    won: list[str] = []
    for job_id in order:
        try:
            won += [row.id for row in store.runs.claim(lease, [run(job_id)], [advance(job_id)])]
        except StaleObservationError:
            continue  # another one has it
    store.close()
    return won
