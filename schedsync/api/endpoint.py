"""What stands on each view: what it takes and answers, and who may ask. Checks and the description read it there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import current_app, request
from pydantic import BaseModel

from schedsync.access import Scope
from schedsync.api.parsing import Said, body_of, query_of

JSON, TEXT = "application/json", "text/plain"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing."""
_MARK, _SCOPE = "schedsync_endpoint", "schedsync_scope"
V = TypeVar("V", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One view of the API."""

    answers: type[BaseModel] | None
    """The shape of its JSON; None for another kind of answer."""
    status: int = 200
    """How a success is answered."""
    also: tuple[int, ...] = ()
    """Further ways to answer, besides those that any view may: 400, 401, 403, 405, 429 and 503."""
    alike: tuple[int, ...] = ()
    """Errors that are answered in the shape of a success, and not with a problem document."""
    headers: tuple[str, ...] = ()
    """Headers of a success, besides those that any may have."""
    query: type[Said] | None = None
    """Its query parameters; None: it takes none."""
    body: type[Said] | None = None
    """Its JSON body."""
    body_needed: bool = False
    """Whether that may not be left out."""
    scope: Scope = Scope.READ
    media: str = JSON


def endpoint(description: Endpoint) -> Callable[[V], V]:
    """Put *description* on a view, which is called with the query and the body, parsed, before the parts of the path.

    Raises:
        MalformedRequestError: when called, if the request is not as described.
        UnsupportedMediaType: when called, if the body is not declared to be JSON.
    """

    def decorate(view: V) -> V:
        @wraps(view)
        def asked(*args: Any, **kwargs: Any) -> Any:
            said: list[Said] = []
            if description.query is not None:
                said.append(query_of(description.query))
            if description.body is not None:
                said.append(body_of(description.body))
            return view(*said, *args, **kwargs)

        setattr(asked, _MARK, description)
        return asked  # type: ignore[return-value] # Flask calls it with the parts of the path alone

    return decorate


def described(view: Callable[..., Any] | None) -> Endpoint | None:
    """Return what stands on *view*; None for what is no part of the API: a page, a file, an error."""
    return getattr(view, _MARK, None)


def requested() -> Endpoint | None:
    """Return what stands on the view of the current request."""
    return described(current_app.view_functions.get(request.endpoint or ""))


def needs(scope: Scope) -> Callable[[V], V]:
    """Put on a view that is no part of the API what leave it needs; without that it is reading or control."""

    def decorate(view: V) -> V:
        setattr(view, _SCOPE, scope)
        return view

    return decorate


def scope_needed() -> Scope:
    """Return what the current request needs leave for. What changes something needs control, if it does not say else.

    Only ``scope=Scope.OPEN`` and ``needs`` take that away: a view that says nothing, or that there is not, is closed.
    """
    changes, name = request.method not in SAFE, request.endpoint or ""
    view = current_app.view_functions.get(name)
    said: Scope | None = getattr(view, _SCOPE, None)
    if said is not None:
        return said
    if name.rpartition(".")[2] == "static" and not changes:
        return Scope.OPEN
    asked = described(view)
    if asked is not None and (asked.scope is Scope.OPEN or not changes):
        return asked.scope
    return Scope.CONTROL if changes else Scope.READ


def check_query() -> None:
    """Refuse query parameters where a view of the API takes none.

    Raises:
        MalformedRequestError: there are some.
    """
    asked = requested()
    if asked is not None and asked.query is None:
        query_of(Said)
