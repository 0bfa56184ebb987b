"""Every way to say where a database is and how to get in, from a file, variables and the command line."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from schedsync.errors import DatabaseUnavailableError, SettingsError
from schedsync.parts import runner_options
from schedsync.settings import Settings, load
from schedsync.specs.variables import OF_RUNS
from schedsync.store.database import Database
from tests.contract.oracle import Standin
from tests.listeners import THE_DRIVER_FORGETS_ITS_SOCKET, silent_listener

PASSWORD = "sesam-open-up"


@pytest.fixture(autouse=True)
def _in_a_folder_without_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("SCHEDSYNC_") and not name.startswith("SCHEDSYNC_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def settings(text_: str = "") -> Settings:
    Path("schedsync.toml").write_text(text_)
    return load()


def user_of(database: Database) -> str:
    with database.read() as connection:
        return str(connection.execute(text("SELECT USER FROM dual")).scalar_one())


DESCRIPTOR = "(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT={port}))(CONNECT_DATA=(SERVICE_NAME={name})))"


@pytest.mark.parametrize(
    "lines",
    [
        ['url = "oracle://{user}:{password}@127.0.0.1:{port}/?service_name={name}"'],
        ['url = "oracle://127.0.0.1:{port}/?service_name={name}"', 'user = "{user}"', 'password = "{password}"'],
        ['dsn = "127.0.0.1:{port}/{name}"', 'user = "{user}"', 'password = "{password}"'],
        ['dsn = "tcp://127.0.0.1:{port}/{name}?expire_time=2"', 'user = "{user}"', 'password_file = "secret"'],
        [f'dsn = "{DESCRIPTOR}"', 'user = "{user}"', 'password_env = "ORACLE_PASSWORD"'],
        ['dsn = "erp"', 'config_dir = "tns"', 'user = "{user}"', 'password_file = "secret"'],
    ],
    ids=["url", "url and user", "easy connect", "easy connect, long", "descriptor", "alias"],
)
def test_each_way_in_leads_in(standin: Standin, monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    url = make_url(standin.url)
    known = {"user": url.username, "password": url.password, "port": url.port, "name": url.query["service_name"]}
    Path("secret").write_text(f"{url.password}\n")
    Path("tns").mkdir()
    Path("tns/tnsnames.ora").write_text(f"erp = {DESCRIPTOR.format(**known)}\n")
    monkeypatch.setenv("ORACLE_PASSWORD", str(url.password))
    given = settings("[database]\n" + "\n".join(lines).format(**known))
    database = Database.open(given.database.store_address("node"))
    assert user_of(database) == str(url.username).upper()
    assert "tiger" not in f"{given!r} {given} {database.address!r} {database.shown} {database.engine!r}"
    database.close()


def test_the_user_of_a_url_wins_and_its_password_may_come_from_a_file() -> None:
    Path("secret").write_text("from file")
    given = settings('[database]\nurl = "oracle://a@db/?service_name=x"\nuser = "b"\npassword_file = "secret"\n')
    database = Database.open(given.database.store_address("node"))
    assert (database.engine.url.username, database.engine.url.password) == ("a", "from file")
    database.close()


def test_a_connection_of_jobs_gets_its_password_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDSYNC_CONNECTIONS__ERP__PASSWORD", "0123")
    monkeypatch.setenv("SCHEDSYNC_CONNECTIONS__ERP_TEST__DSN", "db/y")
    given = settings('[connections.erp]\ndsn = "db/x"\nuser = "scott"\n')
    address = given.connections["erp"].address("connections.erp")
    assert (address.dsn, address.user, address.password) == ("db/x", "scott", "0123")
    assert given.connections["erp_test"].dsn == "db/y"
    assert "0123" not in f"{given!r} {address!r}"


@pytest.mark.parametrize(("user", "expected"), [("scott", "second"), ("scott:tiger", "tiger")])
def test_a_connection_of_jobs_has_what_the_file_holds_when_a_run_begins(user: str, expected: str) -> None:
    Path("secret").write_text("first\n")
    given = settings(
        f'[connections.erp]\nurl = "oracle://{user}@db/?service_name=x"\npassword_file = "secret"\n'
        '[connections.crm]\nurl = "postgresql://db/x"\n'
    )
    databases = runner_options(given, "me").databases
    Path("secret").write_text("second\n")
    assert databases.anew["erp"]().arguments["password"] == expected
    assert set(databases.anew) == {"erp"}


@pytest.mark.parametrize(
    ("file", "variable", "value", "expected"),
    [
        ('dsn = "db/x"', "URL", "sqlite:///x.db", ("sqlite:///x.db", None, None)),
        ('url = "sqlite:///x.db"', "DSN", "db/y", (None, "db/y", None)),
        ('dsn = "db/x"\npassword_file = "nowhere"', "PASSWORD", "p", (None, "db/x", "p")),
        ('dsn = "db/x"\npassword_env = "NOWHERE"', "PASSWORD_FILE", "secret", (None, "db/x", "of the file")),
        ('dsn = "db/x"\npassword = "p"', "PASSWORD_ENV", "GIVEN", (None, "db/x", "of the variable")),
    ],
    ids=["url over dsn", "dsn over url", "password over file", "file over variable", "variable over password"],
)
def test_a_variable_takes_the_place_of_what_the_file_says_in_another_way(
    monkeypatch: pytest.MonkeyPatch, file: str, variable: str, value: str, expected: tuple[str | None, ...]
) -> None:
    Path("secret").write_text("of the file")
    monkeypatch.setenv("GIVEN", "of the variable")
    for group, name in (("database", "DATABASE"), ("connections.erp", "CONNECTIONS__ERP")):
        monkeypatch.setenv(f"SCHEDSYNC_{name}__{variable}", value)
        given = settings(f"[{group}]\n{file}\n")
        found = given.database if group == "database" else given.connections["erp"]
        address = found.address(group)
        assert (address.url, address.dsn, address.password) == expected
        monkeypatch.delenv(f"SCHEDSYNC_{name}__{variable}")


def test_the_command_line_wins_over_variables_and_they_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    file = '[database]\ndsn = "db/x"\nconnect_timeout = "3s"\npool_size = 3\n'
    monkeypatch.setenv("SCHEDSYNC_DATABASE__DSN", "db/y")
    monkeypatch.setenv("SCHEDSYNC_DATABASE__POOL_SIZE", "4")
    given = settings(file).database
    assert (given.dsn, given.connect_timeout.total_seconds(), given.pool_size) == ("db/y", 3, 4)
    given = load(overrides={"database": {"url": "sqlite:///x.db", "dsn": None}}).database
    assert (given.url, given.dsn, given.pool_size) == ("sqlite:///x.db", None, 4)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (f'[database]\npasword = "{PASSWORD}"', "database.pasword is not a setting; did you mean database.password?"),
        ("[database]\nwallet = 'x'", "database.wallet is not a setting; did you mean database.wallet_dir?"),
        ("[databse]\nurl = 'x'", "databse is not a setting; did you mean database?"),
        ("[connections.e]\nuserr = 'x'", "connections.e.userr is not a setting; did you mean connections.e.user?"),
        (f'[database]\nurl = "oracle://a:{PASSWORD}@db"\ndsn = "db/x"', "database: give url or dsn, not both"),
        (
            f'[database]\npassword = "{PASSWORD}"\npassword_env = "X"',
            "database: give one of password, password_env, not 2",
        ),
        (
            f'[database]\nwallet_password = "{PASSWORD}"\nwallet_password_file = "x"',
            "database: give one of wallet_password, wallet_password_file, not both",
        ),
        (f'[database]\npassword = ["{PASSWORD}"]', "database.password: Input should be a valid string"),
        (f'[database]\nurl = ["{PASSWORD}"]', "database.url: Input should be a valid string"),
        (f'[database]\ndsn = "scott/{PASSWORD}@db/x"', "database: write user and password apart, as user and"),
        (f'[connections.erp]\ndsn = "a/{PASSWORD}@(DESCRIPTION=x)"', "connections.erp: write user and password apart"),
        ('[connections.ERP]\ndsn = "db/x"', "connections.ERP: the name of a connection is of a-z, 0-9"),
        ('[database]\nconnect_timeout = "10"', 'database.connect_timeout: "10" is not a duration'),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_named_without_telling_a_password(file: str, words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings(file)
    assert str(raised.value).startswith(f"schedsync.toml: {words}")
    assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("SCHEDSYNC_DATABASE__PASWORD", "did you mean SCHEDSYNC_DATABASE__PASSWORD?"),
        ("SCHEDSYNC_DATABASE__WALLETDIR", "did you mean SCHEDSYNC_DATABASE__WALLET_DIR?"),
        ("SCHEDSYNC_CONNECTIONS__ERP__PASWORD", "did you mean SCHEDSYNC_CONNECTIONS__ERP__PASSWORD?"),
        ("SCHEDSYNC_CONNECTIONS__ERP__POOL_SIZE", "is not a setting"),
        ("schedsync_database__pasword", "did you mean SCHEDSYNC_DATABASE__PASSWORD?"),
        ("schedsync_token", "did you mean SCHEDSYNC_TOKEN?"),
    ],
)
def test_a_misspelt_variable_is_refused_with_a_guess(
    monkeypatch: pytest.MonkeyPatch, variable: str, words: str
) -> None:
    monkeypatch.setenv(variable, PASSWORD)
    with pytest.raises(SettingsError, match=f"the variable {variable} is not a setting") as raised:
        load()
    assert words in str(raised.value)
    assert PASSWORD not in str(raised.value)


def test_what_runs_are_given_is_no_setting_and_names_of_settings_may_be_in_small_letters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in OF_RUNS:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("schedsync_node", "here")
    assert load().node == "here"


@pytest.mark.parametrize(
    ("files", "thick", "words"),
    [
        (None, False, "wallet_dir: wallet is not a folder"),
        ([], False, "wallet_dir: wallet has no ewallet.pem that this user can read"),
        (["cwallet.sso"], False, "wallet_dir: wallet has no ewallet.pem that this user can read"),
        (["ewallet.pem"], True, "wallet_dir: wallet has no cwallet.sso or ewallet.p12 that this user can read"),
    ],
    ids=["no folder", "empty", "thin", "thick"],
)
def test_a_wallet_that_is_not_there_is_missed_before_connecting(
    files: list[str] | None, *, thick: bool, words: str
) -> None:
    if files is not None:
        Path("wallet").mkdir()
        for name in files:
            Path("wallet", name).touch()
    given = settings(
        '[database]\ndsn = "tcps://db/x"\nuser = "a"\npassword = "b"\nwallet_dir = "wallet"\n'
        f"thick = {str(thick).lower()}\n"
    )
    with pytest.raises(SettingsError) as raised:
        Database.open(given.database.store_address("node"))
    assert words in str(raised.value)


@THE_DRIVER_FORGETS_ITS_SOCKET
def test_a_wallet_that_is_none_is_explained() -> None:
    Path("ewallet.pem").write_text("no certificate")
    with silent_listener() as port:
        lines = [f'dsn = "tcps://127.0.0.1:{port}/x"', 'user = "a"', 'password = "b"', 'wallet_dir = "."']
        database = Database.open(settings("\n".join(["[database]", *lines])).database.store_address("node"))
        with pytest.raises(DatabaseUnavailableError, match=r"\(TLS could not be agreed on; check the wallet"):
            user_of(database)
        database.close()


@pytest.mark.parametrize("more", ["", "external_auth = true\n"], ids=["password", "external"])
def test_thick_without_oracles_libraries_is_a_clear_settings_error(tmp_path: Path, more: str) -> None:
    (tmp_path / "libraries").mkdir()
    Path("schedsync.toml").write_text(
        f'[database]\ndsn = "db/x"\nuser = "scott"\npassword = "{PASSWORD}"\nthick = true\n'
        f'library_dir = "{tmp_path}/libraries"\n{more}'
    )
    # A process of its own: in this one the driver has been told to do without them.
    found = subprocess.run(
        [sys.executable, "-m", "schedsync", "apply"], capture_output=True, text=True, check=False, timeout=60
    )
    assert found.returncode == 1
    assert "DPI-1047" in found.stderr
    assert "thick is set, and Oracle's client libraries are not found; install Instant Client" in found.stderr
    assert (found.stderr.count("\n"), PASSWORD in found.stderr) == (1, False)


def test_thick_and_thin_in_one_process_is_a_clear_settings_error() -> None:
    def opened(**more: Any) -> Database:
        lines = [f"{name} = {str(value).lower()}" for name, value in more.items()]
        given = settings('[database]\ndsn = "db/x"\nuser = "a"\npassword = "b"\n' + "\n".join(lines))
        return Database.open(given.database.store_address("node"))

    opened().close()
    with pytest.raises(SettingsError, match="set thick for all connections, or for none"):
        opened(thick=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SCHEDSYNC_DATABASE", '"oracle://scott:tiger@h/x"'),
        ("SCHEDSYNC_DATABASE", "oracle://scott:tiger@h/x"),
        ("SCHEDSYNC_CONNECTIONS__ERP", "oracle://scott:tiger@h/x"),
    ],
)
def test_a_url_in_the_place_of_a_group_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load()
    assert "tiger" not in str(raised.value)
