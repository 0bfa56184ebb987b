"""The log of steps, and the log of decisions."""

from dataclasses import replace

from sqlalchemy import insert, select

from schedsync.specs.problem import Problem
from schedsync.store import tables
from schedsync.store.store import Store
from schedsync.store.syncs import Held
from tests.contract.builders import MINUTE, NOW, report

PROBLEM = Problem("a/b.yaml", 3, 7, "“nightly” is no cron: write ✱", "a", "schedule.cron", '"nightly"', None, since=NOW)


def test_a_report_comes_back_as_it_was_recorded(store: Store) -> None:
    held = (Held("gone", "gone.yaml", "prune: confirm"),)
    recorded = report(counts={"added": 2, "held": 1}, problems=(PROBLEM,), held=held, drift=True, complete=False)
    store.syncs.record(recorded)
    latest = store.syncs.latest()
    assert latest == recorded
    assert latest is not None
    assert latest.problems[0].since == NOW


def test_no_step_was_recorded_yet(store: Store) -> None:
    assert store.syncs.latest() is None
    assert store.syncs.latest(complete=True) is None


def test_the_newest_report_and_the_newest_of_a_complete_step_may_differ(store: Store) -> None:
    complete = report(at=NOW, revision="good")
    broken = report(at=NOW + MINUTE, revision="bad", complete=False)
    store.syncs.record(broken)
    store.syncs.record(complete)
    assert store.syncs.latest() == broken
    assert store.syncs.latest(complete=True) == complete


def test_text_that_databases_refuse_is_replaced_and_a_huge_report_is_kept(store: Store) -> None:
    problems = tuple(replace(PROBLEM, line=line, message="\0\ud800" + "x" * 1_000) for line in range(1_000))
    store.syncs.record(report(problems=problems))
    latest = store.syncs.latest()
    assert latest is not None
    assert len(latest.problems) == 1_000
    assert latest.problems[0].message.endswith("?" + "x" * 1_000)


def test_a_report_of_a_newer_version_can_be_read_after_a_roll_back(store: Store) -> None:
    summary = (
        '{"counts": {}, "drift": false, "news": 1, "held": [{"job_id": "a", "file": "f", "why": "w", "until": 1}],'
        ' "problems": [{"file": "f", "line": 1, "column": 1, "message": "m", "since": null, "severity": "low"}]}'
    )
    row = {"id": "0", "happened_at": NOW, "revision": "r", "complete": True, "summary_text": summary}
    with store.database.write() as connection:
        connection.execute(insert(tables.syncs), row)
    latest = store.syncs.latest()
    assert latest is not None
    assert latest.problems == (Problem("f", 1, 1, "m"),)
    assert latest.held == (Held("a", "f", "w"),)


def test_a_decision_is_kept(store: Store) -> None:
    store.audit.record(at=NOW, actor="ann", action="prune", job_id=None, reason="spring cleaning")
    with store.database.read() as connection:
        row = connection.execute(select(tables.audit)).one()
    assert (row.happened_at, row.actor, row.action, row.job_id, row.reason) == (
        NOW,
        "ann",
        "prune",
        None,
        "spring cleaning",
    )
