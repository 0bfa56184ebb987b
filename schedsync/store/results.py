"""What happened to runs, written in groups: leave to start, starts, ends with their output, and further attempts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from schedsync.errors import LeadershipLostError
from schedsync.runs.notices import Ending
from schedsync.runs.outcome import Output
from schedsync.runs.run import UNSETTLED, Run, RunState
from schedsync.store import tables, telling
from schedsync.store.claims import Slot, known_slots, slot_of
from schedsync.store.database import Database
from schedsync.store.leases import Lease, fence
from schedsync.store.rows import Write, chunks, execute_last, row_of, update_each, update_for_each
from schedsync.store.types import printable

_runs = tables.runs.c
_kept = tables.run_output
_END = ("state", "reason", "exit_code", "started_at", "finished_at", "pid")


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
    endings: list[Ending] = field(default_factory=list)
    """Of settled runs, those that end a slot which somebody may want to hear of."""

    def __bool__(self) -> bool:
        return bool(self.started or self.promoted or self.settled or self.retries)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of it."""

    refused: frozenset[str]
    """The ids of promoted runs and of retries that must not start: another leader has ended the run or holds it, or
    the attempt has a row of its own already."""
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


def _record(database: Database, changes: RunChanges, lease: Lease | None) -> Recorded:
    starts = bool(changes.promoted or changes.retries)
    if starts and lease is None:
        raise LeadershipLostError("this instance does not lead")
    with database.write() as connection:
        if starts and lease is not None:
            fence(connection, lease)
        refused = _promote(connection, changes.promoted)
        known = known_slots(connection, changes.retries) if changes.retries else {}
        told = telling.decide(connection, changes.endings)
        execute_last(connection, [*_writes(changes, known), *told.writes()])
    refused |= {run.id for run in changes.retries if known.get(slot_of(run), run.id) != run.id}
    return Recorded(frozenset(refused), len(told.notices))


def _writes(changes: RunChanges, known: Mapping[Slot, str]) -> list[Write]:
    outputs = [_output_row(run.id, output) for run, output in changes.settled if output.total]
    retries = [row_of(run) for run in changes.retries if slot_of(run) not in known]
    return [
        _change(changes.started, (RunState.RUNNING,), ("started_at", "pid")),
        _change([run for run, _ in changes.settled], UNSETTLED, _END),
        (insert(_kept), outputs),
        (insert(tables.runs), retries),
    ]


def _drop_outputs(database: Database, changes: RunChanges) -> None:
    with database.write() as connection:
        for chunk in chunks([run.id for run, output in changes.settled if output.total]):
            connection.execute(delete(_kept).where(_kept.c.run_id.in_(chunk)))


def _promote(connection: Connection, runs: Sequence[Run]) -> set[str]:
    rows = [{"b_id": r.id, "state": r.state, "node": r.node, "owner": r.owner, "token": r.token} for r in runs]
    queued = (_runs.id == bindparam("b_id"), _runs.state == RunState.QUEUED)
    if update_each(connection, tables.runs, rows, *queued) == len(runs):
        return set()
    held: set[tuple[str, str, int]] = set()
    for chunk in chunks([run.id for run in runs]):
        running = select(_runs.id, _runs.owner, _runs.token).where(_runs.id.in_(chunk), _runs.state == RunState.RUNNING)
        held.update((row.id, row.owner, row.token) for row in connection.execute(running))
    return {run.id for run in runs if (run.id, run.owner, run.token) not in held}


def _change(runs: Iterable[Run], allowed: Sequence[RunState], columns: Sequence[str]) -> Write:
    """Write these columns of *runs* that are in an allowed state, and that no later leader has taken up."""
    rows = [{"b_id": run.id, "b_token": run.token, **{name: getattr(run, name) for name in columns}} for run in runs]
    # An IN list cannot be expanded for many rows at once.
    in_state = or_(*(_runs.state == state for state in allowed))
    return update_for_each(
        tables.runs, rows, _runs.id == bindparam("b_id"), _runs.token <= bindparam("b_token"), in_state
    )


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
