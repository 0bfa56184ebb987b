"""How many requests may wait for the database at once: some threads are always left for those that do not need it."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import cast

from flask import Flask, current_app, g, request

from schedsync.api.backend import backend
from schedsync.api.server import THREADS
from schedsync.errors import DatabaseUnavailableError

_KEY, _KEPT_KEY, _SEATS_KEY = "schedsync-places", "schedsync-kept-places", "schedsync-seats"
_ASKING = "schedsync-asking"
SEATS = 3
"""How many requests may wait for something to happen at once; they need no place meanwhile, but a thread."""
KEPT = 1
"""How many places only those get that change something: readers never keep an operator out, however long they look."""
PLACES = THREADS - SEATS - KEPT - 3
PATIENCE = 0.5
"""Seconds that a request waits for a place; it has none that long when the database hangs, or others look for much."""
BUSY = "requests before this one wait for the database"
_PREFIX = "/api/"
_SAFE = {"GET", "HEAD", "OPTIONS"}


class BusyError(DatabaseUnavailableError):
    """The database may be well, but there is no place to ask it from."""

    def __init__(self) -> None:
        super().__init__(BUSY)


class Places:
    """So many requests may ask the database at once. A stuck crowd is not waited for by each newcomer."""

    def __init__(self, count: int = PLACES) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._stuck = threading.Event()
        """Set while somebody waited in vain, and nobody has left since."""

    def take(self, *, wait: bool = True) -> bool:
        """Take a place, waiting a moment for one unless told not to, and return whether there was one."""
        if self._free.acquire(blocking=False):
            return True
        if not wait:
            return False
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
    app.extensions[_KEY], app.extensions[_KEPT_KEY] = Places(), Places(KEPT)
    app.extensions[_ASKING] = set()
    app.extensions[_SEATS_KEY] = threading.BoundedSemaphore(SEATS)
    app.before_request(_take)
    app.teardown_request(_give_back)


def let_ask(app: Flask, blueprints: Iterable[str]) -> None:
    """Give a place to requests for the views of *blueprints*, too, whose paths do not tell that they ask."""
    app.extensions[_ASKING].update(blueprints)


def has_place() -> bool:
    """Whether the current request may ask the database."""
    return g.get("place") is not None


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
        g.place = _taken()


def _take() -> None:
    """Take a place for the current request.

    Raises:
        BusyError: there is none, and the request wants to change something.
        DatabaseUnavailableError: likewise, and the database is away.
    """
    if not request.path.startswith(_PREFIX) and request.blueprint not in current_app.extensions[_ASKING]:
        return
    vitals = backend().vitals
    g.place = _taken()
    if g.place is None and _changes_something():
        error = vitals.read().database_error if vitals.away else None
        raise BusyError if error is None else DatabaseUnavailableError(error)


def _taken() -> Places | None:
    """Take a place, if there is one for the current request, and return where."""
    if backend().vitals.away:
        return None
    places, kept = (cast("Places", current_app.extensions[key]) for key in (_KEY, _KEPT_KEY))
    if not _changes_something():
        return places if places.take() else None
    return places if places.take(wait=False) else kept if kept.take() else None


def _changes_something() -> bool:
    return request.method not in _SAFE


def _give_back(_error: BaseException | None) -> None:
    place: Places | None = g.pop("place", None)
    if place is not None:
        place.give_back()
