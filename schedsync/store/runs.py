"""Run history: claims, results, and what people read of them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from schedsync.errors import LeadershipLostError, RunNotFoundError, StaleObservationError
from schedsync.runs.outcome import Output
from schedsync.runs.run import UNSETTLED, Run, RunState
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.leases import Lease, fence
from schedsync.store.rows import RUN_COLUMNS, chunks, row_of, run_from
from schedsync.store.types import printable

_runs = tables.runs.c


@dataclass(frozen=True, slots=True)
class Advance:
    """Moves a job on to its next slot, if it still stands where the claim was decided."""

    job_id: str
    from_slot: datetime
    to_slot: datetime | None


@dataclass(slots=True)
class RunChanges:
    """What happened to runs since the last write; recorded together in one transaction."""

    started: list[Run] = field(default_factory=list)
    """Running, with their process."""
    promoted: list[Run] = field(default_factory=list)
    """Queued runs that are given leave to start."""
    settled: list[tuple[Run, Output]] = field(default_factory=list)
    """Ended, or skipped after having been queued."""
    retries: list[Run] = field(default_factory=list)
    """Further attempts, queued."""

    def __bool__(self) -> bool:
        return bool(self.started or self.promoted or self.settled or self.retries)


@dataclass(frozen=True, slots=True)
class KeptOutput:
    """What is kept of a run's output, as text."""

    head: str
    tail: str
    total: int
    dropped: int


class RunTable:
    """The runs and their output. Each method is one transaction and may raise DatabaseUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, lease: Lease, runs: Sequence[Run], advances: Sequence[Advance]) -> list[Run]:
        """Write down that *runs* exist and move their jobs on, in one transaction, under *lease*.

        A slot that has a row already is left out: it has its outcome. Returns the runs that were written.

        Raises:
            LeadershipLostError: another instance leads now; nothing was written.
            StaleObservationError: a job changed since it was looked at; nothing was written.
        """
        return self._database.retrying(lambda: self._claim(lease, runs, advances))

    def _claim(self, lease: Lease, runs: Sequence[Run], advances: Sequence[Advance]) -> list[Run]:
        try:
            self._claim_all(lease, runs, advances)
            return list(runs)
        except IntegrityError:
            new = self._without_known(runs)
            if len(new) == len(runs):
                raise StaleObservationError("the slots of this claim changed meanwhile") from None
            self._claim_all(lease, new, advances)
            return new

    def _claim_all(self, lease: Lease, runs: Sequence[Run], advances: Sequence[Advance]) -> None:
        with self._database.write() as connection:
            fence(connection, lease)
            if runs:
                connection.execute(insert(tables.runs), [row_of(run) for run in runs])
            _advance(connection, advances)

    def _without_known(self, runs: Sequence[Run]) -> list[Run]:
        known: set[tuple[str, datetime, int]] = set()
        with self._database.read() as connection:
            for chunk in chunks([run.job_id for run in runs]):
                slots = (_runs.job_id, _runs.scheduled_at, _runs.attempt)
                span = (min(run.scheduled_at for run in runs), max(run.scheduled_at for run in runs))
                rows = connection.execute(
                    select(*slots).where(_runs.job_id.in_(chunk), _runs.scheduled_at.between(*span))
                )
                known.update((row.job_id, row.scheduled_at, row.attempt) for row in rows)
        return [run for run in runs if (run.job_id, run.scheduled_at, run.attempt) not in known]

    def record(self, changes: RunChanges, lease: Lease | None) -> None:
        """Write down what happened. Doing it twice changes nothing, so it may be repeated after an error.

        Args:
            changes: what happened.
            lease: under which runs may be promoted and retries be added; None where there are none of these.

        Raises:
            LeadershipLostError: there are some, and another instance leads now; nothing was written.
        """
        self._database.retrying(lambda: self._record(changes, lease))

    def _record(self, changes: RunChanges, lease: Lease | None) -> None:
        with self._database.write() as connection:
            if changes.promoted or changes.retries:
                if lease is None:
                    raise LeadershipLostError("this instance does not lead")
                fence(connection, lease)
            _set_promoted(connection, changes.promoted)
            _set_started(connection, changes.started)
            _set_settled(connection, [run for run, _ in changes.settled])
            _put_outputs(connection, [(run.id, output) for run, output in changes.settled if output.total])
            _put_retries(connection, changes.retries)

    def unsettled(self) -> list[Run]:
        """Return the runs that are queued or running, oldest slot first."""
        statement = select(*RUN_COLUMNS).where(_runs.state.in_(UNSETTLED)).order_by(_runs.scheduled_at, _runs.id)
        with self._database.read() as connection:
            return [run_from(row) for row in connection.execute(statement)]

    def get(self, run_id: str) -> Run:
        """Return the run of this id.

        Raises:
            RunNotFoundError: there is none.
        """
        with self._database.read() as connection:
            row = connection.execute(select(*RUN_COLUMNS).where(_runs.id == run_id)).one_or_none()
        if row is None:
            raise RunNotFoundError(run_id)
        return run_from(row)

    def output(self, run_id: str) -> KeptOutput | None:
        """Return what is kept of the run's output; None while nothing is."""
        statement = select(tables.run_output).where(tables.run_output.c.run_id == run_id)
        with self._database.read() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            return None
        return KeptOutput(row.head_text or "", row.tail_text or "", row.total_bytes, row.dropped_bytes)

    def page(self, *, job_id: str | None, before: tuple[datetime, str] | None, limit: int) -> list[Run]:
        """Return up to *limit* runs, newest slot first, of one job or of all; *before* is a place to go on from."""
        statement = select(*RUN_COLUMNS).order_by(_runs.scheduled_at.desc(), _runs.id.desc()).limit(limit)
        if job_id is not None:
            statement = statement.where(_runs.job_id == job_id)
        if before is not None:
            slot, run_id = before
            earlier = (_runs.scheduled_at < slot) | ((_runs.scheduled_at == slot) & (_runs.id < run_id))
            statement = statement.where(earlier)
        with self._database.read() as connection:
            return [run_from(row) for row in connection.execute(statement)]

    def last_of(self, job_ids: Collection[str]) -> dict[str, Run]:
        """Return each job's newest run that was not skipped."""
        found: dict[str, Run] = {}
        with self._database.read() as connection:
            for chunk in chunks(job_ids):
                newest = (
                    select(func.max(_runs.id))
                    .where(_runs.job_id.in_(chunk), _runs.state != RunState.SKIPPED)
                    .group_by(_runs.job_id)
                )
                rows = connection.execute(select(*RUN_COLUMNS).where(_runs.id.in_(newest)))
                found.update((row.job_id, run_from(row)) for row in rows)
        return found

    def unsettled_counts(self) -> dict[RunState, int]:
        """Return how many runs are queued and how many are running."""
        statement = select(_runs.state, func.count()).where(_runs.state.in_(UNSETTLED)).group_by(_runs.state)
        with self._database.read() as connection:
            return {RunState(state): count for state, count in connection.execute(statement)}

    def forget(self, keep: "Keep") -> int:
        """Remove what is older than a job's history keeps; return how many runs went."""
        doomed = self._doomed(keep)
        for chunk in chunks(doomed):
            with self._database.write() as connection:
                connection.execute(delete(tables.run_output).where(tables.run_output.c.run_id.in_(chunk)))
                connection.execute(delete(tables.runs).where(_runs.id.in_(chunk)))
        return len(doomed)

    def _doomed(self, keep: "Keep") -> list[str]:
        # The newest are kept whatever their age: a monthly job shows how it went last time.
        settled = (_runs.job_id == keep.job_id, _runs.state.not_in(UNSETTLED))
        doomed: set[str] = set()
        with self._database.read() as connection:
            for kind in (_runs.state == RunState.SKIPPED, _runs.state != RunState.SKIPPED):
                ordered = select(_runs.id).where(*settled, kind).order_by(_runs.id.desc())
                doomed.update(connection.execute(ordered.offset(keep.count)).scalars())
                old = ordered.where(_runs.scheduled_at < keep.since)
                newest = connection.execute(ordered.limit(1)).scalars().all()
                doomed.update(set(connection.execute(old).scalars()) - set(newest))
        return sorted(doomed)

    def jobs_with_history(self) -> list[str]:
        """Return the ids of all jobs that have runs, also of jobs that are gone."""
        with self._database.read() as connection:
            return list(connection.execute(select(_runs.job_id).distinct().order_by(_runs.job_id)).scalars())


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of a job's past stays."""

    job_id: str
    count: int
    since: datetime

    @classmethod
    def of(cls, job_id: str, *, count: int, days: int, now: datetime) -> "Keep":
        """Return what *count* and *days* of a job's history mean at *now*."""
        return cls(job_id, count, now - timedelta(days=days))


def _advance(connection: Connection, advances: Sequence[Advance]) -> None:
    jobs = tables.jobs.c
    statement = (
        update(tables.jobs)
        .where(jobs.id == bindparam("b_id"), jobs.next_fire_at == bindparam("b_from", type_=jobs.next_fire_at.type))
        .values(next_fire_at=bindparam("b_to", type_=jobs.next_fire_at.type))
    )
    rows = [{"b_id": a.job_id, "b_from": a.from_slot, "b_to": a.to_slot} for a in advances]
    if rows and connection.execute(statement, rows).rowcount != len(rows):
        raise StaleObservationError("a job changed while its slots were claimed")


def _change_state(
    connection: Connection, runs: Iterable[Run], allowed: Sequence[RunState], columns: Sequence[str]
) -> None:
    rows = [{"b_id": run.id, **{name: getattr(run, name) for name in columns}} for run in runs]
    if rows:
        statement = (
            update(tables.runs)
            .where(_runs.id == bindparam("b_id"), or_(*(_runs.state == state for state in allowed)))
            .values({name: bindparam(name) for name in columns})
        )
        connection.execute(statement, rows)


def _set_promoted(connection: Connection, runs: Iterable[Run]) -> None:
    _change_state(connection, runs, (RunState.QUEUED,), ("state", "node", "owner", "token"))


def _set_started(connection: Connection, runs: Iterable[Run]) -> None:
    _change_state(connection, runs, (RunState.RUNNING,), ("started_at", "pid"))


def _set_settled(connection: Connection, runs: Iterable[Run]) -> None:
    columns = ("state", "reason", "exit_code", "started_at", "finished_at", "pid")
    _change_state(connection, runs, UNSETTLED, columns)


def _put_outputs(connection: Connection, outputs: Sequence[tuple[str, Output]]) -> None:
    if not outputs:
        return
    kept = tables.run_output
    for chunk in chunks([run_id for run_id, _ in outputs]):
        connection.execute(delete(kept).where(kept.c.run_id.in_(chunk)))
    connection.execute(insert(kept), [_output_row(run_id, output) for run_id, output in outputs])


def _output_row(run_id: str, output: Output) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "total_bytes": output.total,
        "dropped_bytes": output.dropped,
        "head_text": printable(output.head.decode(errors="replace")) or None,
        "tail_text": printable(output.tail.decode(errors="replace")) or None,
    }


def _put_retries(connection: Connection, retries: Sequence[Run]) -> None:
    if not retries:
        return
    known: set[str] = set()
    for chunk in chunks([run.id for run in retries]):
        known.update(connection.execute(select(_runs.id).where(_runs.id.in_(chunk))).scalars())
    rows = [row_of(run) for run in retries if run.id not in known]
    if rows:
        connection.execute(insert(tables.runs), rows)
