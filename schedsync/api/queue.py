"""The queue: what waits, and what for."""

from typing import Any

from flask import Blueprint

from schedsync.api.answers import answered
from schedsync.api.backend import backend
from schedsync.api.paging import QueueQuery
from schedsync.api.parsing import takes
from schedsync.status.knowledge import Knowledge
from schedsync.status.queue import LEADER, ROWS, queue_in_rows, queue_view

blueprint = Blueprint("queue", __name__, url_prefix="/api")


@blueprint.get("/queue")
@takes(QueueQuery)
def queue(query: QueueQuery) -> dict[str, Any]:
    """Answer what waits: as this instance has it when it leads, else as the rows say."""
    told = backend().waiting()
    if told is not None:
        return queue_view(told, told_by=LEADER, limit=query.limit).model_dump(mode="json")

    def shown(known: Knowledge) -> dict[str, Any]:
        rows = queue_in_rows(known, backend().groups, backend().clock())
        return queue_view(rows, told_by=ROWS, limit=query.limit).model_dump(mode="json")

    return answered(shown)
