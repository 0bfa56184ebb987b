"""Of many runs that start at once the starts come first; what is written of them comes later, and together."""

import pytest

from schedsync.executors.base import Launch
from schedsync.running import recorder
from schedsync.runs.ledger import Entry
from schedsync.store.runs import RunChanges
from tests.integration.runner.bench import Bench, eventually


def test_of_a_short_run_the_start_is_written_with_its_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    record, written = bench.store.runs.record, list[RunChanges]()

    def noting(changes: RunChanges, *args: object) -> object:
        written.append(changes)
        return record(changes, *args)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(recorder, "STARTS", 10.0)
    monkeypatch.setattr(bench.store.runs, "record", noting)
    bench.job("short")
    bench.fire()
    (run,) = bench.until("short", "succeeded")
    assert (run.started_at, run.pid) != (None, None)
    assert [(len(changes.started), len(changes.settled)) for changes in written] == [(0, 1)]


def test_a_start_is_written_soon_although_nothing_else_happens(bench: Bench) -> None:
    bench.job("long", shell="sleep 60")
    bench.fire()
    eventually(lambda: bench.runs("long")[0].pid, within=2)


def test_what_gets_a_place_while_a_burst_is_handed_over_is_handed_over_once(bench: Bench) -> None:
    handed_over: list[str] = []

    def slow_at_the_first(entry: Entry) -> None:
        first = not handed_over
        handed_over.append(entry.run.job_id)
        bench.runner.launch(entry)
        if first:  # its end makes place for the third, and the third's for the fourth
            eventually(lambda: len(handed_over) == 3)

    bench.runner.submit = slow_at_the_first
    for name in ("a", "b", "c", "d"):
        bench.job(name)
    bench.fire()
    for name in ("a", "b", "c", "d"):
        bench.until(name, "succeeded")
    assert sorted(handed_over) == ["a", "b", "c", "d"]


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any load be steady, and what nobody waits for wait for long."""
    monkeypatch.setattr(recorder, "STEADY", 0)
    monkeypatch.setattr(recorder, "ENDS", 60.0)


@pytest.mark.usefixtures("steady")
def test_under_steady_load_ends_that_nobody_waits_for_are_gathered_until_somebody_waits(bench: Bench) -> None:
    bench.job("plain")
    bench.fire()
    eventually(lambda: bench.runner.unsettled("plain") == 0)
    assert bench.states("plain") == ["running"]
    bench.job("again", shell="false", more="retry: {attempts: 2, delay: 0s}\n")
    bench.fire()
    eventually(lambda: bench.states("again")[:1] == ["failed"])  # the second attempt waited for that
    assert bench.states("plain")[0] == "succeeded"


@pytest.mark.usefixtures("steady")
def test_an_end_that_makes_place_for_a_waiting_run_is_not_gathered(bench: Bench) -> None:
    for name in ("a", "b", "c"):  # there are two places
        bench.job(name)
    bench.fire()
    eventually(lambda: all(bench.runner.unsettled(name) == 0 for name in ("a", "b", "c")))


def test_where_load_is_not_steady_an_end_is_written_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "ENDS", 60.0)
    bench.job("alone")
    bench.fire()
    bench.until("alone", "succeeded")


def test_in_a_burst_ends_are_written_when_the_rest_has_started(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "ENDS", 60.0)
    monkeypatch.setattr(recorder, "BURST", 1)
    engine, held = bench.runner._engine, list[Launch]()
    launch = engine.launch

    def held_up(wanted: Launch) -> None:
        if wanted.env["SCHEDSYNC_JOB_ID"] == "second":
            held.append(wanted)
        else:
            launch(wanted)

    monkeypatch.setattr(engine, "launch", held_up)
    for name in ("first", "second"):
        bench.job(name)
    bench.fire()
    eventually(lambda: bench.runner.unsettled("first") == 0)
    assert (bench.states("first"), len(held)) == (["running"], 1)
    launch(held[0])
    for name in ("first", "second"):
        bench.until(name, "succeeded")
