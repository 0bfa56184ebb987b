"""From due jobs to claimed runs: which slots are due, what becomes of each, and one transaction that writes it down."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from schedsync.clock import MICROSECOND
from schedsync.errors import SchedsyncError
from schedsync.running.runner import Runner
from schedsync.runs.blackouts import NO_BLACKOUTS, Blackout, Blackouts
from schedsync.runs.ledger import Entry
from schedsync.runs.run import Run, RunState, new_run_id
from schedsync.runs.slots import Ahead, Decision, DueJob, Verdict, judge
from schedsync.scheduler.refusals import Refusals
from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import next_at_boot, next_fire
from schedsync.store.jobs import DueRow
from schedsync.store.leases import Lease
from schedsync.store.runs import Advance, Stay
from schedsync.store.store import Store

MAX_SLOTS = 500
"""How many slots of one job are judged in one tick; later ones follow in the next."""
PORTION = 120
"""How many jobs the first transaction of a tick claims at least. In a burst their runs start while the next ones are
claimed: three round trips, in which a machine starts about as many processes."""
GROWTH = 8
"""How many times as many the next one claims: a thousand jobs take two, since each costs three round trips."""
MAX_RUNS = 20_000
"""How many runs one tick may claim; jobs beyond it are claimed by the next one."""
MAX_SPECS = 20_000
"""How many specs are kept at hand at least; those learnt first are loaded anew when they are due again."""
MAX_REFUSED = 20
"""After how many jobs that are refused a tick leaves the rest to the next one: the lease is to be renewed meanwhile."""


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
    """Due jobs that wait for a later tick."""
    next_fire_at: datetime | None = None
    """The earliest slot that follows those that were claimed (UTC)."""
    at_boot: Mapping[str, datetime | None] = field(default_factory=dict)
    """Of jobs whose slots a boot made: the slot that follows those that were claimed, by job (UTC); None: none does."""
    error: SchedsyncError | None = None
    """What kept some of those from being claimed, when others had been already."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """What becomes of the due slots of one job."""

    row: DueRow
    spec: JobSpec
    ahead: Ahead
    slots: Sequence[tuple[Entry, Verdict]]
    following: datetime | None
    """The slot after them (UTC)."""

    @property
    def advance(self) -> Advance | Stay:
        """What becomes of its row."""
        row = self.row
        if row.boot is not None:
            return Stay(row.id, row.generation)
        return Advance(row.id, row.schedule_digest, row.next_fire_at, self.following)

    def may_be_skipped_for(self, other: "_Judged") -> bool:
        """Whether slots are skipped because its group was full, when *other* had a place there."""
        skips = any(verdict.decision is Decision.SKIP for _, verdict in self.slots)
        return skips and self.ahead.other is not None and self.spec.group == other.spec.group


@dataclass(slots=True)
class _Done:
    """What a tick has done so far."""

    jobs: int = 0
    """How many have been moved on."""
    runs: int = 0
    """How many have been claimed or skipped."""
    refused: int = 0
    """How many jobs the database refuses."""
    skipped: list[Run] = field(default_factory=list)
    next_fire_at: datetime | None = None
    """The earliest slot that follows (UTC)."""
    at_boot: dict[str, datetime | None] = field(default_factory=dict)

    def note(self, jobs: Sequence[_Judged], skipped: Sequence[Run]) -> None:
        """Count *jobs* that have been claimed, of whose runs *skipped* will not run."""
        self.jobs += len(jobs)
        self.runs += sum(len(job.slots) for job in jobs)
        self.skipped += skipped
        following = (job.following for job in jobs)
        slots = [slot for slot in (self.next_fire_at, *following) if slot is not None]
        self.next_fire_at = min(slots, default=None)
        self.at_boot.update((job.row.id, job.following) for job in jobs if job.row.boot is not None)

    def claimed(self, due: int, error: SchedsyncError | None = None) -> Claimed:
        """Return what was done, of so many *due* jobs."""
        return Claimed(self.skipped, due - self.jobs, self.next_fire_at, self.at_boot, error)


class _RefusedError(Exception):
    """The database refuses what was to be claimed, for what it is; the cause says why."""


def _reserved(jobs: Iterable[_Judged]) -> list[Entry]:
    """Return what is reserved for *jobs*; those of a group wait in the order of their slots."""
    slots = (slot for job in jobs for slot in job.slots)
    reserved = (entry for entry, verdict in slots if verdict.decision is not Decision.SKIP)
    return sorted(reserved, key=lambda entry: entry.run.scheduled_at)


class Firing:
    """Claims due slots for this instance."""

    def __init__(
        self, store: Store, runner: Runner, *, node: str, owner: str, blackouts: Blackouts = NO_BLACKOUTS
    ) -> None:
        self._store, self._runner, self._node, self._owner = store, runner, node, owner
        self._blackouts = blackouts
        self._specs: dict[str, tuple[str, JobSpec]] = {}
        self._unreadable: dict[str, str] = {}
        """The digests of specs that cannot be read, by job: they are not asked for again at each tick."""
        self._refusals = Refusals()

    def fire(self, due: Sequence[DueRow], tick: Tick) -> Claimed:
        """Claim the slots of *due* jobs up to the tick's instant, and hand them to the runner.

        They are claimed in portions. Where one is refused for what is in it, it is claimed in halves, until the job is
        found that is to blame; it rests, and hurts no other: those of its group that are skipped for what it would have
        run wait for the next tick.

        Raises:
            DatabaseUnavailableError: nothing was claimed.
            LeadershipLostError: nothing was claimed.
            StaleObservationError: a job changed meanwhile; nothing was claimed, look again.
        """
        awake = [row for row in due if not self._refusals.rests(row, tick.now)]
        for row in awake:  # somebody may have mended what could not be read
            self._unreadable.pop(row.id, None)
        self.learn(awake)
        done = _Done()
        try:
            for portion in self._portions(awake):
                if done.runs >= MAX_RUNS or done.refused >= MAX_REFUSED:
                    break
                self._fire(portion, tick, done)
        except SchedsyncError as error:
            if not done.jobs:
                raise
            return done.claimed(len(due), error)
        return done.claimed(len(due))

    def _portions(self, due: Iterable[DueRow]) -> Iterator[list[DueRow]]:
        """Yield *due* in portions; the jobs of a group, which take places from each other, are not torn apart."""
        together: dict[tuple[str, str], list[DueRow]] = {}
        for row in due:
            together.setdefault(self._company(row), []).append(row)
        portion: list[DueRow] = []
        enough = PORTION
        for rows in together.values():
            portion += rows
            if len(portion) >= enough:
                yield portion
                portion = []
                enough *= GROWTH
        if portion:
            yield portion

    def _company(self, row: DueRow) -> tuple[str, str]:
        _, spec = self._specs.get(row.id, ("", None))
        return ("job", row.id) if spec is None or spec.group is None else ("group", spec.group)

    def _fire(self, portion: Sequence[DueRow], tick: Tick, done: _Done) -> None:
        judged = self._judge(portion, tick, MAX_RUNS - done.runs)
        batches = [judged] if judged else []
        try:
            while batches and done.refused < MAX_REFUSED:
                try:
                    done.note(batches[-1], self._claim(batches[-1], tick))
                    batches.pop()
                except _RefusedError as refusal:
                    batch = batches.pop()
                    if len(batch) > 1:
                        batches += [batch[len(batch) // 2 :], batch[: len(batch) // 2]]
                        continue
                    self._runner.withdraw(_reserved(batch))
                    self._refusals.note(batch[0].row, tick.now, "the database refuses them", refusal.__cause__)
                    done.refused += 1
                    batches = self._without_skipped_for(batch[0], batches)
        finally:
            for batch in batches:
                self._runner.withdraw(_reserved(batch))

    def _without_skipped_for(self, refused: _Judged, batches: Sequence[list[_Judged]]) -> list[list[_Judged]]:
        """Give up the jobs whose verdict counts on a run of *refused*, and return the others."""
        given_up = [job for batch in batches for job in batch if job.may_be_skipped_for(refused)]
        self._runner.withdraw(_reserved(given_up))
        left = ([job for job in batch if not job.may_be_skipped_for(refused)] for batch in batches)
        return [batch for batch in left if batch]

    def _claim(self, jobs: Sequence[_Judged], tick: Tick) -> list[Run]:
        """Claim the slots of *jobs* in one transaction, hand over what may run, and return what is skipped."""
        judged = [slot for job in jobs for slot in job.slots]
        skipped = [entry.run for entry, verdict in judged if verdict.decision is Decision.SKIP]
        reserved = _reserved(jobs)
        runs = [*(entry.run for entry in reserved), *skipped]
        try:
            written = self._store.runs.claim(tick.lease, runs, [job.advance for job in jobs])
        except SchedsyncError:
            raise
        except Exception as error:
            raise _RefusedError from error
        self._refusals.forget(job.row.id for job in jobs)
        ids = {run.id for run in written}
        self._runner.withdraw(entry for entry in reserved if entry.run.id not in ids)
        replacing = {entry.run.id for entry, verdict in judged if verdict.decision is Decision.REPLACE}
        self._runner.enter([entry for entry in reserved if entry.run.id in ids], replacing)
        return [run for run in skipped if run.id in ids]

    def _judge(self, due: Sequence[DueRow], tick: Tick, most: int) -> list[_Judged]:
        judged: list[_Judged] = []
        runs = 0
        for row in due:
            known = self._specs.get(row.id)
            if known is None or known[0] != row.spec_digest:
                self._refusals.note(row, tick.now, "its spec cannot be read")
                continue
            try:
                judged.append(self._judge_one(row, known[1], tick))
            except Exception as error:  # one job's trouble must not keep the others from firing
                self._refusals.note(row, tick.now, "they cannot be judged", error)
                continue
            runs += len(judged[-1].slots)
            if runs >= most:
                break
        return judged

    def _judge_one(self, row: DueRow, spec: JobSpec, tick: Tick) -> _Judged:
        slots, following = due_slots(spec, row, tick.now)
        blackouts = self._blackouts.concerning(row.id, spec.tags)
        later = list(islice(_may_run(following, spec, row, tick, blackouts), spec.misfire.limit))
        missed_later = sum(slot < tick.up_since for slot in later)
        ahead = self._runner.ahead(row.id, spec)
        job = DueJob(spec, slots, bool(later), row.pauses, ahead, missed_later, blackouts)
        verdicts = judge(job, now=tick.now, up_since=tick.up_since)
        judged = [(self._entry(row, spec, verdict, tick), verdict) for verdict in verdicts]
        return _Judged(row, spec, ahead, self._with_places(judged), following)

    def _with_places(self, judged: list[tuple[Entry, Verdict]]) -> list[tuple[Entry, Verdict]]:
        """Return *judged* with what is reserved for the runs, so that the next jobs of a group find it before them."""
        wanted = [(entry, verdict.decision) for entry, verdict in judged if verdict.decision is not Decision.SKIP]
        reserved = {entry.run.id: entry for entry in self._runner.reserve(wanted)}
        return [(reserved.get(entry.run.id, entry), verdict) for entry, verdict in judged]

    def learn(self, due: Iterable[DueRow]) -> None:
        """Load the specs that are not at hand in their present version.

        Called for what is due soon, it saves the time when it is due.

        Raises:
            DatabaseUnavailableError: nothing is learnt.
        """
        self._forget_oldest()
        missing = {row.id: row.spec_digest for row in due if self._is_missing(row)}
        if missing:
            specs = self._store.jobs.specs(missing)
            self._specs.update((job_id, (missing[job_id], spec)) for job_id, spec in specs.items())
            self._unreadable.update((job_id, digest) for job_id, digest in missing.items() if job_id not in specs)

    def _is_missing(self, row: DueRow) -> bool:
        known = self._specs.get(row.id, ("",))[0]
        return row.spec_digest not in (known, self._unreadable.get(row.id))

    def _forget_oldest(self) -> None:
        """Make room before anything is looked up: jobs come and go, and nobody says here which have gone."""
        if len(self._unreadable) > MAX_SPECS:
            self._unreadable.clear()
        surplus = len(self._specs) - MAX_SPECS
        if surplus > 0:
            for job_id in list(self._specs)[:surplus]:
                del self._specs[job_id]

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
            late_at=spec.late_at(verdict.slot),
        )
        return Entry(run, spec, row.source_file)


def _may_run(
    slot: datetime | None, spec: JobSpec, row: DueRow, tick: Tick, blackouts: tuple[Blackout, ...]
) -> Iterator[datetime]:
    """Yield the slots from *slot* on that are due, and that neither a pause nor a blackout stops."""
    while slot is not None and slot <= tick.now:
        pauses = [pause for pause in row.pauses if pause.stops(slot, now=tick.now)]
        if any(pause.until is None for pause in pauses):  # until somebody resumes it
            return
        ends = [pause.until for pause in pauses]
        ends += [blackout.window.ends_after(slot) for blackout in blackouts if blackout.window.covers(slot)]
        until = max((end for end in ends if end is not None), default=None)
        if not ends:
            yield slot
        slot = _next_slot(spec, row, slot if until is None else until - MICROSECOND)


def due_slots(spec: JobSpec, row: DueRow, now: datetime) -> tuple[list[datetime], datetime | None]:
    """Return the slots from the row's next one up to *now*, at most MAX_SLOTS, and the slot that follows them."""
    slots: list[datetime] = []
    # What is known of a boot is when it was, and not which slots its jitter and the trigger's bounds make of it.
    slot = row.next_fire_at if row.boot is None else _next_slot(spec, row, row.next_fire_at - MICROSECOND)
    while slot is not None and slot <= now and len(slots) < MAX_SLOTS:
        slots.append(slot)
        slot = _next_slot(spec, row, slot)
    return slots, slot


def _next_slot(spec: JobSpec, row: DueRow, after: datetime) -> datetime | None:
    if row.boot is not None:
        return next_at_boot(spec.schedule, after, boot=row.boot, job_id=spec.id)
    return next_fire(spec.schedule, after, job_id=spec.id, anchor=row.anchor_at)
