"""One leader at a time, by the database's clock; its token tells its claims from those of the leaders before."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from schedsync.errors import LeadershipLostError
from schedsync.store import tables
from schedsync.store.leases import Lease, fence
from schedsync.store.store import Store
from tests.contract.builders import GONE, TTL, at_once


def rows(store: Store) -> set[str]:
    with store.database.read() as connection:
        return set(connection.execute(select(tables.leases.c.name)).scalars())


def test_the_first_who_asks_leads(store: Store) -> None:
    assert store.leases.leader() is None
    assert store.leases.acquire("me", TTL) == Lease("me", 1)
    assert store.leases.leader() == Lease("me", 1)


def test_who_asks_later_is_told_who_leads(store: Store, other: Store) -> None:
    store.leases.acquire("me", TTL)
    assert other.leases.acquire("you", TTL) == Lease("me", 1)


def test_asking_again_keeps_the_lease_and_its_token(store: Store) -> None:
    store.leases.acquire("me", TTL)
    assert store.leases.acquire("me", TTL) == Lease("me", 1)


def test_the_token_grows_with_every_change_of_hands(store: Store) -> None:
    owners = ["me", "you", "me", "you"]
    assert [store.leases.acquire(owner, GONE).token for owner in owners] == [1, 2, 3, 4]


def test_ones_own_lease_that_ran_out_is_taken_under_a_new_token(store: Store) -> None:
    store.leases.acquire("me", GONE)
    assert store.leases.leader() is None
    assert store.leases.acquire("me", TTL) == Lease("me", 2)


def test_a_renewed_lease_is_held_on_to(store: Store, other: Store) -> None:
    store.leases.acquire("me", TTL)
    assert store.leases.renew("me", TTL)
    assert other.leases.acquire("you", TTL) == Lease("me", 1)


def test_a_renewal_makes_the_lease_last_longer(store: Store) -> None:
    store.leases.acquire("me", TTL)
    assert store.leases.renew("me", GONE)
    assert store.leases.leader() is None


def test_a_lease_that_ran_out_is_not_renewed(store: Store) -> None:
    store.leases.acquire("me", GONE)
    assert not store.leases.renew("me", TTL)
    assert store.leases.leader() is None


def test_a_lease_that_another_one_took_is_not_renewed(store: Store, other: Store) -> None:
    store.leases.acquire("me", GONE)
    taken = other.leases.acquire("you", TTL)
    assert not store.leases.renew("me", TTL)
    assert store.leases.leader() == taken


def test_who_never_led_renews_nothing(store: Store) -> None:
    assert not store.leases.renew("me", TTL)
    assert store.leases.leader() is None


def test_an_ended_lease_is_free_at_once_and_its_token_stays_used(store: Store, other: Store) -> None:
    store.leases.acquire("me", TTL)
    store.leases.end("me")
    assert not store.leases.renew("me", TTL)
    assert other.leases.acquire("you", TTL) == Lease("you", 2)
    assert rows(store) == {"leader", "instance:you"}


def test_no_token_is_given_twice_however_long_nobody_led(store: Store) -> None:
    long_gone = timedelta(days=-2)
    assert [store.leases.acquire(owner, long_gone).token for owner in ("a", "b", "c")] == [1, 2, 3]


def test_ending_what_one_does_not_hold_changes_nothing(store: Store) -> None:
    store.leases.acquire("me", TTL)
    store.leases.acquire("you", TTL)
    store.leases.end("you")
    assert store.leases.leader() == Lease("me", 1)


def test_who_asked_or_renewed_is_living_until_its_time_is_over(store: Store) -> None:
    store.leases.acquire("leader", TTL)
    store.leases.acquire("follower", TTL)
    store.leases.acquire("dead", GONE)
    assert store.leases.living() == {"leader", "follower"}
    store.leases.end("follower")
    assert store.leases.living() == {"leader"}


def test_instances_that_ended_long_ago_without_a_word_are_forgotten(store: Store) -> None:
    store.leases.acquire("leader", TTL)
    store.leases.acquire("crashed just now", GONE)
    store.leases.acquire("crashed long ago", timedelta(days=-2))
    store.leases.acquire("newcomer", TTL)
    assert rows(store) == {"leader", "instance:leader", "instance:crashed just now", "instance:newcomer"}


@pytest.mark.parametrize("old", [None, GONE], ids=["a free lease", "a lease that ran out"])
def test_of_many_who_ask_at_once_one_leads_and_all_are_told_so(
    store: Store, other: Store, old: timedelta | None
) -> None:
    if old is not None:
        store.leases.acquire("old", old)
    owners = {f"instance-{number}": (store, other)[number % 2] for number in range(8)}
    answers = at_once([partial(by.leases.acquire, owner, TTL) for owner, by in owners.items()])
    assert len(answers) == 8
    assert set(answers) == {store.leases.leader()}
    assert answers[0].token == (1 if old is None else 2)
    assert store.leases.living() == set(owners)


def test_a_lease_cannot_change_hands_while_a_transaction_is_fenced_by_it(store: Store, other: Store) -> None:
    mine, taken = store.leases.acquire("me", GONE), threading.Event()

    def take() -> Lease:
        lease = other.leases.acquire("you", TTL)
        taken.set()
        return lease

    with ThreadPoolExecutor() as threads:
        with store.database.write() as connection:
            fence(connection, mine)
            yours = threads.submit(take)
            assert not taken.wait(0.3)
        assert yours.result(timeout=30) == Lease("you", mine.token + 1)


def test_a_fence_of_an_older_token_fails(store: Store) -> None:
    mine = store.leases.acquire("me", GONE)
    store.leases.acquire("me", TTL)
    with pytest.raises(LeadershipLostError), store.database.write() as connection:
        fence(connection, mine)
