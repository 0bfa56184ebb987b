"""Real commands through the real engine: order, places, retries, replacement."""

from datetime import timedelta

import pytest

from schedsync.control import Control
from schedsync.runs.outcome import Outcome
from schedsync.runs.run import Cause, RunState
from tests.integration.runner.bench import Bench, eventually


def _waits_for(bench: Bench, name: str) -> str:
    """A line of shell that ends when the file is there."""
    return f"while [ ! -e {bench.file(name)} ]; do sleep 0.02; done"


def test_a_run_that_has_ended_has_its_result_and_output(bench: Bench) -> None:
    bench.job("a", "echo hello; exit 3")
    bench.fire()
    told = bench.next_end()
    (run,) = bench.runs("a")
    assert run == told
    assert (run.state, run.exit_code, run.reason) == (RunState.FAILED, 3, "exit code 3")
    output = bench.store.runs.output(run.id)
    assert output is not None
    assert output.head == "hello\n"


def test_a_hundred_jobs_share_two_places_and_all_of_them_run(bench: Bench) -> None:
    running = bench.file("running")
    running.mkdir()
    body = f"touch {running}/$$; ls {running} | wc -l; rm {running}/$$"
    lines = "".join(
        f"- {{id: j{n}, schedule: {{every: 1m}}, run: {{command: [sh, -c, '{body}']}}}}\n" for n in range(100)
    )
    (bench.folder / "many.yaml").write_text(f"jobs:\n{lines}")
    bench.apply()
    bench.fire()
    ended = [bench.next_end() for _ in range(100)]
    assert {run.state for run in ended} == {RunState.SUCCEEDED}
    assert len({run.job_id for run in ended}) == 100
    outputs = [bench.store.runs.output(run.id) for run in ended]
    assert {output.head.strip() for output in outputs if output} <= {"1", "2"}
    assert bench.store.runs.unsettled() == []
    assert all(bench.runner.unsettled(run.job_id) == 0 for run in ended)


def test_queued_slots_run_one_after_the_other_in_their_order(bench: Bench) -> None:
    log, go = bench.file("log"), "go"
    body = f"echo begin $SCHEDSYNC_SCHEDULED_AT >> {log}; {_waits_for(bench, go)}; echo end >> {log}"
    bench.job("a", body, "overlap: queue\n")
    for _ in range(3):
        bench.fire()
    assert bench.states("a") == ["running", "queued", "queued"]
    bench.file(go).touch()
    bench.until("a", "succeeded", "succeeded", "succeeded")
    words = [line.split() for line in log.read_text().splitlines()]
    assert [word[0] for word in words] == ["begin", "end"] * 3
    slots = [word[1] for word in words if word[0] == "begin"]
    assert slots == sorted(slots)


def test_with_allow_runs_of_a_job_stand_side_by_side(bench: Bench) -> None:
    both = bench.file("both")
    both.mkdir()
    body = f"touch {both}/$$; while [ $(ls {both} | wc -l) -lt 2 ]; do sleep 0.02; done"
    bench.job("a", body, "overlap: allow\n")
    bench.fire()
    bench.fire()
    bench.until("a", "succeeded", "succeeded")


def test_replace_cancels_the_running_one_and_then_starts(bench: Bench) -> None:
    pids = bench.file("pids")
    bench.job("a", f"echo $$ >> {pids}; exec sleep 60", "overlap: replace\n")
    bench.fire()
    eventually(lambda: pids.exists() and pids.read_text())
    bench.fire()
    first, second = bench.until("a", "cancelled", "running")
    assert (first.reason or "").startswith("replaced by a later slot")
    eventually(lambda: len(pids.read_text().split()) == 2)
    assert second.scheduled_at > first.scheduled_at


def test_replace_cancels_what_waits_at_once_and_never_starts_it(bench: Bench) -> None:
    marks, go = bench.file("marks"), "go"
    for name in ("x", "y"):
        bench.job(name, _waits_for(bench, go), "overlap: skip\n")
    bench.fire()
    bench.job("a", f"echo $SCHEDSYNC_SCHEDULED_AT >> {marks}", "overlap: replace\n")
    bench.fire()
    bench.fire()
    first, second = bench.until("a", "cancelled", "queued")
    bench.file(go).touch()
    bench.until("a", "cancelled", "succeeded")
    assert first.started_at is None
    assert len(marks.read_text().splitlines()) == 1
    assert second.attempt == 1


def test_a_run_that_is_replaced_before_the_engine_has_it_is_never_started(bench: Bench) -> None:
    mark = bench.file("mark")
    bench.job("a", f"touch {mark}; sleep 60", "overlap: replace\n")
    held, launch = bench.hold()
    bench.fire()
    bench.fire()
    bench.runner.submit = launch
    launch(held[0])
    first, _ = bench.until("a", "cancelled", "running")
    assert first.started_at is None


GROUP = "group: erp\n"


def test_jobs_of_a_group_never_run_beside_each_other_and_none_is_left_out(bench: Bench) -> None:
    log = bench.file("log")
    body = f"echo begin >> {log}; sleep 0.05; echo end >> {log}"
    for name in "abc":
        bench.job(name, body, GROUP + "overlap: queue\n")
    bench.fire()
    bench.fire()
    for name in "abc":
        bench.until(name, "succeeded", "succeeded")
    assert log.read_text().split() == ["begin", "end"] * 6


def test_a_slot_is_skipped_while_another_job_of_its_group_runs_and_says_which(bench: Bench) -> None:
    bench.job("a", _waits_for(bench, "go"), GROUP)
    bench.job("b", "true", GROUP)
    bench.fire()
    assert (bench.states("a"), bench.states("b")) == (["running"], ["skipped"])
    assert bench.runs("b")[0].reason == "overlap: a run of a, which is in the same group, has not ended"
    bench.file("go").touch()
    bench.until("a", "succeeded")
    (bench.folder / "a.yaml").unlink()
    bench.apply()
    bench.fire()
    bench.until("b", "skipped", "succeeded")


def test_a_run_replaces_the_run_of_another_job_of_its_group(bench: Bench) -> None:
    bench.job("a", "exec sleep 60", GROUP)
    bench.fire()
    bench.job("b", "true", GROUP + "overlap: replace\n")
    (bench.folder / "a.yaml").unlink()
    bench.apply()
    bench.fire()
    bench.until("b", "succeeded")
    assert (bench.runs("a")[0].reason or "").startswith("replaced by a later slot")


def test_a_job_that_is_moved_to_another_group_meanwhile_neither_overlaps_itself_nor_is_left_out(bench: Bench) -> None:
    log, go = bench.file("log"), "go"
    body = f"echo begin >> {log}; {_waits_for(bench, go)}; echo end >> {log}"
    for group in ("one", "two", "three"):
        bench.job("a", body, f"group: {group}\noverlap: queue\n")
        bench.fire()
    assert bench.states("a") == ["running", "queued", "queued"]
    bench.file(go).touch()
    bench.until("a", "succeeded", "succeeded", "succeeded")
    assert log.read_text().split() == ["begin", "end"] * 3


def test_a_slot_that_has_its_outcome_replaces_nothing(bench: Bench) -> None:
    bench.job("a", "sleep 60", "overlap: replace\n")
    bench.fire()
    with bench.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE schedsync_jobs SET next_fire_at = next_fire_at - 60000000")
    bench.clock.forward(minutes=-1)
    bench.fire()
    bench.stop()
    (run,) = bench.runs("a")
    assert run.state is RunState.LOST


def test_a_retry_follows_after_its_delay_as_the_next_attempt(bench: Bench) -> None:
    bench.job("a", "exit $((2 - SCHEDSYNC_ATTEMPT))", "retry: {attempts: 3, delay: 30s}\n")
    bench.fire()
    first, second = bench.until("a", "failed", "queued")
    assert (second.attempt, second.cause, second.reason) == (2, Cause.RETRY, "attempt 1 failed")
    assert first.finished_at is not None
    assert second.due_at == first.finished_at + timedelta(seconds=30)
    bench.clock.forward(seconds=29)
    bench.runner.lead(bench.lease)
    assert bench.states("a") == ["failed", "queued"]
    bench.clock.forward(seconds=1)
    bench.runner.lead(bench.lease)
    bench.until("a", "failed", "succeeded")


def test_the_last_attempt_says_that_it_gave_up(bench: Bench) -> None:
    bench.job("a", "exit 1", "retry: {attempts: 2, delay: 0s}\n")
    bench.fire()
    first, second = bench.until("a", "failed", "failed")
    assert (first.reason, second.reason) == ("exit code 1", "exit code 1; gave up after 2 attempts")


def test_a_retry_whose_time_has_come_before_its_row_was_written_starts_all_the_same(bench: Bench) -> None:
    bench.job("a", "exit $((2 - SCHEDSYNC_ATTEMPT))", "retry: {attempts: 2, delay: 1s}\n")
    held, _ = bench.hold()
    bench.fire()
    bench.runner.submit = bench.runner.launch
    outcome = Outcome(RunState.FAILED, bench.clock.now)
    bench.clock.forward(seconds=5)
    bench.runner.finished(held[0].run.id, outcome)
    bench.until("a", "failed", "succeeded")


@pytest.mark.parametrize("whom", ["a", None])
def test_a_queued_run_of_a_paused_job_is_skipped_with_the_reason(bench: Bench, whom: str | None) -> None:
    bench.job("a", _waits_for(bench, "go"), "overlap: queue\n")
    bench.fire()
    bench.fire()
    control = Control(bench.store, bench.clock)
    control.pause(whom, by="me")
    bench.file("go").touch()
    _, second = bench.until("a", "succeeded", "skipped")
    assert second.reason == "paused"
    assert bench.runner.unsettled("a") == 0


def test_a_queued_run_of_a_removed_job_is_skipped_with_the_reason(bench: Bench) -> None:
    bench.job("a", _waits_for(bench, "go"), "overlap: queue\n")
    bench.fire()
    bench.fire()
    (bench.folder / "a.yaml").unlink()
    bench.apply()
    bench.file("go").touch()
    _, second = bench.until("a", "succeeded", "skipped")
    assert (second.reason or "").startswith("removed")


def test_nothing_that_waits_is_started_without_the_leadership(bench: Bench) -> None:
    bench.job("a", _waits_for(bench, "go"), "overlap: queue\n")
    bench.fire()
    bench.fire()
    bench.runner.lead(None)
    bench.file("go").touch()
    bench.next_end()
    assert bench.states("a") == ["succeeded", "queued"]
    bench.runner.lead(bench.lease)
    bench.until("a", "succeeded", "succeeded")


def test_a_run_that_cannot_be_prepared_is_a_failed_run(bench: Bench) -> None:
    bench.job("a")

    def refuse(_entry: object) -> None:
        raise RuntimeError("no way")

    bench.runner.submit = refuse
    bench.fire()
    assert bench.next_end().reason == "cannot be started: no way"
    assert bench.states("a") == ["failed"]


def test_stop_writes_down_how_everything_ended(bench: Bench) -> None:
    for name in "abc":
        bench.job(name, "sleep 60")
    bench.fire()
    bench.stop()
    ended = {name: bench.runs(name)[0] for name in "abc"}
    lost = [run for run in ended.values() if run.state is RunState.LOST]
    assert len(lost) == 2
    assert all("service stopped" in (run.reason or "") for run in lost)
    assert sorted(run.state.value for run in ended.values()) == ["lost", "lost", "queued"]


def test_leave_that_is_given_while_stopping_ends_as_lost_not_as_running(bench: Bench) -> None:
    bench.job("a")
    held, launch = bench.hold()
    bench.fire()
    bench.runner._desk.stopping.set()
    launch(held[0])
    bench.stop()
    assert bench.states("a") == ["lost"]
