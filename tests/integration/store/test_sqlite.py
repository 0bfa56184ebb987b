"""What is special about SQLite: a file, one writer, and everything that can be wrong with a file."""

import os
import re
import sqlite3
import stat
import subprocess
import sys
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


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    mask = getattr(request, "param", 0o022)
    before = os.umask(mask)
    yield mask
    os.umask(before)


def rights_of(*paths: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in paths}


@pytest.mark.parametrize(("umask", "rights"), [(0o022, 0o640), (0o000, 0o640), (0o077, 0o600)], indirect=["umask"])
def test_a_new_file_and_what_lies_beside_it_are_not_for_everybody(
    file: Path, opened: Opener, umask: int, rights: int
) -> None:
    del umask
    store = opened(f"sqlite:///{file}")
    store.upgrade()
    with store.database.write():
        assert rights_of(file, Path(f"{file}-wal"), Path(f"{file}-shm")) == {rights}


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("url", ["sqlite:///file:{}?uri=true", "sqlite:///file:{}?mode=rwc&uri=true"])
def test_nor_is_one_that_is_made_by_way_of_a_uri(file: Path, opened: Opener, url: str) -> None:
    opened(url.format(file)).upgrade()
    assert rights_of(file) == {0o640}


@pytest.mark.usefixtures("umask")
def test_nor_is_one_that_a_link_leads_to(file: Path, tmp_path: Path, opened: Opener) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(file)
    opened(f"sqlite:///{link}").upgrade()
    assert rights_of(file) == {0o640}


def test_a_uri_that_makes_no_file_still_makes_none(file: Path, opened: Opener) -> None:
    with pytest.raises(DatabaseUnavailableError, match="unable to open"):
        opened(f"sqlite:///file:{file}?mode=rw&uri=true").upgrade()
    assert not file.exists()


@pytest.mark.usefixtures("umask")
def test_the_rights_of_a_file_that_is_there_are_those_that_somebody_gave_it(file: Path, opened: Opener) -> None:
    file.touch(mode=0o664)
    file.chmod(0o664)
    opened(f"sqlite:///{file}").upgrade()
    assert rights_of(file) == {0o664}


LEAVE_WAL = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('PRAGMA journal_mode = DELETE')"
"""What a process may do only while no other one has the file open, which it knows by the locks on it."""


def test_a_connection_more_takes_no_lock_from_those_that_there_are(file: Path, opened: Opener) -> None:
    store = opened(f"sqlite:///{file}")
    store.upgrade()
    with store.database.read() as first, store.database.read() as second, store.database.read():
        assert first.execute(text("SELECT 1")).scalar() == second.execute(text("SELECT 1")).scalar()
        tried = subprocess.run([sys.executable, "-c", LEAVE_WAL, file], capture_output=True, text=True, check=False)
    assert "database is locked" in tried.stderr
