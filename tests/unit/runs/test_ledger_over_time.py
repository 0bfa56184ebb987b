"""Whatever happens in whatever order: no pool is overfull, no job overlaps itself, and nothing is forgotten."""

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
from schedsync.specs.job import JobSpec
from tests.builders import NOW, run, spec

JOBS = {
    "skip": spec(id="skip"),
    "queue": spec(id="queue", overlap="queue"),
    "replace": spec(id="replace", overlap="replace"),
    "allow": spec(id="allow", overlap="allow"),
    "python": spec(id="python", overlap="queue", run={"python": "a:b"}),
    "all": spec(id="all", misfire={"policy": "all", "grace": "7d"}),
}
CAPACITY = {PROCESSES: 3, PYTHON: 1}


class LedgerOverTime(RuleBasedStateMachine):
    """The scheduler claims, the runner promotes and settles, other instances leave runs behind; time goes on."""

    jobs: ClassVar[dict[str, JobSpec]] = JOBS

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(CAPACITY)
        self.now = NOW
        self.alive: dict[str, Entry] = {}
        self.claiming: list[Entry] = []
        self.started: Counter[str] = Counter()

    def _due(self, job_id: str, slots: int) -> list[tuple[Entry, Decision]]:
        """Judge slots as a tick does, and return what has to be claimed."""
        job = self.jobs[job_id]
        times = [self.now - n * timedelta(seconds=1) for n in reversed(range(slots))]
        due = DueJob(job, times, unsettled=self.ledger.unsettled(job_id))
        verdicts = judge(due, now=self.now, up_since=self.now)
        return [
            (Entry(run(job_id=job_id, scheduled_at=verdict.slot), job, "f.yaml"), verdict.decision)
            for verdict in verdicts
            if verdict.decision is not Decision.SKIP
        ]

    @precondition(lambda self: not self.claiming)
    @rule(job_id=st.sampled_from(sorted(JOBS)), slots=st.integers(1, 3))
    def begin_claim(self, job_id: str, slots: int) -> None:
        self.claiming = [self.ledger.reserve(entry, decision) for entry, decision in self._due(job_id, slots)]

    @precondition(lambda self: self.claiming)
    @rule(written=st.sampled_from([True, True, False]))
    def end_claim(self, written: bool) -> None:
        for entry in self.claiming:
            if written:
                self.ledger.enter(entry)
                self.alive[entry.run.id] = entry
                self.started[entry.run.id] += entry.place is Place.RUNNING
            else:
                self.ledger.withdraw(entry)
        self.claiming = []

    @rule(job_id=st.sampled_from(sorted(JOBS)), delayed=st.booleans())
    def adopt(self, job_id: str, delayed: bool) -> None:
        due_at = self.now + timedelta(minutes=1) if delayed else None
        left = Entry(run(job_id=job_id, due_at=due_at), self.jobs[job_id], "f.yaml")
        self.ledger.adopt(left, self.now)
        self.alive[left.run.id] = left

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def adopt_again(self, data: st.DataObject) -> None:
        known = self.alive[data.draw(st.sampled_from(sorted(self.alive)))]
        self.ledger.adopt(replace(known, place=Place.READY, turn=0), self.now)

    @rule(written=st.sampled_from([True, True, False]))
    def promote(self, written: bool) -> None:
        for entry in self.ledger.promote(self.now):
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

    @invariant()
    def no_pool_is_overfull(self) -> None:
        taken = Counter(entry.pool for entry in self._running())
        assert all(taken[pool] <= places for pool, places in CAPACITY.items())

    @invariant()
    def no_job_overlaps_itself_unless_it_may(self) -> None:
        running = Counter(entry.run.job_id for entry in self._running())
        assert all(count <= 1 for job_id, count in running.items() if job_id != "allow")

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
            running = self._running()
            assert running, "nothing runs, and nothing ever will"
            for entry in running:
                del self.alive[entry.run.id]
                self.ledger.settle(entry.run.id)
        assert not self.ledger.startable
        free = [self.ledger.reserve(Entry(run(), JOBS["allow"], "f.yaml"), Decision.START) for _ in range(4)]
        assert [entry.place for entry in free] == [Place.RUNNING] * 3 + [Place.READY]


TestLedgerOverTime = LedgerOverTime.TestCase
TestLedgerOverTime.settings = settings(deadline=None, derandomize=True, max_examples=150, stateful_step_count=40)
