"""`schedsync doctor` on databases, folders and settings that are well, and on many that are not."""

import json
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import make_url, text

from schedsync.cli.exits import Exit
from schedsync.cli.terminal import UNPRINTABLE
from schedsync.store.database import Database
from tests.contract.oracle import Standin
from tests.integration.cli.harness import NO_DATABASE, CommandLine, Result
from tests.listeners import (
    THE_DRIVER_FORGETS_ITS_SOCKET,
    closing_listener,
    free_port,
    refusing_oracle,
    silent_listener,
)
from tests.needs import do_without

PASSWORD = "sesam-open-up"
TNSNAMES = "other = (DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=db)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=x)))\n"

Place = AbstractContextManager[dict[str, Any]]
"""Settings of a database, as long as it is there."""


def configure(group: str = "database", **values: Any) -> None:
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    Path("schedsync.toml").write_text(f"[{group}]\n" + "\n".join(lines) + "\n")


def finding(result: Result, subject: str = "database") -> Any:
    return next(check for check in result.json["checks"] if check["subject"] == subject)


@contextmanager
def dsn(value: str, **more: Any) -> Iterator[dict[str, Any]]:
    yield {"dsn": value, **more}


@contextmanager
def listening(at: Callable[[], AbstractContextManager[int]]) -> Iterator[dict[str, Any]]:
    with at() as port:
        yield {"dsn": f"127.0.0.1:{port}/ORCLPDB1", "connect_timeout": "1s"}


def saying(code: int) -> Place:
    return listening(lambda: refusing_oracle(code))


@contextmanager
def tnsnames(content: str | None) -> Iterator[dict[str, Any]]:
    folder = Path("tns")
    folder.mkdir()
    if content is not None:
        (folder / "tnsnames.ora").write_text(content)
    yield {"dsn": "erp", "config_dir": str(folder)}


BROKEN: dict[str, tuple[Callable[[], Place], str, str, str]] = {
    "nobody listens": (
        lambda: dsn(f"127.0.0.1:{free_port()}/ORCLPDB1"),
        "DPY-6005: [Errno 111] Connection refused",
        "no listener at that host and port",
        "lsnrctl status",
    ),
    "a listener that stays silent": (
        lambda: listening(silent_listener),
        "DPY-6005: no connection within 1 s",
        "nobody answered in time",
        "whether the listener hangs",
    ),
    "a listener that hangs up": (
        lambda: listening(closing_listener),
        "DPY-4011",
        "the other side ended the connection",
        "check that an Oracle listener is at that port",
    ),
    "an unknown host": (
        lambda: dsn("no-such-host.invalid:1521/ORCLPDB1"),
        "DPY-6005: [Errno -",
        "the host is not known",
        "check its name",
    ),
    "an unknown alias": (
        lambda: tnsnames(TNSNAMES),
        'DPY-4000: unable to find "erp" in tns/tnsnames.ora',
        "tnsnames.ora has no such alias",
        "check dsn",
    ),
    "no tnsnames.ora": (lambda: tnsnames(None), "DPY-4026", "there is no tnsnames.ora", "set config_dir"),
    "no folder of tnsnames.ora": (lambda: dsn("erp"), "DPY-4027", "there is no tnsnames.ora", "set config_dir"),
    "no connect string": (
        lambda: dsn("127.0.0.1:1521//ORCLPDB1?"),
        "DPY-4018: cannot parse connect string",
        "the connect string cannot be read",
        "write host:port/service",
    ),
    "an unknown service": (
        lambda: saying(12514),
        'DPY-6001: Service "ORCLPDB1" is not registered',
        "it knows no such service",
        "lsnrctl services",
    ),
    "a locked account": (lambda: saying(28000), "ORA-28000", "the account is locked", "ACCOUNT UNLOCK"),
    "an expired password": (lambda: saying(28001), "ORA-28001", "the password has expired", "set a new one"),
    "no right to log on": (lambda: saying(1045), "ORA-1045", "the user may not log on", "GRANT CREATE SESSION"),
    "restricted mode": (lambda: saying(1035), "ORA-1035", "in restricted mode", "DISABLE RESTRICTED SESSION"),
    "an instance that starts": (lambda: saying(1033), "ORA-1033", "is being started or stopped", "tries again"),
    "no sessions left": (lambda: saying(20), "ORA-20", "takes no more sessions or processes", "lower pool_size"),
    "native encryption": (lambda: saying(12660), "ORA-12660", "native network encryption", "set thick = true"),
}


@THE_DRIVER_FORGETS_ITS_SOCKET
@pytest.mark.parametrize(("place", "code", "meaning", "remedy"), BROKEN.values(), ids=[*BROKEN])
def test_a_broken_connection_is_explained(
    cli: CommandLine, place: Callable[[], Place], code: str, meaning: str, remedy: str
) -> None:
    cli.write("a.yaml")
    with place() as settings:
        configure(user="scott", password=PASSWORD, **settings)
        told, answered, tried = cli.as_is("doctor"), cli.as_is("doctor", "--json"), cli.as_is("apply")
        name = f"oracle: scott@{settings['dsn']}: "
    assert (told.code, answered.code, tried.code) == (Exit.FAILURE,) * 3
    found = finding(answered)
    assert found["verdict"] == "wrong"
    assert [said for said in (name, code, meaning, remedy) if said not in found["details"]["error"]] == []
    assert "wrong: database\n" in told.out
    # What fails without the doctor says the same, in one line.
    assert [said for said in (name, code, meaning, remedy) if said not in tried.err] == []
    assert tried.err.count("\n") == 1
    assert PASSWORD not in told.out + told.err + answered.out + answered.err + tried.err


@pytest.mark.parametrize(
    ("settings", "code", "meaning"),
    [
        ({"user": "scott", "password": PASSWORD}, "ORA-01017", "user or password is wrong"),
        ({"user": "nobody", "password": PASSWORD}, "ORA-01017", "user or password is wrong"),
        ({"service": "ELSEWHERE"}, "DPY-6001", "it knows no such service"),
        ({"sid": "ELSEWHERE"}, "DPY-6003", "it knows no such SID"),
    ],
    ids=["password", "user", "service", "sid"],
)
def test_what_the_server_refuses_is_explained(
    cli: CommandLine, standin: Standin, settings: dict[str, str], code: str, meaning: str
) -> None:
    url, settings = make_url(standin.url), dict(settings)
    kind = "SID" if "sid" in settings else "SERVICE_NAME"
    service = settings.pop("sid", settings.pop("service", str(url.query["service_name"])))
    address = f"(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT={url.port}))"
    connect = f"(DESCRIPTION={address}(CONNECT_DATA=({kind}={service})))"
    configure(dsn=connect, **{"user": str(url.username), "password": str(url.password)} | settings)
    failed = cli.as_is("doctor", "--json")
    assert failed.code == Exit.FAILURE
    error = finding(failed)["details"]["error"]
    assert (code in error, meaning in error, PASSWORD in failed.out) == (True, True, False)


@pytest.mark.parametrize("code", [12541, 28000, 28001, 12528], ids=str)
def test_what_the_listener_says_for_a_while_is_explained(cli: CommandLine, standin: Standin, code: int) -> None:
    configure(url=standin.url)
    standin.refuse(60, code)
    failed = cli.as_is("doctor", "--json")
    assert failed.code == Exit.FAILURE
    assert f"ORA-{code})" in finding(failed)["details"]["error"]


def test_a_missing_right_to_create_tables_is_explained_where_it_is_missed(cli: CommandLine, standin: Standin) -> None:
    cli.write("a.yaml")
    configure(url=standin.url)
    standin.fail("CREATE TABLE schedsync_jobs", 1031)
    failed = cli.as_is("apply")
    assert failed.code == Exit.FAILURE
    assert "ORA-01031" in failed.err
    assert 'the user "scott" may not change the tables' in failed.err
    assert "let their owner run `schedsync db upgrade`" in failed.err


@contextmanager
def privileges(url: str, *names: str) -> Iterator[None]:
    """A table in place of the view of the same name, in the user's own schema."""
    database = Database.open(url)
    with database.engine.connect() as connection:
        connection.execute(text("CREATE TABLE session_privs (privilege VARCHAR2(40))"))
        for name in names:
            connection.execute(text("INSERT INTO session_privs VALUES (:name)"), {"name": name})
    try:
        yield
    finally:
        with database.engine.connect() as connection:
            connection.execute(text("DROP TABLE session_privs"))
        database.close()


def test_the_rights_that_are_there_and_missing_are_told(cli: CommandLine, standin: Standin) -> None:
    cli.write("a.yaml")
    configure(url=standin.url)
    with privileges(standin.url, "CREATE SESSION", "CREATE TABLE"):
        without = cli.as_is("doctor", "--json")
    with privileges(standin.url, "CREATE SESSION", "CREATE TABLE", "CREATE VIEW"):
        having = cli.as_is("doctor", "--json")
    assert (without.code, having.code) == (Exit.FAILURE, Exit.OK)
    assert finding(without)["details"]["rights"]["create tables"] is False
    assert "are missing, and SCOTT may not create them" in finding(without)["details"]["tables"]["says"]
    assert finding(having)["details"]["rights"]["create tables"] is True


def test_an_oracle_that_is_well_is_described(cli: CommandLine, standin: Standin) -> None:
    cli.write("a.yaml")
    configure(url=standin.url)
    assert cli.as_is("apply").code == Exit.OK
    found = cli.as_is("doctor", "--json")
    assert found.code == Exit.OK
    details = finding(found)["details"]
    assert details["version"].startswith("Oracle Database ")
    assert details["driver"].startswith("python-oracledb ")
    assert details["driver"].endswith(", thin")
    assert (details["user"], details["schema"], details["error"]) == ("SCOTT", "SCOTT", None)
    assert 0 < details["round_trip_ms"] < 1000
    assert abs(details["clock_ahead_ms"]) < 5000
    assert details["tables"] == {"current": True, "says": "are there and current"}
    told = cli.as_is("doctor")
    assert "ok: database\n" in told.out
    assert "scott:***@127.0.0.1" in told.out
    assert "tiger" not in told.out + told.err + found.out


def test_a_postgresql_that_is_well_is_described(cli: CommandLine, postgresql_store_url: str) -> None:
    cli.write("a.yaml")
    configure(url=postgresql_store_url)
    found = cli.as_is("doctor", "--json")
    assert found.code == Exit.OK
    details = finding(found)["details"]
    assert details["version"].startswith("PostgreSQL ")
    assert details["driver"].startswith("psycopg ")
    assert details["schema"].startswith("schedsync_test_")
    assert details["rights"] == {"create tables": True, "read and write the tables": True}
    assert details["tables"]["current"] is True


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"port": "free"}, "no server at that host and port"),
        ({"host": "no-such-host.invalid"}, "the host is not known"),
        ({"database": "schedsync_nowhere"}, "there is no such database or user"),
        ({"username": "nobody_knows"}, "there is no such database or user"),
    ],
    ids=["refused", "host", "database", "user"],
)
def test_a_postgresql_that_cannot_be_used_is_explained(
    cli: CommandLine, postgresql_url: str, change: dict[str, str], words: str
) -> None:
    url = make_url(postgresql_url).set(password=PASSWORD)
    if "host" in change or "port" in change:  # whatever the URL says of a socket's folder
        url = url.set(host="127.0.0.1", port=free_port()).difference_update_query(["host"])
        change = {name: value for name, value in change.items() if name != "port"}
    configure(url=url.set(**change).render_as_string(hide_password=False))  # type: ignore[arg-type] # all are texts
    failed = cli.as_is("doctor", "--json")
    assert failed.code == Exit.FAILURE
    assert words in finding(failed)["details"]["error"]
    assert PASSWORD not in failed.out + failed.err


def test_a_postgresql_that_stays_silent_is_explained(cli: CommandLine) -> None:
    with silent_listener() as port:
        configure(url=f"postgresql://me:{PASSWORD}@127.0.0.1:{port}/x", connect_timeout="2s")
        failed = cli.as_is("doctor", "--json")
    assert "nobody answered in time" in finding(failed)["details"]["error"]


@pytest.fixture
def poor_role(postgresql_url: str) -> Iterator[str]:
    """The URL of a role that may use the schema, and create nothing there."""
    database = Database.open(postgresql_url)
    schema = str(make_url(postgresql_url).query["options"]).rpartition("=")[2]
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE ROLE {schema}_poor LOGIN PASSWORD '{PASSWORD}'"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {schema}_poor"))
    yield make_url(postgresql_url).set(username=f"{schema}_poor").render_as_string(hide_password=False)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP OWNED BY {schema}_poor"))
        connection.execute(text(f"DROP ROLE {schema}_poor"))
    database.close()


def test_a_role_that_may_not_create_tables_is_told_before_it_tries(cli: CommandLine, poor_role: str) -> None:
    url = make_url(poor_role).set(password=PASSWORD)
    configure(url=url.render_as_string(hide_password=False))
    found = cli.as_is("doctor", "--json")
    assert found.code == Exit.FAILURE
    assert f"are missing, and {url.username} may not create them" in finding(found)["details"]["tables"]["says"]
    failed = cli.as_is("apply")
    assert f'the user "{url.username}" may not' in failed.err
    assert "let their owner run `schedsync db upgrade`" in failed.err


def test_a_role_that_may_only_read_is_told_what_it_may_not(
    cli: CommandLine, poor_role: str, postgresql_url: str
) -> None:
    cli.write("a.yaml")
    configure(url=postgresql_url)
    assert cli.as_is("apply").code == Exit.OK
    name, schema = make_url(poor_role).username, str(make_url(postgresql_url).query["options"]).rpartition("=")[2]
    database = Database.open(postgresql_url)
    with database.write() as connection:
        connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {name}"))
    database.close()
    configure(url=poor_role)
    found = cli.as_is("doctor", "--json")
    assert found.code == Exit.FAILURE
    assert finding(found)["details"]["rights"] == {"create tables": False, "read and write the tables": False}
    assert f"are current, but {name} may not select, insert, update and delete there" in found.out


def test_a_file_that_is_no_database_is_explained(cli: CommandLine) -> None:
    cli.file.write_text(NO_DATABASE)
    failed = cli("doctor", "--json")
    assert failed.code == Exit.FAILURE
    assert "file is not a database (the file is something else, or damaged;" in finding(failed)["details"]["error"]


def test_a_file_in_a_folder_that_is_missing_is_explained(cli: CommandLine) -> None:
    configure(url="sqlite:///nowhere/state.db")
    failed = cli.as_is("doctor", "--json")
    assert failed.code == Exit.FAILURE
    assert "nowhere is missing; create it, or name another file" in finding(failed)["details"]["error"]
    tried = cli.as_is("apply")
    assert "unable to open database file (the file cannot be opened or created;" in tried.err


def test_tables_of_another_version_are_wrong(cli: CommandLine) -> None:
    cli.applied(a="schedule: {every: 1h}\nrun: {shell: echo hello}\n")
    with closing(sqlite3.connect(cli.file)) as connection, connection:
        connection.execute("UPDATE schedsync_version SET version_num = '9999'")
    found = cli("doctor", "--json")
    assert found.code == Exit.FAILURE
    assert "made by a newer schedsync" in finding(found)["details"]["tables"]["says"]


def test_before_the_first_start_all_is_well_and_nothing_is_made(cli: CommandLine) -> None:
    cli.write("a.yaml")
    found = cli("doctor")
    assert found.code == Exit.OK
    assert "there is no file yet; `schedsync run` creates it" in found.out
    assert "1 job\n" in found.out
    assert "schedsync-spool: can be created" in found.out
    assert {path.name for path in cli.home.iterdir()} == {"jobs.d"}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody on this machine may enter."""
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        if not all(each.stat().st_mode & 0o001 for each in folder.parents):
            do_without("the folder for temporary files is not for everybody")
        yield folder


def test_a_store_that_everybody_may_read_is_warned_of(cli: CommandLine, open_folder: Path) -> None:
    file = open_folder / "state.db"
    configure(url=f"sqlite:///{file}")
    cli.write("a.yaml")
    assert cli.as_is("apply").code == Exit.OK
    assert finding(cli.as_is("doctor", "--json"))["verdict"] == "ok"
    file.chmod(0o644)
    found = cli.as_is("doctor", "--json")
    assert (found.code, finding(found)["verdict"]) == (Exit.OK, "warning")
    says = f"everybody on this machine may read outputs, specs and the audit log; run `chmod o= {file}`"
    assert finding(found)["details"]["warnings"] == [says]
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    open_folder.chmod(0o750)
    assert finding(cli.as_is("doctor", "--json"))["verdict"] == "ok"


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("jobs folder", "1 job, 1 problem in 1 file; `schedsync validate` shows them"),
        ("spool folder", "cannot be written: Not a directory; give this user the right, or set runner.spool"),
    ],
)
def test_what_is_wrong_with_a_folder_is_told(cli: CommandLine, subject: str, words: str) -> None:
    cli.write("good.yaml")
    cli.write("bad.yaml", "schedule: {every: 1h}\n")
    cli.spool.write_text("a file")
    found = cli("doctor", "--json")
    assert found.code == Exit.FAILURE
    assert (finding(found, subject)["verdict"], words in finding(found, subject)["says"][0]) == ("wrong", True)


@pytest.mark.parametrize(
    ("mode", "verdict", "words"),
    [
        (0o750, "ok", "writable"),
        (0o770, "warning", "may write into it; take that right away (chmod g-w) where others are in that group"),
        (0o777, "wrong", "everybody may write into it, and could put results there that are none;"),
    ],
)
def test_it_is_told_who_else_may_write_into_the_spool_folder(
    cli: CommandLine, mode: int, verdict: str, words: str
) -> None:
    cli.write("good.yaml")
    cli.spool.mkdir()
    cli.spool.chmod(mode)
    found = finding(cli("doctor", "--json"), "spool folder")
    assert (found["verdict"], words in found["says"][-1]) == (verdict, True)


@pytest.mark.parametrize(
    ("settings", "verdict", "words"),
    [
        ({}, "ok", "they may do everything until a token is made"),
        ({"HOST": "[::1]"}, "ok", "only programs of this machine"),
        ({"HOST": "0.0.0.0"}, "warning", 'api.host is 0.0.0.0); with api.read = "token" they need one'),
        ({"HOST": "sched.example"}, "warning", "other machines may read"),
        ({"PROXIES": "1"}, "warning", "api.proxies is 1"),
        ({"PUBLIC_URL": "https://sched.example"}, "warning", "api.public_url is https://sched.example); with"),
        ({"HOSTS": "a.example,b.example"}, "warning", "api.hosts is a.example, b.example); with"),
        ({"PUBLIC_URL": "http://localhost:5000", "HOSTS": "127.0.0.1"}, "ok", "only programs of this machine"),
        ({"PUBLIC_URL": "http://localhost:5000", "HOSTS": "127.0.0.1,a.example"}, "warning", "api.hosts is a.example)"),
        ({"HOST": "::", "READ": "token"}, "ok", "need a token to read and to control"),
        ({"HOST": "::", "ENABLED": "false"}, "ok", "the status API is off"),
    ],
)
def test_it_is_told_when_other_machines_may_read(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], verdict: str, words: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"SCHEDSYNC_API__{name}", value)
    cli.write("good.yaml")
    found = finding(cli("doctor", "--json"), "access")
    assert found["verdict"] == verdict
    assert words in found["says"][0]


_WRITING = "nobody may write job files over HTTP (api.write_files is true) before there is a token"
_CONTROL = "nobody may control jobs over HTTP, also on this machine, before there is a token (api.public_url is"


@pytest.mark.parametrize(
    ("settings", "without", "having"),
    [
        ({"WRITE_FILES": "true"}, _WRITING, "to write job files they need a token"),
        ({"PUBLIC_URL": "https://sched.example", "READ": "token"}, _CONTROL, "other machines need a token to read"),
    ],
    ids=["write_files", "public_url"],
)
@pytest.mark.parametrize("there", [False, True], ids=["no tables yet", "tables"])
def test_it_is_told_what_nobody_may_before_there_is_a_token(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], without: str, having: str, there: bool
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"SCHEDSYNC_API__{name}", value)
    cli.write("good.yaml")
    if there:
        assert cli("apply").code == Exit.OK
    before = finding(cli("doctor", "--json"), "access")
    assert (before["verdict"], before["details"]["tokens"]) == ("warning", 0)
    assert before["says"][0].startswith(without)
    assert "schedsync token create NAME --scope control" in before["says"][0]
    assert cli.file.exists() is there
    if there:
        assert cli("token", "create", "ann", "--scope", "read").code == Exit.OK
        assert finding(cli("doctor", "--json"), "access")["says"] == before["says"]
        assert cli("token", "create", "ci", "--scope", "control").code == Exit.OK
        after = finding(cli("doctor", "--json"), "access")
        assert (after["verdict"], after["details"]["tokens"]) == ("ok", 2)
        assert having in after["says"][0]


def test_a_database_that_cannot_be_asked_for_tokens_is_told_of_as_a_database(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDSYNC_API__WRITE_FILES", "true")
    cli.write("good.yaml")
    cli.file.write_text(NO_DATABASE)
    found = finding(cli("doctor", "--json"), "access")
    assert (found["verdict"], found["details"]["tokens"]) == ("ok", None)


def test_a_missing_jobs_folder_is_wrong(cli: CommandLine) -> None:
    cli.jobs.rmdir()
    found = cli("doctor", "--json")
    assert found.code == Exit.FAILURE
    assert finding(found, "jobs folder")["says"] == [f"the folder {cli.jobs} is missing"]


def test_each_setting_is_shown_with_where_it_comes_from(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.toml").write_text(
        f'[database]\npassword = "{PASSWORD}"\nconnect_timeout = "3s"\n[connections.erp]\n'
        f'url = "oracle://scott:{PASSWORD}@db/?service_name=x&wallet_password={PASSWORD}"\n'
    )
    monkeypatch.setenv("SCHEDSYNC_API__PORT", "5050")
    monkeypatch.setenv("SCHEDSYNC_RUNNER", '{"keep_head": 10}')
    monkeypatch.setenv("SCHEDSYNC_DATABASE__CONNECT_TIMEOUT", "4s")
    monkeypatch.setenv("SCHEDSYNC_CONNECTIONS__ERP__CALL_TIMEOUT", "5s")
    cli.write("a.yaml")
    found = cli("doctor", "--config", "mine.toml", "--json")
    settings = {one["name"]: (one["value"], one["origin"]) for one in found.json["settings"]}
    assert settings["database.url"] == (cli.database, "command line")
    assert settings["jobs.path"] == (str(cli.jobs), "command line")
    assert settings["database.password"] == ("***", "mine.toml")
    assert settings["database.connect_timeout"] == ("4s", "variable SCHEDSYNC_DATABASE__CONNECT_TIMEOUT")
    assert settings["connections.erp.call_timeout"] == ("5s", "variable SCHEDSYNC_CONNECTIONS__ERP__CALL_TIMEOUT")
    assert settings["connections.erp.url"] == (
        "oracle://scott:***@db/?service_name=x&wallet_password=***", "mine.toml",
    )  # fmt: skip
    assert settings["api.port"] == (5050, "variable SCHEDSYNC_API__PORT")
    assert settings["runner.keep_head"] == (10, "variable SCHEDSYNC_RUNNER")
    assert settings["lease.ttl"] == ("30s", "default")
    assert PASSWORD not in found.out + cli("doctor", "--config", "mine.toml").out


def test_connections_are_looked_at_by_name_or_all_of_them(cli: CommandLine) -> None:
    cli.write("a.yaml")
    file = cli.home / "erp.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE t (a)")
    before = file.read_bytes()
    Path("schedsync.toml").write_text(
        f'[connections.erp]\nurl = "sqlite:///{cli.home}/erp.db"\n'
        f'[connections.hr]\ndsn = "127.0.0.1:{free_port()}/x"\nuser = "hr"\npassword = "{PASSWORD}"\n'
        '[connections.nowhere]\nuser = "x"\n'
    )
    one, other, every = (cli("doctor", *more, "--json") for more in (
        ["--connection", "erp"], ["--connection", "hr"], ["--connections"],
    ))  # fmt: skip
    assert (one.code, other.code, every.code) == (Exit.OK, Exit.FAILURE, Exit.FAILURE)
    here = ["jobs folder", "spool folder", "limits of the system"]
    assert [check["subject"] for check in one.json["checks"]] == [*here, "connections.erp"]
    assert finding(one, "connections.erp")["details"]["rights"] == {"create tables": True}
    assert file.read_bytes() == before
    assert "oracle: hr@127.0.0.1:" in finding(other, "connections.hr")["details"]["error"]
    assert [(check["subject"], check["verdict"]) for check in every.json["checks"][len(here) :]] == [
        ("access", "ok"),
        ("channels", "ok"),
        ("connections", "ok"),
        ("windows", "ok"),
        ("database", "ok"),
        ("connections.erp", "ok"),
        ("connections.hr", "wrong"),
        ("connections.nowhere", "wrong"),
    ]
    assert finding(every, "connections.nowhere")["says"] == ["connections.nowhere: give url, or dsn for Oracle"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--connection", "crm"], 'the settings have no connection "crm"; they have none.'),
        (["--connection", "crm", "--connections"], "exclude each other"),
    ],
)
def test_a_connection_that_is_not_there_is_wrong_usage(cli: CommandLine, options: list[str], words: str) -> None:
    failed = cli("doctor", *options)
    assert failed.code == Exit.USAGE
    assert words in failed.err


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"password_file": "nowhere"}, "database.password_file: nowhere cannot be read: No such file or directory"),
        ({"password_env": "NOWHERE"}, "database.password_env: the variable NOWHERE is not set"),
        ({}, "no password is given for Oracle; set user and password_file"),
        ({"password": PASSWORD, "wallet_dir": "nowhere"}, "wallet_dir: nowhere is not a folder"),
        ({"password": PASSWORD, "wallet_dir": "."}, "wallet_dir: . has no ewallet.pem that this user can read"),
        ({"external_auth": True}, "external_auth needs Oracle's client libraries; set thick = true"),
    ],
    ids=["file", "variable", "no password", "no wallet folder", "no wallet", "external"],
)
def test_settings_that_cannot_work_are_explained(cli: CommandLine, settings: dict[str, Any], words: str) -> None:
    configure(dsn="127.0.0.1/x", user="scott", **settings)
    failed = cli.as_is("doctor", "--json")
    assert failed.code == Exit.FAILURE
    assert words in finding(failed)["says"][0]
    assert words in cli.as_is("apply").err


@pytest.mark.parametrize("known", [None, "other", "nope"], ids=["no connections", "another one", "the one"])
def test_the_doctor_says_which_connections_jobs_name_in_vain(cli: CommandLine, known: str | None) -> None:
    if known is not None:
        configure(f"connections.{known}", url=f"sqlite:///{Path.cwd()}/other.db")
    cli.write("a.yaml", 'schedule: {every: 1h}\nrun: {sql: "SELECT 1", connection: nope}\n')
    cli("apply")
    result = cli.as_is("doctor", "--json")
    found = finding(result, "connections")
    if known == "nope":
        assert (result.code, found["verdict"], found["details"]["unknown"]) == (Exit.OK, "ok", {})
    else:
        assert (result.code, found["verdict"]) == (Exit.FAILURE, "wrong")
        assert found["says"][-1] == 'jobs name a connection "nope" that there is not (a); write [connections.nope]'


def test_the_doctor_shows_a_text_of_several_lines_in_one(cli: CommandLine) -> None:
    configure("channels.hook", url="http://127.0.0.1:1/", body="{job}\n\nsee {url}")
    result = cli.as_is("doctor")
    (line,) = (line for line in result.out.splitlines() if line.startswith("channels.hook.body"))
    assert line.split(maxsplit=1)[1].rpartition("  ")[0].rstrip() == "{job}\\n\\nsee {url}"
    assert UNPRINTABLE not in result.out
