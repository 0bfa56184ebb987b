"""What is known of tokens, while the store answers, fails or hangs."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from schedsync.access import Scope, Token, new_token
from schedsync.api.keyring import NEWS, PATIENCE, REFRESH, USED, Keyring
from schedsync.errors import DatabaseUnavailableError
from tests.integration.conftest import StandingClock


class Source:
    """A store's tokens, as long as it answers."""

    def __init__(self) -> None:
        self.tokens: list[Token] = []
        self.asked = 0
        self.error: Exception | None = None
        self.answers = threading.Event()
        self.answers.set()

    def __call__(self) -> list[Token]:
        self.asked += 1
        assert self.answers.wait(30)
        if self.error is not None:
            raise self.error
        return list(self.tokens)


@pytest.fixture
def source() -> Iterator[Source]:
    made = Source()
    yield made
    made.answers.set()


@pytest.fixture
def keyring(source: Source, clock: StandingClock) -> Keyring:
    return Keyring(source, clock)


@pytest.fixture
def token(source: Source, clock: StandingClock) -> Token:
    token, _ = new_token("ci", Scope.READ, by="ann", now=clock.now)
    source.tokens.append(token)
    return token


def took(call: Callable[[], object]) -> float:
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailableError):
        call()
    return time.monotonic() - began


def test_the_store_is_asked_once_in_some_seconds(
    keyring: Keyring, source: Source, token: Token, clock: StandingClock
) -> None:
    for _ in range(100):
        assert keyring.find(token.id) == token
        assert not keyring.is_empty
    assert source.asked == 1
    clock.now += REFRESH
    assert keyring.find(token.id) == token
    assert source.asked == 2


def test_for_unknown_tokens_it_is_asked_no_more_than_once_a_second(
    keyring: Keyring, source: Source, clock: StandingClock
) -> None:
    for _ in range(100):
        assert keyring.find("none") is None
    assert source.asked == 1
    clock.now += NEWS
    assert keyring.find("none") is None
    assert source.asked == 2


def test_a_clock_that_is_set_back_keeps_nothing_from_being_looked_at(
    keyring: Keyring, source: Source, token: Token, clock: StandingClock
) -> None:
    assert keyring.find(token.id) == token
    source.tokens.clear()
    clock.forward(days=-1)
    assert keyring.find(token.id) is None


def test_an_empty_store_is_told_from_one_that_was_never_asked(
    keyring: Keyring, source: Source, clock: StandingClock
) -> None:
    source.error = DatabaseUnavailableError("it rains")
    with pytest.raises(DatabaseUnavailableError, match="it rains"):
        _ = keyring.is_empty
    source.error = None
    clock.now += NEWS
    assert keyring.is_empty
    source.error = DatabaseUnavailableError("it rains")
    clock.forward(hours=1)
    assert keyring.is_empty


def test_while_the_store_fails_known_tokens_stay_and_it_is_tried_no_more_than_once_a_second(
    keyring: Keyring, source: Source, token: Token, clock: StandingClock
) -> None:
    assert keyring.find(token.id) == token
    source.error = DatabaseUnavailableError("it rains")
    clock.forward(hours=1)
    for _ in range(10):
        assert keyring.find(token.id) == token
        with pytest.raises(DatabaseUnavailableError, match="it rains"):
            keyring.find("none")
    assert source.asked == 2


def test_an_error_that_nobody_expects_is_logged_and_fails_closed(
    keyring: Keyring, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    source.error = RuntimeError("a mistake of ours")
    with pytest.raises(DatabaseUnavailableError, match="the log says why"):
        keyring.find("none")
    assert "a mistake of ours" in caplog.text


def test_a_store_that_hangs_is_waited_for_by_nobody_for_long(
    keyring: Keyring, source: Source, token: Token, clock: StandingClock
) -> None:
    assert keyring.find(token.id) == token
    source.answers.clear()
    clock.now += REFRESH
    assert took(lambda: keyring.find("none")) < PATIENCE + 5
    assert took(lambda: keyring.find("none")) < PATIENCE
    assert keyring.find(token.id) == token
    assert source.asked == 2


def test_a_system_without_threads_to_spare_is_an_outage_like_others(
    keyring: Keyring, source: Source, token: Token, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", none_left)
        with pytest.raises(DatabaseUnavailableError, match="can't start new thread"):
            keyring.find(token.id)
    clock.now += NEWS
    assert keyring.find(token.id) == token


def test_one_thread_asks_for_all_that_come_at_once(keyring: Keyring, source: Source, token: Token) -> None:
    source.answers.clear()
    found: list[Token | None] = []
    threads = [threading.Thread(target=lambda: found.append(keyring.find(token.id))) for _ in range(8)]
    for thread in threads:
        thread.start()
    source.answers.set()
    for thread in threads:
        thread.join()
    assert found == [token] * 8
    assert source.asked == 1


def test_a_use_is_told_once_a_minute(keyring: Keyring, token: Token, clock: StandingClock) -> None:
    keyring.note_use(token)
    assert keyring.take_uses() == {token.id: clock.now}
    assert keyring.take_uses() == {}
    keyring.give_back({token.id: clock.now})
    clock.now += USED
    keyring.note_use(token)
    assert keyring.take_uses() == {token.id: clock.now}
