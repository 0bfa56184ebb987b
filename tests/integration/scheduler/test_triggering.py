"""Runs out of turn: asked for from anywhere, taken up by the next tick of the instance that leads."""

from datetime import timedelta

from schedsync.control import Control
from schedsync.runs.recovery import ASKED_GRACE
from schedsync.runs.run import Cause, Run, RunState
from tests.integration.runner.bench import OWNER, Bench, eventually
from tests.integration.scheduler.ticking import Ticking


def trigger(bench: Bench, job_id: str = "a", **more: str) -> Run:
    bench.clock.forward(seconds=1)
    return Control(bench.store, bench.clock).trigger(job_id, by="ann", **more)


def settled(bench: Bench, run: Run) -> Run:
    eventually(lambda: bench.store.runs.get(run.id).finished_at)
    return bench.store.runs.get(run.id)


def test_it_waits_without_an_instance_and_runs_with_the_next_tick(bench: Ticking) -> None:
    bench.job("a", 'echo "$SCHEDSYNC_SCHEDULED_AT"')
    asked = trigger(bench, reason="a try")
    assert bench.store.runs.unsettled() == [asked]
    bench.tick()
    ended = settled(bench, asked)
    assert (ended.state, ended.cause, ended.asked_by, ended.ask_reason) == (
        RunState.SUCCEEDED,
        Cause.MANUAL,
        "ann",
        "a try",
    )
    assert (ended.scheduled_at, ended.node) == (bench.clock.now, "here")
    bench.tick()
    assert len(bench.runs("a")) == 1


def test_pauses_and_suspension_do_not_stop_it_nor_its_further_attempts(bench: Ticking) -> None:
    bench.job("a", "exit 1", "suspend: true\nretry: {attempts: 2, delay: 0s}\n")
    Control(bench.store, bench.clock).pause(None, by="ann")
    Control(bench.store, bench.clock).pause("a", by="ann")
    trigger(bench, reason="a try")
    bench.tick()
    first, second = bench.until("a", "failed", "failed")
    assert (second.attempt, second.cause) == (2, Cause.RETRY)
    assert (second.asked_by, second.ask_reason) == (first.asked_by, first.ask_reason) == ("ann", "a try")


def test_a_job_that_has_fired_for_good_can_be_run_again(bench: Ticking) -> None:
    (bench.folder / "a.yaml").write_text("schedule: {at: 2020-01-01T00:00:00}\nrun: {shell: 'true'}\n")
    bench.apply()
    assert bench.store.jobs.observe().jobs["a"].next_fire_at is None
    asked = trigger(bench)
    bench.tick()
    assert settled(bench, asked).state is RunState.SUCCEEDED


def test_beside_a_run_that_has_not_ended_it_is_skipped_with_the_reason(bench: Ticking) -> None:
    held, launch = bench.hold()
    bench.job("a")
    running, refused = trigger(bench), trigger(bench)
    bench.tick()
    assert settled(bench, refused).reason == "overlap: the run before it has not ended"
    eventually(lambda: held)
    launch(held[0])
    assert settled(bench, running).state is RunState.SUCCEEDED


def test_where_the_job_queues_it_waits_for_its_turn(bench: Ticking) -> None:
    held, launch = bench.hold()
    bench.job("a", more="overlap: queue\n")
    first, second = trigger(bench), trigger(bench)
    for _ in range(3):
        bench.tick()
    eventually(lambda: held)
    assert bench.states("a") == ["running", "queued"]
    launch(held[0])
    eventually(lambda: len(held) == 2)
    launch(held[1])
    assert settled(bench, first).finished_at
    assert settled(bench, second).state is RunState.SUCCEEDED
    assert len(held) == 2


def test_while_it_waits_for_a_place_it_is_judged_once(bench: Ticking) -> None:
    held, launch = bench.hold()
    for name in ("a", "b", "c"):
        bench.job(name)
    waiting = [trigger(bench, name) for name in ("a", "b", "c")]
    for _ in range(3):
        bench.tick()
    eventually(lambda: len(held) == bench.processes)
    bench.tick()
    assert bench.states("c") == ["queued"]
    for number in range(3):
        eventually(lambda number=number: len(held) > number)  # type: ignore[misc]
        launch(held[number])
    assert [settled(bench, run).state for run in waiting] == [RunState.SUCCEEDED] * 3


def test_where_the_job_replaces_it_takes_the_place_of_the_run_before(bench: Ticking) -> None:
    bench.job("a", "sleep 60", "overlap: replace\n")
    bench.fire()
    eventually(lambda: bench.runs("a")[0].pid)
    (bench.folder / "a.yaml").write_text("schedule: {every: 1m}\nrun: {shell: 'true'}\noverlap: replace\n")
    bench.apply()
    asked = trigger(bench)
    bench.tick()
    assert settled(bench, asked).state is RunState.SUCCEEDED
    assert bench.states("a") == ["cancelled", "succeeded"]


def test_the_next_leader_takes_up_what_waited_when_this_one_was_gone(bench: Ticking) -> None:
    held, _ = bench.hold()
    bench.job("a", more="overlap: queue\n")
    first, second = trigger(bench), trigger(bench)
    bench.tick()
    eventually(lambda: held)
    bench.stop()
    assert bench.store.runs.get(second.id) == second
    bench.runner = bench.runner_of(OWNER, bench.lease)
    bench.runner.recover(lambda _owner: True)
    bench.runner.take_up({second.id})
    assert settled(bench, second).state is RunState.SUCCEEDED
    assert bench.store.runs.get(first.id).state in {RunState.LOST, RunState.RUNNING}


def test_a_wish_that_nobody_could_fulfil_within_a_day_is_skipped(bench: Ticking) -> None:
    bench.job("a")
    asked = trigger(bench)
    bench.clock.forward(seconds=(ASKED_GRACE + timedelta(hours=1)).total_seconds())
    bench.tick()
    assert settled(bench, asked).reason == "misfire: it could start only 1d1h late"


def test_a_wish_for_a_job_that_is_gone_by_then_is_skipped(bench: Ticking) -> None:
    bench.job("a")
    asked = trigger(bench)
    (bench.folder / "a.yaml").unlink()
    bench.apply()
    bench.tick()
    assert settled(bench, asked).reason == "removed: the job is gone"
