"""Runs: their ids, and what of their output was not kept; pauses."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from schedsync.runs.outcome import Output
from schedsync.runs.pause import Pause
from schedsync.runs.run import UNSETTLED, Cause, Run, RunState, changed, new_run_id
from tests.builders import HOUR, NOW


def test_ids_sort_by_the_time_of_their_claim() -> None:
    times = [NOW + n * timedelta(milliseconds=1) for n in range(5)] + [NOW + timedelta(days=200_000)]
    ids = [new_run_id(time) for time in times]
    assert ids == sorted(ids)
    assert {len(run_id) for run_id in ids} == {24}


def test_ids_of_one_instant_differ() -> None:
    assert len({new_run_id(NOW) for _ in range(1000)}) == 1000


def test_runs_that_have_not_ended_are_queued_or_running() -> None:
    assert set(UNSETTLED) == {RunState.QUEUED, RunState.RUNNING}


@pytest.mark.parametrize(
    ("output", "dropped"), [(Output(), 0), (Output(b"abc", b"", 3), 0), (Output(b"ab", b"yz", 10), 6)]
)
def test_an_output_knows_how_much_of_it_was_dropped(output: Output, dropped: int) -> None:
    assert output.dropped == dropped


@pytest.mark.parametrize(
    ("until", "instant", "covers"),
    [
        pytest.param(None, NOW + 9999 * HOUR, True, id="until somebody resumes it"),
        pytest.param(NOW + HOUR, NOW, True, id="not over"),
        pytest.param(NOW, NOW, False, id="over just now"),
    ],
)
def test_a_pause_lasts_until_its_end(until: datetime | None, instant: datetime, covers: bool) -> None:
    assert Pause("job", "me", since=NOW - HOUR, until=until).covers(instant) is covers


@pytest.mark.parametrize(
    ("now", "slot", "stops"),
    [
        pytest.param(0, 0, True, id="in force"),
        pytest.param(0, -5, True, id="in force, a slot from before it"),
        pytest.param(9, 0, True, id="over, a slot that fell into it"),
        pytest.param(9, -1, True, id="over, a slot from its first instant"),
        pytest.param(9, -5, False, id="over, a slot from before it"),
        pytest.param(9, 1, False, id="over, a slot from its end"),
        pytest.param(9, 5, False, id="over, a slot from after it"),
    ],
)
def test_a_pause_stops_what_was_not_started_before_its_end(now: int, slot: int, stops: bool) -> None:
    pause = Pause("job", "me", since=NOW - HOUR, until=NOW + HOUR)
    assert pause.stops(NOW + slot * HOUR, now=NOW + now * HOUR) is stops


def test_a_changed_run_is_the_same_but_for_what_was_changed() -> None:
    run = Run(new_run_id(NOW), "a", NOW, 1, Cause.SCHEDULE, RunState.QUEUED, node="here", late_at=NOW + HOUR)
    assert changed(run, state=RunState.RUNNING, pid=7) == replace(run, state=RunState.RUNNING, pid=7)
    assert (run.state, run.pid) == (RunState.QUEUED, None)


def test_a_run_has_no_other_fields_to_change() -> None:
    run = Run(new_run_id(NOW), "a", NOW, 1, Cause.SCHEDULE, RunState.QUEUED)
    with pytest.raises(KeyError):
        changed(run, colour="red")
