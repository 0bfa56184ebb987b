"""Answers to readers: from the store, or from the mirror while the database is away; those say how old they are."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from flask import Response, g

from schedsync.api.backend import Backend, backend
from schedsync.api.places import BusyError, has_place
from schedsync.clock import rfc3339
from schedsync.errors import DatabaseUnavailableError, SchedsyncError, SchemaError
from schedsync.status.knowledge import Knowledge
from schedsync.status.mirror import Mirror, NotRememberedError
from schedsync.status.vitals import Reading

T = TypeVar("T")
HEADER = "Schedsync-As-Of"
"""Says when the store was looked at last, in answers that do not come from it."""


def remembered(ask: Callable[[Knowledge], T]) -> T:
    """Return what *ask* makes of the store, or of the mirror while the database is away or has no place left.

    Raises:
        DatabaseUnavailableError: the database is away, and what is asked for is not in memory.
    """
    parts = backend()
    if parts.vitals.away:  # the firing loop finds out when it is back; each request would wait for that
        return _from_mirror(ask, parts, DatabaseUnavailableError(str(parts.vitals.read().database_error)))
    if not has_place():
        return _from_mirror(ask, parts, BusyError())
    try:
        with parts.store.database.one_look():
            return ask(parts.live)
    except (DatabaseUnavailableError, SchemaError) as error:
        return _from_mirror(ask, parts, error)


def answered(ask: Callable[[Knowledge], dict[str, Any]]) -> dict[str, Any]:
    """Return what ``remembered`` does, with ``as_of`` where it does not come from the store."""
    body = remembered(ask)
    as_of = _as_of()
    return body if as_of is None else {**body, "as_of": rfc3339(as_of)}


def answered_text(ask: Callable[[Knowledge], str]) -> Response:
    """Answer what ``answered`` does, where *ask* returns the JSON text of an object."""
    body = remembered(ask)
    as_of = _as_of()
    if as_of is not None:
        body = f'{body.removesuffix("}")},"as_of":"{rfc3339(as_of)}"}}'
    return Response(body, mimetype="application/json")


def reading_of(known: Knowledge) -> Reading:
    """Return the vitals as they fit to where an answer comes from."""
    reading = backend().vitals.read()
    if not isinstance(known, Mirror) or not reading.database_ok or is_busy():
        return reading
    return replace(reading, database_ok=False, database_since=known.as_of, database_error=str(g.why_from_mirror))


def is_busy() -> bool:
    """Whether the answer comes from memory only because there was no place to ask the database from."""
    return isinstance(g.get("why_from_mirror"), BusyError)


def say_how_old(response: Response) -> Response:
    """Put the header on an answer that does not come from the store."""
    as_of = _as_of()
    if as_of is not None and response.status_code == 200:
        response.headers[HEADER] = rfc3339(as_of)
    return response


def _from_mirror(ask: Callable[[Knowledge], T], parts: Backend, why: SchedsyncError) -> T:
    as_of = parts.mirror.as_of
    if as_of is None:
        raise DatabaseUnavailableError(str(why))
    g.why_from_mirror = why
    try:
        answer = ask(parts.mirror)
    except NotRememberedError:
        raise DatabaseUnavailableError(str(why)) from None
    g.as_of = as_of
    return answer


def _as_of() -> datetime | None:
    as_of: datetime | None = g.get("as_of")
    return as_of
