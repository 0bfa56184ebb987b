"""The log of steps, and the log of decisions."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select

from schedsync.plan.ops import Changed
from schedsync.specs.problem import Problem
from schedsync.store import syncs, tables
from schedsync.store.store import Store
from schedsync.store.syncs import Held
from tests.contract.builders import MINUTE, NOW, report

PROBLEM = Problem("a/b.yaml", 3, 7, "“nightly” is no cron: write ✱", "a", "schedule.cron", '"nightly"', None, since=NOW)


def test_a_report_comes_back_as_it_was_recorded(store: Store) -> None:
    held = (
        Held("gone", "gone.yaml", "prune: confirm"),
        Held("new", "new.yaml", "waits for “nights”", "addition", "nights"),
    )
    changed = Changed(("a", "b"), ("c",), (("d", "e"),), ("f",), truncated=True)
    counts = {"added": 2, "held": 1}
    recorded = report(counts=counts, changed=changed, problems=(PROBLEM,), held=held, drift=True, complete=False)
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
    assert latest.changed == Changed()


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


def test_a_step_that_names_more_kinds_of_change_can_be_read_too(store: Store) -> None:
    changed = '{"added": ["a"], "renamed": [["b", "c"]], "split": ["d"]}'
    summary = f'{{"counts": {{}}, "drift": false, "held": [], "problems": [], "changed": {changed}}}'
    row = {"id": "0", "happened_at": NOW, "revision": "r", "complete": True, "summary_text": summary}
    with store.database.write() as connection:
        connection.execute(insert(tables.syncs), row)
    (recorded,) = store.syncs.page(before=None, limit=1)
    assert recorded.report.changed == Changed(added=("a",), renamed=(("b", "c"),))


def test_pages_have_each_step_once_the_newest_first(store: Store) -> None:
    moments = [NOW + minutes * MINUTE for minutes in range(5)]
    for at in moments:
        store.syncs.record(report(at=at))
    first = store.syncs.page(before=None, limit=3)
    store.syncs.record(report(at=NOW + 9 * MINUTE))
    second = store.syncs.page(before=first[-1].id, limit=3)
    assert [each.report.at for each in [*first, *second]] == moments[::-1]


def test_pages_have_each_decision_once_the_newest_first_over_all_jobs_or_one(store: Store) -> None:
    for minutes, job_id in enumerate(["a", "b", "a", None, "a"]):
        decision(store, NOW + minutes * MINUTE, job_id)
    first = store.audit.page(job_id=None, before=None, limit=2)
    rest = store.audit.page(job_id=None, before=first[-1].id, limit=9)
    assert [each.job_id for each in [*first, *rest]] == ["a", None, "a", "b", "a"]
    of_a = store.audit.page(job_id="a", before=None, limit=2)
    assert [each.at for each in of_a] == [NOW + 4 * MINUTE, NOW + 2 * MINUTE]
    assert [each.at for each in store.audit.page(job_id="a", before=of_a[-1].id, limit=2)] == [NOW]
    assert of_a[0] == replace(of_a[0], actor="ann", action="pause", job_id="a", reason="for a reason")


def decision(store: Store, at: datetime, job_id: str | None = "a") -> None:
    store.audit.record(at=at, actor="ann", action="pause", job_id=job_id, reason="for a reason")


DAY = timedelta(days=1)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep few entries, and remove them a few at a time."""
    monkeypatch.setattr(syncs, "KEPT_ENTRIES", 3)
    monkeypatch.setattr(syncs, "CHUNK", 2)


def ages(store: Store) -> tuple[list[int], list[int]]:
    """How many days old the steps and the decisions are that are left, the newest first."""
    steps = [(NOW - each.report.at).days for each in store.syncs.page(before=None, limit=99)]
    return steps, [(NOW - each.at).days for each in store.audit.page(job_id=None, before=None, limit=99)]


def test_what_is_old_is_forgotten_and_what_is_young_stays_however_much_it_is(store: Store, short: None) -> None:
    days = [0, 1, 2, 3, 89, 91, 92, 93, 94, 95]
    for age in days:
        store.syncs.record(report(at=NOW - age * DAY))
        decision(store, NOW - age * DAY)
    assert (store.syncs.forget(NOW), store.audit.forget(NOW)) == (5, 5)
    assert ages(store) == ([0, 1, 2, 3, 89], [0, 1, 2, 3, 89])
    assert (store.syncs.forget(NOW), store.audit.forget(NOW)) == (0, 0)


def test_the_newest_entries_stay_however_old_they_are(store: Store, short: None) -> None:
    for age in [100, 200, 300, 400]:
        store.syncs.record(report(at=NOW - age * DAY))
        decision(store, NOW - age * DAY)
        assert (store.syncs.forget(NOW), store.audit.forget(NOW)) == ((1, 1) if age == 400 else (0, 0))
    assert ages(store) == ([100, 200, 300], [100, 200, 300])


def test_the_newest_step_that_made_everything_live_is_never_forgotten(store: Store, short: None) -> None:
    store.syncs.record(report(at=NOW - 400 * DAY, revision="older"))
    store.syncs.record(report(at=NOW - 300 * DAY, revision="live"))
    for age in [200, 100, 2, 1, 0]:
        store.syncs.record(report(at=NOW - age * DAY, complete=False))
    assert store.syncs.forget(NOW) == 3
    latest = store.syncs.latest(complete=True)
    assert latest is not None
    assert latest.revision == "live"
