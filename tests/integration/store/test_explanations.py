"""What the errors of the drivers mean: the tables hold what they should, and find the innermost cause."""

import re
import sqlite3
from typing import Any

import oracledb
import psycopg.errors
import pytest
from oracledb import errors

from schedsync.store.dialects import oracle_errors, oracle_session, postgresql_errors, sqlite_errors
from schedsync.store.dialects.explanation import Advice
from schedsync.store.redaction import without_secrets

TABLES = [oracle_errors.ADVICE, postgresql_errors.BY_STATE, postgresql_errors.BY_WORDS, sqlite_errors.ADVICE]
PROMISED = """
    ORA-00018 ORA-00020 ORA-01017 ORA-01031 ORA-01033 ORA-01034 ORA-01035 ORA-01045 ORA-01950 ORA-12505 ORA-12514
    ORA-12541 ORA-12660 ORA-28000 ORA-28001 ORA-28002 DPY-2018 DPY-3010 DPY-4000 DPY-4018 DPY-4024 DPY-4026 DPY-4027
    DPY-6000 DPI-1047
"""


def of_the_driver(number: int, context: str | None = None, **values: Any) -> Exception:
    """The exception that the driver itself would raise."""
    error: Exception = errors._create_exception(number, context, **values)  # type: ignore[arg-type] # its hint is narrow
    return error


def not_connected(why: str) -> Exception:
    return of_the_driver(errors.ERR_CONNECTION_FAILED, why, connection_id="ORA-28000")


@pytest.mark.parametrize("code", PROMISED.split())
def test_each_promised_code_is_explained(code: str) -> None:
    explanation = oracle_errors.by_code([f"{code}: whatever it says"])
    assert explanation is not None
    assert explanation.code == code
    assert explanation.sentence.startswith(f"{code}: whatever it says ({explanation.meaning}; ")


def test_each_number_of_the_driver_is_one_that_it_has() -> None:
    numbers = {int(code[4:]) for code in oracle_errors.ADVICE if code.startswith("DPY-")}
    assert numbers - set(errors.ERR_MESSAGE_FORMATS) == set()
    assert all(re.fullmatch(r"ORA-\d{5}|DP[YI]-\d{4}", code) for code in oracle_errors.ADVICE)


@pytest.mark.parametrize("table", TABLES, ids=["oracle", "state", "words", "sqlite"])
def test_advice_fits_into_a_line(table: dict[str, Advice]) -> None:
    for meaning, remedy in table.values():
        assert len(meaning) + len(remedy) < 250
        assert (meaning + remedy).isprintable()
        assert not meaning.endswith(".")
        assert not remedy.endswith(".")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (of_the_driver(errors.ERR_SERVER_VERSION_NOT_SUPPORTED), "DPY-3010"),
        (of_the_driver(errors.ERR_CALL_TIMEOUT_EXCEEDED, timeout=20_000), "DPY-4024"),
        (not_connected("DPY-6000: Listener refused connection. (Similar to ORA-12520)"), "ORA-12520"),
        (not_connected("ORA-1017: x"), "ORA-01017"),
        (of_the_driver(errors.ERR_UNSUPPORTED_VERIFIER_TYPE, verifier_type=0x939), "DPY-3015"),
    ],
    ids=["version", "call", "nested", "short number", "no number"],
)  # fmt: skip
def test_an_error_is_explained_by_its_innermost_code(error: Exception, code: str) -> None:
    explanation = oracle_errors.explain(error)
    assert explanation is not None
    assert explanation.code == code


def test_a_connection_that_is_lost_is_told_from_one_that_is_not_made() -> None:
    closed = of_the_driver(errors.ERR_CONNECTION_CLOSED)
    lost, refused = oracle_errors.explain(closed), oracle_errors.explain(not_connected(str(closed)))
    assert lost is not None
    assert refused is not None
    assert (lost.code, refused.code) == ("DPY-4011", "DPY-4011")
    assert "schedsync connects again by itself" in lost.remedy
    assert "check that an Oracle listener is at that port" in refused.remedy


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (OSError(113, "No route to host"), "the network does not lead there"),
        (ConnectionResetError(104, "Connection reset by peer"), "the other side ended the connection"),
        (TimeoutError("timed out"), "nobody answered in time"),
    ],
    ids=["route", "reset", "time"],
)
def test_what_the_system_said_is_explained(cause: OSError, words: str) -> None:
    error = oracledb.OperationalError(f"DPY-6005: cannot connect.\n{cause}")
    error.__cause__ = cause
    explanation = oracle_errors.explain(error)
    assert explanation is not None
    assert (explanation.code, explanation.meaning) == ("DPY-6005", words)


@pytest.mark.parametrize(
    "error", [oracledb.DatabaseError("ORA-00942: no"), ValueError("no"), OSError(1, "no")], ids=str
)
def test_what_is_not_known_is_not_explained(error: Exception) -> None:
    assert oracle_errors.explain(error) is None


@pytest.mark.parametrize(("state", "words"), [("42501", "no right"), ("53300", "no more connections")])
def test_a_state_of_postgresql_is_explained_in_any_language(state: str, words: str) -> None:
    explanation = postgresql_errors.explain(psycopg.errors.lookup(state)("en français"))
    assert explanation is not None
    assert (explanation.code, words in explanation.meaning) == (state, True)


def test_a_statement_that_names_a_word_of_advice_is_not_explained_by_it() -> None:
    assert postgresql_errors.explain(psycopg.errors.lookup("42883")("function x does not exist")) is None


@pytest.mark.parametrize(
    ("warning", "words"),
    [
        (
            "ORA-28002: the password will expire within 7 days\nHelp: https://docs.oracle.com/error-help/db/ora-28002/",
            "ORA-28002: the password will expire within 7 days (the password will expire soon; set a new one before",
        ),
        ("ORA-99999: something\nelse", "ORA-99999: something"),
    ],
    ids=["known", "unknown"],
)
def test_a_warning_at_logon_is_told_in_one_line(warning: str, words: str) -> None:
    told = oracle_session.warning_in_words(warning)
    assert told.startswith(words)
    assert "\n" not in told


def test_a_full_disk_under_sqlite_is_explained() -> None:
    explanation = sqlite_errors.explain(sqlite3.OperationalError("database or disk is full"))
    assert explanation is not None
    assert explanation.meaning == "there is no room on the disk"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("host:1521/service", "host:1521/service"),
        ("oracle://a:b@host/?service_name=x", "oracle://a:***@host/?service_name=x"),
        ("oracle://a:b@c@host/", "oracle://a:***@host/"),
        ("postgresql://a@host/x?password=b&sslmode=require", "postgresql://a@host/x?password=***&sslmode=require"),
        ("host/x?pyo.wallet_password=b c", "host/x?pyo.wallet_password=*** c"),
        ("(DESCRIPTION=(SECURITY=(PASSWORD = b)(X=y)))", "(DESCRIPTION=(SECURITY=(PASSWORD = ***)(X=y)))"),
        ("tcps://host/x?wallet_location=/w", "tcps://host/x?wallet_location=/w"),
    ],
)
def test_secrets_are_hidden_wherever_they_stand(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ('FATAL:  password authentication failed for user "scott"', True),
        ('FATAL:  Peer authentication failed for user "scott"', True),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "scott", database "erp", no encryption', True),
        ('FATAL:  role "scott" does not exist', True),
        ('FATAL:  role "scott" is not permitted to log in', True),
        ('FATAL:  database "erp" does not exist', False),
        ("FATAL:  the database system is starting up", False),
        ("Connection refused", False),
    ],
)
def test_what_postgresql_says_of_who_logs_on_is_told_from_what_may_pass(said: str, *, refused: bool) -> None:
    assert postgresql_errors.refuses(psycopg.OperationalError(f"connection failed: {said}")) is refused


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (psycopg.errors.InvalidPassword("x"), True),
        (psycopg.errors.InvalidAuthorizationSpecification("x"), True),
        (psycopg.errors.TooManyConnections('role "scott" does not exist'), False),
    ],
    ids=["28P01", "28000", "another state"],
)
def test_the_state_decides_where_there_is_one(error: psycopg.Error, *, refused: bool) -> None:
    assert postgresql_errors.refuses(error) is refused
