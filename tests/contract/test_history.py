"""Reading the past, and keeping it short."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schedsync.errors import RunNotFoundError
from schedsync.runs.run import Cause, Run, RunState
from schedsync.runs.selection import RunFilter
from schedsync.store.history import Place
from schedsync.store.leases import Lease
from schedsync.store.runs import Keep, Past
from schedsync.store.store import Store
from tests.contract.builders import MINUTE, NOW, SLOT, claim, ended, live, observed, retry, run, runs_of, settle

DAY = timedelta(days=1)
LONG_AGO = NOW - 365 * DAY


def past(job_id: str, *slots: int, state: RunState = RunState.SUCCEEDED) -> list[Run]:
    """Ended runs of these minutes."""
    return [run(job_id, SLOT + slot * MINUTE, state=state, finished_at=NOW) for slot in slots]


def keep(job_id: str = "a", *, count: int = 200, days: int = 90) -> Keep:
    return Keep.of(job_id, count=count, days=days, now=NOW)


def minutes_of(store: Store, job_id: str) -> list[int]:
    """The minutes of the slots that a job has rows of, newest first."""
    return [(row.scheduled_at - SLOT) // MINUTE for row in runs_of(store, job_id)]


def test_a_run_is_found_by_its_id(store: Store, lease: Lease) -> None:
    claim(store, lease, known := run())
    assert store.runs.get(known.id) == known


def test_an_unknown_run_is_not_found(store: Store) -> None:
    with pytest.raises(RunNotFoundError, match="nobody"):
        store.runs.get("nobody")


def test_pages_show_each_run_once_newest_slot_first(store: Store, lease: Lease) -> None:
    runs = [*past("a", 0, 1, 2, 3), *past("b", 1, 2, 5)]
    claim(store, lease, *runs)
    pages: list[list[Run]] = []
    before: Place | None = None
    while page := store.runs.page(job_id=None, before=before, limit=3):
        pages.append(page)
        before = page[-1].scheduled_at, page[-1].id
    assert [len(page) for page in pages] == [3, 3, 1]
    shown = [run for page in pages for run in page]
    assert shown == sorted(runs, key=lambda run: (run.scheduled_at, run.id), reverse=True)


def test_a_page_of_one_job_has_only_its_runs_and_goes_on_from_a_place(store: Store, lease: Lease) -> None:
    runs = past("a", 0, 1, 2)
    claim(store, lease, *runs, *past("b", 0, 1, 2))
    assert store.runs.page(job_id="a", before=None, limit=2) == [runs[2], runs[1]]
    assert store.runs.page(job_id="a", before=(runs[1].scheduled_at, runs[1].id), limit=2) == [runs[0]]


def test_the_last_run_is_that_of_the_newest_slot_whichever_was_claimed_last(store: Store, lease: Lease) -> None:
    newest, oldest = past("a", 9, 1)
    claim(store, lease, newest, oldest, *past("b", 3))
    last = store.runs.last_of(["a", "b", "never-ran"])
    assert last["a"] == newest
    assert last.keys() == {"a", "b"}


def test_the_last_run_is_the_last_attempt_at_its_slot(store: Store, lease: Lease) -> None:
    first = ended(run(), RunState.FAILED)
    second = retry(first)
    claim(store, lease, second, first)
    assert store.runs.last_of(["a"]) == {"a": second}


def test_skipped_slots_are_no_last_run(store: Store, lease: Lease) -> None:
    ran, skipped = run("a", SLOT), run("a", SLOT + MINUTE, state=RunState.SKIPPED)
    claim(store, lease, ran, skipped, run("b", state=RunState.SKIPPED))
    assert store.runs.last_of(["a", "b"]) == {"a": ran}


FILTERS = {
    "state": RunFilter(state=RunState.FAILED),
    "cause": RunFilter(cause=Cause.MANUAL),
    "node": RunFilter(node="n2"),
    "since": RunFilter(since=SLOT + 2 * MINUTE),
    "until": RunFilter(until=SLOT + 2 * MINUTE),
    "several": RunFilter(state=RunState.SUCCEEDED, cause=Cause.SCHEDULE, since=SLOT, until=SLOT + 3 * MINUTE),
    "nothing": RunFilter(node="n3"),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_page_has_the_runs_that_a_filter_takes(store: Store, lease: Lease, name: str) -> None:
    failed, asked, elsewhere, *others = past("a", 4, 3, 2, 1, 0)
    failed = replace(failed, state=RunState.FAILED)
    asked, elsewhere = replace(asked, cause=Cause.MANUAL), replace(elsewhere, node="n2")
    runs = [failed, asked, elsewhere, *others]
    claim(store, lease, *runs, *past("b", 0, 4))
    expected = [each for each in runs if FILTERS[name].takes(each)]
    assert store.runs.page(job_id="a", before=None, limit=10, only=FILTERS[name]) == expected
    everywhere = store.runs.page(job_id=None, before=None, limit=10, only=FILTERS[name])
    assert [each for each in everywhere if each.job_id == "a"] == expected
    assert all(FILTERS[name].takes(each) for each in everywhere)


def test_recent_runs_are_the_newest_of_each_job_skipped_ones_too(store: Store, lease: Lease) -> None:
    many, few = past("a", 3, 2, 1, 0), past("b", 9)
    skipped = run("a", SLOT + 4 * MINUTE, state=RunState.SKIPPED)
    claim(store, lease, *many, *few, skipped, *past("c", 5))
    recent = store.runs.recent_of(["a", "b", "never-ran"], 3)
    assert recent == {"a": [skipped, *many[:2]], "b": few}


def test_recent_runs_of_more_jobs_than_a_statement_may_name(store: Store, lease: Lease) -> None:
    runs = [run(f"job-{number}") for number in range(600)]
    claim(store, lease, *runs)
    assert store.runs.recent_of([run.job_id for run in runs], 2) == {run.job_id: [run] for run in runs}


def test_last_runs_of_more_jobs_than_a_statement_may_name(store: Store, lease: Lease) -> None:
    runs = [run(f"job-{number}") for number in range(1_100)]
    claim(store, lease, *runs)
    assert store.runs.last_of([run.job_id for run in runs]) == {run.job_id: run for run in runs}


def test_unsettled_runs_are_listed_oldest_slot_first_and_counted(store: Store, lease: Lease) -> None:
    running, late, waiting = run("a", SLOT + MINUTE), run("b"), run("c", SLOT + 2 * MINUTE, state=RunState.QUEUED)
    claim(store, lease, waiting, running, late, *past("a", 7), run("d", state=RunState.SKIPPED))
    assert store.runs.unsettled() == [late, running, waiting]
    assert store.runs.unsettled_counts() == {RunState.RUNNING: 2, RunState.QUEUED: 1}


def test_it_is_known_which_runs_there_are_whatever_became_of_them(store: Store, lease: Lease) -> None:
    waiting, ended = run("a", state=RunState.QUEUED), run("b", state=RunState.SKIPPED)
    claim(store, lease, waiting, ended)
    many = [f"other-{number}" for number in range(1_100)]
    assert store.runs.known([*many, waiting.id, ended.id]) == {waiting.id, ended.id}
    assert store.runs.known([]) == set()


def test_an_idle_store_has_nothing_unsettled(store: Store) -> None:
    assert store.runs.unsettled() == []
    assert store.runs.unsettled_counts() == {}


def test_how_much_past_a_job_has_is_told_also_when_it_is_gone(store: Store, lease: Lease) -> None:
    live(store, "b")
    claim(store, lease, *past("b", 0, 1, 2), *past("b", 3, 4, state=RunState.SKIPPED), *past("a", 7), run("a", SLOT))
    digest = observed(store, "b").digest
    assert store.runs.pasts() == [Past("a", None, 1, SLOT + 7 * MINUTE), Past("b", digest, 3, SLOT)]


def test_the_newest_runs_are_kept_and_older_ones_forgotten(store: Store, lease: Lease) -> None:
    claim(store, lease, *past("a", 3, 1, 4, 0, 2), *past("b", 0, 1, 2, 3))
    assert store.runs.forget(keep(count=2)) == 3
    assert minutes_of(store, "a") == [4, 3]
    assert len(runs_of(store, "b")) == 4


def test_skipped_slots_are_counted_apart_and_push_no_run_out(store: Store, lease: Lease) -> None:
    claim(store, lease, *past("a", 0, 1, 2), *past("a", *range(10, 20), state=RunState.SKIPPED))
    assert store.runs.forget(keep(count=2)) == 1 + 8
    assert minutes_of(store, "a") == [19, 18, 2, 1]


def test_what_is_older_than_the_days_is_forgotten_except_the_newest(store: Store, lease: Lease) -> None:
    old = [run("a", LONG_AGO + n * DAY, state=RunState.SUCCEEDED) for n in range(3)]
    skipped = [run("a", LONG_AGO + n * MINUTE, state=RunState.SKIPPED) for n in range(1, 3)]
    claim(store, lease, *old, *skipped)
    assert store.runs.forget(keep(days=30)) == 2 + 1
    assert runs_of(store) == [old[2], skipped[1]]


def test_the_last_success_is_kept_however_many_failures_follow_and_however_old_it_is(
    store: Store, lease: Lease
) -> None:
    live(store, "a", "b")
    failed = [*past("a", *range(4, 9), state=RunState.FAILED), *past("b", 1, state=RunState.FAILED)]
    old = [run("b", LONG_AGO + n * DAY, state=RunState.SUCCEEDED, finished_at=LONG_AGO + n * DAY) for n in range(3)]
    claim(store, lease, *past("a", 1, 2, 3), *old, *failed)
    successes = store.notices.successes(["a", "b"])
    for _ in range(2):
        store.runs.forget(keep("a", count=2))
        store.runs.forget(keep("b", days=30))
    assert minutes_of(store, "a") == [8, 7, 3]
    assert runs_of(store, "b") == [failed[-1], old[-1]]
    assert store.notices.successes(["a", "b"]) == successes


def test_the_last_success_is_the_one_that_ended_last_whatever_its_slot(store: Store, lease: Lease) -> None:
    live(store, "a")
    slow = run("a", SLOT, state=RunState.SUCCEEDED, finished_at=SLOT + 9 * MINUTE)
    quick = run("a", SLOT + MINUTE, state=RunState.SUCCEEDED, finished_at=SLOT + 2 * MINUTE)
    claim(store, lease, slow, quick, *past("a", 2, 3, state=RunState.FAILED))
    store.runs.forget(keep(count=1))
    assert minutes_of(store, "a") == [3, 0]
    assert store.notices.successes(["a"])["a"].last == slow.finished_at


def test_what_is_younger_than_the_days_stays(store: Store, lease: Lease) -> None:
    young, old = run("a", NOW - 29 * DAY, state=RunState.FAILED), run("a", NOW - 31 * DAY, state=RunState.FAILED)
    claim(store, lease, young, old)
    store.runs.forget(keep(days=30))
    assert runs_of(store) == [young]


def test_unsettled_runs_are_never_forgotten(store: Store, lease: Lease) -> None:
    unsettled = [run("a", LONG_AGO), run("a", LONG_AGO + MINUTE, state=RunState.QUEUED)]
    claim(store, lease, *unsettled, *past("a", 0, 1))
    store.runs.forget(keep(count=1, days=1))
    assert runs_of(store)[1:] == unsettled[::-1]


def test_output_is_forgotten_with_its_run(store: Store, lease: Lease) -> None:
    gone, stays = run("a", SLOT), run("a", SLOT + MINUTE)
    claim(store, lease, gone, stays)
    settle(store, ended(gone), ended(stays), output=b"hello")
    store.runs.forget(keep(count=1))
    assert store.runs.output(gone.id) is None
    assert store.runs.output(stays.id) is not None


def test_forgetting_again_forgets_nothing(store: Store, lease: Lease) -> None:
    claim(store, lease, *past("a", *range(1_200)))
    assert store.runs.forget(keep(count=100)) == 1_100
    assert store.runs.forget(keep(count=100)) == 0
    assert store.runs.forget(keep("unknown")) == 0
