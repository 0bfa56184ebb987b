"""How often credentials are tried that a server refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schedsync.errors import DatabaseUnavailableError, SettingsError
from schedsync.store.logons import RESTS, Logons, rest_after

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


class WrongError(Exception):
    """The server refuses the password."""


class AwayError(Exception):
    """There is no server."""


class Server:
    """A server with one password, the file in which ours is, and a clock that a test moves."""

    def __init__(self, *, in_file: bool = True) -> None:
        self.password, self.file = "new", "old"
        self.away = False
        self.seconds = 0.0
        self.tries: list[float] = []
        self.logons = Logons(
            self._connect,
            refuses=lambda error: isinstance(error, WrongError),
            words=lambda error: f"db: {type(error).__name__}",
            read_password=self._read if in_file else None,
            monotonic=lambda: self.seconds,
            now=lambda: BEGIN + timedelta(seconds=self.seconds),
        )

    def _read(self) -> str:
        if not self.file:
            raise SettingsError("database.password_file: secret cannot be read")
        return self.file

    def _connect(self, *, password: str) -> str:
        self.tries.append(self.seconds)
        if self.away:
            raise AwayError
        if password != self.password:
            raise WrongError
        return "connection"

    def connect(self) -> Any:
        return self.logons.connect([], {"password": "old"})

    def fail(self) -> str:
        with pytest.raises((WrongError, AwayError, DatabaseUnavailableError)) as caught:
            self.connect()
        return str(caught.value)


@pytest.mark.parametrize(("count", "seconds"), [(1, 10), (2, 30), (3, 60), (4, 300), (5, 900), (6, 900), (1000, 900)])
def test_rests_grow_to_a_quarter_of_an_hour(count: int, seconds: int) -> None:
    assert rest_after(count) == seconds


def test_refused_credentials_are_tried_less_than_ten_times_in_an_hour() -> None:
    server = Server()
    for second in range(3600):
        server.seconds = second
        server.fail()
    assert server.tries == [0, 10, 40, 100, 400, 1300, 2200, 3100]


def test_during_a_rest_it_is_said_why_and_until_when() -> None:
    server = Server()
    server.fail()
    server.seconds = 9
    said = "db: WrongError; not tried again before 2026-03-01T12:00:10Z, unless its file has another password by then"
    assert server.fail() == said


def test_a_password_that_cannot_change_is_not_said_to_be_in_a_file() -> None:
    server = Server(in_file=False)
    server.fail()
    assert server.fail() == "db: WrongError; not tried again before 2026-03-01T12:00:10Z"


def test_another_password_ends_the_rest_and_begins_its_own() -> None:
    server = Server()
    for seconds in (0, 10):
        server.seconds = seconds
        server.fail()
    server.file = "older"
    server.fail()
    assert server.tries == [0, 10, 10]
    server.seconds += RESTS[0] - 1
    server.fail()
    assert len(server.tries) == 3
    server.file = "new"
    assert server.connect() == "connection"


def test_a_success_forgets_what_was_refused() -> None:
    server = Server()
    server.fail()
    server.file = "new"
    server.connect()
    server.password = "newest"
    server.fail()
    server.seconds += RESTS[0]
    server.fail()
    assert server.tries == [0, 0, 0, 10]


def test_a_server_that_is_away_is_tried_each_time_and_forgets_no_refusal() -> None:
    server = Server()
    server.fail()
    server.away, server.seconds = True, 10
    for _ in range(3):
        server.fail()
    server.away = False
    server.fail()
    server.seconds += RESTS[1] - 1
    server.fail()
    assert len(server.tries) == 5


def test_a_file_that_cannot_be_read_is_an_outage() -> None:
    server = Server()
    server.file = ""
    with pytest.raises(DatabaseUnavailableError, match="password_file: secret cannot be read"):
        server.connect()
    server.file = "new"
    assert server.connect() == "connection"
