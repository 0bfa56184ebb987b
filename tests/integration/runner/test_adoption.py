"""Runs that outlive their service: the next one takes them up, once, and learns how they end."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from schedsync.executors import kept
from schedsync.executors.kept import KeptEnd
from schedsync.running.journal import Journal, Result
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run, RunState, new_run_id
from schedsync.store import tables
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from tests.integration.runner.bench import OWNER, Bench, eventually

NEXT = "here/next"
ADOPT = "orphan: adopt\n"


@pytest.fixture
def go(bench: Bench) -> Iterator[Path]:
    """A file that the jobs' runs wait for; it is there at the end, so that none outlives the test."""
    path = bench.file("go")
    yield path
    path.touch()


def _waits_for(go: Path, more: str = "echo fine") -> str:
    return f"until [ -e {go} ]; do sleep 0.05; done; {more}"


def _begun(bench: Bench, go: Path, more: str = ADOPT) -> Run:
    """Let a run of the job ``a`` begin under a keeper."""
    bench.job("a", _waits_for(go), more)
    bench.fire()
    eventually(lambda: bench.runs("a")[0].pid)
    eventually(lambda: list(bench.file("spool").glob("*.keeper")))
    return bench.runs("a")[0]


def test_two_threads_that_recover_at_once_take_a_run_up_once(bench: Bench, go: Path) -> None:
    _begun(bench, go)
    bench.restart(NEXT)
    record, others = bench.store.runs.record, threading.Event()
    failed: list[Exception] = []

    def tick() -> None:
        try:
            bench.runner.recover_own()
        except Exception as error:
            failed.append(error)
        others.set()

    def slow_to_answer(changes: RunChanges, lease: Lease | None) -> frozenset[str]:
        refused = record(changes, lease)
        if changes.taken_up and thread.ident is None:
            thread.start()
            others.wait(0.5)  # the other one is through by then, unless it has to wait
        return refused

    thread = threading.Thread(target=tick)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.store.runs, "record", slow_to_answer)
        bench.runner.recover(lambda _owner: True)
    thread.join()
    assert failed == []
    assert bench.runner._desk.ledger.running == 1
    go.touch()
    bench.until("a", "succeeded")
    assert bench.runner._desk.ledger.running == 0


def _remove_job(bench: Bench) -> None:
    (bench.folder / "a.yaml").unlink()
    bench.apply()


def _break_spec(bench: Bench) -> None:
    with bench.store.database.write() as connection:
        connection.execute(update(tables.specs).values(spec_text="{}"))


@pytest.mark.parametrize("go_away", [_remove_job, _break_spec])
def test_a_run_goes_on_whose_job_is_not_known_any_more(
    bench: Bench, go: Path, go_away: Callable[[Bench], None]
) -> None:
    _begun(bench, go, ADOPT + "retry: {attempts: 2, on: [failed, lost]}\n")
    go_away(bench)
    bench.restart(NEXT)
    bench.runner.recover(lambda _owner: True)
    assert [(run.state, run.owner) for run in bench.runs("a")] == [(RunState.RUNNING, NEXT)]
    go.touch()
    bench.until("a", "succeeded")
    assert bench.next_end().id == bench.runs("a")[0].id
    eventually(lambda: list(bench.file("spool").iterdir()) == [])


def test_the_time_limit_of_a_run_whose_start_was_not_written_counts_from_its_start(bench: Bench, go: Path) -> None:
    run = _begun(bench, go, ADOPT + "timeout: 1m\n")
    bench.restart(NEXT)
    not_written = {"started_at": None, "pid": None, "claimed_at": bench.clock.now - timedelta(hours=1)}
    with bench.store.database.write() as connection:
        connection.execute(update(tables.runs).values(not_written))
    started = bench.clock.now - timedelta(seconds=30)
    os.utime(bench.file("spool") / f"{run.id}.keeper", (started.timestamp(), started.timestamp()))
    bench.runner.recover(lambda _owner: True)
    eventually(lambda: bench.runs("a")[0].pid)
    go.touch()
    assert bench.until("a", "succeeded")[0].started_at == started


def test_a_run_that_another_instance_had_taken_up_meanwhile_is_had_again(bench: Bench, go: Path) -> None:
    _begun(bench, go, ADOPT + "retry: {attempts: 2, on: [lost]}\n")
    with bench.meanwhile(NEXT) as other:
        other.recover(lambda _owner: True)
        assert bench.runs("a")[0].owner == NEXT
    bench.runner.recover(lambda owner: owner == NEXT)
    taken = bench.runs("a")[0]
    assert (taken.owner, taken.token) == (OWNER, bench.lease.token)
    assert bench.runner._desk.ledger.running == 1
    go.touch()
    bench.until("a", "succeeded")
    assert bench.runner._desk.ledger.running == 0
    bench.runner.recover_own()
    assert bench.states("a") == ["succeeded"]


def test_a_run_whose_result_waits_on_disk_is_not_taken_up_though_its_keeper_lives(bench: Bench, go: Path) -> None:
    _begun(bench, go, ADOPT + "retry: {attempts: 2, on: [timed_out]}\n")
    bench.restart(NEXT)
    ended = replace(bench.runs("a")[0], state=RunState.TIMED_OUT, finished_at=bench.clock.now)
    Journal(bench.file("spool")).keep(Result(ended, Output(), remains=True))
    bench.runner.recover(lambda _owner: True)
    assert bench.states("a") == ["timed_out"]


def test_what_a_service_with_another_store_has_in_the_same_folder_stays_there(bench: Bench) -> None:
    bench.job("a")
    bench.fire()
    ours = bench.next_end()
    theirs = replace(ours, id=new_run_id(bench.clock.now))
    spool = bench.file("spool")
    for run in (ours, theirs):
        Journal(spool).keep(Result(run, Output()))
        kept.note_keeper(spool, run.id, "")
        kept.note_end(spool, run.id, KeptEnd(bench.clock.now, 0, Output()))
    bench.runner.recover(lambda _owner: True)
    assert {path.name for path in spool.iterdir()} == {
        f"{theirs.id}{suffix}" for suffix in (".result", ".keeper", ".end")
    }
