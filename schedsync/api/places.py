"""How many requests may wait for the database at once: some threads are always left for those that do not need it."""

import threading
from typing import cast

from flask import Flask, current_app, g, request

from schedsync.api.backend import backend
from schedsync.api.server import THREADS
from schedsync.errors import DatabaseUnavailableError

_KEY = "schedsync-places"
PLACES = THREADS - 3
PATIENCE = 0.5
"""Seconds that a request waits for a place; it has none that long only when the database hangs."""
BUSY = "requests before this one wait for the database"
_PREFIX = "/api/"
_SAFE = {"GET", "HEAD", "OPTIONS"}


def register(app: Flask) -> None:
    """Give a place to each request that may ask the database."""
    app.extensions[_KEY] = threading.BoundedSemaphore(PLACES)
    app.before_request(_take)
    app.teardown_request(_give_back)


def has_place() -> bool:
    """Whether the current request may ask the database."""
    return bool(g.get("has_place", False))


def _take() -> None:
    """Take a place for the current request.

    Raises:
        DatabaseUnavailableError: there is none, or the database is away, and the request wants to change something.
    """
    if not request.path.startswith(_PREFIX):
        return
    vitals = backend().vitals
    g.has_place = not vitals.away and _places().acquire(timeout=PATIENCE)
    if not g.has_place and request.method not in _SAFE:
        raise DatabaseUnavailableError((vitals.away and vitals.read().database_error) or BUSY)


def _give_back(_error: BaseException | None) -> None:
    if g.pop("has_place", False):
        _places().release()


def _places() -> threading.BoundedSemaphore:
    return cast("threading.BoundedSemaphore", current_app.extensions[_KEY])
