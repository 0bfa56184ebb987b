"""The two logs: what the steps of the reconcile loop did, and what people decided."""

from typing import Any

from flask import Blueprint

from schedsync.api.answers import answered
from schedsync.api.endpoint import Endpoint, endpoint
from schedsync.api.paging import AuditQuery, SyncsQuery, decision_cursor, sync_cursor
from schedsync.status.knowledge import Knowledge
from schedsync.status.logs import AuditPage, SyncsPage, audit_page, syncs_page

blueprint = Blueprint("logs", __name__, url_prefix="/api")


@blueprint.get("/syncs")
@endpoint(Endpoint(SyncsPage, query=SyncsQuery))
def syncs(query: SyncsQuery) -> dict[str, Any]:
    """Answer a page of the steps that changed something or found something new, the newest first."""

    def page(known: Knowledge) -> dict[str, Any]:
        views, last = syncs_page(known, before=query.cursor, limit=query.limit)
        cursor = None if last is None else sync_cursor(last)
        return {"syncs": [view.model_dump(mode="json") for view in views], "next_cursor": cursor}

    return answered(page)


@blueprint.get("/audit")
@endpoint(Endpoint(AuditPage, query=AuditQuery))
def audit(query: AuditQuery) -> dict[str, Any]:
    """Answer a page of what people decided, over one job or all, the newest first."""

    def page(known: Knowledge) -> dict[str, Any]:
        views, last = audit_page(known, job_id=query.job_id, before=query.cursor, limit=query.limit)
        cursor = None if last is None else decision_cursor(last)
        return {"entries": [view.model_dump(mode="json") for view in views], "next_cursor": cursor}

    return answered(page)
