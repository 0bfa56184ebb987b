"""While the database is away runs end, and their results are safe on disk; the next process gives them to the runs."""

import os
import shutil
import stat
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from schedsync.executors.identity import this_instance
from schedsync.running.journal import Journal, Result
from schedsync.running.runner import Runner
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.run import Run, RunState
from schedsync.store.runs import RunChanges
from tests.integration.runner.bench import TTL, Bench, eventually, without_runs_table

RETRY = "retry: {attempts: 2, delay: 1s}\n"


def _kept(bench: Bench) -> set[str]:
    return {path.name.removesuffix(".result") for path in (bench.home / "spool").glob("*.result")}


def _running(bench: Bench, *jobs: str, more: str = "") -> list[Run]:
    """Claim a run of each job; the test says how they end."""
    held, _ = bench.hold()
    for name in jobs:
        bench.job(name, more=more)
    bench.fire()
    return [entry.run for entry in held]


def _end(bench: Bench, run: Run, state: RunState = RunState.SUCCEEDED, output: bytes = b"") -> Outcome:
    bench.clock.forward(seconds=1)
    exit_code = 0 if state is RunState.SUCCEEDED else 3
    outcome = Outcome(state, bench.clock.now, run.scheduled_at, exit_code, output=Output(output, total=len(output)))
    bench.runner.finished(run.id, outcome)
    return outcome


def _next_process(bench: Bench) -> Runner:
    """A runner of another instance on the same node, with the same spool, that leads after the first one's death."""
    bench.store.leases.end("here/me")
    options = replace(bench.runner._options, owner="here/next")
    runner = Runner(bench.store, options, clock=bench.clock)
    runner.tell.on_finished = bench.ended.put
    runner.start()
    runner.lead(bench.store.leases.acquire("here/next", TTL))
    return runner


@pytest.fixture
def dead(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench whose runner writes nothing down any more, as if it had been killed."""
    monkeypatch.setattr(bench.runner._recorder, "_round", lambda: None)
    return bench


def test_results_go_to_disk_as_runs_end_and_from_there_when_the_store_has_them(bench: Bench) -> None:
    first, second = _running(bench, "a", "b")
    with without_runs_table(bench.store):
        _end(bench, first)
        eventually(lambda: _kept(bench) == {first.id})
        _end(bench, second)
        eventually(lambda: _kept(bench) == {first.id, second.id})
        (path,) = (bench.home / "spool").glob(f"{first.id}.*")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640 & ~_umask()
    eventually(lambda: not _kept(bench))
    assert {bench.next_end().id, bench.next_end().id} == {first.id, second.id}
    assert bench.states("a") + bench.states("b") == ["succeeded", "succeeded"]


def test_results_go_to_disk_also_after_somebody_has_removed_the_folder(bench: Bench) -> None:
    (run,) = _running(bench, "a")
    shutil.rmtree(bench.home / "spool")
    with without_runs_table(bench.store):
        _end(bench, run)
        eventually(lambda: _kept(bench) == {run.id})
    assert bench.next_end().id == run.id


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_result_that_is_written_at_once_never_touches_the_disk(bench: Bench) -> None:
    (run,) = _running(bench, "a")
    _end(bench, run)
    bench.next_end()
    assert (bench.runner._custody.held(), bench.runner._custody._on_disk, _kept(bench)) == (frozenset(), set(), set())


def test_a_database_that_hangs_keeps_no_result_off_the_disk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = _running(bench, "a", "b")
    record = bench.store.runs.record

    def hang(*args: object) -> frozenset[str]:
        eventually(lambda: _kept(bench) == {first.id, second.id})
        return record(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.store.runs, "record", hang)
    _end(bench, first)
    _end(bench, second)
    assert {bench.next_end().id, bench.next_end().id} == {first.id, second.id}
    eventually(lambda: not _kept(bench))


def test_the_next_process_gives_runs_the_results_that_were_kept(dead: Bench) -> None:
    output = bytes(range(256)) * 1000
    good, bad = _running(dead, "a", "b", more=RETRY)
    ends = _end(dead, good, output=output), _end(dead, bad, RunState.FAILED)
    eventually(lambda: _kept(dead) == {good.id, bad.id})
    dead.clock.forward(minutes=10)
    runner = _next_process(dead)
    runner.recover(lambda owner: owner == "here/me")
    (run,) = dead.runs("a")
    assert (run.state, run.exit_code, run.finished_at, run.started_at) == (
        RunState.SUCCEEDED,
        0,
        ends[0].finished_at,
        good.scheduled_at,
    )
    kept = dead.store.runs.output(good.id)
    assert kept is not None
    assert kept.total == len(output)
    first, second = dead.until("b", "failed", "succeeded")
    assert (first.exit_code, first.finished_at) == (3, ends[1].finished_at)
    assert second.due_at == ends[1].finished_at + timedelta(seconds=1)
    assert not _kept(dead)
    runner.stop()


def test_a_kept_result_of_a_run_that_was_settled_meanwhile_is_dropped_and_said(
    dead: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    (run,) = _running(dead, "a")
    _end(dead, run)
    eventually(lambda: _kept(dead) == {run.id})
    other = replace(run, state=RunState.LOST, reason="another instance took over", finished_at=dead.clock.now)
    dead.store.runs.record(RunChanges(settled=[(other, Output())]), None)
    runner = _next_process(dead)
    caplog.set_level("INFO")
    runner.recover(lambda owner: owner == "here/me")
    assert dead.states("a") == ["lost"]
    assert not _kept(dead)
    assert [r.message for r in caplog.records if "dropped" in r.message] == [
        "kept result is dropped, the run was settled before"
    ]
    runner.stop()


def test_results_of_a_living_instance_with_the_same_spool_are_left_alone(bench: Bench) -> None:
    (run,) = _running(bench, "a")
    with without_runs_table(bench.store):
        _end(bench, run)
        eventually(lambda: _kept(bench) == {run.id})
        bench.runner._recorder.writer._next_try = time.monotonic() + 3_600
    runner = _next_process(bench)
    runner.recover(lambda _owner: False)
    assert (bench.states("a"), _kept(bench)) == (["running"], {run.id})
    runner.stop()


def test_a_kept_result_of_a_run_whose_processes_nobody_could_end_is_not_tried_again(dead: Bench) -> None:
    (run,) = _running(dead, "a", more="retry: {attempts: 2, delay: 1s, on: [timed_out]}\n")
    dead.runner.finished(run.id, Outcome(RunState.TIMED_OUT, dead.clock.now, reason="pid 7 lives", remains=True))
    eventually(lambda: _kept(dead) == {run.id})
    runner = _next_process(dead)
    runner.recover(lambda owner: owner == "here/me")
    assert [(each.state, each.reason) for each in dead.runs("a")] == [(RunState.TIMED_OUT, "pid 7 lives")]
    runner.stop()


def test_a_stop_leaves_the_results_to_the_next_start(bench: Bench) -> None:
    (run,) = _running(bench, "a")
    with without_runs_table(bench.store):
        _end(bench, run)
        bench.stop()
        assert _kept(bench) == {run.id}
    runner = _next_process(bench)
    runner.recover(lambda owner: owner == "here/me")
    assert bench.states("a") == ["succeeded"]
    runner.stop()


def test_without_a_folder_the_results_wait_in_memory_and_that_is_said_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = _running(bench, "a", "b")
    spool = bench.home / "spool"
    spool.rmdir()
    spool.write_text("a file where the folder should be")
    with without_runs_table(bench.store):
        for run in (first, second):
            _end(bench, run)
        eventually(lambda: [r for r in caplog.records if "cannot be kept on disk" in r.message])
    assert {bench.next_end().id, bench.next_end().id} == {first.id, second.id}
    assert len([r for r in caplog.records if "cannot be kept on disk" in r.message and r.levelname == "WARNING"]) == 1


def test_what_a_run_printed_can_be_read_while_its_result_waits(bench: Bench) -> None:
    (run,) = _running(bench, "a")
    with without_runs_table(bench.store):
        _end(bench, run, output=b"text")
        assert bench.runner.output(run.id) == Output(b"text", total=4)
    bench.next_end()
    assert bench.runner.output(run.id) is None


def test_whoever_watches_hears_of_each_change_before_it_is_written(bench: Bench) -> None:
    heard: list[tuple[str, RunState]] = []
    bench.runner.tell.on_change = lambda run: heard.append((run.job_id, run.state))
    (run,) = _running(bench, "a", more=RETRY)
    with without_runs_table(bench.store):
        bench.runner.started(run.id, 1, bench.clock.now)
        _end(bench, run, RunState.FAILED)
        states = [RunState.RUNNING, RunState.RUNNING, RunState.FAILED, RunState.QUEUED]
        assert heard == [("a", state) for state in states]


@pytest.mark.parametrize("text", ["", "{", '{"run": {}}', "\0\xff"])
def test_a_file_that_is_no_result_is_put_aside_and_hurts_nobody(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "x.result").write_text(text)
    assert Journal(tmp_path).read() == {}
    assert [path.name for path in tmp_path.iterdir()] == ["x.result.unreadable"]
    assert "put aside" in caplog.text


def test_a_result_comes_back_from_disk_as_it_was(tmp_path: Path, bench: Bench) -> None:
    (run,) = _running(bench, "a")
    result = Result(replace(run, node=this_instance("näme")), Output(bytes(range(256)), b"\xff\xfe\0", 10**9))
    journal = Journal(tmp_path)
    journal.keep(result)
    assert journal.read() == {run.id: result}
    assert not list(tmp_path.glob("*.part"))
    journal.drop([run.id])
    assert journal.read() == {}


NOTIFY = "notify: {on: [failed, lost, gave_up], to: [ops]}\n"


def _told(bench: Bench) -> list[tuple[str, str]]:
    return [(notice.job_id, notice.event.value) for notice in bench.store.notices.pending()]


def test_what_ended_while_the_database_was_away_is_told_when_it_is_written(bench: Bench) -> None:
    (run,) = _running(bench, "a", more=NOTIFY)
    with without_runs_table(bench.store):
        _end(bench, run, RunState.FAILED)
        eventually(lambda: bench.runner._recorder.writer.left.settled)
        assert _told(bench) == []
    bench.next_end()
    assert _told(bench) == [("a", "failed")]


def test_a_failure_that_is_written_without_the_lease_is_told_all_the_same(bench: Bench) -> None:
    first, second = _running(bench, "a", "b", more=NOTIFY)
    bench.store.leases.end("here/me")
    bench.store.leases.acquire("there/you", TTL)
    bench.runner._desk.changes.retries.append(replace(first, id="retry", attempt=2, state=RunState.QUEUED))
    _end(bench, second, RunState.FAILED)
    bench.next_end()
    assert _told(bench) == [("b", "failed")]


@pytest.mark.parametrize("retry", ["", RETRY])
def test_the_next_process_tells_of_kept_results_and_of_lost_runs_that_are_not_tried_again(
    dead: Bench, retry: str
) -> None:
    dead.job("lost", more=NOTIFY + retry)
    (kept,) = [run for run in _running(dead, "kept", more=NOTIFY) if run.job_id == "kept"]
    _end(dead, kept, RunState.FAILED)
    eventually(lambda: _kept(dead) == {kept.id})
    runner = _next_process(dead)
    ended: list[tuple[str, str]] = []
    runner.tell.on_ended = lambda run, _job, _output: ended.append((run.job_id, run.state.value))
    runner.recover(lambda owner: owner == "here/me")
    expected = {("kept", "failed"), *([] if retry else [("lost", "lost")])}
    assert set(_told(dead)) == set(ended) == expected
    runner.stop()
