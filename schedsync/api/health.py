"""Whether this instance lives and is of use. Asks `vitals` only: the answer comes also without a database.

Whoever reaches the service may ask. What the database said is told to those who may read: it names hosts and users.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from flask import Blueprint

from schedsync.access import Scope
from schedsync.api.backend import backend
from schedsync.api.endpoint import Endpoint, endpoint
from schedsync.api.guard import may
from schedsync.specs.durations import format_duration
from schedsync.status.views import DatabaseView, Time, View
from schedsync.status.vitals import Reading

blueprint = Blueprint("health", __name__)
_STOPPING = "the service was told to stop; it starts nothing more and waits for what runs"


class DatabaseHealth(DatabaseView):
    """How the database is."""

    status: Literal["unknown", "ok", "degraded"]


class Health(View):
    """Whether the firing loop goes round."""

    status: Literal["starting", "ok", "stuck", "stopping"]
    reason: str | None = None
    """What is not as it should be."""
    since: Time | None = None
    """When the loop that is stuck went round last, or when the service was told to stop."""
    last_tick_at: Time | None
    """When it went round last."""
    database: DatabaseHealth
    """How the database is; what it said is told to those who may read, and else null."""


class Readiness(View):
    """Whether this instance does what it is there for."""

    status: Literal["ready", "waiting"]
    reasons: list[str]
    """What it waits for."""


@blueprint.get("/health")
@endpoint(Endpoint(Health, alike=(503,), scope=Scope.OPEN))
def health() -> tuple[dict[str, Any], int]:
    """Answer 200 while the firing loop goes round, whatever the database does, or the service stops; else 503."""
    view = _health(_reading(), backend().clock(), backend().tick_limit)
    return view.model_dump(mode="json"), 200 if view.status in {"ok", "stopping"} else 503


@blueprint.get("/ready")
@endpoint(Endpoint(Readiness, alike=(503,), scope=Scope.OPEN))
def ready() -> tuple[dict[str, Any], int]:
    """Answer 200 when the database answers, and the folder is applied or another instance does that; else 503."""
    view = _readiness(_reading())
    return view.model_dump(mode="json"), 200 if view.status == "ready" else 503


def _reading() -> Reading:
    """Return how things are, as far as it is for who asks."""
    reading = backend().vitals.read()
    # Who that is matters, and so is looked for, only where there is something to tell.
    return reading if reading.database_error is None or may(Scope.READ) else replace(reading, database_error=None)


def _health(reading: Reading, now: datetime, limit: timedelta) -> Health:
    last, database = reading.last_tick_at, _database(reading)
    if reading.stopping_since is not None:
        since = reading.stopping_since
        return Health(status="stopping", reason=_STOPPING, since=since, last_tick_at=last, database=database)
    if last is None:
        reason = "the firing loop has not gone round yet"
        return Health(status="starting", reason=reason, last_tick_at=last, database=database)
    if now - last > limit:
        ago, limited = format_duration(now - last), format_duration(limit)
        reason = f"the firing loop went round {ago} ago; it should do so every {limited}"
        return Health(status="stuck", reason=reason, since=last, last_tick_at=last, database=database)
    return Health(status="ok", last_tick_at=last, database=database)


def _database(reading: Reading) -> DatabaseHealth:
    status = "unknown" if reading.database_since is None else "ok" if reading.database_ok else "degraded"
    return DatabaseHealth(
        status=status, ok=reading.database_ok, since=reading.database_since, error=reading.database_error
    )


def _readiness(reading: Reading) -> Readiness:
    reasons = [] if reading.stopping_since is None else [_STOPPING]
    if reading.database_since is None:
        reasons.append("the database has not answered yet")
    elif not reading.database_ok:
        why = "" if reading.database_error is None else f": {reading.database_error}"
        reasons.append(f"the database cannot be used{why}")
    if reading.last_step_at is None and not _stands_by(reading):
        reasons.append("the folder has not been applied yet")
    return Readiness(status="waiting" if reasons else "ready", reasons=reasons)


def _stands_by(reading: Reading) -> bool:
    return reading.leader is not None and not reading.leading
