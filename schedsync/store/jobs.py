"""Applied jobs: the hot rows that firing reads, and the specs beside them."""

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import itemgetter
from typing import Any

from pydantic import ValidationError
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Row,
    Select,
    bindparam,
    case,
    exists,
    func,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.exc import IntegrityError

from schedsync.clock import from_micros
from schedsync.errors import StaleObservationError
from schedsync.plan.ops import Plan
from schedsync.plan.state import Observed, ObservedJob, Source, job_of, moved
from schedsync.runs.following import Follower, Followers
from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import RunState
from schedsync.specs.fingerprint import from_canonical
from schedsync.specs.following import Follows
from schedsync.specs.job import JobSpec
from schedsync.store import tables
from schedsync.store.applying import apply_plan
from schedsync.store.database import Database
from schedsync.store.fetching import AtOnce, as_it_comes
from schedsync.store.kept import Kept
from schedsync.store.overview import ONE_BITE, Overview, last_slots, overview
from schedsync.store.rows import PAUSE_WIDTH, chunks, pause_from_raw, raw_pause_columns
from schedsync.store.specs import KnownSpecs
from schedsync.store.syncs import SyncReport, insert_sync
from schedsync.store.types import instant_or_none
from schedsync.unhurried import unhurried

log = logging.getLogger(__name__)
MOST_JOBS = 100_000
"""How many jobs are kept as they were seen last."""
_MANY = 1_000
"""How many specs are asked for at once, and come in one bite: a burst may wait for them. Oracle has no longer lists."""
_jobs, _specs, _runs = tables.jobs.c, tables.specs.c, tables.runs.c


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job as it is live. Times are UTC."""

    observed: ObservedJob
    spec: JobSpec | None
    """None when the stored text is missing or no spec: changed by hand, or written by a newer version."""
    revision: str | None


@dataclass(frozen=True, slots=True)
class DueRow:
    """What firing needs of a job's hot row, with the pauses that concern it. The fields of the row come first."""

    id: str
    next_fire_at: datetime
    anchor_at: datetime
    spec_digest: str
    schedule_digest: str
    generation: int
    revision: str | None
    source_file: str
    pauses: tuple[Pause, ...]
    boot: datetime | None = None
    """The start of the service that makes these slots, which the row does not know; None: a clock makes them."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a tick sees."""

    due: list[DueRow]
    """Earliest slot first."""
    unowned: frozenset[str]
    """Queued runs that no instance has taken up."""


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How many jobs there are, by the state they show."""

    by_state: Mapping[str, int]
    stale: int


def _beside_specs(*columns: ColumnElement[Any]) -> Select[Any]:
    return select(_jobs.id, *columns).outerjoin_from(tables.jobs, tables.specs, _specs.job_id == _jobs.id)


_REST = (
    _jobs.schedule_digest,
    _jobs.source_file,
    _jobs.source_line,
    _jobs.anchor_at,
    _jobs.next_fire_at,
    _jobs.generation,
    _jobs.prune_policy,
    _jobs.suspended,
    _jobs.stale,
    _jobs.revision,
    _jobs.follows,
)
_OF_JOB = (_jobs.id, _jobs.spec_digest, *_REST)
_SLOT_OF_JOB = [column.name for column in _OF_JOB].index("next_fire_at")
_STORED = _beside_specs(_jobs.spec_digest, *_REST, _specs.spec_text)
_ALL_JOBS = {"schedsync_rows": ONE_BITE}
"""Where rows come in round trips: so many hot rows in one."""
_HOT = tuple(as_it_comes(_jobs[field.name]) for field in fields(DueRow) if field.name not in {"pauses", "boot"})
_ID, _SLOT = 0, 1
"""Where those stand in them."""


def _with_pauses() -> Select[Any]:
    """Return what asks for hot rows with the pauses that concern them."""
    own, every = tables.pauses.alias("p"), tables.pauses.alias("e")
    return (
        select(*_HOT, *raw_pause_columns(own, "own"), *raw_pause_columns(every, "every"))
        .outerjoin(own, own.c.job_id == _jobs.id)
        .outerjoin(every, every.c.job_id == EVERYTHING)
    )


def _look() -> CompoundSelect[Any]:
    """Return what a tick asks, which is built once: there are many in a second."""
    due = (
        _with_pauses()
        .where(_jobs.next_fire_at <= bindparam("horizon"))
        .order_by(_jobs.next_fire_at, _jobs.id)
        .limit(bindparam("most"))
        .subquery()
    )
    # In the place of a job's id they have a run's, and no slot.
    unowned = select(_runs.id, *(null() for _ in list(due.c)[1:])).where(
        _runs.state == RunState.QUEUED, _runs.owner.is_(None)
    )
    return union_all(select(due), unowned)


_LOOK = AtOnce(_look())


def kept_jobs() -> Kept[ObservedJob]:
    """Return a memory of what rows of jobs mean."""
    return Kept(_OF_JOB, _observed, most=MOST_JOBS)


class JobTable:
    """The jobs and their specs. Each method is one transaction and may raise DatabaseUnavailableError."""

    def __init__(self, database: Database, kept: Kept[ObservedJob]) -> None:
        self._database, self._kept = database, kept
        _, *columns = self._kept.columns
        slot = columns.pop(_SLOT_OF_JOB - 1)
        self._observing = AtOnce(_beside_specs(*columns, _specs.spec_digest.label("kept_digest"), slot))
        self._lines: dict[str, tuple[str, ObservedJob]] = {}
        """The slots and the jobs of the last step, by what else their lines say."""
        self._known = KnownSpecs()

    def overview(self, *, behind: str | None = None, limit: int | None = None, downwards: bool = False) -> Overview:
        """Return live jobs by id, without their specs, in one query.

        Args:
            behind: the id after which they begin; None: with the first one.
            limit: how many at most; None: all of them.
            downwards: whether the last id comes first, so that *behind* means before it.
        """
        with self._database.read() as connection:
            return overview(connection, self._kept, behind=behind, limit=limit, downwards=downwards)

    def last_slots(self) -> dict[str, datetime]:
        """Return the newest slot of each live job that was not skipped; jobs that have none are left out."""
        with self._database.read() as connection:
            return last_slots(connection)

    def observe(self) -> Observed:
        """Return what is live, without the specs. A job whose spec is not kept beside it has no digest: it is drift."""
        with self._database.read() as connection:
            lines = self._observing.lines(connection)
            rows = [] if lines is not None else self._observing.rows(connection, bite=ONE_BITE)
        jobs = self._of_lines(lines) if lines is not None else [self._observed_with(row) for row in unhurried(rows)]
        return Observed({job.id: job for job in jobs})

    def _of_lines(self, lines: Sequence[str]) -> Collection[ObservedJob]:
        """Return what rows mean that come as lines; what is as it was last time, but for its slot, is not looked into.

        The slot is what a line ends with.
        """
        known, now = self._lines, dict[str, tuple[str, ObservedJob]]()
        for line in unhurried(lines):
            rest, _, slot = line.rpartition(",")
            before = known.get(rest)
            if before is None:
                now[rest] = slot, self._observed_with(json.loads(line))
            elif before[0] == slot:
                now[rest] = before
            else:
                now[rest] = slot, moved(before[1], instant_or_none(json.loads(slot.removesuffix("]"))))
        self._lines = now
        return [job for _, job in now.values()]

    def _observed_with(self, row: Sequence[Any]) -> ObservedJob:
        """Return what a row of ``_observing`` means."""
        *before, kept, slot = row
        values = [*before[:_SLOT_OF_JOB], slot, *before[_SLOT_OF_JOB:]]
        job = self._kept.value(row[0], values)
        return job if job.digest == kept else replace(job, digest="")

    def load(self, ids: Collection[str]) -> dict[str, StoredJob]:
        """Return the live jobs of these ids, with their specs; unknown ids are left out."""
        found: dict[str, StoredJob] = {}
        with self._database.read() as connection:
            for chunk in chunks(ids):
                rows = connection.execute(_STORED.where(_jobs.id.in_(chunk)))
                found.update((row.id, _stored(row)) for row in rows)
        return found

    def present(self, ids: Collection[str]) -> set[str]:
        """Return which of these jobs are live."""
        found: set[str] = set()
        with self._database.read() as connection:
            for chunk in chunks(ids):
                found.update(connection.execute(select(_jobs.id).where(_jobs.id.in_(chunk))).scalars())
        return found

    def learn(self, specs: Iterable[tuple[str, JobSpec]]) -> None:
        """Take note of specs that need not be read, given with their digests, for as long as the caller has them."""
        self._known.learn(specs)

    def specs(self, digests: Mapping[str, str]) -> dict[str, JobSpec]:
        """Return the specs of these jobs, given as id -> digest, by id; what changed meanwhile is left out."""
        found = self._known.among(digests)
        unknown = [job_id for job_id in digests if job_id not in found]
        return found | self._read_specs(unknown, digests) if unknown else found

    def _read_specs(self, ids: Collection[str], digests: Mapping[str, str]) -> dict[str, JobSpec]:
        found: dict[str, JobSpec] = {}
        with self._database.read() as connection:
            for chunk in chunks(ids, _MANY):
                statement = select(tables.specs).where(_specs.job_id.in_(chunk))
                for row in connection.execute(statement, execution_options={"schedsync_rows": _MANY + 1}):
                    spec = _spec(row.job_id, row.spec_text) if row.spec_digest == digests[row.job_id] else None
                    if spec is not None:
                        found[row.job_id] = spec
        self._known.learn((digests[job_id], spec) for job_id, spec in found.items())
        return found

    def followers(self) -> Followers:
        """Return the jobs that run after others."""
        columns = (_jobs.id, _jobs.spec_digest, _jobs.generation, _jobs.revision, _specs.spec_text)
        statement = select(*columns).join(tables.specs, _specs.job_id == _jobs.id).where(_jobs.follows == Follows.RUNS)
        found: list[Follower] = []
        with self._database.read() as connection:
            for row in connection.execute(statement):
                spec = _spec(row.id, row.spec_text)
                if spec is not None and spec.after:
                    live = (row.spec_digest, row.generation, row.revision)
                    found.append(Follower(row.id, spec.after, *live, renamed_from=spec.renamed_from))
        return Followers(found, self.present({upstream for follower in found for upstream in follower.after}))

    def page(self, *, after: str, limit: int) -> list[StoredJob]:
        """Return up to *limit* live jobs whose id sorts behind *after*, by id; behind the empty string are all."""
        statement = _STORED.order_by(_jobs.id).limit(limit)
        if after:  # which cannot be asked for: on Oracle the empty string is NULL, and nothing sorts behind that
            statement = statement.where(_jobs.id > after)
        with self._database.read() as connection:
            return [_stored(row) for row in connection.execute(statement)]

    def due(self, horizon: datetime, limit: int) -> list[DueRow]:
        """Return up to *limit* jobs whose next slot is at or before *horizon*, earliest first."""
        return self.look(horizon, limit).due

    def look(self, horizon: datetime, limit: int) -> Look:
        """Return what ``due`` does, and the runs that wait for an instance, in one query."""
        asked = {"horizon": horizon, "most": limit}
        with self._database.read() as connection:
            rows = _LOOK.rows(connection, asked, bite=ONE_BITE)
        slots = sorted((row for row in rows if row[_SLOT] is not None), key=itemgetter(_SLOT, _ID))
        return Look(
            [_due(row, from_micros(row[_SLOT])) for row in slots],
            frozenset(row[_ID] for row in rows if row[_SLOT] is None),
        )

    def follow_boots(self) -> list[str]:
        """Return the jobs that fire when the service starts."""
        statement = select(_jobs.id).where(_jobs.follows == Follows.BOOTS).order_by(_jobs.id)
        with self._database.read() as connection:
            return list(connection.execute(statement, execution_options=_ALL_JOBS).scalars())

    def booting(self, slots: Mapping[str, datetime], boot: datetime) -> list[DueRow]:
        """Return what fires because the service has started at *boot* (UTC), earliest first.

        Args:
            slots: the next slot that the boot makes, by job; of a job that is gone, or does not fire so any more, it is
                left out.
            boot: when that was.
        """
        rows: list[Row[Any]] = []
        with self._database.read() as connection:
            for chunk in chunks(slots):
                asked = _with_pauses().where(_jobs.id.in_(chunk), _jobs.follows == Follows.BOOTS)
                rows += connection.execute(asked, execution_options=_ALL_JOBS)
        found = (_due(row, slots[row[_ID]], boot) for row in rows)
        return sorted(found, key=_by_slot)

    def coming(self, now: datetime, *, until: datetime, limit: int) -> list[tuple[str, datetime]]:
        """Return up to *limit* jobs that fire by *until*, earliest first, with their slots; not those held at *now*."""
        statement = (
            select(_jobs.id, _jobs.next_fire_at)
            .where(_jobs.next_fire_at <= until, _jobs.suspended == 0, ~_is_paused(now))
            .order_by(_jobs.next_fire_at, _jobs.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [(row.id, row.next_fire_at) for row in connection.execute(statement)]

    def next_fire_at(self) -> datetime | None:
        """Return the earliest next slot of all jobs (UTC)."""
        with self._database.read() as connection:
            return connection.execute(select(func.min(_jobs.next_fire_at))).scalar()

    def counts(self, now: datetime) -> JobCounts:
        """Return how many jobs there are, each counted under the one state it shows at *now*."""
        state = case(
            (_jobs.next_fire_at.is_(None) & (_jobs.follows == Follows.NOTHING), "finished"),
            (_is_paused(now), "paused"),
            (_jobs.suspended == 1, "suspended"),
            else_="active",
        )
        each = select(state.label("shown_state"), type_coerce(_jobs.stale, Integer).label("stale")).subquery()
        statement = select(each.c.shown_state, func.count(), func.sum(each.c.stale)).group_by(each.c.shown_state)
        with self._database.read() as connection:
            rows = {name: (int(count), int(stale)) for name, count, stale in connection.execute(statement)}
        by_state = {name: count for name, (count, _) in rows.items()}
        return JobCounts(by_state=by_state, stale=sum(stale for _, stale in rows.values()))

    def apply(self, plan: Plan, *, now: datetime, report: SyncReport) -> None:
        """Make the store what *plan* says, and keep *report*, in one transaction.

        Raises:
            StaleObservationError: another writer was faster; nothing was changed.
        """
        self._database.retrying(lambda: self._apply(plan, now, report))

    def _apply(self, plan: Plan, now: datetime, report: SyncReport) -> None:
        try:
            with self._database.write() as connection:
                apply_plan(connection, plan, now)
                insert_sync(connection, report)
        except IntegrityError as error:
            raise StaleObservationError("another writer added a job of the same id") from error


def _is_paused(now: datetime) -> ColumnElement[bool]:
    """Return whether a pause is in force over a job, its own or that of all."""
    pauses = tables.pauses.c
    in_force = select(pauses.job_id).where(
        pauses.job_id.in_([_jobs.id, EVERYTHING]), pauses.until_at.is_(None) | (pauses.until_at > now)
    )
    return exists(in_force.correlate(tables.jobs))


def _observed(values: Sequence[Any]) -> ObservedJob:
    """Return the job of an id, a digest and what _REST names. By position: this is done for all jobs at each step."""
    job_id, digest, schedule_digest, file, line, *rest = values
    return job_of((job_id, digest or "", schedule_digest, Source(file, line), *rest))


def _stored(row: Row[Any]) -> StoredJob:
    return StoredJob(_observed(row[:-1]), _spec(row.id, row.spec_text), row.revision)


def _spec(job_id: str, text: str | None) -> JobSpec | None:
    try:
        return from_canonical(text or "")
    except ValidationError:
        log.warning("stored spec cannot be read", extra={"job_id": job_id})
        return None


def _by_slot(row: DueRow) -> tuple[datetime, str]:
    return row.next_fire_at, row.id


def _due(row: Sequence[Any], slot: datetime, boot: datetime | None = None) -> DueRow:
    """Return what a row of ``_with_pauses`` says. By position, like all that is done for many rows in a second."""
    job_id, _, anchor, digest, schedule_digest, generation, revision, file = row[: len(_HOT)]
    own, every = row[len(_HOT) : -PAUSE_WIDTH], row[-PAUSE_WIDTH:]
    pauses = tuple(pause_from_raw(pause) for pause in (own, every) if pause[0] is not None)
    live = (digest, schedule_digest, generation, revision, file)
    return DueRow(job_id, slot, from_micros(anchor), *live, pauses, boot)
