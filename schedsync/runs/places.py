"""Places: how many runs may be running at once, in each pool and in all of them together."""

from collections import Counter
from collections.abc import Mapping

ALL = "all"
"""Stands for all pools together."""


class Places:
    """The places that are free."""

    def __init__(self, capacity: Mapping[str, int], max_runs: int | None) -> None:
        """Make places.

        Args:
            capacity: how many there are, by pool.
            max_runs: how many of them may be taken at once; None: all.
        """
        self.bounded = max_runs is not None
        """Whether pools may be short of places because of each other."""
        self._capacity = {**capacity, ALL: sum(capacity.values()) if max_runs is None else max_runs}
        self._free = Counter(self._capacity)

    def are_free(self, pool: str) -> bool:
        """Say whether a run of *pool* may be running besides those that are."""
        return self._free[pool] > 0 and self._free[ALL] > 0

    def take(self, pool: str) -> None:
        """Take a place."""
        self._free[pool] -= 1
        self._free[ALL] -= 1

    def give_back(self, pool: str) -> None:
        """Give a place back."""
        self._free[pool] += 1
        self._free[ALL] += 1

    def taken(self) -> dict[str, int]:
        """Return how many are taken, by pool and in all of them."""
        return {pool: places - self._free[pool] for pool, places in self._capacity.items()}

    @property
    def capacity(self) -> Mapping[str, int]:
        """How many there are, by pool and in all of them."""
        return self._capacity

    def scarce(self, pool: str) -> tuple[str, int]:
        """Return where a run of *pool* needs a place, and how many there are: in the pool, or in all together."""
        short = ALL if self._free[pool] > 0 >= self._free[ALL] else pool
        return short, self._capacity[short]
