"""What people are told of ends of slots, decided in the transaction that writes these ends down."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, delete, exists, insert, select

from schedsync.runs.notices import Ending, Notice, tell
from schedsync.runs.run import UNSETTLED, RunState
from schedsync.store import tables
from schedsync.store.rows import Write, chunks

PENDING = "pending"
"""The state of a notice that is to be sent."""
_runs, _alarms = tables.runs.c, tables.alarms.c
_LOWER = delete(tables.alarms).where(_alarms.job_id == bindparam("b_job"), _alarms.kind == bindparam("b_kind"))
_RAISE, _TELL = insert(tables.alarms), insert(tables.notices)


@dataclass(slots=True)
class Told:
    """The rows that follow from a group of endings."""

    notices: list[Notice] = field(default_factory=list)
    raised: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """Job and kind of alarms that begin -> since when."""
    lowered: set[tuple[str, str]] = field(default_factory=set)

    def writes(self) -> list[Write]:
        """Return what writes them down."""
        gone = [{"b_job": job_id, "b_kind": kind} for job_id, kind in sorted(self.lowered)]
        new = [{"job_id": i, "kind": kind, "since_at": since} for (i, kind), since in sorted(self.raised.items())]
        return [(_LOWER, gone), (_RAISE, new), (_TELL, [notice_row(notice) for notice in self.notices])]


def decide(connection: Connection, endings: Sequence[Ending]) -> Told:
    """Return what follows from *endings*, whose runs are about to be settled, in their order.

    A run that has been settled already has been told of: by an earlier try, or by another instance.
    """
    told, known = Told(), _Known()
    for chunk in chunks([ending.run.id for ending in endings]):
        known.learn(connection.execute(_looked_at(chunk)))
    for ending in endings:
        job_id = ending.run.job_id
        if known.tokens.get(ending.run.id, ending.run.token + 1) > ending.run.token:
            continue
        lasting = known.lasting.setdefault(job_id, set())
        telling = tell(ending, frozenset(lasting))
        told.notices += telling.notices
        lasting -= telling.lowered
        lasting |= telling.raised
        for kind in telling.lowered:
            if told.raised.pop((job_id, kind), None) is None:
                told.lowered.add((job_id, kind))
        for kind in telling.raised if ending.run.id in known.of_live_jobs else ():
            told.raised[job_id, kind] = ending.run.finished_at or ending.run.scheduled_at
            if (job_id, kind) in known.outdated:
                told.lowered.add((job_id, kind))
    return told


@dataclass(slots=True)
class _Known:
    """What the rows say."""

    tokens: dict[str, int] = field(default_factory=dict)
    """The tokens of the runs that are not settled yet, by id."""
    of_live_jobs: set[str] = field(default_factory=set)
    """Those whose jobs are there. An alarm of a job that is gone would outlive it, and silence the next of its name."""
    lasting: dict[str, set[str]] = field(default_factory=dict)
    """The alarms that last, by job."""
    outdated: set[tuple[str, str]] = field(default_factory=set)
    """Job and kind of alarms that a success has ended since, of which nobody took note."""

    def learn(self, rows: Iterable[Any]) -> None:
        for run_id, job_id, token, kind, over, live in rows:
            self.tokens[run_id] = token
            if live:
                self.of_live_jobs.add(run_id)
            if kind is not None and over:
                self.outdated.add((job_id, kind))
            elif kind is not None:
                self.lasting.setdefault(job_id, set()).add(kind)


def _looked_at(run_ids: Sequence[str]) -> Select[Any]:
    """Return the query for the unsettled ones of these runs, which it locks, with the alarms of their jobs."""
    later = tables.runs.alias("s")
    succeeded = exists(
        select(later.c.id).where(
            later.c.job_id == _alarms.job_id,
            later.c.state.concat("") == RunState.SUCCEEDED,  # nearly all are: no index of states is to be used
            later.c.finished_at > _alarms.since_at,
        )
    )
    live = exists(select(tables.jobs.c.id).where(tables.jobs.c.id == _runs.job_id))
    flags = (case((succeeded, 1), else_=0), case((live, 1), else_=0))
    return (
        select(_runs.id, _runs.job_id, _runs.token, _alarms.kind, *flags)
        .outerjoin_from(tables.runs, tables.alarms, _alarms.job_id == _runs.job_id)
        .where(_runs.id.in_(run_ids), _runs.state.in_(UNSETTLED))
        .with_for_update(of=_runs.id)
    )


def notice_row(notice: Notice) -> dict[str, Any]:
    """Return *notice*, which is still to be sent, as the values of its row."""
    return {
        "id": notice.id,
        "channel": notice.channel,
        "event": notice.event.value,
        "job_id": notice.job_id,
        "run_id": notice.run_id,
        "scheduled_at": notice.scheduled_at,
        "happened_at": notice.happened_at,
        "reason": notice.reason,
        "state": PENDING,
        "tries": notice.tries,
        "next_try_at": notice.next_try_at or notice.happened_at,
    }
