"""The tables: made and upgraded by migrations, whoever asks for it at the same time."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import event, inspect, text

from schedsync.errors import DatabaseUnavailableError, SchemaError
from schedsync.store import ddl, tables
from schedsync.store.checking import check
from schedsync.store.migrate import run_alembic
from schedsync.store.store import Store
from schedsync.store.versions import NEWEST, VERSION_TABLE, VERSIONS
from tests.contract.builders import TTL
from tests.contract.processes import Processes, upgrade

Opener = Callable[[str], Store]


def test_the_migrations_make_the_tables_that_the_program_has_in_mind(store: Store) -> None:
    checked = check(store.database)
    assert checked.differences == ()
    assert checked.version == NEWEST
    with store.database.read() as connection:
        there = inspect(connection)
        for view, columns in tables.VIEWS.items():
            assert tuple(column["name"] for column in there.get_columns(view)) == columns


def test_the_program_knows_all_versions_without_reading_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", "schedsync.store:migrations")
    scripts = ScriptDirectory.from_config(config)
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == VERSIONS
    assert scripts.get_current_head() == NEWEST


def test_an_upgrade_makes_the_tables_and_a_second_one_changes_nothing(empty_url: str, opened: Opener) -> None:
    store = opened(empty_url)
    assert store.is_new
    for _ in range(2):
        store.upgrade()
        store.require_current()
        assert not store.is_new
        assert table_names(store) == {*tables.metadata.tables, VERSION_TABLE, *store.database.dialect.own_tables}


def test_a_current_schema_costs_an_upgrade_one_query(store: Store) -> None:
    store.jobs.next_fire_at()  # the first connection asks for more
    statements: list[str] = []

    def note(*given: Any) -> None:
        if given[2] != "BEGIN":  # no round trip of its own
            statements.append(given[2])

    event.listen(store.database.engine, "before_cursor_execute", note)
    assert not store.upgrade()
    assert [statement.split()[0] for statement in statements] == ["SELECT"]
    assert VERSION_TABLE in statements[0]


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
    with pytest.raises(SchemaError, match=r"(?i)token"):
        store.leases.leader()


def test_tables_of_a_newer_version_are_left_alone(empty_url: str, opened: Opener) -> None:
    store = opened(empty_url)
    store.upgrade()
    with store.database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    for ask in (store.upgrade, store.require_current):
        with pytest.raises(SchemaError, match='version "9999", made by a newer schedsync'):
            ask()


@pytest.mark.parametrize("name", ["schedsync_syncs", "schedsync_runs_v"])
def test_an_upgrade_that_fails_names_what_is_in_the_way_and_succeeds_when_it_is_gone(
    empty_url: str, opened: Opener, name: str
) -> None:
    store = opened(empty_url)
    execute(store, f"CREATE TABLE {name} (id INTEGER)")
    with pytest.raises((DatabaseUnavailableError, SchemaError), match=name):
        store.upgrade()
    with pytest.raises(SchemaError, match="db upgrade"):
        store.require_current()
    if not store.database.dialect.ddl_commits:
        assert table_names(store) == {name}
    execute(store, f"DROP TABLE {name}")
    store.upgrade()
    assert check(store.database).differences == ()


@pytest.mark.parametrize("made", range(1, 19, 3))
def test_where_ddl_commits_an_upgrade_that_was_broken_off_goes_on(oracle_url: str, opened: Opener, made: int) -> None:
    store = opened(oracle_url)
    statements = ddl.statements(store.database.dialect, store.database.address)
    execute(store, *statements[:made])
    assert store.is_new
    store.upgrade()
    assert check(store.database).differences == ()


@pytest.mark.parametrize("since", [None, *VERSIONS[:-1]])
def test_the_printed_statements_make_what_an_upgrade_makes(empty_url: str, opened: Opener, since: str | None) -> None:
    store = opened(empty_url)
    dialect, address = store.database.dialect, store.database.address
    if since is not None:
        made_by(store, since)
    execute(store, *ddl.statements(dialect, address, since=since))
    store.require_current()
    assert check(store.database).differences == ()


def made_by(store: Store, version: str) -> None:
    """Make the tables as *version* had them."""
    with store.database.write() as connection:
        run_alembic(version, connection=connection)
    execute(store, *store.database.dialect.own_ddl(store.database.address.storage))


DAMAGES = {
    "table": ("DROP TABLE schedsync_audit", "schedsync_audit", "is missing"),
    "column": ("ALTER TABLE schedsync_syncs DROP COLUMN node", "schedsync_syncs.node", "is missing"),
    "new column": ("ALTER TABLE schedsync_syncs ADD note INTEGER", None, None),
    "index": ("DROP INDEX ix_schedsync_runs_job", "ix_schedsync_runs_job", "is missing on schedsync_runs"),
    "view": ("DROP VIEW schedsync_runs_v", "schedsync_runs_v", "is missing"),
    "version": (f"UPDATE {VERSION_TABLE} SET version_num = '0001'", VERSION_TABLE, 'the schema is of version "0001"'),
    "newer version": (f"UPDATE {VERSION_TABLE} SET version_num = '9999'", VERSION_TABLE, "made by a newer schedsync"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_check_names_what_is_missing(empty_url: str, opened: Opener, damage: str) -> None:
    statement, name, words = DAMAGES[damage]
    store = opened(empty_url)
    store.upgrade()
    execute(store, statement)
    found = check(store.database).differences
    assert [difference.object for difference in found] == ([] if name is None else [name])
    assert all(str(words) in difference.message for difference in found)


ALTERED = {
    "length": ("ALTER COLUMN revision TYPE VARCHAR(20)", "MODIFY revision VARCHAR2(20 CHAR)"),
    "nullability": ("ALTER COLUMN revision SET NOT NULL", "MODIFY revision NOT NULL"),
}


@pytest.mark.parametrize("database", ["postgresql", "oracle"], indirect=True)  # SQLite has no such statement
@pytest.mark.parametrize("change", ALTERED)
def test_a_check_names_a_column_that_was_altered(empty_url: str, opened: Opener, database: str, change: str) -> None:
    store = opened(empty_url)
    store.upgrade()
    standard, oracle = ALTERED[change]
    execute(store, f"ALTER TABLE schedsync_syncs {oracle if database == 'oracle' else standard}")
    assert [difference.object for difference in check(store.database).differences] == ["schedsync_syncs.revision"]


@pytest.mark.parametrize("database", ["postgresql", "oracle"], indirect=True)  # SQLite has no such statement
def test_a_check_names_a_key_that_is_missing(empty_url: str, opened: Opener) -> None:
    store = opened(empty_url)
    store.upgrade()
    execute(store, "ALTER TABLE schedsync_runs DROP CONSTRAINT uq_schedsync_runs_slot")
    execute(store, "ALTER TABLE schedsync_pauses DROP CONSTRAINT pk_schedsync_pauses")
    found = {difference.object: difference.message for difference in check(store.database).differences}
    assert found["uq_schedsync_runs_slot"] == "is missing on schedsync_runs (job_id, scheduled_at, attempt)"
    assert found["schedsync_pauses"] == "has the primary key (none), needed is (job_id)"


def test_a_check_of_nothing_says_what_to_run_and_makes_nothing(empty_url: str, opened: Opener) -> None:
    store = opened(empty_url)
    existed = store.database.exists
    checked = check(store.database)
    assert checked.version is None
    assert checked.differences[0].object == VERSION_TABLE
    assert "schedsync db upgrade" in checked.differences[0].message
    assert store.database.exists is existed


def table_names(store: Store) -> set[str]:
    with store.database.read() as connection:
        return set(inspect(connection).get_table_names())


def execute(store: Store, *statements: str) -> None:
    with store.database.write() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_processes_that_upgrade_the_same_new_database_at_once_all_succeed(
    empty_url: str, opened: Opener, processes: Processes
) -> None:
    assert processes.at_once([partial(upgrade, empty_url)] * 4) == [True] * 4
    opened(empty_url).require_current()
