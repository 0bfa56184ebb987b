"""The queue as the status side shows it: each run that has not started, and what it waits for."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from schedsync.runs.run import Run
from schedsync.runs.waiting import Waiting, WaitsFor, waiting_in_rows
from schedsync.status.knowledge import Knowledge
from schedsync.status.views import RunView, Time, View, run_view

ToldBy = Literal["leader", "rows"]
LEADER: ToldBy = "leader"
ROWS: ToldBy = "rows"


class RunName(View):
    """A run by its names."""

    run_id: str
    job_id: str


class WaitView(View):
    """What a run waits for."""

    kind: WaitsFor
    pool: str | None
    """Where it needs a place; "all" where there is no place for any run."""
    places: int | None
    """How many there are; null where another instance has them."""
    group: str | None
    """That of its job."""
    behind: list[RunName]
    """Those of which one has to end first."""
    before: int
    """How many wait for the same, and come before it."""
    until: Time | None
    """When its delay is over."""


class RunDetail(RunView):
    """A run, and what it waits for."""

    waiting_for: WaitView | None
    """Of a queued run, where it is known."""


class QueuedRunView(RunDetail):
    """A run that waits."""

    since: Time | None
    """Since when it waits."""


class QueueView(View):
    """What waits, in the order in which it will start."""

    told_by: ToldBy
    """Whether it is what the instance that leads knows, or what the rows say."""
    total: int
    """How many wait, also beyond the limit."""
    queue: list[QueuedRunView]


def queue_view(told: Sequence[Waiting], *, told_by: ToldBy, limit: int) -> QueueView:
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
