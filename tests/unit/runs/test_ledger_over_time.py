"""Whatever happens in whatever order: no pool, job or group has more runs than it may, and nothing is forgotten."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from schedsync.runs.ledger import PROCESSES, PYTHON, Entry, Ledger, Place
from schedsync.runs.run import Run
from schedsync.runs.slots import Decision, DueJob, judge
from schedsync.specs.policy import Overlap
from tests.builders import NOW, run, spec

JOBS = {
    "skip": spec(id="skip"),
    "queue": spec(id="queue", overlap="queue"),
    "replace": spec(id="replace", overlap="replace"),
    "allow": spec(id="allow", overlap="allow"),
    "python": spec(id="python", overlap="queue", run={"python": "a:b"}),
    "all": spec(id="all", misfire={"policy": "all", "grace": "7d"}),
    "a": spec(id="a", overlap="queue", group="one"),
    "b": spec(id="b", overlap="skip", group="one"),
    "c": spec(id="c", overlap="replace", group="one", run={"python": "a:b"}),
    "d": spec(id="d", overlap="queue", group="two"),
    "e": spec(id="e", overlap="queue", group="two"),
    "f": spec(id="f", overlap="replace", group="two"),
}
EDITED = {
    "queue": spec(id="queue", overlap="queue", group="one"),
    "allow": spec(id="allow", overlap="queue"),
    "a": spec(id="a", overlap="queue"),
    "d": spec(id="d", overlap="queue", group="one"),
    "e": spec(id="e", overlap="allow"),
}
CAPACITY = {PROCESSES: 3, PYTHON: 1}
GROUPS = {"two": 2}


class LedgerOverTime(RuleBasedStateMachine):
    """The scheduler claims, the runner promotes and settles, other instances leave runs behind; time goes on."""

    max_runs: ClassVar[int | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.jobs = dict(JOBS)
        self.ledger = Ledger(CAPACITY, max_runs=self.max_runs, groups=GROUPS)
        self.now = NOW
        self.alive: dict[str, Entry] = {}
        self.claiming: list[Entry] = []
        self.replacing: list[Entry] = []
        self.going: set[str] = set()
        self.started: Counter[str] = Counter()

    def _due(self, job_id: str, slots: int) -> list[tuple[Entry, Decision]]:
        """Judge slots as a tick does, and return what has to be claimed."""
        job = self.jobs[job_id]
        times = [self.now - n * timedelta(seconds=1) for n in reversed(range(slots))]
        due = DueJob(job, times, ahead=self.ledger.ahead(job_id, job))
        verdicts = judge(due, now=self.now, up_since=self.now)
        return [
            (Entry(run(job_id=job_id, scheduled_at=verdict.slot), job, "f.yaml"), verdict.decision)
            for verdict in verdicts
            if verdict.decision is not Decision.SKIP
        ]

    @precondition(lambda self: not self.claiming)
    @rule(job_ids=st.lists(st.sampled_from(sorted(JOBS)), min_size=1, max_size=4, unique=True), slots=st.integers(1, 3))
    def begin_claim(self, job_ids: list[str], slots: int) -> None:
        for job_id in job_ids:
            for entry, decision in self._due(job_id, slots):
                reserved = self.ledger.reserve(entry, decision)
                self.claiming.append(reserved)
                if reserved.place is Place.RUNNING:
                    self._check_that_it_may_start(reserved)
                if decision is Decision.REPLACE:
                    self.replacing.append(reserved)

    @precondition(lambda self: self.claiming)
    @rule(written=st.sampled_from([True, True, False]))
    def end_claim(self, written: bool) -> None:
        claimed = {entry.run.id for entry in self.claiming}
        for entry in self.claiming:
            if written:
                if entry in self.replacing:
                    self._make_way(entry, claimed)
                self.ledger.enter(entry)
                self.alive[entry.run.id] = entry
                self.started[entry.run.id] += entry.place is Place.RUNNING
            else:
                self.ledger.withdraw(entry)
        self.claiming, self.replacing = [], []

    def _make_way(self, entry: Entry, claimed: set[str]) -> None:
        for other in self.ledger.in_the_way(entry, claimed=claimed, going=self.going):
            assert other.run.id not in claimed
            if other.place is Place.RUNNING:
                self.going.add(other.run.id)
            else:
                self.ledger.settle(other.run.id)
                del self.alive[other.run.id]

    @rule(job_id=st.sampled_from(sorted(EDITED)))
    def edit(self, job_id: str) -> None:
        self.jobs[job_id] = EDITED[job_id] if self.jobs[job_id] is JOBS[job_id] else JOBS[job_id]

    @rule(job_id=st.sampled_from(sorted(JOBS)), delayed=st.booleans())
    def adopt(self, job_id: str, delayed: bool) -> None:
        due_at = self.now + timedelta(minutes=1) if delayed else None
        left = Entry(run(job_id=job_id, due_at=due_at), self.jobs[job_id], "f.yaml")
        self.ledger.adopt(left, self.now)
        self.alive[left.run.id] = left

    @rule(job_id=st.sampled_from(sorted(JOBS)))
    def note_elsewhere(self, job_id: str) -> None:
        there = Entry(run(job_id=job_id), self.jobs[job_id], "f.yaml")
        self.ledger.note_elsewhere(there)
        self.alive[there.run.id] = there

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def adopt_again(self, data: st.DataObject) -> None:
        known = self.alive[data.draw(st.sampled_from(sorted(self.alive)))]
        self.ledger.adopt(replace(known, place=Place.READY, turn=0), self.now)

    @rule(written=st.sampled_from([True, True, False]))
    def promote(self, written: bool) -> None:
        promoted = self.ledger.promote(self.now)
        for entry in promoted:
            self._check_that_it_may_start(entry)
        for entry in promoted:
            if written:
                self.started[entry.run.id] += 1
            else:
                self.ledger.demote(entry)

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), fails=st.booleans())
    def settle(self, data: st.DataObject, fails: bool) -> None:
        ended = self.alive.pop(data.draw(st.sampled_from(sorted(self.alive))))
        retry: Run | None = None
        if fails:
            retry = run(job_id=ended.run.job_id, attempt=2, due_at=self.now + timedelta(minutes=1))
        assert self.ledger.settle(ended.run.id, retry) is ended
        if retry is not None:
            entry = self.ledger.get(retry.id)
            assert entry is not None
            self.alive[retry.id] = entry

    @rule(minutes=st.integers(1, 3))
    def wait(self, minutes: int) -> None:
        self.now += minutes * timedelta(minutes=1)

    def _running(self) -> list[Entry]:
        reserved = [entry for entry in self.claiming if entry.place is Place.RUNNING]
        return [*reserved, *(entry for entry in self.alive.values() if entry.place is Place.RUNNING)]

    def _check_that_it_may_start(self, entry: Entry) -> None:
        """A start looks at what others run, too, which may have begun whatever this ledger says."""
        if entry.spec.overlap is Overlap.ALLOW:
            return
        elsewhere = [other for other in self.alive.values() if other.place is Place.ELSEWHERE]
        others = [other for other in (*self._running(), *elsewhere) if other is not entry]
        for line in entry.lines:
            assert sum(line in other.lines for other in others) < self.ledger.lines.places(line)

    @invariant()
    def no_pool_is_overfull(self) -> None:
        taken = Counter(entry.pool for entry in self._running())
        assert all(taken[pool] <= places for pool, places in CAPACITY.items())
        assert self.max_runs is None or sum(taken.values()) <= self.max_runs

    @invariant()
    def no_job_overlaps_itself_unless_it_may(self) -> None:
        running = self._running()
        for entry in running:
            if entry.spec.overlap is not Overlap.ALLOW:
                beside = [other for other in running if other.run.job_id == entry.run.job_id and other is not entry]
                # One that was allowed to, by the job as it was before an edit, or by the job as it is since.
                assert all(other.spec.overlap is Overlap.ALLOW for other in beside)

    @invariant()
    def no_group_has_more_runs_than_places(self) -> None:
        running = Counter(entry.spec.group for entry in self._running() if entry.spec.group is not None)
        assert all(count <= GROUPS.get(group, 1) for group, count in running.items())

    @invariant()
    def no_run_starts_twice(self) -> None:
        assert all(count <= 1 for count in self.started.values())

    @invariant()
    def nothing_is_forgotten(self) -> None:
        assert len(self.ledger) == len(self.alive)
        listed = [entry for job_id in self.jobs for entry in self.ledger.of_job(job_id)]
        assert {id(entry) for entry in listed} == {id(entry) for entry in self.alive.values()}
        assert len(listed) == len(self.alive)

    def teardown(self) -> None:
        """Let everything end: each run gets its turn, and all places are free again."""
        for entry in self.claiming:
            self.ledger.withdraw(entry)
        self.claiming = []
        while self.alive:
            self.wait(1)
            self.promote(written=True)
            running = [entry for entry in self.alive.values() if entry.place in {Place.RUNNING, Place.ELSEWHERE}]
            assert running, "nothing runs, and nothing ever will"
            self.no_pool_is_overfull()
            self.no_group_has_more_runs_than_places()
            for entry in running:
                del self.alive[entry.run.id]
                self.ledger.settle(entry.run.id)
        assert not self.ledger.startable
        places = CAPACITY[PROCESSES] if self.max_runs is None else self.max_runs
        free = [self.ledger.reserve(Entry(run(), JOBS["allow"], "f.yaml"), Decision.START) for _ in range(places + 1)]
        assert [entry.place for entry in free] == [Place.RUNNING] * places + [Place.READY]


class BoundedLedgerOverTime(LedgerOverTime):
    """The same, with a limit for all pools together."""

    max_runs = 2


TestLedgerOverTime = LedgerOverTime.TestCase
TestLedgerOverTime.settings = settings(deadline=None, derandomize=True, max_examples=150, stateful_step_count=40)
TestBoundedLedgerOverTime = BoundedLedgerOverTime.TestCase
TestBoundedLedgerOverTime.settings = TestLedgerOverTime.settings
