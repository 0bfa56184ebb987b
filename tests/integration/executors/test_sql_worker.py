"""Statements in databases, each in a process of its own: on SQLite, PostgreSQL and Oracle."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oracledb
import pytest
from sqlalchemy import make_url, text

from schedsync.executors.base import Engine
from schedsync.runs.run import RunState
from schedsync.sql.request import worker_argv
from schedsync.store.database import Database
from tests.contract.oracle import Standin
from tests.integration.executors.conftest import Remembering
from tests.integration.executors.statements import execute, launch, request

DATABASES = ["sqlite", "postgresql", "oracle"]
TABLE = "sql_worker_trail"


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest) -> str:
    name = {"oracle": "oracle_place_url"}.get(request.param, f"{request.param}_url")
    place: str = request.getfixturevalue(name)
    return place


@pytest.fixture
def trail(url: str) -> Iterator[str]:
    """Give the URL of a database with a table that has two rows."""
    database = Database.open(url)
    with database.write() as connection:
        connection.execute(text(f"CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY, who VARCHAR(20), born VARCHAR(20))"))
    with database.write() as connection:
        for values in ("1, 'ann', '2025-05-05'", "2, NULL, '2026-06-06'"):
            connection.execute(text(f"INSERT INTO {TABLE} VALUES ({values})"))
    yield url
    with database.write() as connection:
        connection.execute(text(f"DROP TABLE {TABLE}"))
    database.close()


def ids(url: str) -> list[int]:
    database = Database.open(url)
    with database.read() as connection:
        found = [int(row[0]) for row in connection.execute(text(f"SELECT id FROM {TABLE} ORDER BY id"))]
    database.close()
    return found


def failure(lines: list[str]) -> str:
    return lines[-1].removeprefix("failed: ")


def test_what_a_statement_changes_is_committed(trail: str) -> None:
    done = execute(trail, f"DELETE FROM {TABLE} WHERE born < :cutoff;", binds={"cutoff": "2026-01-01"})
    assert (done, ids(trail)) == ((0, ["1 row changed"]), [2])


def test_a_query_prints_its_rows(trail: str) -> None:
    code, lines = execute(trail, f"SELECT id, who, born FROM {TABLE} ORDER BY id")
    assert code == 0
    assert [line.lower() for line in lines] == [
        "id  who   born",
        "--  ----  ----------",
        "1   ann   2025-05-05",
        "2   null  2026-06-06",
        "(2 rows)",
    ]


def test_a_query_of_many_rows_says_how_many_are_not_shown(trail: str) -> None:
    cross = " CROSS JOIN ".join(f"{TABLE} t{number}" for number in range(10))
    code, lines = execute(trail, f"SELECT t1.id FROM {cross}")
    assert (code, len(lines), lines[-1]) == (0, 503, "(500 rows shown, 524 more)")


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        pytest.param("7", "7", id="text"),
        pytest.param(7, "7", id="a whole number"),
        pytest.param(None, None, id="null"),
        pytest.param("it's 5 % :x", "it's 5 % :x", id="text with signs"),
    ],
)
def test_a_bind_is_what_the_job_file_says(trail: str, value: Any, stored: str | None) -> None:
    statement = f"UPDATE {TABLE} SET who = :who WHERE id = :id"
    if isinstance(value, int):
        statement = statement.replace("= :who", "= CAST(:who AS VARCHAR(20))")
    assert execute(trail, statement, binds={"who": value, "id": 1}) == (0, ["1 row changed"])
    database = Database.open(trail)
    with database.read() as connection:
        assert connection.execute(text(f"SELECT who FROM {TABLE} WHERE id = 1")).scalar() == stored
    database.close()


def test_true_and_numbers_with_a_point_are_numbers_or_truth_values_where_sql_has_them(trail: str) -> None:
    one = "CAST(CAST(:yes AS BOOLEAN) AS INTEGER)" if trail.startswith("postgresql") else ":yes"  # has truth values
    statement = f"UPDATE {TABLE} SET who = 'bob' WHERE id = {one} AND id < :most"
    assert execute(trail, statement, binds={"yes": True, "most": 1.5}) == (0, ["1 row changed"])


def test_a_definition_is_done_and_prints_so(url: str) -> None:
    assert execute(url, "CREATE TABLE sql_worker_made (id INTEGER)") == (0, ["done"])
    assert execute(url, "DROP TABLE sql_worker_made;") == (0, ["done"])


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        pytest.param("SELECT * FROM no_such_thing", ("no such table", "does not exist"), id="a missing table"),
        pytest.param(f"INSERT INTO {TABLE} (id) VALUES (1)", ("UNIQUE", "unique"), id="a broken rule"),
        pytest.param("SELEKT 1", ("syntax error", "invalid SQL"), id="no SQL"),
        pytest.param(
            f"DELETE FROM {TABLE}; DELETE FROM {TABLE}", ("one statement", "multiple", "ORA-"), id="two of them"
        ),
    ],
)
def test_a_failure_is_told_in_the_last_line_and_leaves_nothing_behind(
    trail: str, statement: str, words: tuple[str, ...]
) -> None:
    code, lines = execute(trail, statement)
    assert code == 1
    assert lines[-1].startswith("failed: ")
    assert any(word in lines[-1] for word in words)
    assert ids(trail) == [1, 2]


def test_a_failed_run_has_the_failure_as_its_reason(engine: Engine, listener: Remembering, sqlite_url: str) -> None:
    engine.launch(launch(request(sqlite_url, "SELECT * FROM missing")))
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code) == (RunState.FAILED, 1)
    assert outcome.reason == "exit code 1; no such table: missing"


def test_a_statement_may_stand_in_a_file(trail: str, tmp_path: Path) -> None:
    file = tmp_path / "close.sql"
    file.write_bytes(b"\xef\xbb\xbf-- written on Windows\r\nUPDATE " + f"{TABLE} SET who = :who;\r\n".encode())
    assert execute(trail, None, file=str(file), binds={"who": "bob"}) == (0, ["2 rows changed"])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot read {file}: No such file or directory"),
        (b" \n", "{file} has no statement in it"),
        (b"SELECT '\xe4'", "cannot read {file}: byte 9 is not UTF-8; save it as UTF-8"),
        (b"SELECT 1", ":cutoff is not in the statement; correct the name, or remove it from the job"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(
    sqlite_url: str, tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    file = tmp_path / "close.sql"
    if content is not None:
        file.write_bytes(content)
    code, lines = execute(sqlite_url, None, file=str(file), binds={"cutoff": 1})
    assert (code, lines) == (1, [f"failed: {sentence.format(file=file)}"])


def test_a_value_that_the_driver_cannot_take_is_told(sqlite_url: str) -> None:
    code, lines = execute(sqlite_url, "SELECT :a", binds={"a": 1 << 80})
    assert (code, lines) == (1, ["failed: OverflowError: Python int too large to convert to SQLite INTEGER"])


# What is special about each database


@pytest.mark.parametrize(
    ("statement", "lines"),
    [
        pytest.param(
            "SELECT 5 % 3 AS a, ':x'::text AS b, 1.50 AS c",
            ["a  b   c", "-  --  ----", "2  :x  1.50", "(1 row)"],
            id="signs that look like binds",
        ),
        pytest.param("DO $$ BEGIN RAISE NOTICE 'closed %', 5; END $$", ["done", "NOTICE: closed 5"], id="notices"),
        pytest.param(
            "SELECT 1\nFROM no_such_table",
            ['relation "no_such_table" does not exist', "LINE 2: FROM no_such_table", "             ^"],
            id="a place",
        ),
    ],
)
def test_postgresql(postgresql_url: str, statement: str, lines: list[str]) -> None:
    code, printed = execute(postgresql_url, statement)
    assert printed[: len(lines)] == lines
    if code:
        assert failure(printed) == 'relation "no_such_table" does not exist (line 2, column 6)'


def test_a_block_prints_its_out_binds(oracle_place_url: str) -> None:
    code, lines = execute(
        oracle_place_url,
        "BEGIN :total := :one + 41; :word := :word || '!'; :none := NULL; END;",
        "plsql",
        binds={"one": 1, "word": "closed"},
        out={"total": "number", "word": "string", "none": "string"},
    )
    assert (code, lines[-3:]) == (0, ["total = 42", "word = closed!", "none = NULL"])


def test_a_block_that_fails_is_rolled_back_and_has_its_stack_printed(oracle_place_url: str) -> None:
    execute(oracle_place_url, f"CREATE TABLE {TABLE} (id INTEGER)")
    block = f"BEGIN INSERT INTO {TABLE} VALUES (1); RAISE_APPLICATION_ERROR(-20001, 'no good'); END;"
    code, lines = execute(oracle_place_url, block, "plsql")
    left = ids(oracle_place_url)
    execute(oracle_place_url, f"DROP TABLE {TABLE}")
    assert (code, lines[-3:], left) == (
        1,
        ["ORA-20001: no good", "ORA-06512: at line 1", "failed: ORA-20001: no good"],
        [],
    )


def test_the_place_of_a_mistake_in_a_block_is_told(oracle_place_url: str) -> None:
    code, lines = execute(oracle_place_url, "BEGIN\n  no_such.thing(1);\nEND;", "plsql")
    assert code == 1
    assert re.fullmatch(r"failed: PLS-00201: .* \(line 2, column 3\)", lines[-1])


def test_what_a_block_prints_comes_before_its_end(oracle_place_url: str) -> None:
    """Also of a block that fails, and however many lines it is.

    A stand-in that keeps nothing of DBMS_OUTPUT shows the other half: that is said, and fails nothing.
    """
    calls = "".join(f"DBMS_OUTPUT.PUT_LINE('line {number}'); " for number in range(60))
    printed = [f"line {number}" for number in range(60)]
    told = execute(oracle_place_url, f"BEGIN {calls} END;", "plsql")
    if not knows_output(oracle_place_url):
        code, (line, *more) = told
        assert (code, more) == (0, [])
        assert line.startswith("(what was printed in the database cannot be read: ")
        return
    assert told == (0, printed)
    failing = f"BEGIN {calls} DBMS_OUTPUT.PUT_LINE(NULL); RAISE_APPLICATION_ERROR(-20001, 'no good'); END;"
    assert execute(oracle_place_url, failing, "plsql")[1][:62] == [*printed, "", "ORA-20001: no good"]


def knows_output(url: str) -> bool:
    database = Database.open(url)
    raw = database.engine.raw_connection()
    cursor = raw.cursor()
    try:
        cursor.execute("BEGIN DBMS_OUTPUT.GET_LINE(:line, :stop); END;", [cursor.var(str), cursor.var(int)])
    except oracledb.DatabaseError:
        return False
    finally:
        raw.close()
        database.close()
    return True


def test_output_that_cannot_be_read_does_not_fail_the_block(standin: Standin) -> None:
    standin.fail(r"DBMS_OUTPUT\.GET_LINE", 6550, message="ORA-06550: line 1, column 7:\nPLS-00904: not granted")
    code, lines = execute(standin.url, "BEGIN :a := 1; END;", "plsql", out={"a": "number"})
    assert (code, len(lines), lines[1]) == (0, 2, "a = 1")
    assert re.match(r"\(what was printed in the database cannot be read: PLS-00[29]0", lines[0])


def test_a_commit_that_fails_is_a_failure(standin: Standin) -> None:
    execute(standin.url, f"CREATE TABLE {TABLE} (id INTEGER)")
    standin.fail("COMMIT", 2091, message="ORA-02091: transaction rolled back")
    code, lines = execute(standin.url, f"INSERT INTO {TABLE} VALUES (1)")
    execute(standin.url, f"DROP TABLE {TABLE}")
    assert (code, lines) == (1, ["1 row changed", "failed: ORA-02091: transaction rolled back"])


UNKNOWN = "failed: the connection ended during the commit, so it is not known whether it was done; look there ("


@pytest.mark.parametrize(
    "how", [{"code": 0, "kill": True}, {"code": 3113}, {"code": 28}], ids=["no answer", "ORA-03113", "ORA-00028"]
)
def test_of_a_commit_without_an_answer_it_is_said_that_nobody_knows(standin: Standin, how: dict[str, Any]) -> None:
    execute(standin.url, f"CREATE TABLE {TABLE} (id INTEGER)")
    standin.fail("COMMIT", **how)
    code, lines = execute(standin.url, f"INSERT INTO {TABLE} VALUES (1)")
    execute(standin.url, f"DROP TABLE {TABLE}")
    assert (code, lines[0], len(lines)) == (1, "1 row changed", 2)
    assert lines[-1].startswith(UNKNOWN)
    assert re.search(r"\((ORA-|DPY-).*\)$", lines[-1])


@pytest.mark.parametrize(
    ("deed", "begin"),
    [
        ("PERFORM pg_terminate_backend(pg_backend_pid())", UNKNOWN + "terminating connection"),
        ("RAISE EXCEPTION 'not balanced'", "failed: not balanced"),
    ],
    ids=["the connection ends", "the server refuses"],
)
def test_likewise_on_postgresql(postgresql_url: str, deed: str, begin: str) -> None:
    for statement in (
        f"CREATE TABLE {TABLE} (id INTEGER)",
        f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {deed}; RETURN NULL; END $$",
        f"CREATE CONSTRAINT TRIGGER c AFTER INSERT ON {TABLE} INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()",
    ):
        assert execute(postgresql_url, statement)[0] == 0
    code, lines = execute(postgresql_url, f"INSERT INTO {TABLE} VALUES (1)")
    assert (code, lines[0]) == (1, "1 row changed")
    assert lines[-1].startswith(begin)


def test_a_session_that_is_killed_is_a_failure(standin: Standin) -> None:
    standin.fail("FROM dual", 3113)
    code, lines = execute(standin.url, "SELECT 1 FROM dual")
    assert code == 1
    assert re.match(r"failed: (ORA-03113|DPY-4011)", lines[-1])


# Connecting


def test_a_wrong_password_is_told_without_it(oracle_place_url: str) -> None:
    wrong = make_url(oracle_place_url).set(password="swordfish").render_as_string(hide_password=False)
    code, lines = execute(wrong, "SELECT 1 FROM dual")
    assert (code, lines[-1][:26]) == (1, "failed: cannot connect: OR")
    assert "swordfish" not in "".join(lines)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("oracle://me:swordfish@127.0.0.1/?service_name=x&swordfish=1", "unexpected keyword argument '***'"),
        ("postgresql://me:swordfish@127.0.0.1/x?swordfish=1", 'invalid connection option "***"'),
        ("sqlite:////no/such/folder/x.db", "unable to open database file"),
    ],
)
def test_a_connection_that_cannot_be_made_is_told_without_its_password(url: str, words: str) -> None:
    code, lines = execute(url, "SELECT 1")
    assert (code, len(lines), lines[0][:24]) == (1, 1, "failed: cannot connect: ")
    assert words in lines[0]
    assert "swordfish" not in lines[0]


@pytest.mark.parametrize("scheme", ["postgresql", "oracle"])
def test_a_server_that_stays_silent_is_given_up(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        query = "/?service_name=x" if scheme == "oracle" else "/x"
        url = f"{scheme}://me:secret@127.0.0.1:{silent.getsockname()[1]}{query}"
        code, lines = execute(url, "SELECT 1", within=1)
    assert (code, len(lines)) == (1, 1)
    assert "connect" in lines[0]


def test_a_missing_driver_is_told(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError('no libpq')\n")
    done = subprocess.run(
        worker_argv(),
        input=request("postgresql://me@localhost/x", "SELECT 1").encoded(),
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    hint = "install it with `pip install 'psycopg[binary]'`"
    told = f"failed: the driver for postgresql is missing (no libpq); {hint}\n"
    assert (done.returncode, done.stdout.decode()) == (1, told)


def test_the_worker_loads_no_more_than_its_own_package_and_one_driver(sqlite_url: str) -> None:
    told = "import sys; sys.argv[1:] = []; import schedsync.sql.worker as w; w.main(); print(*sorted(sys.modules))"
    data = request(sqlite_url, "SELECT 1").encoded()
    done = subprocess.run([*worker_argv()[:2], "-c", told], input=data, capture_output=True, check=True)
    loaded = set(done.stdout.decode().splitlines()[-1].split())
    assert "sqlite3" in loaded
    assert not loaded & {"sqlalchemy", "pydantic", "oracledb", "psycopg", "schedsync.store", "schedsync.specs"}
