"""The queue: what waits, and what for; and one run, of which that is told, too."""

from typing import Any

from flask import Blueprint

from schedsync.api.answers import answered
from schedsync.api.backend import backend
from schedsync.api.endpoint import Endpoint, endpoint
from schedsync.api.paging import QueueQuery
from schedsync.runs.run import RunState
from schedsync.runs.waiting import Waiting
from schedsync.status.knowledge import Knowledge
from schedsync.status.queue import LEADER, ROWS, QueueView, RunDetail, queue_in_rows, queue_view, run_detail

blueprint = Blueprint("queue", __name__, url_prefix="/api")


@blueprint.get("/queue")
@endpoint(Endpoint(QueueView, query=QueueQuery))
def queue(query: QueueQuery) -> dict[str, Any]:
    """Answer what waits: as this instance has it when it leads, else as the rows say."""
    told = backend().waiting()
    if told is not None:
        return queue_view(told, told_by=LEADER, limit=query.limit).model_dump(mode="json")
    return answered(lambda known: queue_view(_rows(known), told_by=ROWS, limit=query.limit).model_dump(mode="json"))


@blueprint.get("/runs/<run_id>")
@endpoint(Endpoint(RunDetail, also=(404,)))
def one(run_id: str) -> dict[str, Any]:
    """Answer a run; while it waits, with what for."""

    def shown(known: Knowledge) -> dict[str, Any]:
        run = known.run(run_id)
        told = _told(known) if run.state is RunState.QUEUED else ()
        return run_detail(run, told, backend().clock()).model_dump(mode="json")

    return answered(shown)


def _told(known: Knowledge) -> list[Waiting]:
    told = backend().waiting()
    return _rows(known) if told is None else told


def _rows(known: Knowledge) -> list[Waiting]:
    return queue_in_rows(known, backend().groups, backend().clock())
