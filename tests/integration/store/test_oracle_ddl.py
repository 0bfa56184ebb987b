"""The script that a DBA is given for Oracle: where things are put, and that it runs."""

import re
from collections.abc import Iterator

import pytest

from schedsync.errors import SettingsError
from schedsync.store import ddl
from schedsync.store.address import Address, Storage
from schedsync.store.checking import check
from schedsync.store.dialects import DIALECTS, dialect_named
from schedsync.store.store import Store
from tests.contract.oracle import Standin

STORAGE = Storage("tabs", "ixs", "lobs")
ORACLE = dialect_named("oracle")


def script(storage: Storage = STORAGE, schema: str | None = None, *, partitioned: bool = False) -> str:
    address = Address(dsn="db", schema=schema, storage=storage)
    made = ddl.statements(ORACLE, address, partitioned=partitioned)
    return "\n".join(ddl.script(ORACLE, address, made))


def statements(text: str) -> Iterator[str]:
    """Cut a script as SQL*Plus does: a statement ends with a semicolon at the end of a line, or at a blank line."""
    lines: list[str] = []
    for line in text.splitlines():
        assert line.strip(), "a blank line ends a statement"
        if not lines and line.startswith(("--", "WHENEVER ")):
            continue
        lines.append(line.removesuffix(";"))
        if line.endswith(";"):
            yield "\n".join(lines)
            lines = []
    assert not lines, "the last statement has no end"


def run_script(store: Store, text: str) -> None:
    with store.database.write() as connection:
        for statement in statements(text):
            connection.exec_driver_sql(statement)


def test_tables_keys_indexes_and_lobs_are_put_where_the_settings_say() -> None:
    made = list(statements(script()))
    for statement in made:
        if statement.startswith("CREATE TABLE"):
            assert re.search(r"\)[\s]TABLESPACE tabs(\nLOB|$)", statement), statement
            assert len(re.findall(r"PRIMARY KEY|UNIQUE", statement)) == statement.count("USING INDEX TABLESPACE ixs")
            lobs = re.findall(r"(\w+) CLOB", statement)
            assert re.findall(r"LOB \((\w+)\) STORE AS \(TABLESPACE lobs\)", statement) == lobs
        elif statement.startswith("CREATE INDEX"):
            assert statement.endswith(") TABLESPACE ixs")


def test_without_settings_the_database_puts_things_where_it_likes() -> None:
    assert "TABLESPACE" not in script(Storage())


def test_the_script_ends_with_the_version_and_a_commit_and_stops_at_an_error() -> None:
    lines = script().splitlines()
    assert lines[1] == "WHENEVER SQLERROR EXIT FAILURE ROLLBACK"
    assert re.fullmatch(r"INSERT INTO schedsync_version \(version_num\) VALUES \('\d+'\);", lines[-2])
    assert lines[-1] == "COMMIT;"
    assert "/" not in lines


def test_the_script_makes_what_an_upgrade_makes(standin: Standin) -> None:
    # The stand-in does not read LOB clauses.
    store = Store.open(standin.url)
    run_script(store, script(Storage("users", "users"), "scott"))
    assert check(store.database).differences == ()
    assert not store.upgrade()
    store.close()


def test_an_upgrade_puts_tables_where_the_settings_say(standin: Standin) -> None:
    store = Store.open(Address(url=standin.url, storage=Storage("tabs", "ixs")))
    store.upgrade()
    with store.database.read() as connection:
        names = "SELECT DISTINCT tablespace_name FROM user_tables WHERE table_name LIKE 'SCHEDSYNC%'"
        assert list(connection.exec_driver_sql(names).scalars()) == ["TABS"]
    store.close()


def test_runs_can_be_kept_in_partitions_of_a_month(standin: Standin) -> None:
    text = script(Storage(), partitioned=True)
    [runs] = [each for each in statements(text) if each.startswith("CREATE TABLE schedsync_runs ")]
    assert "PARTITION BY RANGE (scheduled_at) INTERVAL (2592000000000)" in runs
    assert "UNIQUE (job_id, scheduled_at, attempt) USING INDEX LOCAL" in runs
    assert "PRIMARY KEY (id)," in runs  # a key without the time cannot be local
    local = [each.split()[2] for each in statements(text) if each.endswith(" LOCAL")]
    assert local == ["ix_schedsync_runs_time"]
    store = Store.open(standin.url)
    run_script(store, text)
    assert check(store.database).differences == ()
    store.close()


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "oracle"])
def test_only_oracle_has_partitions(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} has no partitioned variant"):
        ddl.statements(dialect_named(name), Address(url=f"{name}:///x"), partitioned=True)
