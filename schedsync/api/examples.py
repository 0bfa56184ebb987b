"""What answers and wishes look like: an example of each shape, for the description of the API."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from schedsync import __version__
from schedsync.api.files import FiledJob, JobDocument, RemovedJob
from schedsync.api.health import DatabaseHealth, Health, Readiness
from schedsync.api.index import PLACES, Index
from schedsync.api.parsing import Mistake
from schedsync.api.problems import Kind, Problem
from schedsync.api.wishes import Nothing, PauseWish, ResumeWish, RunWish
from schedsync.runs.run import Cause, RunState
from schedsync.runs.waiting import WaitsFor
from schedsync.status.logs import AuditPage, ChangesView, DecisionView, SyncsPage, SyncView
from schedsync.status.queue import LEADER, QueuedRunView, QueueView, RunDetail, WaitView
from schedsync.status.views import (
    CountsView,
    DatabaseView,
    JobDetail,
    JobsPage,
    JobView,
    NoticesView,
    PauseView,
    ProblemView,
    RevisionView,
    RunsPage,
    RunView,
    SourceView,
    StatusView,
)

_SLOT = datetime(2027, 1, 29, 1, 30, tzinfo=UTC)
_REVISION = "8c1f2d7e0b5a49366f1d0c2b7a9e8d5f4c3b2a10"
_CURSOR = "am9iIGVycC5uaWdodGx5LWR1bXA"

_RUN = RunView(
    id="019ab4c2e5d07f3a9c1b2d4e",
    job_id="erp.nightly-dump",
    scheduled_at=_SLOT,
    started_at=_SLOT + timedelta(milliseconds=12),
    finished_at=_SLOT + timedelta(minutes=4),
    state=RunState.SUCCEEDED,
    reason=None,
    attempt=1,
    cause=Cause.SCHEDULE,
    exit_code=0,
    node="erp-1",
    revision=_REVISION,
    asked_by=None,
    ask_reason=None,
    upstream_job_id=None,
    upstream_run_id=None,
    upstream_state=None,
    late=False,
)
_ASKED = _RUN.model_copy(
    update={
        "id": "019ab4d1f0c3a2b45e6d7f80",
        "scheduled_at": _SLOT + timedelta(hours=7),
        "started_at": None,
        "finished_at": None,
        "state": RunState.QUEUED,
        "cause": Cause.MANUAL,
        "exit_code": None,
        "asked_by": "token:night-shift",
        "ask_reason": "the disk was full",
    }
)
_WAITS = WaitView(kind=WaitsFor.CAPACITY, pool="processes", places=32, group=None, behind=[], before=2, until=None)
_PAUSE = PauseView(by="token:night-shift", reason="storage is being moved", until=_SLOT, since=_SLOT)
_JOB = JobView(
    id="erp.nightly-dump",
    description="Dump the ERP schema before the close",
    tags=["erp", "backup"],
    owner="dba-oncall@example.com",
    state="active",
    schedule="0 22 * * 1-5",
    next_fire_at=_SLOT + timedelta(days=3),
    source=SourceView(file="erp/nightly-dump.yaml", line=1),
    revision=_REVISION,
    stale=False,
    pause=None,
    overdue_since=None,
    last_run=_RUN,
)
_STATUS = StatusView(
    version=__version__,
    node="erp-1",
    leader="erp-1",
    revision=RevisionView(live=_REVISION, attempted=_REVISION),
    last_sync_at=_SLOT,
    last_tick_at=_SLOT,
    database=DatabaseView(ok=True, since=_SLOT, error=None),
    paused=None,
    counts=CountsView(jobs=3, active=2, paused=0, suspended=1, finished=0, stale=1, held=0, running=1, queued=0),
    notices=NoticesView(pending=0, failed=0),
    problems=[
        ProblemView(
            file="erp/close-books.yaml",
            line=4,
            column=9,
            job_id="erp.close-books",
            field="schedule.cron",
            message="is not a cron expression",
            found='"30 25 * * *"',
            expected="an hour from 0 to 23",
            since=_SLOT,
        )
    ],
    held=[],
    blackouts=[],
)
_SYNC = SyncView(
    id="019ab4c2e5d07f3a9c1b2d4e",
    at=_SLOT,
    node="erp-1",
    revision=_REVISION,
    complete=True,
    drift=False,
    counts={"added": 1},
    changes=ChangesView(
        added=["erp.nightly-dump"], updated=[], renamed=[], renamed_from={}, removed=[], truncated=False
    ),
    problems=[],
    held=[],
)
_DECISION = DecisionView(
    id="019ab4c2e5d07f3a9c1b2d4f",
    at=_SLOT,
    actor="token:night-shift",
    action="pause",
    job_id="erp.nightly-dump",
    reason="storage is being moved",
)
_SHOWN: list[BaseModel] = [
    Index(service="schedsync", version=__version__, read=list(PLACES)),
    Health(status="ok", last_tick_at=_SLOT, database=DatabaseHealth(status="ok", ok=True, since=_SLOT, error=None)),
    Readiness(status="waiting", reasons=["the folder has not been applied yet"]),
    _STATUS,
    _RUN,
    _PAUSE,
    JobsPage(jobs=[_JOB], total=1, next_cursor=_CURSOR),
    JobDetail(
        **dict(_JOB),
        spec={"id": "erp.nightly-dump", "run": {"script": "scripts/dump.sh"}, "timeout": "30m"},
        next_slots=[_SLOT + timedelta(days=number) for number in range(1, 4)],
    ),
    RunsPage(runs=[_RUN], next_cursor=None),
    RunDetail(**dict(_ASKED), waiting_for=_WAITS),
    QueueView(
        told_by=LEADER, total=1, queue=[QueuedRunView(**dict(_ASKED), since=_ASKED.scheduled_at, waiting_for=_WAITS)]
    ),
    FiledJob(job_id="erp.nightly-dump", file="api/erp.nightly-dump.yaml", created=True, changed=True, problems=[]),
    RemovedJob(job_id="erp.nightly-dump", file="api/erp.nightly-dump.yaml"),
    SyncsPage(syncs=[_SYNC], next_cursor=None),
    AuditPage(entries=[_DECISION], next_cursor=None),
    Problem(
        type=Kind.MALFORMED_REQUEST.uri,
        title=Kind.MALFORMED_REQUEST.title,
        status=400,
        detail="limit: expected a whole number from 1 to 500, found 0",
        errors=[Mistake("limit", "0", "expected a whole number from 1 to 500, found 0")],
    ),
]
_SAID: dict[type[BaseModel], dict[str, Any]] = {
    JobDocument: {
        "id": "erp.nightly-dump",
        "schedule": [{"cron": "30 2 * * *"}],
        "run": {"script": "scripts/dump.sh"},
    },
    Nothing: {},
    PauseWish: {"until": "2h", "reason": "storage is being moved"},
    ResumeWish: {"reason": "storage is in place"},
    RunWish: {"reason": "the disk was full"},
}

EXAMPLES: Mapping[str, dict[str, Any]] = {
    **{type(shown).__name__: shown.model_dump(mode="json", exclude_unset=True) for shown in _SHOWN},
    **{kind.__name__: said for kind, said in _SAID.items()},
}
"""By the name of the shape."""
