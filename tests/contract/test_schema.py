"""The tables: made and upgraded by migrations, whoever asks for it at the same time."""

from collections.abc import Callable
from functools import partial

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from schedsync.errors import DatabaseUnavailableError, SchemaError
from schedsync.store import tables
from schedsync.store.migrate import VERSION_TABLE
from schedsync.store.store import Store
from tests.contract.builders import TTL
from tests.contract.processes import Processes, upgrade

Opener = Callable[[str], Store]


def test_the_migrations_make_the_tables_that_the_program_has_in_mind(store: Store) -> None:
    with store.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, tables.metadata) == []


def test_an_upgrade_makes_the_tables_and_a_second_one_changes_nothing(empty_url: str, opened: Opener) -> None:
    store = opened(empty_url)
    assert store.is_new
    for _ in range(2):
        store.upgrade()
        store.require_current()
        assert not store.is_new
        with store.database.read() as connection:
            names = set(inspect(connection).get_table_names())
        assert names == {*tables.metadata.tables, VERSION_TABLE}


def test_without_tables_a_store_says_what_to_run(empty_url: str, opened: Opener) -> None:
    with pytest.raises(SchemaError, match=r"schedsync (run|apply)"):
        opened(empty_url).require_current()


def test_without_tables_a_question_is_answered_by_what_to_run(empty_url: str, opened: Opener) -> None:
    store = opened(empty_url)
    with pytest.raises(SchemaError, match="schedsync apply"):
        store.jobs.observe()
    with pytest.raises(SchemaError, match="schedsync apply"):
        store.leases.acquire("me", TTL)


def test_a_missing_column_is_a_schema_of_another_version(empty_url: str, opened: Opener) -> None:
    store = opened(empty_url)
    store.upgrade()
    with store.database.write() as connection:
        connection.execute(text("ALTER TABLE schedsync_leases RENAME COLUMN token TO former_token"))
    with pytest.raises(SchemaError, match="token"):
        store.leases.leader()


def test_tables_of_a_newer_version_are_left_alone(empty_url: str, opened: Opener) -> None:
    store = opened(empty_url)
    store.upgrade()
    with store.database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    for ask in (store.upgrade, store.require_current):
        with pytest.raises(SchemaError, match='version "9999", made by a newer schedsync'):
            ask()


def test_an_upgrade_that_fails_leaves_nothing_behind(empty_url: str, opened: Opener) -> None:
    store = opened(empty_url)
    with store.database.write() as connection:
        connection.execute(text("CREATE TABLE schedsync_syncs (id INTEGER)"))
    with pytest.raises(DatabaseUnavailableError, match="schedsync_syncs"):
        store.upgrade()
    with store.database.read() as connection:
        assert set(inspect(connection).get_table_names()) == {"schedsync_syncs"}


def test_processes_that_upgrade_the_same_new_database_at_once_all_succeed(
    empty_url: str, opened: Opener, processes: Processes
) -> None:
    assert processes.at_once([partial(upgrade, empty_url)] * 4) == [True] * 4
    opened(empty_url).require_current()
