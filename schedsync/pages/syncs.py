"""``/syncs``: what the steps of the reconcile loop changed, and what they found wrong."""

from flask import Blueprint, render_template

from schedsync.api.answers import remembered
from schedsync.api.backend import backend
from schedsync.api.paging import SyncsQuery, sync_cursor
from schedsync.pages import asked
from schedsync.pages.shown.syncs import steps
from schedsync.status.logs import syncs_page

blueprint = Blueprint("syncs", __name__, url_prefix="/syncs")
PAGE = "25"
"""How many steps a page has, unless the address says otherwise."""


@blueprint.get("")
def many() -> str:
    """Show a page of the steps, the newest first."""
    query = asked.query(SyncsQuery, limit=PAGE)
    views, last = remembered(lambda known: syncs_page(known, before=query.cursor, limit=query.limit))
    return render_template(
        "syncs.html",
        steps=steps(views, backend().node),
        next_cursor=None if last is None else sync_cursor(last),
        said=asked.said(),
        here=asked.here,
    )
