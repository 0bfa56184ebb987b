"""Oracle databases to test on, given by variables: places that one test at a time may use, and stand-ins to break.

SCHEDSYNC_TEST_ORACLE_URL has one or more URLs, separated by blanks. Each names a user whose ``SCHEDSYNC_*`` objects the
tests drop as they like; with several of them as many tests run side by side. SCHEDSYNC_TEST_ORACLE_STANDIN has the
control addresses of stand-in servers, which count round trips, refuse connections and fail statements when told to.
"""

import fcntl
import hashlib
import json
import os
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError

from schedsync.store.database import Database
from tests.needs import do_without

URL_VARIABLE = "SCHEDSYNC_TEST_ORACLE_URL"
STANDIN_VARIABLE = "SCHEDSYNC_TEST_ORACLE_STANDIN"
PATIENCE = 110.0


def oracle_place() -> "Iterator[str]":
    """Give the URL of a user whom no other test uses meanwhile."""
    return _one_of(URL_VARIABLE, "an Oracle to test on")


def standin_place() -> "Iterator[str]":
    """Give the control address of a stand-in that no other test uses meanwhile."""
    return _one_of(STANDIN_VARIABLE, "an Oracle stand-in to break")


def _one_of(variable: str, what: str) -> Iterator[str]:
    places = os.environ.get(variable, "").split()
    if not places:
        _do_without(variable, what)
    deadline = time.monotonic() + PATIENCE
    while True:
        for place in places:
            with _lock_of(place) as mine:
                if mine:
                    yield place
                    return
        assert time.monotonic() < deadline, f"{variable}: all {len(places)} places are taken"
        time.sleep(0.05)  # between two looks; the deadline decides


@contextmanager
def _lock_of(place: str) -> Iterator[bool]:
    name = hashlib.sha256(place.encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"schedsync-test-{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _do_without(variable: str, what: str) -> NoReturn:
    do_without(f"{variable} names no {what.removeprefix('an ')}; CONTRIBUTING.md says how to start one")


def drop_everything(url: str) -> None:
    """Drop all tables and views of ours."""
    database = Database.open(url)
    with database.engine.connect() as connection:
        found = inspect(connection)
        for kind, names in (("VIEW", found.get_view_names()), ("TABLE", found.get_table_names())):
            for name in names:
                if name.startswith("schedsync_"):
                    _drop(connection, f"DROP {kind} {name}")
    database.close()


def _drop(connection: Any, statement: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            connection.execute(text(statement))
            return
        except DatabaseError as error:  # ORA-00054: a connection of the test before is about to be closed
            if "ORA-00054" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@dataclass(frozen=True)
class Standin:
    """A stand-in server, and what can be asked of it."""

    control: str
    url: str

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.control}{path}", data=data), timeout=10) as answer:
            return json.load(answer)

    def round_trips(self) -> int:
        """How many there have been since the start."""
        return int(self.ask("/stats")["round_trips"]["total"])

    def kill_sessions(self) -> None:
        self.ask("/kill", {})

    def refuse(self, seconds: float, code: int = 12541) -> None:
        self.ask("/refuse", {"seconds": seconds, "code": code})

    def fail(self, match: str, code: int, **more: Any) -> None:
        """Let the next statement that matches fail."""
        self.ask("/fault", {"match": match, "code": code, **more})

    def break_at(self, match: str, seconds: float) -> threading.Thread:
        """Let the next statement that matches stall; then kill all sessions, and refuse connections for a while."""
        before = self._faults()
        self.ask("/fault", {"match": match, "stall_ms": 30_000})

        def break_off() -> None:
            deadline = time.monotonic() + PATIENCE
            while self._faults() == before and time.monotonic() < deadline:
                time.sleep(0.005)  # between two looks; the deadline decides
            self.refuse(seconds)
            self.kill_sessions()

        thread = threading.Thread(target=break_off, daemon=True)
        thread.start()
        return thread

    def _faults(self) -> int:
        return int(self.ask("/stats")["events"].get("faults", 0))

    def latency(self, milliseconds: float) -> None:
        self.ask("/latency", {"ms": milliseconds})

    def heal(self) -> None:
        self.ask("/clear_faults", {})
        self.ask("/latency", {"ms": 0})
        self.ask("/refuse", {"seconds": 0})


def standin_at(control: str) -> Standin:
    with urllib.request.urlopen(f"{control}/health", timeout=10) as answer:
        health = json.load(answer)
    url = f"oracle://scott:tiger@127.0.0.1:{health['port']}/?service_name={health['service']}"
    return Standin(control, url)
