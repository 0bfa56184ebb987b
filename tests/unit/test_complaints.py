"""A mistake in the folder is told once, however often it is seen, and so is its end."""

import logging
from datetime import UTC, datetime

import pytest

from schedsync.complaints import MOST, Complaints
from schedsync.specs.problem import Problem
from schedsync.store.syncs import Held, SyncReport

log = logging.getLogger(__name__)
NOW = datetime(2026, 11, 27, tzinfo=UTC)
TYPO = Problem("a.yaml", 3, 1, 'unknown field "timeuot"')
TAB = Problem("b.yaml", 2, 1, "tabs cannot indent")


@pytest.fixture
def complaints(caplog: pytest.LogCaptureFixture) -> Complaints:
    caplog.set_level(logging.INFO)
    return Complaints(log)


def _report(*problems: Problem, held: tuple[Held, ...] = ()) -> SyncReport:
    return SyncReport(NOW, "here", "1", complete=not (problems or held), problems=problems, held=held)


def _fields(caplog: pytest.LogCaptureFixture, *names: str) -> list[tuple[object, ...]]:
    return [tuple(vars(record)[name] for name in names) for record in caplog.records]


def _said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    told = [(record.levelname, record.message) for record in caplog.records]
    caplog.clear()
    return told


def test_a_problem_is_told_once_with_its_place_and_so_is_its_end(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    complaints.see(_report())
    for _ in range(3):
        complaints.see(_report(TYPO))
    assert _fields(caplog, "at", "problem") == [("a.yaml:3:1", 'unknown field "timeuot"')]
    assert _said(caplog) == [("WARNING", "the jobs folder has a problem")]
    for _ in range(3):
        complaints.see(_report())
    assert _said(caplog) == [("INFO", "nothing in the jobs folder is wrong or held back any more")]


def test_only_what_is_new_is_told_and_nothing_is_over_while_something_is_left(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    complaints.see(_report(TYPO))
    _said(caplog)
    complaints.see(_report(TYPO, TAB))
    assert _fields(caplog, "at") == [("b.yaml:2:1",)]
    _said(caplog)
    complaints.see(_report(TAB))
    assert _said(caplog) == []


def test_a_removal_that_is_held_is_told_once_although_the_reason_counts_others(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    complaints.see(_report(held=(Held("a", "a.yaml", "6 of 9 jobs"),)))
    complaints.see(_report(held=(Held("a", "a.yaml", "7 of 9 jobs"), Held("b", "b.yaml", "7 of 9 jobs"))))
    assert _fields(caplog, "job_id", "file", "why") == [
        ("a", "a.yaml", "6 of 9 jobs"),
        ("b", "b.yaml", "7 of 9 jobs"),
    ]
    assert set(_said(caplog)) == {("WARNING", "a removal is held back")}


def test_what_waits_for_a_sync_window_is_no_complaint(complaints: Complaints, caplog: pytest.LogCaptureFixture) -> None:
    complaints.see(_report(held=(Held("a", "a.yaml", "waits", "update", window="nights"),)))
    assert _said(caplog) == []


def test_of_many_complaints_some_are_told_and_the_others_counted(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    complaints.see(_report(*(Problem(f"{n}.yaml", 1, 1, "wrong") for n in range(MOST + 5))))
    assert len(caplog.records) == MOST + 1
    assert vars(caplog.records[-1])["more"] == 5
