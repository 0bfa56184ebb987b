"""A page of jobs has what lists show beside them; what has not changed is the same object."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from schedsync.errors import DatabaseUnavailableError
from schedsync.runs.outcome import Output
from schedsync.runs.run import RunState
from schedsync.status.beforehand import Beforehand
from schedsync.status.knowledge import FromStore
from schedsync.status.selection import Wanted
from schedsync.status.standing import Standing
from schedsync.status.texts import JobTexts
from schedsync.status.views import listing
from schedsync.store import tables
from schedsync.store.leases import Lease
from schedsync.store.lists import ListedJob, ListedJobs
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store
from tests.acceptance.harness import eventually
from tests.contract.builders import MINUTE, NOW, SLOT, claim, ended, history, live, observed, pause, retry, run, settle


def page(store: Store, *, behind: str | None = None, limit: int = 10, downwards: bool = False) -> ListedJobs:
    return store.lists.page(behind=behind, limit=limit, downwards=downwards)


def named(listed: ListedJobs) -> dict[str, ListedJob]:
    return {each.job.id: each for each in listed.jobs}


def test_a_page_has_jobs_and_their_newest_runs_that_were_not_skipped(store: Store, lease: Lease) -> None:
    live(store, "a", "b", "c")
    old, last, skipped = run("a"), run("a", SLOT + MINUTE), run("a", SLOT + 2 * MINUTE, state=RunState.SKIPPED)
    only_skipped = run("b", state=RunState.SKIPPED)
    claim(store, lease, old, last, skipped, only_skipped)
    listed = page(store)
    assert [each.job for each in listed.jobs] == [observed(store, job_id) for job_id in "abc"]
    assert [each.last_run for each in listed.jobs] == [store.runs.get(last.id), None, None]
    assert listed.total == 3


def test_of_a_slot_that_was_tried_again_the_last_attempt_counts(store: Store, lease: Lease) -> None:
    live(store, "a", "b")
    first = run("a")
    claim(store, lease, first)
    failed = ended(first, RunState.FAILED)
    store.runs.record(RunChanges(settled=[(failed, Output())], retries=[retry(failed)]), lease)
    for _ in range(2):
        listed = page(store)
        assert [each.job.id for each in listed.jobs] == ["a", "b"]
        assert [each.last_run and each.last_run.attempt for each in listed.jobs] == [2, None]


PAGES = {
    "up": ({}, ["a", "b", "c"]),
    "up, some": ({"limit": 2}, ["a", "b"]),
    "up, behind": ({"behind": "a"}, ["b", "c"]),
    "up, behind the last": ({"behind": "c"}, []),
    "down": ({"downwards": True}, ["c", "b", "a"]),
    "down, behind": ({"downwards": True, "behind": "c", "limit": 1}, ["b"]),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_begins_and_ends_where_it_should(store: Store, name: str) -> None:
    live(store, "c", "a", "b")
    asked, ids = PAGES[name]
    listed = page(store, **asked)  # type: ignore[arg-type]
    assert ([each.job.id for each in listed.jobs], listed.total) == (ids, 3)


def test_of_nothing_there_is_an_empty_page(store: Store) -> None:
    assert page(store) == ListedJobs([], 0, [])


def test_all_pauses_come_along(store: Store) -> None:
    live(store, "a")
    pauses = [pause("a", until=NOW + MINUTE), pause("*", reason='a "reason",\nin lines')]
    for each in pauses:
        store.pauses.put(each, now=NOW)
    for _ in range(2):
        assert sorted(page(store).pauses, key=lambda each: each.job_id) == pauses[::-1]
    store.pauses.lift("a", by="me", reason=None, now=NOW)
    assert page(store).pauses == pauses[1:]


def test_what_has_not_changed_is_the_same_object_and_what_has_is_not(store: Store, lease: Lease) -> None:
    live(store, "a", "b", "c")
    runs = {job_id: run(job_id) for job_id in "abc"}
    claim(store, lease, *runs.values())
    before = named(page(store))
    settle(store, ended(runs["a"]))
    with store.database.write() as connection:
        later = {"next_fire_at": SLOT + timedelta(days=1)}
        connection.execute(update(tables.jobs).where(tables.jobs.c.id == "b").values(later))
    after = named(page(store))
    assert {job_id for job_id in after if after[job_id] is before[job_id]} == {"c"}
    assert after["a"].last_run == store.runs.get(runs["a"].id)
    assert after["a"].job is before["a"].job
    assert after["b"].job == observed(store, "b")


def test_some_jobs_are_as_on_a_page_which_does_not_look_into_them_once_more(store: Store, lease: Lease) -> None:
    live(store, "a", "b", "c")
    history(store, lease, ended(run("a")))
    some = store.lists.some(["c", "a", "gone"])
    if not store.database.is_here:
        assert some.jobs == []
        return
    assert {each.job.id for each in some.jobs} == {"a", "c"}
    on_page = named(page(store))
    assert all(on_page[each.job.id] is each for each in some.jobs)
    assert named(some)["a"].last_run is not None


class Counting(JobTexts):
    """Says of which jobs it has made a text."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[str] = []

    def _made(self, standing: Standing, at: datetime) -> str:
        self.made.append(standing.job.observed.id)
        return super()._made(standing, at)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # on the others there is nothing to prepare
def test_what_lists_show_of_a_job_is_made_when_its_run_has_ended_and_not_once_more(store: Store, lease: Lease) -> None:
    live(store, "a", "b")
    of_a = ended(run("a"))
    history(store, lease, of_a)
    texts, known = Counting(), FromStore(store)
    beforehand = Beforehand(known, texts, lambda: NOW)
    beforehand.start()
    try:
        beforehand.note(of_a)
        beforehand.note(ended(run("gone")))
        eventually(lambda: texts.made == ["a"])
    finally:
        beforehand.stop()
    shown = json.loads(texts.page(listing(known, Wanted(limit=10), NOW), None))
    assert texts.made == ["a", "b"]
    assert [(job["id"], job["last_run"] and job["last_run"]["id"]) for job in shown["jobs"]] == [
        ("a", of_a.id),
        ("b", None),
    ]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # on the others there is nothing to prepare
def test_a_database_that_is_away_ends_no_preparation(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []

    def away(job_ids: Sequence[str]) -> ListedJobs:
        asked.append(job_ids)
        raise DatabaseUnavailableError("away")

    monkeypatch.setattr(store.lists, "some", away)
    beforehand = Beforehand(FromStore(store), JobTexts(), lambda: NOW)
    beforehand.start()
    try:
        beforehand.note(run("a"))
        eventually(lambda: ["a"] in asked)
        beforehand.note(run("b"))
        eventually(lambda: ["b"] in asked)
    finally:
        beforehand.stop()
