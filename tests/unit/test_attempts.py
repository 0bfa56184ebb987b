"""How many tokens an address may try."""

from datetime import datetime, timedelta

import pytest

from schedsync.api.attempts import ALL, EACH, WINDOW, Attempts
from tests.builders import NOW


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def attempts(hand: Hand) -> Attempts:
    return Attempts(hand)


def test_an_address_may_fail_so_often_and_then_waits_for_the_rest_of_its_window(attempts: Attempts, hand: Hand) -> None:
    for count in range(1, EACH + 1):
        assert attempts.must_wait("a") is None
        assert attempts.note("a") == count
    hand.now += timedelta(seconds=15)
    assert attempts.must_wait("a") == WINDOW - timedelta(seconds=15)
    assert attempts.must_wait("b") is None
    hand.now += WINDOW - timedelta(seconds=15)
    assert attempts.must_wait("a") is None
    assert attempts.note("a") == 1


def test_all_together_may_fail_so_often(attempts: Attempts) -> None:
    for number in range(ALL):
        assert attempts.must_wait(f"a{number}") is None
        attempts.note(f"a{number}")
    assert attempts.must_wait("new") == WINDOW


def test_a_clock_that_is_set_back_locks_nobody_out(attempts: Attempts, hand: Hand) -> None:
    for _ in range(EACH):
        attempts.note("a")
    hand.now -= timedelta(days=1)
    assert attempts.must_wait("a") is None


def test_little_is_remembered_however_many_fail_and_whatever_they_are_called(attempts: Attempts, hand: Hand) -> None:
    for number in range(50 * ALL):
        if attempts.must_wait(f"{number} {'x' * 10_000}") is None:
            attempts.note(f"{number} {'x' * 10_000}")
        hand.now += WINDOW / (2 * ALL)
    assert len(attempts._by_address) <= ALL
    assert len(attempts._untold) <= ALL
    assert max(map(len, [*attempts._by_address, *attempts._untold])) < 100


def test_what_was_refused_is_told_once(attempts: Attempts, hand: Hand) -> None:
    attempts.note("a")
    hand.now += timedelta(seconds=1)
    attempts.note("a")
    attempts.note("b")
    told = {refused.address: (refused.since, refused.count) for refused in attempts.take_refused()}
    assert told == {"a": (NOW, 2), "b": (NOW + timedelta(seconds=1), 1)}
    assert attempts.take_refused() == []
