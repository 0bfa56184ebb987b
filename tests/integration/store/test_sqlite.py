"""What is special about SQLite: a file, one writer, and everything that can be wrong with a file."""

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from schedsync.errors import DatabaseUnavailableError, SchemaError, SettingsError
from schedsync.runs.outcome import Output
from schedsync.runs.run import RunState
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store
from tests.contract.builders import TTL, claim, ended, run, runs_of

Opener = Callable[[str], Store]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def impatient(file: Path, opened: Opener) -> Store:
    """A store that waits for another's lock only for a moment."""
    store = opened(f"sqlite:///{file}?timeout=0.05")
    store.upgrade()
    return store


@contextmanager
def another_process(file: Path, begin: str) -> Iterator[sqlite3.Connection]:
    """A connection past the store, in a transaction."""
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute(begin)
        yield connection


def test_every_commit_is_on_disk_before_it_is_told(impatient: Store) -> None:
    with impatient.database.read() as first, impatient.database.read() as second:
        for connection in (first, second):
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL


def test_asking_creates_no_file(file: Path, opened: Opener) -> None:
    store = opened(f"sqlite:///{file}")
    assert not store.database.exists
    assert store.is_new
    with pytest.raises(SchemaError, match="there is no database at sqlite:///"):
        store.require_current()
    assert not file.exists()


def test_an_empty_file_is_a_database_without_tables(file: Path, opened: Opener) -> None:
    file.touch()
    store = opened(f"sqlite:///{file}")
    with pytest.raises(SchemaError, match="missing or of another version"):
        store.require_current()
    store.upgrade()
    store.require_current()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="needs a file"):
        Store.open(url)


def test_a_write_takes_its_turn_when_it_begins(file: Path, impatient: Store) -> None:
    with (
        impatient.database.write(),
        closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as another,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        another.execute("BEGIN IMMEDIATE")


def test_a_file_that_another_process_writes_to_for_long_is_unavailable_and_then_not(
    file: Path, impatient: Store
) -> None:
    with another_process(file, "BEGIN IMMEDIATE"):
        with pytest.raises(DatabaseUnavailableError, match="locked"):
            impatient.leases.acquire("me", TTL)
        assert impatient.leases.leader() is None
    assert impatient.leases.acquire("me", TTL).owner == "me"


def test_a_write_waits_for_one_of_another_process(file: Path, opened: Opener) -> None:
    store, done = opened(f"sqlite:///{file}"), threading.Event()
    store.upgrade()

    def acquire() -> str:
        owner = store.leases.acquire("me", TTL).owner
        done.set()
        return owner

    with ThreadPoolExecutor() as threads:
        with another_process(file, "BEGIN IMMEDIATE") as another:
            acquired = threads.submit(acquire)
            assert not done.wait(0.3)
            another.execute("COMMIT")
        assert acquired.result(timeout=30) == "me"


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_new_file_that_another_process_has_just_locked_is_waited_for(file: Path, opened: Opener, lock: str) -> None:
    store, done = opened(f"sqlite:///{file}"), threading.Event()

    def upgrade() -> None:
        store.upgrade()
        done.set()

    with ThreadPoolExecutor() as threads:
        with another_process(file, f"BEGIN {lock}") as another:
            upgraded = threads.submit(upgrade)
            assert not done.wait(0.3)
            another.execute("COMMIT")
        upgraded.result(timeout=30)
    store.require_current()


def test_writers_of_one_process_wait_for_each_other_however_impatient_they_are_with_others(impatient: Store) -> None:
    done = threading.Event()

    def acquire() -> str:
        owner = impatient.leases.acquire("me", TTL).owner
        done.set()
        return owner

    with ThreadPoolExecutor() as threads:
        with impatient.database.write():
            acquired = threads.submit(acquire)
            assert not done.wait(0.3)
        assert acquired.result(timeout=30) == "me"


def test_a_full_disk_loses_nothing_that_was_written_and_heals(impatient: Store) -> None:
    lease = impatient.leases.acquire("me", TTL)
    running = run()
    claim(impatient, lease, running)
    huge = RunChanges(settled=[(ended(running), Output(head=b"x" * 5_000_000, total=5_000_000))])
    with full_disk(impatient), pytest.raises(DatabaseUnavailableError, match="full"):
        impatient.runs.record(huge, None)
    assert runs_of(impatient) == [running]
    impatient.runs.record(huge, None)
    assert runs_of(impatient)[0].state is RunState.SUCCEEDED


@contextmanager
def full_disk(store: Store) -> Iterator[None]:
    """Let new connections find no room for a further page."""

    def limit(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1").close()

    store.close()
    event.listen(store.database.engine, "connect", limit)
    yield
    event.remove(store.database.engine, "connect", limit)
    store.close()


def test_a_read_only_file_can_be_read_and_says_so_when_it_is_written_to(
    file: Path, impatient: Store, opened: Opener
) -> None:
    impatient.leases.acquire("me", TTL)
    store = opened(f"sqlite:///file:{file}?mode=ro&uri=true")
    store.require_current()
    assert store.leases.leader() is not None
    with pytest.raises(DatabaseUnavailableError, match="readonly"):
        store.leases.acquire("me", TTL)


def test_a_file_that_is_no_database_is_named(file: Path, opened: Opener) -> None:
    file.write_text("jobs: []\n" * 1_000)
    with pytest.raises(DatabaseUnavailableError, match=re.escape(f"{file}: file is not a database")):
        opened(f"sqlite:///{file}").upgrade()


def test_a_folder_that_is_missing_is_named(tmp_path: Path, opened: Opener) -> None:
    file = tmp_path / "nowhere" / "store.db"
    with pytest.raises(DatabaseUnavailableError, match=re.escape(f"{file}: unable to open")):
        opened(f"sqlite:///{file}").upgrade()
