"""What is asked often is found by an index, however long the history is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from schedsync.runs.outcome import Output
from schedsync.runs.run import RunState
from schedsync.runs.selection import RunFilter
from schedsync.store.runs import Keep, RunChanges
from schedsync.store.store import Store
from tests.contract.builders import NOW, SLOT, run

ASKED: dict[str, tuple[Callable[[Store], Any], str]] = {
    "due": (lambda store: store.jobs.due(SLOT, 10), "INDEX ix_schedsync_jobs_next"),
    "coming": (lambda store: store.jobs.coming(NOW, until=SLOT, limit=10), "INDEX ix_schedsync_jobs_next"),
    "next slot": (lambda store: store.jobs.next_fire_at(), "INDEX ix_schedsync_jobs_next"),
    "unsettled": (lambda store: store.runs.unsettled(), "INDEX ix_schedsync_runs_state"),
    "how many": (lambda store: store.runs.unsettled_counts(), "COVERING INDEX ix_schedsync_runs_state"),
    "history": (lambda store: page(store, None), "INDEX ix_schedsync_runs_time"),
    "a job's history": (lambda store: page(store, "a"), "INDEX ix_schedsync_runs_job"),
    "last runs": (lambda store: store.runs.last_of(["a", "b"]), "COVERING INDEX ix_schedsync_runs_job"),
    "a page of jobs": (
        lambda store: store.lists.page(behind="a", limit=10, downwards=False),
        "INDEX sqlite_autoindex_schedsync_jobs_1 (id>?)",
    ),
    "the last runs of a page": (
        lambda store: store.lists.page(behind=None, limit=10, downwards=True),
        "COVERING INDEX ix_schedsync_runs_job",
    ),
    "succeeded runs": (lambda store: such(store, RunState.SUCCEEDED), "INDEX ix_schedsync_runs_time"),
    "failed runs": (lambda store: such(store, RunState.FAILED), "INDEX ix_schedsync_runs_state"),
    "last slots": (lambda store: store.jobs.last_slots(), "COVERING INDEX ix_schedsync_runs_job"),
    "recent runs": (lambda store: store.runs.recent_of(["a", "b"], 20), "COVERING INDEX ix_schedsync_runs_job"),
    "old runs": (lambda store: store.runs.forget(Keep("a", 10, NOW)), "COVERING INDEX ix_schedsync_runs_job"),
    "last successes": (
        lambda store: store.notices.successes(["a", "b"]),
        "INDEX sqlite_autoindex_schedsync_runs_2 (job_id=?)",
    ),
    "last step": (lambda store: store.syncs.latest(), "INDEX sqlite_autoindex_schedsync_syncs_1"),
}


def page(store: Store, job_id: str | None) -> Any:
    return store.runs.page(job_id=job_id, before=(SLOT + timedelta(days=1), "x"), limit=10)


def such(store: Store, state: RunState) -> Any:
    return store.runs.page(job_id=None, before=None, limit=10, only=RunFilter(state=state))


@contextmanager
def plans(store: Store, kind: str = "SELECT") -> Iterator[list[str]]:
    """Gather how SQLite finds what the statements ask for."""
    found: list[str] = []

    def explain(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(kind):
            cursor = connection.connection.cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found.append("; ".join(row[-1] for row in cursor.fetchall()))

    event.listen(store.database.engine, "before_cursor_execute", explain)
    yield found
    event.remove(store.database.engine, "before_cursor_execute", explain)


@pytest.mark.parametrize("what", ASKED)
def test_it_is_found_by_its_index(sqlite_store_url: str, opened: Callable[[str], Store], what: str) -> None:
    ask, index = ASKED[what]
    store = opened(sqlite_store_url)
    with plans(store) as found:
        ask(store)
    assert index in found[0]
    assert "SCAN schedsync_runs;" not in f"{found[0]};"


def test_a_page_of_history_is_not_sorted(sqlite_store_url: str, opened: Callable[[str], Store]) -> None:
    store = opened(sqlite_store_url)
    with plans(store) as found:
        for job_id in (None, "a"):
            page(store, job_id)
    assert [plan for plan in found if "TEMP B-TREE" in plan] == []


def test_what_is_written_for_many_runs_at_once_finds_each_by_its_id(store: Store) -> None:
    started = run()
    changes = RunChanges(started=[started], settled=[(started, Output())])
    with plans(store, "UPDATE schedsync_runs") as found:
        store.runs.record(changes, None)
    assert len(found) == 2
    for plan in found:
        assert plan.endswith("SEARCH schedsync_runs USING INDEX sqlite_autoindex_schedsync_runs_1 (id=?)")
