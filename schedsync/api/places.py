"""How many requests may wait for the database at once: some threads are always left for those that do not need it."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import cast

from flask import Flask, current_app, g, request

from schedsync.api.backend import backend
from schedsync.api.server import THREADS
from schedsync.errors import DatabaseUnavailableError

_KEY, _SEATS_KEY, _ASKING = "schedsync-places", "schedsync-seats", "schedsync-asking"
SEATS = 3
"""How many requests may wait for something to happen at once; they need no place meanwhile, but a thread."""
PLACES = THREADS - SEATS - 3
PATIENCE = 0.5
"""Seconds that a request waits for a place; it has none that long only when the database hangs."""
BUSY = "requests before this one wait for the database"
_PREFIX = "/api/"
_SAFE = {"GET", "HEAD", "OPTIONS"}


class Places:
    """So many requests may ask the database at once. A stuck crowd is not waited for by each newcomer."""

    def __init__(self, count: int = PLACES) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._stuck = threading.Event()
        """Set while somebody waited in vain, and nobody has left since."""

    def take(self) -> bool:
        """Take a place, and return whether there was one."""
        if self._free.acquire(blocking=False):
            return True
        if not self._stuck.is_set() and self._free.acquire(timeout=PATIENCE):
            return True
        self._stuck.set()
        return False

    def give_back(self) -> None:
        """Leave a place."""
        self._stuck.clear()
        self._free.release()


def register(app: Flask) -> None:
    """Give a place to each request that may ask the database."""
    app.extensions[_KEY] = Places()
    app.extensions[_ASKING] = set()
    app.extensions[_SEATS_KEY] = threading.BoundedSemaphore(SEATS)
    app.before_request(_take)
    app.teardown_request(_give_back)


def let_ask(app: Flask, blueprints: Iterable[str]) -> None:
    """Give a place to requests for the views of *blueprints*, too, whose paths do not tell that they ask."""
    app.extensions[_ASKING].update(blueprints)


def has_place() -> bool:
    """Whether the current request may ask the database."""
    return bool(g.get("has_place", False))


@contextmanager
def seat() -> Iterator[bool]:
    """Let the current request wait for something to happen; says whether there was room for it."""
    seats = cast("threading.BoundedSemaphore", current_app.extensions[_SEATS_KEY])
    taken = seats.acquire(blocking=False)
    try:
        yield taken
    finally:
        if taken:
            seats.release()


@contextmanager
def without_place() -> Iterator[None]:
    """Leave the place of the current request for a while; then it has one again, if there is one."""
    _give_back(None)
    try:
        yield
    finally:
        g.has_place = not backend().vitals.away and _places().take()


def _take() -> None:
    """Take a place for the current request.

    Raises:
        DatabaseUnavailableError: there is none, or the database is away, and the request wants to change something.
    """
    if not request.path.startswith(_PREFIX) and request.blueprint not in current_app.extensions[_ASKING]:
        return
    vitals = backend().vitals
    g.has_place = not vitals.away and _places().take()
    if not g.has_place and request.method not in _SAFE:
        raise DatabaseUnavailableError((vitals.away and vitals.read().database_error) or BUSY)


def _give_back(_error: BaseException | None) -> None:
    if g.pop("has_place", False):
        _places().give_back()


def _places() -> Places:
    return cast("Places", current_app.extensions[_KEY])
