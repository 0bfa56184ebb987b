"""From a job that names a connection to the request of its worker."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schedsync.errors import SettingsError, UnusableConnectionError
from schedsync.executors.prepare import inherited, prepare
from schedsync.executors.sql_call import Databases
from schedsync.sql.request import Statement, Target, decoded
from tests.builders import run, spec

ORACLE = Target("oracle", {"user": "scott", "password": "s3cret", "dsn": "db/erp"})
POSTGRESQL = Target("postgresql", {"dbname": "audit"})
FOLDER = Path("/jobs/erp")


def launched(action: dict[str, Any], **targets: Target) -> Any:
    databases = Databases("node-1", targets)
    return prepare(run(id="r1"), spec(run=action, kill_grace="3s"), FOLDER, inherited({"HOME": "/root"}), databases)


def test_a_request_comes_back_as_it_was() -> None:
    action = {"plsql": {"file": "close.sql"}, "connection": "erp", "binds": {"a": None}, "out": {"total": "number"}}
    request = decoded(launched(action, erp=ORACLE).stdin)
    assert request.target == ORACLE
    assert request.statement == Statement("plsql", None, "/jobs/erp/close.sql", {"a": None}, {"total": "number"})
    assert (request.job_id, request.run_id, request.node, request.kill_grace) == ("job", "r1", "node-1", 3)


def test_a_password_is_in_the_request_and_nowhere_else() -> None:
    launch = launched({"sql": "SELECT 1", "connection": "erp"}, erp=ORACLE)
    assert b"s3cret" in launch.stdin
    assert "s3cret" not in f"{launch!r}{launch.argv}{launch.env}{Databases('', {'erp': ORACLE})!r}"


def test_passwords_of_a_connection_are_cut_out_of_what_its_statements_print() -> None:
    target = Target("oracle", {"user": "scott", "password": "s3cret", "wallet_password": "t00", "dsn": "db/erp"})
    assert launched({"sql": "SELECT 1", "connection": "erp"}, erp=target).secrets == ("s3cret", "t00")


def statement_with(anew: Callable[[], Target]) -> Any:
    databases = Databases("node-1", {"erp": ORACLE}, {"erp": anew})
    return prepare(run(), spec(run={"sql": "x", "connection": "erp"}), FOLDER, inherited({}), databases)


def test_each_run_has_the_password_of_now() -> None:
    passwords = iter(["second", "third"])

    def anew() -> Target:
        return Target("oracle", {"user": "scott", "password": next(passwords)})

    assert [statement_with(anew).secrets for _ in range(2)] == [("second",), ("third",)]


def test_a_password_that_cannot_be_read_ends_the_run_with_that_sentence() -> None:
    def anew() -> Target:
        raise SettingsError("connections.erp.password_file: secret cannot be read: No such file or directory")

    with pytest.raises(UnusableConnectionError, match="password_file: secret cannot be read"):
        statement_with(anew)


@pytest.mark.parametrize(
    ("action", "targets", "sentence"),
    [
        pytest.param(
            {"sql": "x"},
            {},
            'the settings have no connection "erp" (they have none); write [connections.erp]',
            id="none",
        ),
        pytest.param(
            {"sql": "x"},
            {"crm": ORACLE, "audit": POSTGRESQL},
            'the settings have no connection "erp" (known are audit, crm); write [connections.erp]',
            id="others",
        ),
        pytest.param(
            {"plsql": "x"}, {"erp": POSTGRESQL}, 'plsql needs Oracle, and "erp" is postgresql; write sql:', id="a kind"
        ),
        pytest.param(
            {"plsql": "x"},
            {"erp": POSTGRESQL, "crm": ORACLE},
            'plsql needs Oracle, and "erp" is postgresql; write sql:, or name a connection of Oracle: crm',
            id="a kind, beside the right one",
        ),
    ],
)
def test_a_connection_that_cannot_be_used_is_refused(
    action: dict[str, Any], targets: dict[str, Target], sentence: str
) -> None:
    with pytest.raises(UnusableConnectionError, match=f"^{re.escape(sentence)}$"):
        launched({**action, "connection": "erp"}, **targets)
