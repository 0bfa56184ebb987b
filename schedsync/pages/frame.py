"""What stands around each page: where one is, how this instance is, and how old what is shown is."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime

from flask import current_app, g, request

from schedsync import __version__
from schedsync.access import Scope
from schedsync.api.answers import is_busy
from schedsync.api.backend import backend
from schedsync.api.guard import Caller, caller, may
from schedsync.pages.shown.verdict import Complaint, in_short

_NAVIGATION = (
    ("Overview", "pages.overview.show"),
    ("Jobs", "pages.jobs.many"),
    ("Runs", "pages.runs.many"),
    ("Day", "pages.day.show"),
    ("Syncs", "pages.syncs.many"),
    ("API", "pages.docs.show"),
)
"""Title and view of what the head of each page leads to, as far as it is there."""
_BELOW = {"pages.run": "pages.runs"}
"""Blueprints whose pages are below the entry of another one."""


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation."""

    title: str
    endpoint: str
    here: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page. Times are UTC."""

    version: str
    node: str | None
    """The instance that made the page. It is told to those who may read, and so is how it is."""
    now: datetime
    health: Complaint | None
    """The worst of what is wrong, as far as this instance knows without asking; None: nothing, or it is not told."""
    as_of: datetime | None
    """When the store was looked at last, if the page does not come from it."""
    busy: bool
    """Whether it does not only because the service is busy."""
    caller: Caller
    may_control: bool
    """Whether controls are shown."""
    places: tuple[Place, ...]
    views: Container[str]
    """What can be linked to."""


def frame() -> Frame:
    """Return what stands around the page that answers the current request."""
    parts = backend()
    now, reads = parts.clock(), may(Scope.READ)
    return Frame(
        version=__version__,
        node=parts.node if reads else None,
        now=now,
        health=in_short(parts.vitals.read(), now, parts.tick_limit) if reads else None,
        as_of=g.get("as_of"),
        busy=is_busy(),
        caller=caller(),
        may_control=may(Scope.CONTROL),
        places=tuple(_places()),
        views=current_app.view_functions.keys(),
    )


def _places() -> Iterator[Place]:
    for title, endpoint in _NAVIGATION:
        if endpoint in current_app.view_functions:
            blueprint = request.blueprint or ""
            here = _BELOW.get(blueprint, blueprint) == endpoint.rpartition(".")[0]
            yield Place(title, endpoint, here)
