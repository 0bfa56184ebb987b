"""The page of a run: what became of its slot, in words."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schedsync.pages.shown.run import RunPage, exit_words, run_page
from schedsync.runs.run import Cause, Run, RunState
from schedsync.runs.waiting import Waiting, WaitsFor
from schedsync.status.output import Stretch
from tests.builders import NOW, run

SECOND = timedelta(seconds=1)
RAN = run(
    state=RunState.SUCCEEDED,
    claimed_at=NOW,
    started_at=NOW + 3 * SECOND,
    finished_at=NOW + 65 * SECOND,
    exit_code=0,
    node="here",
)


def page(shown: Run, **fields: Any) -> RunPage:
    given: dict[str, Any] = {"attempts": [shown], "followers": [], "waits": None, "output": Stretch("hello\n", 6)}
    return run_page(shown, **{"now": NOW + timedelta(hours=1), **given, **fields})


def moments(shown: Run) -> list[tuple[str, str]]:
    return [(moment.name, moment.note) for moment in page(shown).moments]


def test_a_run_that_has_ended_says_when_and_how_late_it_was() -> None:
    assert moments(RAN) == [
        ("Slot", ""),
        ("Claimed", "by here"),
        ("Started", "3.0 s after it was due"),
        ("Ended", "after 1 min 2 s"),
    ]
    assert page(RAN).is_over
    assert moments(replace(RAN, started_at=NOW + timedelta(milliseconds=9)))[2] == ("Started", "on time")


def test_a_run_that_goes_on_says_for_how_long() -> None:
    running = replace(RAN, state=RunState.RUNNING, finished_at=None, started_at=NOW)
    assert moments(running)[-1] == ("Runs", "for 1 h so far")
    assert not page(running).is_over


def test_a_retry_is_late_by_its_own_time() -> None:
    again = replace(RAN, attempt=2, cause=Cause.RETRY, due_at=NOW + 3 * SECOND)
    assert moments(again)[1] == ("Due", "after the delay of its retry")
    assert ("Started", "on time") in moments(again)


def test_a_run_that_waits_says_what_for() -> None:
    queued = run(job_id="b")
    waits = Waiting(queued, WaitsFor.OVERLAP, behind=(run(job_id="a", state=RunState.RUNNING),))
    assert page(queued, waits=waits).waits_for == "the end of a"
    assert page(queued).waits_for == ""


EXITS = [(None, ""), (0, "0"), (3, "3"), (-9, "ended by SIGKILL (9)"), (-64, "ended by signal (64)")]


@pytest.mark.parametrize(("code", "words"), EXITS)
def test_the_end_of_a_process_is_told_in_words(code: int | None, words: str) -> None:
    assert exit_words(replace(RAN, exit_code=code)) == words


def test_other_attempts_are_shown_where_there_are_some() -> None:
    again = replace(RAN, id="second", attempt=2, cause=Cause.RETRY)
    assert page(RAN).attempts == ()
    assert [line.id for line in page(RAN, attempts=[RAN, again]).attempts] == [RAN.id, "second"]


def test_the_run_that_it_follows_is_named() -> None:
    after = replace(RAN, upstream_job_id="a", upstream_run_id="r1", upstream_state=RunState.TIMED_OUT)
    upstream = page(after).upstream
    assert upstream is not None
    assert (upstream.job_id, upstream.run_id, upstream.words) == ("a", "r1", "timed out")
    assert page(RAN).upstream is None


def test_an_output_that_nobody_knows_is_told_from_an_empty_one() -> None:
    assert not page(RAN, output=None).output_known
    assert page(RAN, output=Stretch("", 0)).output_known
    assert page(RAN).next_byte == 6
