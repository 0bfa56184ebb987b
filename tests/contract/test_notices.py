"""Notices: decided in the transaction that settles a run, once, whoever settles it and however often that is tried."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from schedsync.errors import DatabaseUnavailableError
from schedsync.plan.ops import Plan
from schedsync.runs.notices import Ending, Notice, ending_of, late_slot, overdue
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run, RunState
from schedsync.specs.notify import Event, Notify
from schedsync.store.leases import Lease
from schedsync.store.notices import FAILED, SENT
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store
from tests import builders
from tests.contract.builders import (
    GONE,
    MINUTE,
    NOW,
    SLOT,
    TTL,
    apply,
    at_once,
    claim,
    edit,
    live,
    lost_answer,
    remove,
    run,
)
from tests.contract.builders import ended as ended_now

ALL = Notify(on=tuple(Event), to=("mail",))
USUAL = Notify(to=("mail",))
F, S, L, T = RunState.FAILED, RunState.SUCCEEDED, RunState.LOST, RunState.TIMED_OUT


@pytest.fixture(autouse=True)
def job(store: Store) -> None:
    live(store, "a")


def ending(run_: Run, notify: Notify | None = USUAL) -> Ending:
    spec = builders.spec(id=run_.job_id, notify=notify, max_time_since_success="1d")
    found = ending_of(run_, spec)
    assert found is not None
    return found


def ended(run_: Run, state: RunState = S) -> Run:
    """The run, ended right at its slot."""
    return replace(ended_now(run_, state), finished_at=run_.scheduled_at)


def changes(*ended_runs: Run, notify: Notify | None = USUAL) -> RunChanges:
    return RunChanges(
        settled=[(each, Output()) for each in ended_runs], endings=[ending(each, notify) for each in ended_runs]
    )


def happens(
    store: Store, lease: Lease, *states: RunState, notify: Notify | None = USUAL, attempt: int = 1, first: int = 0
) -> None:
    """Let slots of the job end like this, one after the other."""
    for place, state in enumerate(states, first):
        slot = SLOT + place * MINUTE
        running = run(slot=slot, attempt=attempt)
        claim(store, lease, running)
        store.runs.record(changes(ended(running, state), notify=notify), lease)


def told(store: Store) -> list[str]:
    return [notice.event.value for notice in store.notices.pending()]


@pytest.mark.parametrize(
    ("states", "events"),
    [
        ((S, S), []),
        ((F, F, S, S), ["failed", "recovered"]),
        ((F, S, F), ["failed", "recovered", "failed"]),
        ((T, F), ["failed"]),
        ((F, L, L, S), ["failed", "lost", "recovered"]),
    ],
)
def test_the_first_failure_and_the_recovery_are_told(
    store: Store, lease: Lease, states: Sequence[RunState], events: list[str]
) -> None:
    happens(store, lease, *states, notify=ALL)
    assert told(store) == events


def test_a_last_attempt_is_told_once_although_it_is_both_failed_and_given_up(store: Store, lease: Lease) -> None:
    happens(store, lease, F, F, S, notify=ALL, attempt=3)
    assert told(store) == ["gave_up", "recovered"]


def test_what_nobody_asked_for_is_not_told_and_not_counted_as_told(store: Store, lease: Lease) -> None:
    happens(store, lease, F, L, S, notify=Notify(on=(Event.LOST, Event.RECOVERED), to=("mail", "chat")))
    assert [
        (n.event.value, n.channel) for n in sorted(store.notices.pending(), key=lambda n: (n.happened_at, n.channel))
    ] == [
        ("lost", "chat"),
        ("lost", "mail"),
        ("recovered", "chat"),
        ("recovered", "mail"),
    ]


def test_several_ends_of_a_job_in_one_group_are_told_in_their_order(store: Store, lease: Lease) -> None:
    runs = [run(slot=SLOT + place * MINUTE) for place in range(4)]
    claim(store, lease, *runs)
    ends = [ended(each, state) for each, state in zip(runs, (F, F, S, F), strict=True)]
    store.runs.record(changes(*ends), lease)
    assert told(store) == ["failed", "recovered", "failed"]
    happens(store, lease, F, first=9)
    assert told(store) == ["failed", "recovered", "failed"]


def test_recording_again_tells_nothing_again(store: Store, lease: Lease) -> None:
    running = run()
    claim(store, lease, running)
    failed = changes(ended(running, F))
    with pytest.raises(DatabaseUnavailableError), lost_answer(store):
        store.runs.record(failed, lease)
    store.runs.record(failed, lease)
    assert told(store) == ["failed"]


def test_a_result_that_comes_too_late_tells_nothing(store: Store, other: Store) -> None:
    mine = store.leases.acquire("me", GONE)
    running = run(token=mine.token)
    claim(store, mine, running)
    yours = other.leases.acquire("you", TTL)
    other.runs.record(changes(ended(running, L), notify=ALL), yours)
    store.runs.record(changes(ended(running, S), notify=ALL), None)
    assert told(store) == ["lost"]


def test_two_instances_that_settle_runs_of_a_job_at_once_tell_of_the_failure_once(
    store: Store, other: Store, lease: Lease
) -> None:
    runs = [run(slot=SLOT + place * MINUTE) for place in range(2)]
    claim(store, lease, *runs)
    ends = [changes(ended(each, F)) for each in runs]
    at_once([lambda: store.runs.record(ends[0], lease), lambda: other.runs.record(ends[1], lease)])
    assert told(store) == ["failed"]


def test_a_failure_after_a_success_that_nobody_watched_is_a_first_one(store: Store, lease: Lease) -> None:
    happens(store, lease, F)
    unwatched = run(slot=SLOT + MINUTE)
    claim(store, lease, unwatched)
    store.runs.record(RunChanges(settled=[(ended(unwatched), Output())]), lease)
    happens(store, lease, F, F, S, first=2)
    assert told(store) == ["failed", "failed", "recovered"]


def test_a_job_that_is_renamed_takes_its_alarms_along_and_one_that_is_removed_leaves_none(
    store: Store, lease: Lease
) -> None:
    happens(store, lease, F)
    apply(store, Plan(update=(edit(store, "a", to="b"),), revision="r2"))
    failed = run("b", slot=SLOT + MINUTE)
    claim(store, lease, failed)
    store.runs.record(changes(ended(failed, F)), lease)
    assert told(store) == ["failed"]
    apply(store, Plan(remove=(remove(store, "b"),), revision="r3"))
    again = run("b", slot=SLOT + 2 * MINUTE)
    claim(store, lease, again)
    store.runs.record(changes(ended(again, F)), lease)
    assert told(store) == ["failed", "failed"]
    live(store, "b")  # what was told of a job that was gone is not told of its name for ever
    anew = run("b", slot=SLOT + 3 * MINUTE)
    claim(store, lease, anew)
    store.runs.record(changes(ended(anew, F)), lease)
    assert told(store) == ["failed", "failed", "failed"]


def test_who_records_is_told_when_there_are_notices_and_only_then(store: Store, lease: Lease) -> None:
    calls: list[None] = []
    store.runs.on_notices = lambda: calls.append(None)
    happens(store, lease, S, F, F)
    assert len(calls) == 1


def posted(store: Store, **fields: Any) -> Notice:
    notice = replace(Notice("n1", "mail", Event.FAILED, "a", NOW), **fields)
    store.notices.post([notice])
    return notice


def test_a_notice_is_taken_by_one_instance_and_due_again_when_its_time_is_over(store: Store, other: Store) -> None:
    notice = posted(store)
    until = NOW + MINUTE
    tries = [partial(each.notices.take, notice, until=until) for each in (store, other)]
    assert sorted(at_once(tries)) == [False, True]
    (waiting,) = other.notices.pending()
    assert (waiting.tries, waiting.next_try_at) == (1, until)
    assert other.notices.take(waiting, until=until + MINUTE)


def test_what_became_of_a_notice_is_kept_until_it_is_forgotten(store: Store) -> None:
    for name in ("sent", "failed", "waits"):
        posted(store, id=name)
    store.notices.sent("sent", NOW)
    store.notices.given_up("failed", NOW, error="no such host")
    store.notices.postponed("waits", until=NOW + MINUTE, error="refused")
    assert store.notices.counts() == {"pending": 1, "failed": 1}
    assert {(p.notice.id, p.state, p.error) for p in store.notices.newest(state=None, limit=9)} == {
        ("sent", SENT, None),
        ("failed", FAILED, "no such host"),
        ("waits", "pending", "refused"),
    }
    assert store.notices.forget(NOW) == 0
    assert store.notices.forget(NOW + MINUTE) == 2
    assert [notice.id for notice in store.notices.pending()] == ["waits"]


def test_what_waits_from_before_a_time_is_given_up_together(store: Store) -> None:
    for name in ("tried", "untried", "sent"):
        posted(store, id=name)
    posted(store, id="younger", happened_at=NOW + MINUTE)
    store.notices.postponed("tried", until=NOW + MINUTE, error="refused")
    store.notices.sent("sent", NOW)
    assert store.notices.given_up_before(NOW, NOW, error="too old") == 0
    assert store.notices.given_up_before(NOW + MINUTE, NOW + MINUTE, error="too old") == 2
    assert {(p.notice.id, p.state, p.error) for p in store.notices.newest(state=None, limit=9)} == {
        ("tried", FAILED, "refused"),
        ("untried", FAILED, "too old"),
        ("sent", SENT, None),
        ("younger", "pending", None),
    }


def test_what_waits_for_a_channel_is_given_up_together(store: Store) -> None:
    for name, channel in {"a": "gone", "b": "gone", "c": "mail"}.items():
        posted(store, id=name, channel=channel)
    store.notices.postponed("a", until=NOW + MINUTE, error="refused, when there was one")
    assert store.notices.given_up_for("gone", NOW, error="no such channel") == 2
    assert store.notices.given_up_for("gone", NOW, error="no such channel") == 0
    assert [notice.id for notice in store.notices.pending()] == ["c"]
    assert {p.error for p in store.notices.newest(state=FAILED, limit=9)} == {"no such channel"}


def test_a_late_slot_is_told_once_whatever_attempt_is_late(store: Store) -> None:
    first = run(late_at=NOW)
    assert store.notices.post(late_slot(first, USUAL, NOW))
    again = replace(first, id="another", attempt=2)
    assert not store.notices.post(late_slot(again, USUAL, NOW + MINUTE))
    assert told(store) == ["late"]


def test_a_job_is_overdue_once_until_it_succeeds(store: Store, lease: Lease) -> None:
    since = NOW
    notices = overdue("a", USUAL, since, "no success for too long", NOW)
    assert store.notices.raise_overdue("a", since, notices)
    assert not store.notices.raise_overdue("a", since, notices)
    assert store.notices.overdue(["a", "b"]) == store.notices.overdue() == {"a": since}
    happens(store, lease, S)
    assert store.notices.overdue() == {}
    assert told(store) == ["late"]
    store.notices.raise_overdue("a", since + MINUTE, ())
    store.notices.lower_overdue(["a"])
    assert store.notices.overdue() == {}


def test_the_last_success_of_live_jobs_is_found(store: Store, lease: Lease) -> None:
    live(store, "b")
    live(store, "over", at=None)
    happens(store, lease, S, S, F, notify=None)
    found = store.notices.successes(["a", "b", "over", "gone"])
    assert {job_id: each.last for job_id, each in found.items()} == {"a": SLOT + MINUTE, "b": None}
    assert found["b"].created_at == NOW


def test_a_run_keeps_when_it_is_late(store: Store, lease: Lease) -> None:
    late = run(late_at=SLOT + timedelta(minutes=30))
    claim(store, lease, late)
    assert store.runs.get(late.id) == late
