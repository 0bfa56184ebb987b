"""What is on pages, as plain values: times, verdicts, pictures."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from schedsync.pages.shown.plot import plot
from schedsync.pages.shown.runs import run_line
from schedsync.pages.shown.strip import HEIGHT, RUNS, strip
from schedsync.pages.shown.times import absolute, length, relative, short, zoned
from schedsync.pages.shown.verdict import Level, in_short, of_instance
from schedsync.pages.shown.waiting import in_words
from schedsync.runs.run import Cause, Run, RunState
from schedsync.runs.waiting import Waiting, WaitsFor
from schedsync.sources.values import spec_table
from schedsync.specs.problem import Problem
from schedsync.status.vitals import Reading
from schedsync.store.syncs import SyncReport
from tests.builders import NOW, run, spec

LIMIT = timedelta(seconds=30)
WELL = Reading(last_tick_at=NOW, leader="a", leading=True, database_ok=True, database_since=NOW)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "now"), (9, "now"), (-9, "now"), (10, "in 10 s"), (-59, "50 s ago"), (60, "in 1 min")),
        *((-3599, "59 min ago"), (3600, "in 1 h"), (5400, "in 1 h 30 min"), (-35_999, "9 h 50 min ago")),
        *((36_000, "in 10 h"), (172_799, "in 47 h"), (172_800, "in 2 days"), (-31_536_000, "365 days ago")),
    ],
)
def test_a_distance_in_words(seconds: int, words: str) -> None:
    assert relative(NOW + timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "0.0 s"), (0.44, "0.4 s"), (9.99, "10.0 s"), (10, "10 s"), (59.9, "59 s"), (60, "1 min")),
        *((185, "3 min 5 s"), (3600, "1 h"), (7860, "2 h 11 min"), (90_000, "1 d 1 h"), (-5, "0.0 s")),
    ],
)
def test_a_length_of_time_in_words(seconds: float, words: str) -> None:
    assert length(timedelta(seconds=seconds)) == words


def test_an_instant_says_its_day_where_that_is_not_today() -> None:
    assert short(NOW + timedelta(hours=1), NOW) == "03:00:00"
    assert short(NOW + timedelta(days=1), NOW) == "25 Nov 02:00"
    assert short(NOW + timedelta(days=365), NOW) == "2027-11-24"
    assert absolute(NOW) == "2026-11-24 02:00:00 UTC"
    assert zoned(NOW, "Asia/Kolkata") == "Tue 24 Nov 07:30 IST"


@pytest.mark.parametrize(
    ("change", "short_words"),
    [
        ({}, []),
        ({"last_tick_at": None}, ["starting"]),
        ({"leader": None}, ["no leader"]),
        ({"last_tick_at": NOW - timedelta(minutes=1)}, ["stuck"]),
        ({"database_ok": False, "database_error": "refused"}, ["database refuses"]),
        ({"database_ok": False, "database_away": True, "leader": None}, ["database away"]),
        ({"last_tick_at": NOW - timedelta(minutes=1), "database_ok": False}, ["stuck", "database refuses"]),
        ({"stopping_since": NOW, "last_tick_at": NOW - timedelta(minutes=1)}, ["stopping"]),
    ],
)
def test_what_is_wrong_with_an_instance(change: dict[str, Any], short_words: list[str]) -> None:
    found = list(of_instance(replace(WELL, **change), NOW, LIMIT))
    assert [complaint.short for complaint in found] == short_words


def test_the_head_of_pages_tells_of_problems_when_nothing_is_worse() -> None:
    mistakes = (Problem("a.yaml", 1, 1, "wrong"), Problem("b.yaml", 1, 1, "wrong"))
    report = SyncReport(NOW, "a", "r", complete=False, problems=mistakes)
    told = in_short(replace(WELL, report=report), NOW, LIMIT)
    assert told is not None
    assert (told.short, told.headline, told.level) == ("2 problems", "2 problems in 2 files", Level.WARNING)
    told = in_short(replace(WELL, report=report, leader=None), NOW, LIMIT)
    assert told is not None
    assert told.short == "no leader"
    assert in_short(WELL, NOW, LIMIT) is None


def _ended(hours_ago: int, state: RunState = RunState.SUCCEEDED, *, seconds: float = 10) -> Run:
    slot: datetime = NOW - timedelta(hours=hours_ago)
    end = slot + timedelta(seconds=seconds)
    return run(scheduled_at=slot, state=state, started_at=slot, finished_at=end)


def test_a_strip_has_the_newest_run_on_the_right_and_failures_stand_out() -> None:
    bars = strip([_ended(1, RunState.FAILED), _ended(2), _ended(3, seconds=1000)], NOW).bars
    assert [bar.state for bar in bars] == ["succeeded", "succeeded", "failed"]
    assert bars[-1].x == (RUNS - 1) * 7
    assert bars[-1].height == HEIGHT > bars[0].height > bars[1].height > 4
    assert bars[-1].title == "2026-11-24 01:00:00 UTC, failed, 10 s"


def test_a_strip_says_what_it_shows() -> None:
    assert strip([], NOW).label == "no runs yet"
    many = [_ended(hours) for hours in range(30)]
    assert strip(many, NOW).label == "last 20 slots: 20 succeeded"
    assert len(strip(many, NOW).bars) == RUNS
    skipped = run(state=RunState.SKIPPED)
    assert strip([skipped, _ended(1)], NOW).label == "last 2 slots: 1 succeeded, 1 skipped"


def test_a_plot_has_two_slots_or_more_and_is_as_high_as_the_longest() -> None:
    assert plot([_ended(1)], NOW) is None
    drawn = plot([_ended(1, RunState.TIMED_OUT, seconds=60), _ended(2, seconds=30), run(state=RunState.SKIPPED)], NOW)
    assert drawn is not None
    assert [(bar.height, bar.failed, bar.hollow) for bar in drawn.bars] == [
        (3, False, True),
        (54, False, False),
        (108, True, False),
    ]
    assert [line.text for line in drawn.lines] == ["1 min", "30 s", "0"]
    assert drawn.label == "The last 3 slots over time: 1 failed, the longest run took 1 min."


def test_slots_at_one_moment_are_drawn_at_one_place() -> None:
    drawn = plot([_ended(1), _ended(1)], NOW)
    assert drawn is not None
    assert len({bar.x for bar in drawn.bars}) == 1


@pytest.mark.parametrize(
    ("change", "cause", "why"),
    [
        ({}, "schedule", ""),
        ({"cause": Cause.RETRY, "attempt": 2}, "attempt 2", ""),
        ({"cause": Cause.CATCHUP}, "missed slot", ""),
        ({"cause": Cause.MANUAL, "asked_by": "anna", "ask_reason": "a test"}, "asked for by anna", "“a test”"),
        (
            {"cause": Cause.AFTER, "upstream_job_id": "a", "upstream_state": RunState.TIMED_OUT, "attempt": 2},
            "after a timed out, attempt 2",
            "",
        ),
        ({"state": RunState.FAILED, "exit_code": 3}, "schedule", "exit code 3"),
        ({"state": RunState.FAILED, "exit_code": 3, "reason": "no such file"}, "schedule", "no such file"),
        ({"state": RunState.SUCCEEDED, "exit_code": 0}, "schedule", ""),
    ],
)
def test_a_run_says_why_it_is_there_and_why_it_is_so(change: dict[str, Any], cause: str, why: str) -> None:
    line = run_line(run(**change), NOW)
    assert (line.cause, line.why) == (cause, why)


def test_a_run_says_how_long_it_took_or_has_been_at_it() -> None:
    begun = NOW - timedelta(minutes=5)
    assert run_line(run(state=RunState.RUNNING, started_at=begun), NOW).took == "5 min"
    assert run_line(_ended(1, seconds=2.5), NOW).took == "2.5 s"
    assert run_line(run(), NOW).took == ""


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (Waiting(run()), "not known: its job is gone, or its spec cannot be read"),
        (Waiting(run(), WaitsFor.CAPACITY, "sql", before=2), "a place among the sql runs, 2 before it"),
        (Waiting(run(), WaitsFor.CAPACITY, "all"), "any place: as many runs as may run at once do"),
        (Waiting(run(), WaitsFor.DELAY, until=NOW + timedelta(minutes=2)), "its next attempt, in 2 min"),
        (Waiting(run(), WaitsFor.OVERLAP, behind=(run(job_id="b"), run(job_id="a"))), "the end of a, b"),
    ],
)
def test_what_a_run_waits_for_in_words(waiting: Waiting, words: str) -> None:
    assert in_words(waiting, NOW) == words


def test_without_origins_what_differs_from_what_is_built_in_counts_as_given() -> None:
    table = spec_table(spec(timeout="30m", retry={"attempts": 3}), None)
    given = {row.name: row.text for row in table.given}
    assert given == {
        "id": "job",
        "schedule.0.every": "1h",
        "run.shell": "true",
        "timeout": "30m",
        "retry.attempts": "3",
    }
    built_in = {row.name: row.text for row in table.built_in}
    assert (built_in["retry.backoff"], built_in["owner"], built_in["success_exit_codes"]) == ("1.0", "none", "0")
    assert not table.certain
