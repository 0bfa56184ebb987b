"""What a real runner tells those that count."""

from schedsync.runs.recovery import KnownJob
from schedsync.runs.run import Run, RunState
from schedsync.runs.waiting import WaitsFor
from tests.integration.runner.bench import Bench, eventually, without_runs_table


def test_each_attempt_is_told_when_it_has_ended_and_each_slot_once(bench: Bench) -> None:
    settled: list[tuple[Run, KnownJob]] = []
    ended: list[Run] = []
    bench.runner.tell.on_settled = lambda run, job: settled.append((run, job))
    bench.runner.tell.on_ended = lambda run, _job, _output: ended.append(run)
    bench.job("a", shell="exit 1", more="retry: {attempts: 2, delay: 0s}\n")
    bench.fire()
    bench.until("a", "failed", "failed")
    assert [(run.attempt, run.state, job.spec.id) for run, job in settled] == [
        (1, RunState.FAILED, "a"),
        (2, RunState.FAILED, "a"),
    ]
    assert [run.attempt for run in ended] == [2]


def test_what_waits_and_the_places_that_are_taken_can_be_asked_for(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.job(name, shell=f"while [ ! -e {bench.file('go')} ]; do sleep 0.01; done")
    bench.fire()
    load = bench.runner.load()
    assert load.waiting == {(WaitsFor.CAPACITY, "processes"): 1}
    assert (load.places["processes"], load.places["all"]) == (2, 4)
    assert (load.taken["processes"], load.taken["python"], load.taken["all"]) == (2, 0, 2)
    bench.file("go").touch()
    for name in ("a", "b", "c"):
        bench.until(name, "succeeded")
    load = bench.runner.load()
    assert (load.waiting, load.taken["all"]) == ({}, 0)


def test_a_result_that_waits_on_disk_is_counted_until_it_is_written(bench: Bench) -> None:
    bench.job("a")
    held, launch = bench.hold()
    bench.fire()
    (entry,) = held
    with without_runs_table(bench.store):
        launch(entry)
        eventually(lambda: bench.runner.kept() == (0, 1))
    eventually(lambda: bench.runner.kept() == (0, 0))
