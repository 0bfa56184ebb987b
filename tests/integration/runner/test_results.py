"""Results are kept until the database takes them, and recovery settles what nobody looks after."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from schedsync.errors import DatabaseUnavailableError, LeadershipLostError, SchemaError
from schedsync.running.results import ResultWriter, Written
from schedsync.runs.following import Follower, Followers, what_follows
from schedsync.runs.notices import Ending
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.run import Cause, Run, RunState
from schedsync.specs.following import End
from schedsync.specs.notify import Notify
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges, RunTable, kept_runs
from schedsync.store.store import Store
from tests.integration.runner.bench import OWNER, TTL, Bench, eventually, without_runs_table


class Balky(RunTable):
    """The runs of a database that fails when it is told to."""

    def __init__(self, store: Store, fails: Callable[[RunChanges], Exception | None]) -> None:
        super().__init__(store.database, kept_runs())
        self.fails, self.asked, self.written = fails, threading.Event(), 0

    def record(self, changes: RunChanges, lease: Lease | None) -> frozenset[str]:
        self.asked.set()
        error = self.fails(changes)
        if error is not None:
            raise error
        self.written += 1
        return super().record(changes, lease)


def _ended(run: Run, output: bytes = b"") -> tuple[Run, Output]:
    ended = replace(run, state=RunState.SUCCEEDED, finished_at=run.claimed_at)
    return ended, Output(head=output, total=len(output))


def _claimed(bench: Bench, *names: str) -> list[Run]:
    held, _ = bench.hold()
    for name in names:
        bench.job(name)
    bench.fire()
    return [entry.run for entry in held]


def test_results_are_kept_and_written_when_the_database_comes_back(bench: Bench) -> None:
    runs = _claimed(bench, "a", "b")
    with without_runs_table(bench.store):
        for run in runs:
            bench.runner.finished(run.id, Outcome(RunState.SUCCEEDED, bench.clock.now))
        eventually(lambda: bench.runner._recorder.writer.away)
    assert {bench.next_end().id for _ in runs} == {run.id for run in runs}
    assert (bench.states("a"), bench.states("b")) == (["succeeded"], ["succeeded"])


def _writer(bench: Bench, fails: Callable[[RunChanges], Exception | None]) -> ResultWriter:
    return ResultWriter(Balky(bench.store, fails), lambda: bench.lease)


def test_a_result_is_written_once_when_the_database_comes_back(bench: Bench) -> None:
    (run,) = _claimed(bench, "a")
    errors: list[Exception] = [DatabaseUnavailableError("away"), SchemaError("no table")]
    writer = _writer(bench, lambda _: errors.pop() if errors else None)
    assert writer.write(RunChanges(settled=[_ended(run)])).settled == ()
    assert writer.away
    settled = eventually(lambda: writer.write_left().settled)
    assert [each.id for each in settled] == [run.id]
    assert (writer.away, writer.left, writer.patience) == (False, RunChanges(), None)
    assert bench.states("a") == ["succeeded"]


def test_one_result_that_cannot_be_written_does_not_lose_the_others(bench: Bench) -> None:
    first, second = _claimed(bench, "a", "b")
    poison = second.id
    writer = _writer(bench, lambda c: ValueError("no") if poison in {r.id for r, _ in c.settled} else None)
    written = writer.write(RunChanges(settled=[_ended(first), _ended(second)]))
    assert [run.id for run in written.settled] == [first.id]
    assert [run.id for run, _ in writer.left.settled] == [poison]
    assert bench.states("a") == ["succeeded"]


def test_an_output_that_cannot_be_written_does_not_lose_its_result(bench: Bench) -> None:
    (run,) = _claimed(bench, "a")
    writer = _writer(bench, lambda c: ValueError("no") if any(o.total for _, o in c.settled) else None)
    assert writer.write(RunChanges(settled=[_ended(run, b"text")])).settled
    assert not writer.left
    assert bench.states("a") == ["succeeded"]


def test_what_cannot_be_told_does_not_lose_its_result(bench: Bench) -> None:
    (run,) = _claimed(bench, "a")
    result = _ended(run)
    writer = _writer(bench, lambda c: ValueError("no") if c.endings else None)
    assert writer.write(RunChanges(settled=[result], endings=[Ending(result[0], Notify(to=("ops",)))])).settled
    assert not writer.left
    assert bench.states("a") == ["succeeded"]


def test_an_output_is_not_given_up_because_the_database_goes_away_meanwhile(bench: Bench) -> None:
    (run,) = _claimed(bench, "a")
    errors: list[Exception] = [DatabaseUnavailableError("away"), ValueError("no")]
    writer = _writer(bench, lambda _: errors.pop() if errors else None)
    writer.write(RunChanges(settled=[_ended(run, b"text")]))
    eventually(lambda: writer.write_left().settled)
    kept = bench.store.runs.output(run.id)
    assert kept is not None
    assert kept.head == "text"


def test_a_run_whose_result_could_not_be_written_is_never_started_again(bench: Bench) -> None:
    (run,) = _claimed(bench, "a")
    trouble = threading.Event()
    trouble.set()
    bench.runner._recorder.writer = _writer(
        bench, lambda c: ValueError("no") if c.settled and trouble.is_set() else None
    )
    held, _ = bench.hold()
    bench.runner.finished(run.id, Outcome(RunState.SUCCEEDED, bench.clock.now))
    eventually(lambda: bench.runner._recorder.writer.left)
    bench.runner.recover_own()
    trouble.clear()
    assert bench.next_end().id == run.id
    assert held == []
    assert bench.states("a") == ["succeeded"]


def test_what_is_to_be_started_waits_for_the_leadership_and_results_do_not(bench: Bench) -> None:
    bench.job("a", "exit 1", "retry: {attempts: 2, delay: 1h}\n")
    held, _ = bench.hold()
    bench.fire()
    bench.store.leases.end(OWNER)
    bench.runner.finished(held[0].run.id, Outcome(RunState.FAILED, bench.clock.now))
    eventually(lambda: bench.states("a")[0] == "failed")
    bench.lease = bench.store.leases.acquire("there/other", TTL)
    bench.store.leases.end("there/other")
    bench.lease = bench.store.leases.acquire(OWNER, TTL)
    bench.runner.lead(bench.lease)
    assert bench.until("a", "failed", "queued")[1].attempt == 2


def test_waiting_runs_stay_in_turn_while_their_jobs_cannot_be_looked_up(bench: Bench) -> None:
    go = bench.file("go")
    bench.job("a", f"while [ ! -e {go} ]; do sleep 0.02; done", "overlap: queue\n")
    bench.fire()
    bench.fire()
    with bench.store.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE schedsync_pauses RENAME TO elsewhere")
    go.touch()
    assert bench.next_end().state is RunState.SUCCEEDED
    assert bench.states("a") == ["succeeded", "queued"]
    with bench.store.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO schedsync_pauses")
    bench.until("a", "succeeded", "succeeded")


# What earlier processes left.


def _left_by(bench: Bench, owner: str, name: str, state: RunState, more: str = "") -> Run:
    """A run of the job as another instance left it."""
    bench.job(name, "true", more)
    held, _ = bench.hold()
    bench.clock.forward(minutes=1)
    job = bench.store.jobs.observe().jobs[name]
    assert job.next_fire_at is not None
    run = Run(
        id=f"left-{name}",
        job_id=name,
        scheduled_at=job.next_fire_at,
        attempt=1,
        cause=Cause.SCHEDULE,
        state=state,
        due_at=job.next_fire_at,
        claimed_at=bench.clock.now,
        node="there",
        owner=owner,
        token=bench.lease.token,
        spec_digest=job.digest,
    )
    bench.store.runs.claim(bench.lease, [run], [])
    assert held == []
    bench.runner.submit = bench.runner.launch
    return run


def test_running_runs_of_dead_instances_are_lost_and_retried(bench: Bench) -> None:
    _left_by(bench, "there/dead", "a", RunState.RUNNING, "retry: {attempts: 2, delay: 1s, on: [lost]}\n")
    bench.runner.recover(lambda owner: owner == "there/dead")
    first, second = bench.until("a", "lost", "queued")
    assert first.reason
    assert second.attempt == 2
    bench.clock.forward(seconds=2)
    bench.runner.lead(bench.lease)
    bench.until("a", "lost", "succeeded")


def test_a_further_attempt_that_the_database_refuses_keeps_nobody_from_being_settled(bench: Bench) -> None:
    retry = "retry: {attempts: 2, delay: 1h, on: [lost]}\n"
    for name in ("good", "bad"):
        _left_by(bench, "there/dead", name, RunState.RUNNING, retry)
    with bench.store.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER refusing BEFORE INSERT ON schedsync_runs WHEN NEW.attempt > 1 AND NEW.job_id = 'bad'"
            " BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
    bench.runner.recover(lambda owner: owner == "there/dead")
    assert (bench.states("good"), bench.states("bad")) == (["lost", "queued"], ["lost"])
    assert (bench.runner.unsettled("good"), bench.runner.unsettled("bad")) == (1, 0)


def test_running_runs_of_living_instances_are_left_alone(bench: Bench) -> None:
    _left_by(bench, "there/alive", "a", RunState.RUNNING)
    bench.runner.recover(lambda _owner: False)
    assert bench.states("a") == ["running"]


def test_queued_runs_are_taken_up_whoever_queued_them(bench: Bench) -> None:
    _left_by(bench, "there/alive", "a", RunState.QUEUED)
    bench.runner.recover(lambda _owner: False)
    bench.runner.recover(lambda _owner: False)
    assert bench.until("a", "succeeded")[0].owner == OWNER


def test_queued_runs_of_removed_jobs_and_those_that_are_too_late_are_skipped(bench: Bench) -> None:
    _left_by(bench, "there/dead", "gone", RunState.QUEUED)
    _left_by(bench, "there/dead", "late", RunState.QUEUED, "misfire: {grace: 5m}\n")
    (bench.folder / "gone.yaml").unlink()
    bench.apply()
    bench.clock.forward(minutes=6)
    bench.runner.recover(lambda _owner: True)
    assert (bench.runs("gone")[0].reason or "").startswith("removed")
    assert (bench.runs("late")[0].reason or "").startswith("misfire")
    assert bench.states("gone") + bench.states("late") == ["skipped", "skipped"]


def test_a_claim_whose_answer_was_lost_is_taken_up_and_started_once(bench: Bench) -> None:
    mark = bench.file("mark")
    bench.job("a", f"echo x >> {mark}")
    claim = bench.store.runs.claim

    def answer_lost(*args: object) -> list[Run]:
        claim(*args)  # type: ignore[arg-type]
        raise DatabaseUnavailableError("the answer was lost")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.store.runs, "claim", answer_lost)
        with pytest.raises(DatabaseUnavailableError):
            bench.fire()
    assert bench.states("a") == ["running"]
    assert bench.runner.unsettled("a") == 0
    bench.runner.recover_own()
    bench.runner.recover_own()
    bench.until("a", "succeeded")
    bench.runner.recover_own()
    bench.stop()
    assert mark.read_text() == "x\n"


def test_an_instance_that_does_not_lead_settles_nothing(bench: Bench) -> None:
    _left_by(bench, "there/dead", "a", RunState.RUNNING)
    bench.runner.lead(None)
    bench.runner.recover(lambda _owner: True)
    assert bench.states("a") == ["running"]


# Leadership that goes away and comes back.


def _meanwhile(bench: Bench, owner: str = "there/other") -> Lease:
    """Let another instance lead."""
    bench.runner.lead(None)
    bench.store.leases.end(OWNER)
    return bench.store.leases.acquire(owner, TTL)


def _again(bench: Bench, owner: str = "there/other", dead: bool = False) -> None:
    """Lead again, as the firing loop does it."""
    bench.store.leases.end(owner)
    bench.lease = bench.store.leases.acquire(OWNER, TTL)
    bench.runner.lead(bench.lease)
    bench.runner.recover(lambda _owner: dead)
    bench.runner.recover_own()


def test_what_another_leader_has_run_meanwhile_keeps_no_later_slot_from_running(bench: Bench) -> None:
    bench.job("a", "exit 1", "retry: {attempts: 2, delay: 1h}\n")
    bench.fire()
    _, waiting = bench.until("a", "failed", "queued")
    lease = _meanwhile(bench)
    theirs = replace(waiting, state=RunState.RUNNING, owner="there/other", token=lease.token)
    bench.store.runs.record(RunChanges(promoted=[theirs]), lease)
    bench.store.runs.record(RunChanges(settled=[_ended(theirs)]), lease)
    _again(bench)
    assert bench.runner.unsettled("a") == 0
    bench.job("a", "true")
    bench.fire()
    bench.until("a", "failed", "succeeded", "succeeded")


@pytest.mark.parametrize("more", ["", "group: erp\n"])
def test_a_run_of_a_living_instance_keeps_others_waiting_until_it_has_ended(bench: Bench, more: str) -> None:
    theirs = _left_by(bench, "there/alive", "a", RunState.RUNNING, more)
    bench.runner.recover(lambda _owner: False)
    assert bench.runner.doubtful
    late = "b" if more else "a"
    bench.job(late, "true", more + "overlap: queue\n")
    bench.fire()
    assert bench.runs(late)[-1].state is RunState.QUEUED
    bench.runner.recover_own()
    assert bench.runs(late)[-1].state is RunState.QUEUED
    bench.store.runs.record(RunChanges(settled=[_ended(theirs)]), None)
    bench.runner.recover_own()
    assert not bench.runner.doubtful
    eventually(lambda: bench.runs(late)[-1].state is RunState.SUCCEEDED)


def test_a_run_of_a_living_instance_is_not_replaced_but_waited_for(bench: Bench) -> None:
    theirs = _left_by(bench, "there/alive", "a", RunState.RUNNING, "overlap: replace\n")
    bench.runner.recover(lambda _owner: False)
    bench.fire()
    assert bench.states("a")[0] == "running"
    bench.store.runs.record(RunChanges(settled=[_ended(theirs)]), None)
    bench.runner.recover_own()
    eventually(lambda: bench.runs("a")[-1].state is RunState.SUCCEEDED)


def test_what_others_run_is_not_held_here_and_what_waits_for_it_is(bench: Bench) -> None:
    theirs = _left_by(bench, "there/alive", "a", RunState.RUNNING, "overlap: queue\n")
    bench.runner.recover(lambda _owner: False)
    bench.fire()
    (_, waits) = bench.until("a", "running", "queued")
    assert bench.runner.held() == {waits.id}
    bench.store.runs.record(RunChanges(settled=[_ended(theirs)]), None)
    bench.runner.recover_own()
    bench.until("a", "succeeded", "succeeded")
    eventually(lambda: not bench.runner.held())


def test_the_retry_of_a_run_elsewhere_is_taken_up_before_a_later_slot_starts(bench: Bench) -> None:
    theirs = _left_by(bench, "there/alive", "a", RunState.RUNNING, "overlap: queue\n")
    bench.runner.recover(lambda _owner: False)
    bench.fire()
    failed = replace(theirs, state=RunState.FAILED, finished_at=bench.clock.now)
    bench.store.runs.record(RunChanges(settled=[(failed, Output())]), None)
    later = bench.clock.now + timedelta(hours=1)
    retry = replace(theirs, id="retry", attempt=2, state=RunState.QUEUED, claimed_at=bench.clock.now, due_at=later)
    bench.store.runs.hand_over([retry])
    bench.runner.recover_own()
    assert bench.states("a") == ["failed", "queued", "queued"]
    bench.clock.forward(hours=1)
    bench.runner.lead(bench.lease)
    bench.until("a", "failed", "succeeded", "succeeded")


def test_an_instance_that_was_waited_for_and_has_died_leaves_a_lost_run_and_its_retry(bench: Bench) -> None:
    _left_by(bench, "there/dead", "a", RunState.RUNNING, "retry: {attempts: 2, delay: 0s}\noverlap: queue\n")
    bench.runner.recover(lambda _owner: False)
    bench.runner.recover(lambda _owner: True)
    bench.until("a", "lost", "succeeded")
    assert bench.runner.unsettled("a") == 0


def test_a_retry_that_is_decided_without_the_lease_is_there_for_the_leader(bench: Bench) -> None:
    bench.job("a", "exit 1", "retry: {attempts: 2, delay: 1h}\n")
    held, _ = bench.hold()
    bench.fire()
    _meanwhile(bench)
    bench.runner.finished(held[0].run.id, Outcome(RunState.FAILED, bench.clock.now))
    _, retry = bench.until("a", "failed", "queued")
    assert (retry.attempt, retry.due_at) == (2, bench.clock.now + timedelta(hours=1))
    assert bench.runner._recorder.writer.left == RunChanges()


def test_a_retry_of_a_run_that_the_leader_took_for_lost_is_dropped(bench: Bench) -> None:
    bench.job("a", "exit 1", "retry: {attempts: 2, delay: 1h, on: [failed]}\n")
    held, _ = bench.hold()
    bench.fire()
    lease = _meanwhile(bench)
    lost = replace(held[0].run, state=RunState.LOST, finished_at=bench.clock.now + timedelta(seconds=1))
    bench.store.runs.record(RunChanges(settled=[(lost, Output())]), lease)
    bench.runner.finished(lost.id, Outcome(RunState.FAILED, bench.clock.now))
    eventually(lambda: bench.runner.unsettled("a") == 0)
    assert bench.states("a") == ["lost"]


def test_recovery_under_a_lease_that_is_gone_adds_no_retry(bench: Bench) -> None:
    _left_by(bench, "there/dead", "a", RunState.RUNNING, "retry: {attempts: 2, delay: 1s}\n")
    bench.store.leases.end(OWNER)
    bench.store.leases.acquire("there/other", timedelta(minutes=1))
    with pytest.raises(LeadershipLostError):
        bench.runner.recover(lambda _owner: True)
    assert bench.states("a") == ["running"]


def _follows(ended: Run, job_id: str = "f") -> Run:
    followers = Followers([Follower(job_id, {ended.job_id: tuple(End)}, "0" * 64, 1, None)])
    (run,) = what_follows(ended, None, followers, node="here", owner=OWNER).followers
    return run


def _with_followers(*ends: tuple[Run, Output]) -> RunChanges:
    return RunChanges(settled=list(ends), followers=[_follows(run) for run, _ in ends])


def test_what_follows_is_written_with_its_end_also_when_ends_are_written_one_by_one(bench: Bench) -> None:
    first, second = (_ended(run) for run in _claimed(bench, "a", "b"))
    poison = second[0].id
    writer = _writer(bench, lambda c: ValueError("no") if poison in {r.id for r, _ in c.settled} else None)
    assert writer.write(_with_followers(first, second)).followed
    assert [run.upstream_run_id for run in bench.store.runs.unowned()] == [first[0].id]
    assert [run.upstream_run_id for run in writer.left.followers] == [poison]


def test_what_follows_is_written_once_when_the_database_comes_back(bench: Bench) -> None:
    (run,) = _claimed(bench, "a")
    errors: list[Exception] = [DatabaseUnavailableError("away")]
    writer = _writer(bench, lambda _: errors.pop() if errors else None)
    assert not writer.write(_with_followers(_ended(run))).followed
    written = eventually(lambda: (found := writer.write_left()).settled and found)
    assert isinstance(written, Written)
    assert written.followed
    assert len(bench.store.runs.unowned()) == 1


def test_what_follows_needs_no_leadership_since_the_leader_takes_it_up(bench: Bench) -> None:
    (run,) = _claimed(bench, "a")
    ended = _ended(run)
    changes = _with_followers(ended)
    again = replace(run, id="f" * 24, attempt=2, state=RunState.QUEUED, cause=Cause.RETRY)
    changes.retries = [replace(again, claimed_at=ended[0].finished_at)]
    bench.store.leases.end(OWNER)
    bench.store.leases.acquire("there/other", TTL)
    writer = _writer(bench, lambda _: None)
    assert [each.id for each in writer.write(changes).settled] == [run.id]
    assert [each.upstream_run_id for each in bench.store.runs.unowned()] == [run.id]
    waiting = [each for each in bench.store.runs.unsettled() if each.job_id == run.job_id]
    assert ([each.attempt for each in waiting], writer.left.retries) == ([2], [])
