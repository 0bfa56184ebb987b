"""The queue as the status side shows it: each run that has not started, and what it waits for."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from schedsync.runs.run import Run
from schedsync.runs.waiting import Waiting, waiting_in_rows
from schedsync.status.knowledge import Knowledge
from schedsync.status.views import RunView, Time, View, run_view

LEADER, ROWS = "leader", "rows"


class RunName(View):
    """A run by its names."""

    run_id: str
    job_id: str


class WaitView(View):
    """What a run waits for."""

    kind: str
    pool: str | None
    places: int | None
    group: str | None
    behind: list[RunName]
    before: int
    until: Time | None


class RunDetail(RunView):
    """A run, and what it waits for."""

    waiting_for: WaitView | None


class QueuedRunView(RunDetail):
    """A run that waits."""

    since: Time | None


class QueueView(View):
    """What waits, in the order in which it will start."""

    told_by: str
    total: int
    queue: list[QueuedRunView]


def queue_view(told: Sequence[Waiting], *, told_by: str, limit: int) -> QueueView:
    """Show the first *limit* of what waits."""
    return QueueView(told_by=told_by, total=len(told), queue=[_queued(each) for each in told[:limit]])


def run_detail(run: Run, told: Iterable[Waiting], now: datetime) -> RunDetail:
    """Show *run* as it is *now*, with what it waits for, if it is among what waits."""
    found = next((each for each in told if each.run.id == run.id), None)
    return RunDetail(**dict(run_view(run, now)), waiting_for=None if found is None else _wait(found))


def queue_in_rows(known: Knowledge, groups: Mapping[str, int], now: datetime) -> list[Waiting]:
    """Return what waits at *now*, as far as somebody knows it who does not lead."""
    unsettled = known.unsettled()
    return waiting_in_rows(unsettled, known.specs({run.job_id for run in unsettled}), now, groups)


def _queued(each: Waiting) -> QueuedRunView:
    return QueuedRunView(**dict(run_view(each.run)), since=each.run.claimed_at, waiting_for=_wait(each))


def _wait(each: Waiting) -> WaitView | None:
    if each.kind is None:
        return None
    return WaitView(
        kind=each.kind,
        pool=each.pool,
        places=each.places,
        group=each.group,
        behind=[_name(run) for run in each.behind],
        before=each.before,
        until=each.until,
    )


def _name(run: Run) -> RunName:
    return RunName(run_id=run.id, job_id=run.job_id)
