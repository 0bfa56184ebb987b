"""Reading what is live: what is due, pages, counts, and specs."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import StatementError

from schedsync.plan.ops import Keep, Plan
from schedsync.runs.pause import EVERYTHING
from schedsync.runs.run import RunState
from schedsync.specs.schedule import first_fires
from schedsync.store import tables
from schedsync.store.jobs import JobCounts
from schedsync.store.leases import Lease
from schedsync.store.store import Store
from tests.contract.builders import MINUTE, NOW, SLOT, add, apply, claim, live, located, observed, pause, run


def due_ids(store: Store, horizon: Any = SLOT, limit: int = 100) -> list[str]:
    return [row.id for row in store.jobs.due(horizon, limit)]


def test_an_empty_store_has_nothing(store: Store) -> None:
    assert store.jobs.observe().jobs == {}
    assert store.jobs.page(after="", limit=10) == []
    assert store.jobs.due(SLOT, 10) == []
    assert store.jobs.next_fire_at() is None
    assert store.jobs.counts(NOW) == JobCounts(by_state={}, stale=0)


def test_the_calendars_of_a_schedule_come_with_its_spec(store: Store) -> None:
    holidays = {"name": "holidays", "yearly": ["12-25"], "dates": [f"2027-01-{day:02}" for day in range(1, 32)]}
    new = add("a", schedule={"cron": "0 6 25 * *", "only": [{"exclude": [holidays]}], "shift": "next"})
    apply(store, Plan(add=(new,)))
    spec = store.jobs.load(["a"])["a"].spec
    assert spec == new.job.spec
    assert spec is not None
    since = datetime(2026, 12, 1, tzinfo=UTC)
    fires = first_fires(spec.schedule, since, 2, job_id="a", anchor=since)
    assert [f"{slot:%m-%d}" for slot in fires] == ["12-26", "02-01"]


def test_due_are_the_jobs_up_to_the_horizon_earliest_first(store: Store) -> None:
    jobs = {"late": SLOT + timedelta(microseconds=1), "b": SLOT, "a": SLOT, "overdue": SLOT - MINUTE, "finished": None}
    apply(store, Plan(add=tuple(add(job_id, at=at) for job_id, at in jobs.items())))
    assert due_ids(store) == ["overdue", "a", "b"]
    assert due_ids(store, limit=2) == ["overdue", "a"]
    assert store.jobs.next_fire_at() == SLOT - MINUTE


def test_coming_are_the_jobs_that_are_going_to_fire(store: Store) -> None:
    jobs = {"late": SLOT + timedelta(microseconds=1), "b": SLOT, "a": SLOT, "first": SLOT - MINUTE, "finished": None}
    apply(store, Plan(add=tuple(add(job_id, at=at) for job_id, at in (jobs | {"c": SLOT, "d": SLOT}).items())))
    apply(store, Plan(add=(add("e", at=SLOT, suspend=True),)))
    store.pauses.put(pause("c"), now=NOW)
    store.pauses.put(pause("d", until=NOW + MINUTE), now=NOW)
    assert store.jobs.coming(NOW, until=SLOT, limit=3) == [("first", SLOT - MINUTE), ("a", SLOT), ("b", SLOT)]
    later = [job_id for job_id, _ in store.jobs.coming(NOW + MINUTE, until=SLOT, limit=10)]
    assert later == ["first", "a", "b", "d"]
    store.pauses.put(pause(EVERYTHING), now=NOW)
    assert store.jobs.coming(NOW, until=SLOT, limit=10) == []


def test_a_due_job_brings_what_firing_needs(store: Store) -> None:
    new = add("a")
    apply(store, Plan(add=(new,), revision="r7"))
    (row,) = store.jobs.due(SLOT, 10)
    assert (row.next_fire_at, row.anchor_at, row.generation) == (SLOT, NOW, 1)
    assert (row.spec_digest, row.revision, row.source_file) == (new.job.digest, "r7", "a.yaml")


def test_a_due_job_brings_the_pauses_that_concern_it(store: Store) -> None:
    live(store, "a", "b")
    for_a, for_all = pause("a", reason="why", until=SLOT + MINUTE), pause(EVERYTHING, by="bob")
    store.pauses.put(for_a, now=NOW)
    assert [row.pauses for row in store.jobs.due(SLOT, 10)] == [(for_a,), ()]
    store.pauses.put(for_all, now=NOW)
    assert [row.pauses for row in store.jobs.due(SLOT, 10)] == [(for_a, for_all), (for_all,)]


def test_pages_show_each_job_once_by_id(store: Store) -> None:
    names = [f"job-{number}" for number in range(7)]
    live(store, *reversed(names))
    pages, after = [], ""
    while page := store.jobs.page(after=after, limit=3):
        pages.append([job.observed.id for job in page])
        after = page[-1].observed.id
    assert pages == [names[:3], names[3:6], names[6:]]


def overview_ids(store: Store, **options: Any) -> list[str]:
    return [job.id for job in store.jobs.overview(**options).jobs]


def test_an_overview_has_what_is_observed_in_either_direction_and_says_how_many_there_are(store: Store) -> None:
    live(store, "c", "a", "b")
    store.pauses.put(pause("a"), now=NOW)
    seen = store.jobs.overview()
    assert {job.id: job for job in seen.jobs} == store.jobs.observe().jobs
    assert (overview_ids(store), overview_ids(store, downwards=True)) == (["a", "b", "c"], ["c", "b", "a"])
    assert overview_ids(store, behind="a", limit=1) == ["b"]
    assert overview_ids(store, behind="c", limit=5, downwards=True) == ["b", "a"]
    assert [store.jobs.overview(behind=behind, limit=2).total for behind in (None, "a", "c", "x")] == [3] * 4


def test_a_job_that_is_as_it_was_is_the_same_object_and_one_that_changed_is_not(store: Store) -> None:
    live(store, "a", "b")
    before = store.jobs.overview(limit=10).jobs
    with store.database.write() as connection:
        moved = update(tables.jobs).where(tables.jobs.c.id == "b").values(next_fire_at=SLOT + MINUTE)
        connection.execute(moved)
    after = store.jobs.overview(limit=10).jobs
    assert after[0] is before[0]
    assert (after[1].next_fire_at, after[1]) == (SLOT + MINUTE, observed(store, "b"))


def test_steps_and_lists_share_jobs_that_are_as_they_were(store: Store) -> None:
    live(store, "a", "b")
    before = store.jobs.observe().jobs
    assert before["a"] is store.jobs.observe().jobs["a"] is store.jobs.overview(limit=1).jobs[0]
    with store.database.write() as connection:
        connection.execute(update(tables.specs).where(tables.specs.c.job_id == "a").values(spec_digest="0" * 64))
    after = store.jobs.observe().jobs
    assert (after["a"].digest, after["b"]) == ("", before["b"])
    assert store.jobs.overview(limit=1).jobs == [before["a"]]


def test_the_last_slots_are_those_that_were_not_skipped(store: Store, lease: Lease) -> None:
    live(store, "a", "b", "c")
    skipped = run("a", SLOT + MINUTE, state=RunState.SKIPPED)
    claim(store, lease, run("a", SLOT - MINUTE), run("a"), skipped, run("b", state=RunState.SKIPPED), run("gone"))
    assert store.jobs.last_slots() == {"a": SLOT}


def test_unknown_ids_are_left_out(store: Store) -> None:
    live(store, "a")
    assert store.jobs.load(["a", "nobody"]).keys() == {"a"}
    assert store.jobs.load([]) == {}


def test_specs_are_given_only_in_the_version_that_was_asked_for(store: Store) -> None:
    live(store, "a", "b")
    asked = {"a": located("a").digest, "b": located("b", description="older").digest, "nobody": "0" * 64}
    assert store.jobs.specs(asked) == {"a": located("a").spec}


def test_a_spec_that_somebody_has_is_not_read_again(store: Store) -> None:
    live(store, "a", "b")
    of_folder = located("a")
    store.jobs.learn([(of_folder.digest, of_folder.spec)])
    asked = {job_id: located(job_id).digest for job_id in "ab"}
    with store.database.write() as connection:
        connection.execute(delete(tables.specs).where(tables.specs.c.job_id == "a"))
    found = store.jobs.specs(asked)
    assert found["a"] is of_folder.spec
    assert store.jobs.specs(asked)["b"] is found["b"]
    del found, of_folder
    assert store.jobs.specs(asked).keys() == {"b"}, "it is forgotten when nobody has it any more"


@pytest.mark.parametrize("text", ['{"id": "a", "from": "the future"}', "no JSON", "{}"])
def test_a_spec_that_cannot_be_read_is_no_spec_and_deletes_nothing(
    store: Store, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    live(store, "a", "b")
    with store.database.write() as connection:
        connection.execute(update(tables.specs).where(tables.specs.c.job_id == "a").values(spec_text=text))
    with caplog.at_level(logging.WARNING):
        jobs = {job.observed.id: job.spec for job in store.jobs.page(after="", limit=10)}
    assert jobs == {"a": None, "b": located("b").spec}
    assert store.jobs.specs({"a": located("a").digest}) == {}
    assert "stored spec cannot be read" in caplog.messages


def test_each_job_is_counted_under_the_one_state_that_it_shows(store: Store) -> None:
    live(store, "active", "paused", "pause-over")
    live(store, "suspended", "suspended-and-paused", suspend=True)
    live(store, "finished", "finished-and-paused", at=None)
    for job_id in ("paused", "suspended-and-paused", "finished-and-paused"):
        store.pauses.put(pause(job_id, until=NOW + MINUTE), now=NOW)
    store.pauses.put(pause("pause-over", until=NOW), now=NOW - MINUTE)
    assert store.jobs.counts(NOW).by_state == {"active": 2, "paused": 2, "suspended": 1, "finished": 2}
    assert store.jobs.counts(NOW + MINUTE).by_state == {"active": 3, "suspended": 2, "finished": 2}


def test_a_pause_of_everything_pauses_all_that_is_not_finished(store: Store) -> None:
    live(store, "a", "b")
    live(store, "finished", at=None)
    store.pauses.put(pause(EVERYTHING), now=NOW)
    assert store.jobs.counts(NOW).by_state == {"paused": 2, "finished": 1}


def test_stale_jobs_are_counted_whatever_their_state(store: Store) -> None:
    live(store, "a", "b", "c", "fresh")
    live(store, "suspended", suspend=True)
    apply(store, Plan(keep=tuple(Keep(observed(store, job_id)) for job_id in ("a", "b", "c", "suspended"))))
    assert store.jobs.counts(NOW) == JobCounts(by_state={"active": 4, "suspended": 1}, stale=4)


def test_instants_are_exact_to_the_microsecond_and_naive_ones_are_refused(store: Store) -> None:
    exact = SLOT.replace(microsecond=123_457)
    live(store, "a", at=exact)
    assert observed(store, "a").next_fire_at == exact
    with pytest.raises(StatementError, match="no time zone"):
        store.jobs.due(SLOT.replace(tzinfo=None), 10)
