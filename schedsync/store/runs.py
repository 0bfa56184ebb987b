"""The runs, as the rest of schedsync asks for them: claims, results, and history."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from schedsync.errors import RunNotFoundError
from schedsync.runs.run import UNSETTLED, Run, RunState
from schedsync.runs.selection import ALL, RunFilter
from schedsync.store import asking, claims, history, results, tables, tallies
from schedsync.store.claims import Advance, Stay
from schedsync.store.database import Database
from schedsync.store.history import Keep, Past, Place
from schedsync.store.kept import Kept
from schedsync.store.leases import Lease
from schedsync.store.results import HandedOver, RunChanges
from schedsync.store.rows import RUN_COLUMNS, chunks, run_from
from schedsync.store.tallies import Span, Tally

__all__ = ["Advance", "HandedOver", "Keep", "KeptOutput", "Past", "RunChanges", "RunTable", "Span", "Stay", "Tally"]

MOST_RUNS = 10_000
"""How many runs are kept as they were seen last."""
_runs = tables.runs.c


@dataclass(frozen=True, slots=True)
class KeptOutput:
    """What is kept of a run's output, as text."""

    head: str
    tail: str
    total: int
    dropped: int


def kept_runs() -> Kept[Run]:
    """Return a memory of what rows of runs mean."""
    return Kept(RUN_COLUMNS, run_from, most=MOST_RUNS)


class RunTable:
    """The runs and their output. Each method is one transaction and may raise DatabaseUnavailableError."""

    def __init__(self, database: Database, kept: Kept[Run]) -> None:
        self._database, self._kept = database, kept
        self.on_notices: Callable[[], None] = lambda: None
        """Told when what was recorded has put notices into the outbox."""

    def claim(self, lease: Lease, runs: Sequence[Run], advances: Sequence[Advance | Stay]) -> list[Run]:
        """Write down that *runs* exist and move their jobs on, in one transaction, under *lease*.

        A slot that has a row already is left out: it has its outcome. Returns the runs that are written. After a
        DatabaseUnavailableError the claim may have been written; repeated with the same runs, it says so.

        Raises:
            LeadershipLostError: another instance leads now; nothing was written.
            StaleObservationError: a job changed since it was looked at; nothing was written.
        """
        return self._database.retrying(lambda: claims.claim(self._database, lease, runs, advances))

    def record(self, changes: RunChanges, lease: Lease | None) -> frozenset[str]:
        """Write down what happened. Doing it twice changes nothing, so it may be repeated after an error.

        Args:
            changes: what happened.
            lease: under which runs may be promoted and retries be added; None where there are none of these.

        Returns:
            The ids of promoted runs, of those taken up, and of retries that are not this instance's: another leader has
            them, or had them.

        Raises:
            LeadershipLostError: there are some, and another instance leads now; nothing was written.
        """
        recorded = self._database.retrying(lambda: results.record(self._database, changes, lease))
        if recorded.notices:
            self.on_notices()
        return recorded.refused

    def hand_over(self, retries: Sequence[Run]) -> HandedOver:
        """Queue further attempts without the lease, for whoever leads to start; doing it again changes nothing.

        Each is written only where the attempt before it ended as it says; the leader may have settled that one.
        """
        return self._database.retrying(lambda: results.hand_over(self._database, retries))

    def ask(self, run: Run) -> Run:
        """Write down that somebody wants *run*, which is queued and has no owner; return it as it is written.

        Where another run has its moment already, it gets the next one that is free.
        """
        return asking.ask(self._database, run)

    def unowned(self) -> list[Run]:
        """Return the queued runs that no instance has taken up, oldest slot first."""
        waits = (_runs.state == RunState.QUEUED, _runs.owner.is_(None))
        statement = select(*RUN_COLUMNS).where(*waits).order_by(_runs.scheduled_at, _runs.id)
        with self._database.read() as connection:
            return [run_from(row) for row in connection.execute(statement)]

    def attempts(self, job_id: str, scheduled_at: datetime) -> list[Run]:
        """Return the attempts at a slot, the first one first."""
        same = (_runs.job_id == job_id, _runs.scheduled_at == scheduled_at)
        with self._database.read() as connection:
            rows = connection.execute(select(*RUN_COLUMNS).where(*same).order_by(_runs.attempt))
            return [run_from(row) for row in rows]

    def following(self, run: Run) -> list[Run]:
        """Return the runs of other jobs that follow *run*, with their further attempts, oldest slot first."""
        if run.finished_at is None:
            return []
        # Their slot is the end of it, which an index finds.
        follows = (_runs.scheduled_at == run.finished_at, _runs.upstream_run_id == run.id)
        statement = select(*RUN_COLUMNS).where(*follows).order_by(_runs.job_id, _runs.attempt)
        with self._database.read() as connection:
            return [run_from(row) for row in connection.execute(statement)]

    def unsettled(self) -> list[Run]:
        """Return the runs that are queued or running, oldest slot first."""
        statement = select(*RUN_COLUMNS).where(_runs.state.in_(UNSETTLED)).order_by(_runs.scheduled_at, _runs.id)
        with self._database.read() as connection:
            return [run_from(row) for row in connection.execute(statement)]

    def known(self, run_ids: Collection[str]) -> set[str]:
        """Return which of these runs there are, whatever became of them."""
        found: set[str] = set()
        with self._database.read() as connection:
            for chunk in chunks(run_ids):
                found.update(connection.execute(select(_runs.id).where(_runs.id.in_(chunk))).scalars())
        return found

    def unsettled_counts(self) -> dict[RunState, int]:
        """Return how many runs are queued and how many are running."""
        statement = select(_runs.state, func.count()).where(_runs.state.in_(UNSETTLED)).group_by(_runs.state)
        with self._database.read() as connection:
            return {RunState(state): count for state, count in connection.execute(statement)}

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

    def page(self, *, job_id: str | None, before: Place | None, limit: int, only: RunFilter = ALL) -> list[Run]:
        """Return up to *limit* runs, newest slot first, of one job or of all.

        Args:
            job_id: whose runs; None: of all jobs.
            before: a place to go on from.
            limit: how many at most.
            only: which of them.
        """
        with self._database.read() as connection:
            return history.page(connection, self._kept, job_id=job_id, before=before, limit=limit, only=only)

    def tallies(self, span: Span, step: timedelta) -> list[Tally]:
        """Return how many runs have their slots in *span*: of each job, and in each *step* of all jobs."""
        with self._database.read() as connection:
            return tallies.of_all(connection, span, step)

    def tallies_of(self, job_ids: Collection[str], span: Span, step: timedelta) -> list[Tally]:
        """Return how many runs of these jobs have their slots in each *step* of *span*."""
        with self._database.read() as connection:
            return tallies.of_jobs(connection, job_ids, span, step)

    def within(self, job_ids: Collection[str], span: Span, limit: int) -> list[Run]:
        """Return the runs of these jobs with slots in *span*, oldest first; at most *limit* for every 500 jobs."""
        with self._database.read() as connection:
            return tallies.runs(connection, job_ids, span, limit)

    def last_of(self, job_ids: Collection[str]) -> dict[str, Run]:
        """Return each job's newest run that was not skipped."""
        with self._database.read() as connection:
            return history.last_of(connection, self._kept, job_ids)

    def recent_of(self, job_ids: Collection[str], each: int) -> dict[str, list[Run]]:
        """Return each job's newest runs, at most *each* of them, newest slot first, skipped slots too."""
        with self._database.read() as connection:
            return history.recent_of(connection, self._kept, job_ids, each)

    def forget(self, keep: Keep) -> int:
        """Remove what is older than a job's history keeps; return how many runs went."""
        return history.forget(self._database, keep)

    def pasts(self) -> list[Past]:
        """Return how much past each job has, also of jobs that are gone."""
        with self._database.read() as connection:
            return history.pasts(connection)
