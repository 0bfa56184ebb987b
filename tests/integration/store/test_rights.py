"""What somebody reads whom the database does not let: who may not do what, and the statement that lets it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from schedsync.errors import DatabaseUnavailableError, MissingRightError, SchemaError, SettingsError
from schedsync.runs.pause import EVERYTHING
from schedsync.store import ddl, grants
from schedsync.store.address import Address
from schedsync.store.checking import check
from schedsync.store.dialects import dialect_named
from schedsync.store.store import Store
from tests.contract.builders import NOW, TTL, pause
from tests.contract.databases import execute, postgresql_role, postgresql_schema, with_tables
from tests.contract.oracle import Standin

Opener = Callable[[str], Store]


@pytest.fixture
def role(postgresql: URL) -> Iterator[URL]:
    """A role that sees a schema with tables, and may do nothing with them."""
    with postgresql_schema(postgresql) as url, postgresql_role(postgresql) as role:
        path = make_url(with_tables(url)).query["options"]
        execute(postgresql, f"GRANT USAGE ON SCHEMA {schema_of(url)} TO {role.username}")
        yield role.update_query_dict({"options": path})


def schema_of(url: str) -> str:
    return str(make_url(url).query["options"]).partition("=")[2]


def opened_by(opened: Opener, role: URL) -> Store:
    return opened(role.render_as_string(hide_password=False))


def grant(postgresql: URL, role: URL, *, read_only: bool) -> None:
    schema = str(role.query["options"]).partition("=")[2]
    address = Address(url="postgresql://", schema=schema)
    statements = ddl.grants_statements(dialect_named("postgresql"), address, str(role.username), read_only=read_only)
    execute(postgresql, *statements)


def test_on_postgresql_a_reader_is_told_what_to_grant(postgresql: URL, role: URL, opened: Opener) -> None:
    store, name = opened_by(opened, role), role.username
    with pytest.raises(MissingRightError, match=f"GRANT SELECT ON schedsync_jobs TO {name}$"):
        store.jobs.observe()
    grant(postgresql, role, read_only=True)
    assert store.jobs.observe().jobs == {}
    assert not store.upgrade()
    writing = (
        f'the user "{name}" may not write to schedsync_leases; grant it with: GRANT SELECT, INSERT, UPDATE, DELETE'
    )
    with pytest.raises(MissingRightError, match=f"{writing} ON schedsync_leases TO {name}$"):
        store.leases.acquire("me", TTL)


def test_on_postgresql_a_check_names_the_rights_that_are_missing(postgresql: URL, role: URL, opened: Opener) -> None:
    store = opened_by(opened, role)
    grant(postgresql, role, read_only=True)
    assert check(store.database, read_only=True).differences == ()
    found = {difference.object: difference.message for difference in check(store.database).differences}
    assert found["schedsync_leases"] == "the connected user lacks INSERT, UPDATE, DELETE"
    assert set(found) == {table for table, rights in grants.needed("SELECT").items() if rights == grants.WRITE}
    grant(postgresql, role, read_only=False)
    assert check(store.database).differences == ()


@pytest.mark.parametrize("code", [1031, 41900])
def test_on_oracle_a_refusal_is_told_in_the_same_words(standin: Standin, opened: Opener, code: int) -> None:
    store = opened(standin.url)
    store.upgrade()
    standin.fail("UPDATE schedsync_pauses", code)
    with pytest.raises(MissingRightError, match='the user "scott" may not write to schedsync_pauses; grant it with: '):
        store.pauses.put(pause(EVERYTHING), now=NOW)
    store.pauses.put(pause(EVERYTHING), now=NOW)
    standin.fail("FROM schedsync_leases", code)
    with pytest.raises(MissingRightError, match=r"GRANT READ ON schedsync_leases TO scott$"):
        store.leases.leader()


def test_on_oracle_whoever_may_not_create_tables_is_told_who_can(standin: Standin, opened: Opener) -> None:
    store = opened(standin.url)
    standin.fail("CREATE TABLE schedsync_lock", 1031)
    with pytest.raises(MissingRightError, match="let their owner run `schedsync db upgrade`"):
        store.upgrade()
    standin.fail("CREATE VIEW", 1031)  # as with the role RESOURCE alone
    with pytest.raises(MissingRightError, match="CREATE VIEW schedsync_jobs_v: ORA-01031"):
        store.upgrade()
    assert store.upgrade()
    assert check(store.database).differences == ()


def test_on_oracle_a_current_schema_is_not_touched_by_an_upgrade(standin: Standin, opened: Opener) -> None:
    store = opened(standin.url)
    store.upgrade()
    standin.fail("CREATE|ALTER|LOCK", 1031, count=100)
    assert not store.upgrade()
    store.leases.acquire("me", TTL)


def test_on_oracle_rights_that_the_dictionary_does_not_tell_are_not_called_missing(
    standin: Standin, opened: Opener
) -> None:
    store = opened(standin.url)
    store.upgrade()
    assert check(store.database).rights_known
    standin.ask("/user", {"name": "other", "password": "tiger"})
    other = Store.open(Address(url=standin.url.replace("scott", "other"), schema="scott"))
    checked = check(other.database)
    assert not checked.rights_known
    assert checked.differences == ()
    other.close()


DICTIONARY = {
    "all_tab_privs": "table_schema VARCHAR2(99), table_name VARCHAR2(99), grantee VARCHAR2(99), privilege VARCHAR2(99)",
    "session_roles": "role VARCHAR2(128)",
    "session_privs": "privilege VARCHAR2(40)",
}
"""What Oracle tells of rights, which the stand-in does not have: tables of the same shape take its place."""
TOLD = [
    pytest.param([("OTHER", ("SELECT", "INSERT", "UPDATE", "DELETE"))], [], set(), id="granted to the user"),
    pytest.param([("APP_ROLE", ("SELECT", "INSERT", "UPDATE", "DELETE"))], [], set(), id="granted to its role"),
    pytest.param([("PUBLIC", ("SELECT",))], [], {"INSERT, UPDATE, DELETE"}, id="everybody may read"),
    pytest.param([("OTHER", ("READ",))], [], {"SELECT, INSERT, UPDATE, DELETE"}, id="reading locks nothing"),
    pytest.param([("SOMEBODY", ("SELECT",))], [], {"SELECT, INSERT, UPDATE, DELETE", "READ"}, id="another's"),
    pytest.param(
        [], ["SELECT ANY TABLE", "INSERT ANY TABLE", "UPDATE ANY TABLE"], {"DELETE"}, id="everywhere but to delete"
    ),
]


@pytest.mark.parametrize(("granted", "anywhere", "lacking"), TOLD)
def test_on_oracle_a_check_names_the_rights_that_are_missing(
    standin: Standin, granted: list[tuple[str, tuple[str, ...]]], anywhere: list[str], lacking: set[str]
) -> None:
    standin.ask("/user", {"name": "app_owner", "password": "tiger"})
    standin.ask("/user", {"name": "other", "password": "tiger"})
    standin.ask("/drop_objects", {"name": "app_owner"})
    store = Store.open(Address(url=standin.url.replace("scott", "other"), schema="app_owner"))
    store.upgrade()
    rows = [
        f"INSERT INTO all_tab_privs VALUES ('APP_OWNER', '{table.upper()}', '{grantee}', '{right}')"
        for grantee, rights in granted
        for table in grants.needed("READ")
        for right in rights
    ]
    rows += ["INSERT INTO session_roles VALUES ('APP_ROLE')"]
    rows += [f"INSERT INTO session_privs VALUES ('{right}')" for right in anywhere]
    with store.database.write() as connection:
        for name, columns in DICTIONARY.items():
            connection.exec_driver_sql(f"CREATE TABLE {name} ({columns})")
        for row in rows:
            connection.exec_driver_sql(row)
    checked = check(store.database)
    assert checked.rights_known
    assert {each.message.removeprefix("the connected user lacks ") for each in checked.differences} == lacking
    store.close()
    standin.ask("/drop_objects", {"name": "app_owner"})


def test_a_sqlite_file_without_the_right_to_write_is_named(tmp_path: Path, opened: Opener) -> None:
    file = tmp_path / "store.db"
    with_tables(f"sqlite:///{file}")
    store = opened(f"sqlite:///file:{file}?mode=ro&uri=true")
    with pytest.raises(
        MissingRightError, match=f"readonly database; let the user of this process write to file:{file}"
    ):
        store.leases.acquire("me", TTL)
    assert check(store.database).differences == ()
    assert not check(store.database).rights_known


def test_sqlite_has_no_rights_to_grant() -> None:
    with pytest.raises(SettingsError, match="SQLite has no users"):
        ddl.grants_statements(dialect_named("sqlite"), Address(url="sqlite:///x.db"), "ann")


# The owner of the tables is not the user.


def test_on_postgresql_a_schema_of_another_owner_is_used(postgresql: URL) -> None:
    with postgresql_schema(postgresql) as url, postgresql_role(postgresql) as role:
        server = postgresql.render_as_string(hide_password=False)
        owner = Store.open(Address(url=server, schema=schema_of(url)))
        owner.upgrade()
        execute(
            postgresql,
            *ddl.grants_statements(owner.database.dialect, owner.database.address, str(role.username)),
        )
        given = role.update_query_dict({"options": "-cwork_mem=8MB"}).render_as_string(hide_password=False)
        store = Store.open(Address(url=given, schema=schema_of(url)))
        store.leases.acquire("me", TTL)
        assert check(store.database).differences == ()
        with store.database.read() as connection:
            assert connection.exec_driver_sql("SHOW work_mem").scalar() == "8MB"
        leader = owner.leases.leader()
        assert leader is not None
        assert leader.owner == "me"
        for each in (store, owner):
            each.close()


def test_on_oracle_a_schema_of_another_owner_is_used(standin: Standin, opened: Opener) -> None:
    standin.ask("/user", {"name": "app_owner", "password": "tiger"})
    standin.ask("/drop_objects", {"name": "app_owner"})
    store = Store.open(Address(url=standin.url, schema="app_owner"))
    assert store.upgrade()
    store.leases.acquire("me", TTL)
    leader = opened(standin.url.replace("scott", "app_owner")).leases.leader()
    assert leader is not None
    assert leader.owner == "me"
    with pytest.raises(SchemaError):
        opened(standin.url).leases.leader()
    store.close()
    standin.ask("/drop_objects", {"name": "app_owner"})


def test_on_oracle_tables_that_cannot_be_seen_are_missing_or_another_users(standin: Standin) -> None:
    standin.ask("/user", {"name": "app_owner", "password": "tiger"})
    standin.ask("/drop_objects", {"name": "app_owner"})
    store = Store.open(Address(url=standin.url, schema="app_owner"))
    with pytest.raises(SchemaError, match=r"or let this user see those of app_owner \(`schedsync db ddl --grants`\)"):
        store.leases.leader()
    store.close()


def test_sqlite_has_no_schemas(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r'database\.schema: SQLite has no schemas; remove "app"'):
        Store.open(Address(url=f"sqlite:///{tmp_path}/store.db", schema="app"))


def test_a_schema_that_is_not_there_is_named_when_tables_are_made(postgresql: URL) -> None:
    server = postgresql.render_as_string(hide_password=False)
    store = Store.open(Address(url=server, schema="nowhere_to_be_found"))
    with pytest.raises((SchemaError, DatabaseUnavailableError), match="nowhere_to_be_found"):
        store.upgrade()
    store.close()
