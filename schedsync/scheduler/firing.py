"""From due jobs to claimed runs: which slots are due, what becomes of each, and one transaction that writes it down."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from schedsync.running.runner import Runner
from schedsync.runs.ledger import Entry
from schedsync.runs.run import Run, RunState, new_run_id
from schedsync.runs.slots import Decision, DueJob, Verdict, judge
from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import next_fire
from schedsync.store.jobs import DueRow
from schedsync.store.leases import Lease
from schedsync.store.runs import Advance
from schedsync.store.store import Store

log = logging.getLogger(__name__)

MAX_SLOTS = 500
"""How many slots of one job are judged in one tick; later ones follow in the next."""
MAX_RUNS = 20_000
"""How many runs one transaction may hold; jobs beyond it are claimed by the next tick."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What a claim is made under."""

    now: datetime
    up_since: datetime
    """Since when slots could be claimed without a break (UTC)."""
    lease: Lease


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a tick did."""

    skipped: Sequence[Run] = ()
    postponed: int = 0
    """Due jobs that wait for the next tick."""


class Firing:
    """Claims due slots for this instance."""

    def __init__(self, store: Store, runner: Runner, *, node: str, owner: str) -> None:
        self._store, self._runner, self._node, self._owner = store, runner, node, owner
        self._specs: dict[str, tuple[str, JobSpec]] = {}

    def fire(self, due: Sequence[DueRow], tick: Tick) -> Claimed:
        """Claim the slots of *due* jobs up to the tick's instant, and hand them to the runner.

        Raises:
            DatabaseUnavailableError: nothing was claimed.
            LeadershipLostError: nothing was claimed.
            StaleObservationError: a job changed meanwhile; nothing was claimed, look again.
        """
        judged, advances = self._judge(due, tick)
        wanted = [(entry, verdict) for entry, verdict in judged if verdict.decision is not Decision.SKIP]
        skipped = [entry.run for entry, verdict in judged if verdict.decision is Decision.SKIP]
        reserved = self._runner.reserve((entry, verdict.decision) for entry, verdict in wanted)
        try:
            written = self._store.runs.claim(tick.lease, [*(entry.run for entry in reserved), *skipped], advances)
        except BaseException:
            self._runner.withdraw(reserved)
            raise
        ids = {run.id for run in written}
        self._runner.withdraw(entry for entry in reserved if entry.run.id not in ids)
        replacing = {e.run.job_id for e, verdict in wanted if verdict.decision is Decision.REPLACE and e.run.id in ids}
        self._runner.enter([entry for entry in reserved if entry.run.id in ids], replacing)
        return Claimed([run for run in skipped if run.id in ids], len(due) - len(advances))

    def _judge(self, due: Sequence[DueRow], tick: Tick) -> tuple[list[tuple[Entry, Verdict]], list[Advance]]:
        self.learn(due)
        judged: list[tuple[Entry, Verdict]] = []
        advances: list[Advance] = []
        for row in due:
            known = self._specs.get(row.id)
            if known is None or known[0] != row.spec_digest or len(judged) >= MAX_RUNS:
                continue
            try:
                verdicts, advance = self._judge_one(row, known[1], tick)
            except Exception:  # one job's trouble must not keep the others from firing
                log.exception("due job cannot be judged, it waits", extra={"job_id": row.id})
                continue
            judged += verdicts
            advances.append(advance)
        return judged, advances

    def _judge_one(self, row: DueRow, spec: JobSpec, tick: Tick) -> tuple[list[tuple[Entry, Verdict]], Advance]:
        slots, following = due_slots(spec, row, tick.now)
        more = following is not None and following <= tick.now
        job = DueJob(spec, slots, more, row.pauses, self._runner.unsettled(row.id))
        verdicts = judge(job, now=tick.now, up_since=tick.up_since)
        judged = [(self._entry(row, spec, verdict, tick), verdict) for verdict in verdicts]
        return judged, Advance(row.id, row.next_fire_at, following)

    def learn(self, due: Iterable[DueRow]) -> None:
        """Load the specs that are not at hand in their present version.

        Called for what is due soon, it saves the time when it is due.

        Raises:
            DatabaseUnavailableError: nothing is learnt.
        """
        missing = {row.id: row.spec_digest for row in due if self._specs.get(row.id, ("",))[0] != row.spec_digest}
        if missing:
            specs = self._store.jobs.specs(missing)
            self._specs.update((job_id, (missing[job_id], spec)) for job_id, spec in specs.items())
            for job_id in missing.keys() - specs.keys():
                log.error("due job has no readable spec, it waits for the next step", extra={"job_id": job_id})

    def _entry(self, row: DueRow, spec: JobSpec, verdict: Verdict, tick: Tick) -> Entry:
        skipped = verdict.decision is Decision.SKIP
        run = Run(
            id=new_run_id(tick.now),
            job_id=row.id,
            scheduled_at=verdict.slot,
            attempt=1,
            cause=verdict.cause,
            state=RunState.SKIPPED if skipped else RunState.QUEUED,
            reason=verdict.reason,
            due_at=verdict.slot,
            claimed_at=tick.now,
            finished_at=tick.now if skipped else None,
            node=self._node,
            owner=self._owner,
            token=tick.lease.token,
            spec_digest=row.spec_digest,
            generation=row.generation,
            revision=row.revision,
            late_at=None if spec.late_after is None else verdict.slot + spec.late_after,
        )
        return Entry(run, spec, row.source_file)


def due_slots(spec: JobSpec, row: DueRow, now: datetime) -> tuple[list[datetime], datetime | None]:
    """Return the slots from the row's next one up to *now*, at most MAX_SLOTS, and the slot that follows them."""
    slots: list[datetime] = []
    slot: datetime | None = row.next_fire_at
    while slot is not None and slot <= now and len(slots) < MAX_SLOTS:
        slots.append(slot)
        slot = next_fire(spec.schedule, slot, job_id=spec.id, anchor=row.anchor_at)
    return slots, slot
