"""What happened to runs, written in groups: leave to start, starts, ends with their output, and further attempts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Insert, Update, bindparam, delete, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from schedsync.errors import LeadershipLostError
from schedsync.runs.notices import Ending
from schedsync.runs.outcome import Output
from schedsync.runs.run import UNSETTLED, Run, RunState
from schedsync.store import tables, telling
from schedsync.store.claims import Slot, known_slots, slot_of
from schedsync.store.database import Database
from schedsync.store.leases import Lease, fence
from schedsync.store.rows import RUN_COLUMNS, Write, chunks, execute_last, insertion, row_of, update_each
from schedsync.store.types import printable
from schedsync.store.writing import ForEach

_runs = tables.runs.c
_kept = tables.run_output
_END = ("state", "reason", "exit_code", "started_at", "finished_at", "pid", "late_at")


@dataclass(slots=True)
class RunChanges:
    """What happened to runs since the last write; recorded together in one transaction."""

    started: list[Run] = field(default_factory=list)
    """Running, with their process."""
    promoted: list[Run] = field(default_factory=list)
    """Queued runs that are given leave to start."""
    taken_up: list[Run] = field(default_factory=list)
    """Running ones of an instance that is gone, which this one looks after now."""
    settled: list[tuple[Run, Output]] = field(default_factory=list)
    """Ended, or skipped after having been queued."""
    retries: list[Run] = field(default_factory=list)
    """Further attempts, queued."""
    followers: list[Run] = field(default_factory=list)
    """Queued runs without an owner, each of which follows one that is settled: without its row's end, they are not."""
    endings: list[Ending] = field(default_factory=list)
    """Of settled runs, those that end a slot which somebody may want to hear of."""

    def __bool__(self) -> bool:
        return any((self.started, self.promoted, self.taken_up, self.settled, self.retries))

    @property
    def only_starts(self) -> bool:
        """Whether there are starts and nothing else."""
        others = (self.promoted, self.taken_up, self.settled, self.retries)
        return bool(self.started) and not any(others)

    @property
    def are_awaited(self) -> bool:
        """Whether somebody waits for it to be written: a run that is to start, another job, or who is told."""
        return any((self.promoted, self.taken_up, self.retries, self.followers, self.endings))

    def rename(self, renamed: Mapping[str, str]) -> None:
        """Let what is still to be written of renamed jobs, given as old id -> new id, be written under the new ids.

        What is about a row that is there already finds it by the run's id.
        """

        def now(run: Run) -> Run:
            return replace(run, job_id=renamed.get(run.job_id, run.job_id))

        self.retries = [now(run) for run in self.retries]
        self.followers = [now(run) for run in self.followers]
        self.endings = [replace(ending, run=now(ending.run)) for ending in self.endings]

    def only(self, ended: Run, output: Output) -> "RunChanges":
        """Return the end of one run, with what belongs to it."""
        return RunChanges(
            settled=[(ended, output)],
            followers=[run for run in self.followers if run.upstream_run_id == ended.id],
            endings=[ending for ending in self.endings if ending.run.id == ended.id],
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of it."""

    refused: frozenset[str]
    """The ids of promoted runs, of those taken up, and of retries that are not this instance's: another leader has
    ended the run or holds it, or the attempt has a row of its own already."""
    notices: int
    """How many notices are new in the outbox."""


def record(database: Database, changes: RunChanges, lease: Lease | None) -> Recorded:
    """Write down what happened; doing it again changes nothing.

    Raises:
        LeadershipLostError: runs are promoted or retried, and another instance leads now; nothing was written.
    """
    try:
        return _record(database, changes, lease)
    except IntegrityError:  # outputs that are there already: an earlier try, whose answer was lost
        _drop_outputs(database, changes)
        return _record(database, changes, lease)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of further attempts that an instance without the lease has written down."""

    refused: frozenset[str] = frozenset()
    """Not written, and not to be: the attempt has a row of its own already, or the one before it ended otherwise."""
    early: frozenset[str] = frozenset()
    """Not written yet: the end of the attempt before it is not."""


def hand_over(database: Database, retries: Sequence[Run]) -> HandedOver:
    """Queue further attempts for whoever leads: only where the attempt before it has the end that they follow from."""
    try:
        return _hand_over(database, retries)
    except IntegrityError:  # the leader was faster, with the same attempt
        return _hand_over(database, retries)


def _hand_over(database: Database, retries: Sequence[Run]) -> HandedOver:
    with database.write() as connection:
        known = known_slots(connection, retries)
        ends = _ends_before(connection, retries)
        wanted = [run for run in retries if slot_of(run) not in known]
        new = [run for run in wanted if ends.get(slot_of(run)) == (run.owner, run.claimed_at)]
        execute_last(connection, [insertion(new)])
    written = {run.id for run in new} | {run.id for run in retries if known.get(slot_of(run)) == run.id}
    left = [run for run in retries if run.id not in written]
    early = {run.id for run in wanted if ends.get(slot_of(run)) == (run.owner, None)}
    return HandedOver(frozenset(run.id for run in left if run.id not in early), frozenset(early))


def _ends_before(connection: Connection, retries: Sequence[Run]) -> dict[Slot, tuple[str | None, datetime | None]]:
    """Return who had the attempts before *retries*, and when they ended, by the slot of each retry."""
    before = {(run.job_id, run.scheduled_at, run.attempt - 1): slot_of(run) for run in retries}
    columns = (_runs.job_id, _runs.scheduled_at, _runs.attempt, _runs.owner, _runs.finished_at)
    found: dict[Slot, tuple[str | None, datetime | None]] = {}
    for chunk in chunks(sorted({run.job_id for run in retries})):
        slots = [run.scheduled_at for run in retries]
        where = (_runs.job_id.in_(chunk), _runs.scheduled_at.between(min(slots), max(slots)))
        for job_id, slot, attempt, owner, ended in connection.execute(select(*columns).where(*where)):
            if (job_id, slot, attempt) in before:
                found[before[job_id, slot, attempt]] = (owner, ended)
    return found


def _record(database: Database, changes: RunChanges, lease: Lease | None) -> Recorded:
    starts = bool(changes.promoted or changes.taken_up or changes.retries)
    if starts and lease is None:
        raise LeadershipLostError("this instance does not lead")
    with database.write() as connection:
        if starts and lease is not None:
            fence(connection, lease)
        refused = _give(connection, changes.promoted, RunState.QUEUED)
        refused |= _give(connection, changes.taken_up, RunState.RUNNING)
        known = known_slots(connection, changes.retries) if changes.retries else {}
        told = telling.decide(connection, changes.endings)
        execute_last(connection, [*_writes(changes, known), *told.writes()])
    refused |= {run.id for run in changes.retries if known.get(slot_of(run), run.id) != run.id}
    return Recorded(frozenset(refused), len(told.notices))


def _writes(changes: RunChanges, known: Mapping[Slot, str]) -> list[Write]:
    outputs = [_output_row(run.id, output) for run, output in changes.settled if output.total]
    return [
        _change(changes.started, (RunState.RUNNING,), ("started_at", "pid", "late_at")),
        insertion(run for run in changes.retries if slot_of(run) not in known),
        _change([run for run, _ in changes.settled], UNSETTLED, _END),
        (insert(_kept), outputs),
        (_FOLLOW, [{f"b_{name}": value for name, value in row_of(run).items()} for run in changes.followers]),
    ]


def _follow() -> Insert:
    """Return what inserts a run, if the one that it follows has ended as it says, and if its slot has no row yet.

    So it is written once, whoever decides it and how often; and not at all where somebody else has settled the upstream
    run in another way.
    """
    new: dict[str, BindParameter[Any]] = {c.name: bindparam(f"b_{c.name}", type_=c.type) for c in RUN_COLUMNS}
    upstream, other = tables.runs.alias("u"), tables.runs.alias("o")
    same_slot = (other.c.job_id == new["job_id"]) & (other.c.scheduled_at == upstream.c.finished_at)
    row = select(*new.values()).where(
        upstream.c.id == new["upstream_run_id"],
        upstream.c.state == new["upstream_state"],
        upstream.c.finished_at == new["scheduled_at"],
        ~exists(select(other.c.id).where(same_slot, other.c.attempt == new["attempt"]).correlate(upstream)),
    )
    return insert(tables.runs).from_select(list(new), row.select_from(upstream))


_FOLLOW = _follow()


def _drop_outputs(database: Database, changes: RunChanges) -> None:
    with database.write() as connection:
        for chunk in chunks([run.id for run, output in changes.settled if output.total]):
            connection.execute(delete(_kept).where(_kept.c.run_id.in_(chunk)))


def _give(connection: Connection, runs: Sequence[Run], state: RunState) -> set[str]:
    """Let *runs*, which are in *state*, run under the instance that they name; return those that it does not have."""
    if not runs:
        return set()
    rows = [{"b_id": r.id, "state": r.state, "node": r.node, "owner": r.owner, "token": r.token} for r in runs]
    theirs = (_runs.id == bindparam("b_id"), _runs.state == state)
    if update_each(connection, tables.runs, rows, *theirs) == len(runs):
        return set()
    held: set[tuple[str, str, int]] = set()
    for chunk in chunks([run.id for run in runs]):
        running = select(_runs.id, _runs.owner, _runs.token).where(_runs.id.in_(chunk), _runs.state == RunState.RUNNING)
        held.update((row.id, row.owner, row.token) for row in connection.execute(running))
    return {run.id for run in runs if (run.id, run.owner, run.token) not in held}


def _change(runs: Iterable[Run], allowed: Sequence[RunState], columns: Sequence[str]) -> Write:
    """Write these columns of *runs* that are in an allowed state, and that no later leader has taken up."""
    rows = [{"b_id": run.id, "b_token": run.token, **{name: getattr(run, name) for name in columns}} for run in runs]
    return _changing(tuple(allowed), tuple(columns)), rows


@cache
def _changing(allowed: Sequence[RunState], columns: Sequence[str]) -> ForEach:
    # An IN list cannot be expanded for many rows at once. By their ids: no index of states is to be used.
    in_state = or_(*(_runs.state.concat("") == state for state in allowed))

    def make(new: Mapping[str, Any], _source: Any) -> Update:
        where = (_runs.id == new["b_id"], _runs.token <= new["b_token"], in_state)
        return update(tables.runs).where(*where).values({name: new[name] for name in columns})

    types = {name: _runs[name].type for name in columns}
    return ForEach({"b_id": _runs.id.type, "b_token": _runs.token.type, **types}, make)


def _output_row(run_id: str, output: Output) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "total_bytes": output.total,
        "dropped_bytes": output.dropped,
        "head_text": _as_text(output.head),
        "tail_text": _as_text(output.tail),
    }


def _as_text(output: bytes) -> str | None:
    return printable(output.decode(errors="replace")) or None
