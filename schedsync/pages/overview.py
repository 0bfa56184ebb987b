"""``/``: the first page."""

from flask import Blueprint, render_template

from schedsync.api.answers import reading_of, remembered
from schedsync.api.backend import backend
from schedsync.api.parsing import Said
from schedsync.pages.asked import done, query
from schedsync.pages.shown.overview import Overview, overview
from schedsync.pages.shown.verdict import of_instance
from schedsync.status.knowledge import Knowledge
from schedsync.status.queue import queue_in_rows
from schedsync.status.views import status_view

blueprint = Blueprint("overview", __name__)
_DONE = {
    "paused": "Everything is paused.",
    "resumed": "Jobs fire again, but those that are paused themselves.",
    "synced": "The folder is being read.",
}


@blueprint.get("/")
def show() -> str:
    """Show whether all is well, and what happens now."""
    query(Said)
    return render_template("overview.html", page=remembered(_overview), done=done(_DONE))


def _overview(known: Knowledge) -> Overview:
    parts = backend()
    now, reading = parts.clock(), reading_of(known)
    status = status_view(known, reading, node=parts.node, now=now, blackouts=parts.blackouts)
    told = parts.waiting()
    if told is None:
        told = queue_in_rows(known, parts.groups, now) if status.counts.queued else []
    return overview(known, status, told=told, now=now, wrong=of_instance(reading, now, parts.tick_limit))
