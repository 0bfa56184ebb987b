"""Logons: new connections to a server that may know us no more, and locks who tries that too often.

Oracle locks an account after ten refusals in a row by default (FAILED_LOGIN_ATTEMPTS), and a service has many loops
that all ask once a second. So all of a process go through here: one tries at a time until the answer is known, and
what was refused rests before it is tried again.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from schedsync.clock import rfc3339, utc_now
from schedsync.errors import DatabaseUnavailableError, SettingsError

RESTS = (10.0, 30.0, 60.0, 300.0, 900.0)
"""Seconds between one refusal and the next try of the same credentials, the last for all that follow: within an hour
there are eight tries."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last of some refusals in a row of the same credentials."""

    password: str | None = field(repr=False)
    count: int
    until: float
    """By the monotonic clock: when they are tried again."""
    said: str
    """Why, and when that is."""

    def rests(self, password: str | None, now: float) -> bool:
        """Whether *password* is not to be tried at *now*: another one than was refused is."""
        return password == self.password and now < self.until


def rest_after(count: int) -> float:
    """Return how many seconds credentials rest that were refused *count* times in a row, at least once."""
    return RESTS[min(count, len(RESTS)) - 1]


@dataclass(slots=True)
class _Try:
    """A logon that somebody has begun, and how it went."""

    password: str | None
    ended: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None


class Logons:
    """The way to new connections of one process to one database. Called from any thread."""

    def __init__(
        self,
        connect: Callable[..., Any],
        *,
        refuses: Callable[[BaseException], bool],
        words: Callable[[BaseException], str],
        read_password: Callable[[], str | None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Make one.

        Args:
            connect: what makes a connection from the driver's arguments.
            refuses: whether an error of the driver is about user and password.
            words: what people are told of an error.
            read_password: what reads the password anew for each connection; None: the arguments have it.
            monotonic: a clock that never goes back, in seconds.
            now: a clock for people, in UTC.
        """
        self._connect, self._refuses, self._words, self._read_password = connect, refuses, words, read_password
        self._monotonic, self._now = monotonic, now
        self._lock = threading.Lock()
        self._refusal: Refusal | None = None
        self._trying: _Try | None = None

    def connect(self, args: list[Any], given: dict[str, Any]) -> Any:
        """Return a connection, made with these arguments of the driver.

        While somebody else tries, wait for how that goes: when it leads in, so will this; when not, it was tried.

        Raises:
            DatabaseUnavailableError: the credentials rest, somebody else has just tried in vain, or the password cannot
                be read.
            Exception: as the driver says.
        """
        if self._read_password is not None:
            given = given | {"password": self._password(self._read_password)}
        password = given.get("password")
        with self._lock:
            self._check(password)
            before = self._trying
            if before is None:
                mine = self._trying = _Try(password)
        if before is None:
            return self._first(mine, args, given)
        before.ended.wait()  # no longer than a connection takes at most
        with self._lock:
            self._check(password)
        if before.error is None or before.password != password:
            return self._tried(password, args, given)
        raise DatabaseUnavailableError(self._words(before.error)) from before.error

    def _password(self, read: Callable[[], str | None]) -> str | None:
        try:
            return read()
        except SettingsError as error:  # somebody may be about to write it
            raise DatabaseUnavailableError(str(error)) from error

    def _check(self, password: str | None) -> None:
        if self._refusal is not None and self._refusal.rests(password, self._monotonic()):
            raise DatabaseUnavailableError(self._refusal.said)

    def _first(self, mine: _Try, args: list[Any], given: dict[str, Any]) -> Any:
        try:
            return self._tried(mine.password, args, given)
        except BaseException as error:
            mine.error = error
            raise
        finally:
            with self._lock:
                self._trying = None
            mine.ended.set()

    def _tried(self, password: str | None, args: list[Any], given: dict[str, Any]) -> Any:
        try:
            connection = self._connect(*args, **given)
        except Exception as error:
            if self._refuses(error):
                self._note_refusal(password, error)
            raise
        with self._lock:
            self._refusal = None
        return connection

    def _note_refusal(self, password: str | None, error: BaseException) -> None:
        with self._lock:
            before = self._refusal
            count = before.count + 1 if before is not None and before.password == password else 1
            rest = rest_after(count)
            again = rfc3339((self._now() + timedelta(seconds=rest)).replace(microsecond=0))
            unless = "" if self._read_password is None else ", unless its file has another password by then"
            said = f"{self._words(error)}; not tried again before {again}{unless}"
            self._refusal = Refusal(password, count, self._monotonic() + rest, said)
