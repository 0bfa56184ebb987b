"""Claims on a real store: one row per slot, whatever happens in between."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from schedsync.control import Control
from schedsync.errors import DatabaseUnavailableError, LeadershipLostError, StaleObservationError
from schedsync.executors.spool import OutputLimits
from schedsync.plan.state import PruneGuard
from schedsync.reconcile import Reconciler
from schedsync.running.runner import Runner, RunnerOptions
from schedsync.runs.blackouts import Blackout, Blackouts
from schedsync.runs.ledger import PROCESSES, PYTHON, SQL, Entry
from schedsync.runs.run import Run, RunState
from schedsync.scheduler import firing
from schedsync.scheduler.firing import MAX_SLOTS, Claimed, Firing, Tick
from schedsync.sources.folder import JobsFolder
from schedsync.specs.windows import Chosen, Fixed
from schedsync.store.leases import Lease
from schedsync.store.runs import Advance
from schedsync.store.store import Store
from tests.integration.conftest import StandingClock

TTL = timedelta(seconds=30)


class Place:
    """A folder, a store, and what fires from them; nothing is really started."""

    def __init__(self, tmp_path: Path, store: Store, clock: StandingClock) -> None:
        self.folder = tmp_path / "jobs.d"
        self.folder.mkdir()
        self.store, self.clock = store, clock
        options = RunnerOptions(
            node="here",
            owner="me",
            folder=self.folder,
            spool=tmp_path,
            limits=OutputLimits(),
            capacity={PROCESSES: 2, PYTHON: 1, SQL: 1},
        )
        self.started: list[Entry] = []
        self.runner = Runner(store, options, clock=clock)
        self.runner.submit = self.started.append
        self.firing = Firing(store, self.runner, node="here", owner="me")
        self.lease = store.leases.acquire("me", TTL)
        self.up_since = clock.now

    def job(self, name: str, more: str = "", schedule: str = "{every: 1m}") -> None:
        (self.folder / f"{name}.yaml").write_text(f"schedule: {schedule}\nrun: {{shell: 'true'}}\n{more}")
        Reconciler(JobsFolder(self.folder), self.store, PruneGuard(), node="here", clock=self.clock).step()

    def fire(self, lease: Lease | None = None) -> Claimed:
        due = self.store.jobs.due(self.clock.now, 100)
        return self.firing.fire(due, Tick(self.clock.now, self.up_since, lease or self.lease))

    def runs(self, job_id: str) -> list[Run]:
        return self.store.runs.page(job_id=job_id, before=None, limit=10_000)[::-1]


@pytest.fixture
def place(tmp_path: Path, store: Store, clock: StandingClock) -> Place:
    return Place(tmp_path, store, clock)


def _states(runs: list[Run]) -> list[str]:
    return [run.state.value for run in runs]


def test_a_due_slot_is_claimed_once_and_the_job_moves_on(place: Place, clock: StandingClock) -> None:
    place.job("a")
    slot = clock.forward(minutes=1)
    place.fire()
    place.fire()
    assert [(run.scheduled_at, run.state) for run in place.runs("a")] == [(slot, RunState.RUNNING)]
    assert place.store.jobs.observe().jobs["a"].next_fire_at == slot + timedelta(minutes=1)
    assert [entry.run.id for entry in place.started] == [place.runs("a")[0].id]


def test_runs_beyond_the_places_are_queued_in_their_rows(place: Place, clock: StandingClock) -> None:
    for name in "abc":
        place.job(name)
    clock.forward(minutes=1)
    place.fire()
    states = sorted(_states([run for name in "abc" for run in place.runs(name)]))
    assert states == ["queued", "running", "running"]
    assert len(place.started) == 2


def test_a_slot_that_has_a_row_already_keeps_its_outcome_and_the_job_moves_on(
    place: Place, clock: StandingClock
) -> None:
    place.job("a")
    slot = clock.forward(minutes=1)
    place.fire()
    with place.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE schedsync_jobs SET next_fire_at = next_fire_at - 60000000")
    place.started.clear()
    place.fire()
    assert len(place.runs("a")) == 1
    assert place.started == []
    assert place.store.jobs.observe().jobs["a"].next_fire_at == slot + timedelta(minutes=1)


def test_nothing_is_claimed_under_a_lease_that_is_gone(place: Place, clock: StandingClock) -> None:
    place.job("a")
    clock.forward(minutes=1)
    place.store.leases.end("me")
    place.store.leases.acquire("another", TTL)
    with pytest.raises(LeadershipLostError):
        place.fire()
    assert place.runs("a") == []
    assert place.runner.unsettled("a") == 0


def test_places_that_a_failed_claim_had_reserved_are_free_again(place: Place, clock: StandingClock) -> None:
    place.job("a")
    place.job("b")
    clock.forward(minutes=1)
    stale = Lease("me", 0)
    for _ in range(3):
        with pytest.raises(LeadershipLostError):
            place.fire(stale)
    place.fire()
    assert _states([*place.runs("a"), *place.runs("b")]) == ["running", "running"]


def test_a_paused_slot_is_a_row_with_the_reason(place: Place, clock: StandingClock) -> None:
    place.job("a")
    Control(place.store, clock).pause("a", by="me", until=clock.now + timedelta(seconds=90))
    clock.forward(minutes=2)
    place.fire()
    assert [(r.state.value, r.reason) for r in place.runs("a")] == [("skipped", "paused"), ("running", None)]


def test_housekeeping_before_the_first_tick_after_an_outage_lets_no_paused_slot_run(
    place: Place, clock: StandingClock
) -> None:
    place.job("a")
    Control(place.store, clock).pause("a", by="me", until=clock.now + timedelta(seconds=90))
    clock.forward(minutes=2)
    place.store.pauses.forget_expired(clock.now)
    place.fire()
    assert [(r.state.value, r.reason) for r in place.runs("a")] == [("skipped", "paused"), ("running", None)]
    assert place.store.pauses.forget_expired(clock.now) == 1


def test_a_long_outage_is_claimed_in_bounded_portions_with_a_row_for_each_slot(
    place: Place, clock: StandingClock
) -> None:
    place.job("a", "misfire: {policy: latest, grace: 7d}\n", schedule="{every: 1s}")
    end = clock.forward(seconds=MAX_SLOTS * 2 + 10)
    place.up_since = end
    while place.store.jobs.due(clock.now, 1):
        place.fire()
    runs = place.runs("a")
    assert len(runs) == MAX_SLOTS * 2 + 10
    assert _states(runs[:-1]) == ["skipped"] * (len(runs) - 1)
    assert (runs[-1].state, runs[-1].scheduled_at) == (RunState.RUNNING, end)


def _darken(place: Place, *each: Blackout) -> None:
    place.firing = Firing(place.store, place.runner, node="here", owner="me", blackouts=Blackouts(each))


def test_each_slot_inside_a_blackout_is_a_row_with_its_name_and_reason_and_is_never_run_later(
    place: Place, clock: StandingClock
) -> None:
    place.job("a", "overlap: allow\n")
    place.job("b", "overlap: allow\ntags: [free]\n")
    begins = clock.now + timedelta(minutes=2)
    dark = Fixed(begins, begins + timedelta(minutes=2))
    _darken(place, Blackout("year-end", dark, Chosen(("a",)), "books are closed"))
    for _ in range(6):
        clock.forward(minutes=1)
        place.fire()
    slots = [(run.state.value, run.reason) for run in place.runs("a")]
    skipped = ("skipped", "blackout year-end: books are closed")
    assert [slot for slot in slots if slot[0] == "skipped"] == [skipped] * 2
    assert [run.scheduled_at for run in place.runs("a") if run.reason] == [begins, begins + timedelta(minutes=1)]
    assert len(slots) == len(place.runs("b")) == 6
    assert RunState.SKIPPED not in {run.state for run in place.runs("b")}


def test_slots_that_a_blackout_covered_are_not_counted_among_the_newest_that_run(
    place: Place, clock: StandingClock
) -> None:
    """As with a pause: of 2,000 missed slots a blackout covers those from the 1,001st to the 1,980th."""
    place.job("a", ALL.format(overlap="queue"), schedule="{every: 1s}")
    end = clock.now + timedelta(seconds=2_000)
    dark = Fixed(end - timedelta(seconds=1_000), end - timedelta(seconds=20))
    _darken(place, Blackout("year-end", dark))
    clock.forward(seconds=2_000)
    runs = _catches_up(place)
    ran = [run.scheduled_at for run in runs if run.state is not RunState.SKIPPED]
    assert ran[-21:] == [end - timedelta(seconds=n) for n in range(20, -1, -1)]
    assert ran[:-21] == [end - timedelta(seconds=n) for n in range(1_029, 1_000, -1)]


@pytest.mark.parametrize("missed", [True, False], ids=["missed", "late"])
def test_the_newest_slot_that_may_run_does_although_all_later_ones_are_in_a_blackout(
    place: Place, clock: StandingClock, missed: bool
) -> None:
    """More slots than one tick judges: those of the next tick are no reason to leave out what comes before them."""
    place.job("a", "misfire: {policy: latest, grace: 7d}\n", schedule="{every: 1s}")
    begins = clock.now + timedelta(seconds=MAX_SLOTS - 200)
    _darken(place, Blackout("year-end", Fixed(begins, begins + timedelta(days=1))))
    if missed:
        place.up_since = clock.now + timedelta(days=1)
    clock.forward(seconds=MAX_SLOTS * 2)
    while place.store.jobs.due(clock.now, 1):
        place.fire()
    runs = place.runs("a")
    assert len(runs) == MAX_SLOTS * 2
    assert [run.scheduled_at for run in runs if run.state is RunState.RUNNING] == [begins - timedelta(seconds=1)]


def _catches_up(place: Place) -> list[Run]:
    """Fire until nothing is due, and return the runs."""
    place.up_since = place.clock.forward(milliseconds=1)  # after the last slot, which was missed, too
    while place.store.jobs.due(place.clock.now, 1):
        place.fire()
    return place.runs("a")


ALL = "overlap: {overlap}\nmisfire: {{policy: all, grace: 7d, limit: 50}}\n"


@pytest.mark.parametrize("overlap", ["queue", "skip", "allow"])
def test_of_ten_thousand_missed_slots_exactly_the_newest_run_that_the_limit_allows(
    place: Place, clock: StandingClock, overlap: str
) -> None:
    place.job("a", ALL.format(overlap=overlap), schedule="{every: 1s}")
    clock.forward(seconds=10_000)
    runs = _catches_up(place)
    assert len(runs) == 10_000
    assert {(run.state, run.reason) for run in runs[:-50]} == {
        (RunState.SKIPPED, "misfire: of the missed slots only the newest 50 run")
    }
    assert RunState.SKIPPED not in {run.state for run in runs[-50:]}


def test_slots_that_a_pause_covered_are_not_counted_among_the_newest_that_run(
    place: Place, clock: StandingClock
) -> None:
    place.job("a", ALL.format(overlap="queue"), schedule="{every: 1s}")
    end = clock.now + timedelta(seconds=2_000)
    clock.forward(seconds=1_000)
    Control(place.store, clock).pause("a", by="me", until=end - timedelta(seconds=20))
    clock.forward(seconds=1_000)
    runs = _catches_up(place)
    ran = [run.scheduled_at for run in runs if run.state is not RunState.SKIPPED]
    assert ran[-21:] == [end - timedelta(seconds=n) for n in range(20, -1, -1)]
    assert ran[:-21] == [end - timedelta(seconds=n) for n in range(1_029, 1_000, -1)]


def test_what_is_due_at_once_in_a_group_waits_in_the_order_of_its_slots(place: Place, clock: StandingClock) -> None:
    for name, every in (("a", "20s"), ("b", "30s")):
        place.job(name, "group: erp\noverlap: queue\n", schedule=f"{{every: {every}}}")
    clock.forward(seconds=60)
    place.fire()
    line = [place.runner._desk.ledger.get(run_id) for run_id in place.runner._desk.ledger.lines.of(("group", "erp"))]
    runs = [entry.run for entry in line if entry is not None]
    assert [run.job_id for run in runs] == ["a", "b", "a", "a", "b"]
    assert [run.scheduled_at for run in runs] == sorted(run.scheduled_at for run in runs)
    assert _states(runs) == ["running", *["queued"] * 4]


def test_a_one_off_that_has_fired_stays_finished_until_its_time_changes(place: Place, clock: StandingClock) -> None:
    place.job("a", schedule='{at: "2026-11-24T02:30:00"}')
    clock.forward(minutes=31)
    place.fire()
    place.job("a", "description: an edit\n", schedule='{at: "2026-11-24T02:30:00"}')
    assert place.store.jobs.observe().jobs["a"].next_fire_at is None
    place.job("a", schedule='{at: "2026-11-24T03:30:00"}')
    assert place.store.jobs.observe().jobs["a"].next_fire_at == datetime.fromisoformat("2026-11-24T03:30:00Z")


def test_an_edit_that_keeps_the_due_slot_loses_none_of_its_slots_to_a_claim_by_the_old_schedule(
    place: Place, clock: StandingClock
) -> None:
    place.job("a", schedule='{cron: "0 * * * *"}')
    slot = clock.forward(hours=1)
    due = place.store.jobs.due(slot, 100)
    place.firing.learn(due)
    place.job("a", schedule='{cron: "*/10 * * * *"}')
    with pytest.raises(StaleObservationError):
        place.firing.fire(due, Tick(slot, place.up_since, place.lease))
    place.fire()
    assert [run.scheduled_at for run in place.runs("a")] == [slot]
    assert place.store.jobs.observe().jobs["a"].next_fire_at == slot + timedelta(minutes=10)


def test_specs_at_hand_are_bounded_and_those_that_were_let_go_are_loaded_anew(
    place: Place, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firing, "MAX_SPECS", 2)
    for name in "abcde":
        place.job(name, "overlap: allow\n")
    for minute in (1, 2, 3):
        clock.forward(minutes=1)
        assert place.fire().postponed == 0
        assert [len(place.runs(name)) for name in "abcde"] == [minute] * 5
    place.firing.learn([])
    assert len(place.firing._specs) == 2


class Refusing:
    """A table of runs that refuses those of some jobs, as a constraint of the database's owner does."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def begin(self, jobs: str) -> None:
        self._execute(
            f"CREATE TRIGGER refusing BEFORE INSERT ON schedsync_runs WHEN NEW.job_id LIKE '{jobs}'"
            " BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )

    def end(self) -> None:
        self._execute("DROP TRIGGER refusing")

    def _execute(self, statement: str) -> None:
        with self._place.store.database.write() as connection:
            connection.exec_driver_sql(statement)


def test_a_job_whose_claim_is_refused_hurts_only_itself_and_is_said_once(
    place: Place, clock: StandingClock, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"good-{number}" for number in range(5)]
    for name in (*names, "bad-1", "bad-2"):
        place.job(name, "overlap: allow\n")
    refusing = Refusing(place)
    refusing.begin("bad-%")
    for minute in (1, 2, 3):
        clock.forward(minutes=1)
        assert place.fire().postponed == 2
        assert {name: len(place.runs(name)) for name in names} == dict.fromkeys(names, minute)
    assert [place.runs("bad-1"), place.runs("bad-2")] == [[], []]
    said = [record for record in caplog.records if "cannot be claimed" in record.message]
    assert sorted(record.job_id for record in said) == ["bad-1", "bad-2"]  # type: ignore[attr-defined] # an extra
    refusing.end()
    clock.forward(seconds=1)
    assert place.fire().postponed == 2  # they rest
    clock.forward(seconds=59)
    assert place.fire().postponed == 0
    assert [len(place.runs("bad-1")), len(place.runs("bad-2"))] == [4, 4]


def test_a_refused_job_takes_no_place_of_its_group(place: Place, clock: StandingClock) -> None:
    for name in ("bad", "good"):
        place.job(name, "group: erp\n")
    place.job("other")
    Refusing(place).begin("bad")
    clock.forward(minutes=1)
    assert place.fire().postponed == 2
    assert [len(place.runs(name)) for name in ("good", "other")] == [0, 1]
    assert place.fire().postponed == 1
    assert [run.state for run in place.runs("good")] == [RunState.RUNNING]


def test_an_edit_of_a_refused_job_is_tried_at_once(place: Place, clock: StandingClock) -> None:
    place.job("bad")
    refusing = Refusing(place)
    refusing.begin("bad")
    clock.forward(minutes=1)
    assert place.fire().postponed == 1
    refusing.end()
    assert place.fire().postponed == 1
    place.job("bad", "description: mended\n")
    assert place.fire().postponed == 0
    assert len(place.runs("bad")) == 1


def test_where_all_claims_are_refused_a_tick_ends_and_the_next_ones_go_on(
    place: Place, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firing, "MAX_REFUSED", 2)
    for number in range(5):
        place.job(f"bad-{number}")
    place.job("good")
    Refusing(place).begin("bad-%")
    clock.forward(minutes=1)
    assert [place.fire().postponed for _ in range(4)] == [6, 6, 5, 5]
    assert len(place.runs("good")) == 1


def _let_claims_fail(place: Place, monkeypatch: pytest.MonkeyPatch, *errors: Exception | None) -> None:
    """Let the next claims fail like this, one after the other; None: that one does not."""
    claim, answers = place.store.runs.claim, iter(errors)

    def balky(*args: object) -> list[Run]:
        error = next(answers)
        if error is not None:
            raise error
        return claim(*args)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(place.store.runs, "claim", balky)


def test_what_was_skipped_is_told_although_the_database_goes_away_before_the_rest_is_claimed(
    place: Place, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        place.job(name)
    Control(place.store, clock).pause("a", by="me", until=None)
    _let_claims_fail(place, monkeypatch, ValueError("no"), None, DatabaseUnavailableError("away"))
    clock.forward(minutes=1)
    claimed = place.fire()
    assert [run.job_id for run in claimed.skipped] == ["a"]
    assert isinstance(claimed.error, DatabaseUnavailableError)


def test_runs_of_one_portion_start_before_the_next_one_is_claimed(
    place: Place, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firing, "PORTION", 1)
    monkeypatch.setattr(firing, "GROWTH", 2)
    for name in "abcde":
        place.job(name)
    claim, started = place.store.runs.claim, list[list[str]]()

    def counting(*args: object) -> list[Run]:
        started.append([entry.run.job_id for entry in place.started])
        return claim(*args)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(place.store.runs, "claim", counting)
    clock.forward(minutes=1)
    claimed = place.fire()
    assert started == [[], ["a"], ["a", "b"]]  # of one, of two and of the rest; there are two places
    assert [_states(place.runs(name)) for name in "abcde"] == [["running"]] * 2 + [["queued"]] * 3
    assert (claimed.postponed, claimed.next_fire_at) == (0, clock.now + timedelta(minutes=1))


def test_a_group_is_claimed_together_however_small_the_portions(
    place: Place, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firing, "PORTION", 1)
    for name, every in (("a", "20s"), ("b", "30s"), ("c", "15s")):
        place.job(name, "" if name == "c" else "group: erp\noverlap: queue\n", schedule=f"{{every: {every}}}")
    claim, claims = place.store.runs.claim, list[list[str]]()

    def noting(lease: Lease, runs: list[Run], advances: list[Advance]) -> list[Run]:
        claims.append(sorted(advance.job_id for advance in advances))
        return claim(lease, runs, advances)

    monkeypatch.setattr(place.store.runs, "claim", noting)
    clock.forward(seconds=60)
    place.fire()
    assert sorted(claims) == [["a", "b"], ["c"]]


def test_what_one_portion_claimed_stays_claimed_when_the_database_goes_away_before_the_next(
    place: Place, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firing, "PORTION", 2)
    for name in "abc":
        place.job(name)
    _let_claims_fail(place, monkeypatch, None, DatabaseUnavailableError("away"), None)
    clock.forward(minutes=1)
    claimed = place.fire()
    assert (claimed.postponed, isinstance(claimed.error, DatabaseUnavailableError)) == (1, True)
    assert [len(place.runs(name)) for name in "abc"] == [1, 1, 0]
    assert [place.runner.unsettled(name) for name in "abc"] == [1, 1, 0]
    assert place.fire().postponed == 0
    assert [len(place.runs(name)) for name in "abc"] == [1, 1, 1]
