"""Minimal valid values, as a store is given them, and what makes them live."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from schedsync.plan.ops import Add, Plan, Remove, Update
from schedsync.plan.state import Located, ObservedJob
from schedsync.runs.outcome import Output
from schedsync.runs.pause import Pause
from schedsync.runs.run import Cause, Run, RunState, new_run_id
from schedsync.store.leases import Lease
from schedsync.store.runs import Advance, RunChanges
from schedsync.store.store import Store
from schedsync.store.syncs import SyncReport
from tests import builders

T = TypeVar("T")
NOW = builders.NOW
MINUTE = timedelta(minutes=1)
SLOT = NOW + 5 * MINUTE
TTL = timedelta(minutes=5)
GONE = timedelta(seconds=-1)
"""A lease of this length has run out when it is given."""
FIVE_MINUTES = builders.located(schedule={"cron": "*/5 * * * *"}).schedule_digest
"""Of the schedule that jobs have here."""
_serial = count()


def _moment() -> datetime:
    """A time later than all that were given before: ids that are made from it are in order."""
    return NOW + next(_serial) * timedelta(milliseconds=1)


def located(job_id: str, **fields: Any) -> Located:
    """A job that fires every five minutes."""
    return builders.located(id=job_id, **{"schedule": {"cron": "*/5 * * * *"}, **fields})


def add(job_id: str, *, at: datetime | None = SLOT, **fields: Any) -> Add:
    return Add(located(job_id, **fields), next_fire_at=at, anchor_at=NOW)


def observed(store: Store, job_id: str) -> ObservedJob:
    return store.jobs.observe().jobs[job_id]


def edit(store: Store, job_id: str, *, to: str | None = None, **fields: Any) -> Update:
    """An edit of a live job, which gets the id *to* if that is given."""
    before = observed(store, job_id)
    return Update(located(to or job_id, **fields), before, before.next_fire_at)


def remove(store: Store, job_id: str) -> Remove:
    return Remove(observed(store, job_id))


def report(**fields: Any) -> SyncReport:
    return replace(SyncReport(at=NOW, node="n1", revision="r1", complete=True), **fields)


def apply(store: Store, plan: Plan) -> Plan:
    """Apply *plan* as a step a moment after the one before."""
    store.jobs.apply(plan, now=NOW, report=report(at=_moment(), revision=plan.revision))
    return plan


def live(store: Store, *job_ids: str, **options: Any) -> None:
    """Make these jobs live."""
    apply(store, Plan(add=tuple(add(job_id, **options) for job_id in job_ids), revision="r1"))


def run(job_id: str = "a", slot: datetime = SLOT, **fields: Any) -> Run:
    """A running first attempt, claimed by "me"."""
    given = {"attempt": 1, "cause": Cause.SCHEDULE, "state": RunState.RUNNING, "spec_digest": "0" * 64, "owner": "me"}
    return Run(**{"id": new_run_id(_moment()), "job_id": job_id, "scheduled_at": slot, "token": 1, **given, **fields})


def retry(ended: Run, **fields: Any) -> Run:
    later = replace(
        ended, id=run().id, attempt=ended.attempt + 1, cause=Cause.RETRY, state=RunState.QUEUED, reason=None
    )
    return replace(later, due_at=NOW + MINUTE, finished_at=None, exit_code=None, **fields)


def ended(run: Run, state: RunState = RunState.SUCCEEDED, **fields: Any) -> Run:
    return replace(run, state=state, finished_at=NOW, **fields)


def claim(store: Store, lease: Lease, *runs: Run) -> list[Run]:
    """Claim runs of jobs that need not exist."""
    return store.runs.claim(lease, runs, [])


def settle(store: Store, *runs: Run, output: bytes = b"") -> None:
    kept = Output(head=output, total=len(output))
    store.runs.record(RunChanges(settled=[(run, kept) for run in runs]), None)


def history(store: Store, lease: Lease, *runs: Run) -> None:
    """Make these ended runs part of the past."""
    claim(store, lease, *runs)


def advance(job_id: str, *, slot: datetime = SLOT, to: datetime | None = SLOT + 5 * MINUTE) -> Advance:
    return Advance(job_id, FIVE_MINUTES, slot, to)


def runs_of(store: Store, job_id: str | None = None) -> list[Run]:
    """All runs, newest slot first."""
    return store.runs.page(job_id=job_id, before=None, limit=10_000)


def pause(job_id: str, **fields: Any) -> Pause:
    return replace(Pause(job_id, by="ann", since=NOW), **fields)


def at_once(calls: Iterable[Callable[[], T]], *, losing: tuple[type[Exception], ...] = ()) -> list[T]:
    """Make the calls in threads that meet before they begin; return what those returned that did not lose."""
    waiting: Sequence[Callable[[], T]] = list(calls)
    barrier = threading.Barrier(len(waiting), timeout=30)
    results: list[T] = []
    errors: list[BaseException] = []

    def meet_and_call(call: Callable[[], T]) -> None:
        barrier.wait()
        try:
            with suppress(*losing):
                results.append(call())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=meet_and_call, args=(call,)) for call in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


@contextmanager
def lost_answer(store: Store) -> Iterator[None]:
    """The next commit is done, but whoever asked for it is told that the connection broke."""

    def commit_and_break(connection: Connection) -> None:
        connection.connection.commit()
        raise OperationalError("COMMIT", None, ConnectionError("the answer got lost"))

    event.listen(store.database.engine, "commit", commit_and_break)
    try:
        yield
    finally:
        event.remove(store.database.engine, "commit", commit_and_break)
