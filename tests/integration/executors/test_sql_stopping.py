"""A statement whose run is ended: it ends in the database too, and is rolled back."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import make_url, text

from schedsync.executors.base import Engine
from schedsync.runs.outcome import Outcome
from schedsync.runs.run import RunState
from schedsync.sql.request import worker_argv
from schedsync.store.database import Database
from tests.contract.oracle import Standin
from tests.integration.executors.conftest import RUN, Remembering
from tests.integration.executors.statements import JOB, launch, request

T = TypeVar("T")
QUICK = timedelta(seconds=3)
"""Much less than the grace and than the statements take."""


def eventually(ask: Callable[[], T], *, within: float = 15.0) -> T:
    """Ask until the answer is true, and return it; fail with the last answer when the time is over."""
    deadline = time.monotonic() + within
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {within} s; the last answer was {answer!r}"
        time.sleep(0.02)  # between two questions, not for luck: the deadline decides
    return answer


def stopped(outcome: Outcome) -> str:
    """Return the last line of a run that was cancelled quickly and without force."""
    assert outcome.state is RunState.CANCELLED
    assert outcome.reason == "no longer wanted; ended by SIGTERM"
    return outcome.output.head.decode().splitlines()[-1]


def cancel(engine: Engine, listener: Remembering) -> Outcome:
    began = time.monotonic()
    engine.cancel(RUN, "no longer wanted")
    outcome = listener.end()
    assert time.monotonic() - began < QUICK.total_seconds()
    return outcome


CANCELLED = "failed: stopped by SIGTERM; the statement was cancelled and rolled back"


def sessions(standin: Standin) -> list[Any]:
    return [each for each in standin.ask("/sessions") if each["info"].get("module") == f"schedsync:{JOB}"]


@pytest.mark.parametrize(
    ("statement", "kind", "stall"),
    [
        pytest.param("BEGIN DBMS_SESSION.SLEEP(60); END;", "plsql", False, id="a block that sleeps"),
        pytest.param("SELECT 'stalled' FROM dual", "sql", True, id="a query that takes long"),
    ],
)
def test_on_oracle(
    engine: Engine, listener: Remembering, standin: Standin, statement: str, kind: str, stall: bool
) -> None:
    if stall:
        standin.ask("/fault", {"match": "stalled", "stall_ms": 60_000})
    breaks = standin.ask("/stats")["events"].get("breaks", 0)
    engine.launch(launch(request(standin.url, statement, kind)))
    (session,) = eventually(lambda: [each for each in sessions(standin) if each["last_sql"] == statement])
    assert (session["info"]["action"], session["info"]["client_identifier"]) == (RUN[:32], "node-1")
    assert stopped(cancel(engine, listener)) == CANCELLED
    assert standin.ask("/stats")["events"]["breaks"] == breaks + 1
    assert eventually(lambda: not sessions(standin))


def test_what_a_block_changed_before_it_was_stopped_is_rolled_back(
    engine: Engine, listener: Remembering, standin: Standin
) -> None:
    database = Database.open(standin.url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE sql_worker_stop (id INTEGER)"))
    block = "BEGIN INSERT INTO sql_worker_stop VALUES (1); DBMS_LOCK.SLEEP(60); END;"
    engine.launch(launch(request(standin.url, block, "plsql")))
    # Once it has changed something: the stand-in forgets a cancel that comes during a part of a block that ends anyway.
    eventually(lambda: [each for each in sessions(standin) if each["last_sql"] == block and each["in_transaction"]])
    assert stopped(cancel(engine, listener)) == CANCELLED
    with database.read() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM sql_worker_stop")).scalar() == 0
    with database.write() as connection:  # nobody holds a lock on it any more
        connection.execute(text("DROP TABLE sql_worker_stop"))
    database.close()


def test_a_database_that_answers_no_cancel_is_left_within_half_of_the_grace(
    engine: Engine, listener: Remembering, standin: Standin
) -> None:
    standin.ask("/fault", {"match": "ROLLBACK", "stall_ms": 60_000, "count": 5})
    engine.launch(launch(request(standin.url, "BEGIN DBMS_SESSION.SLEEP(60); END;", "plsql", grace=3)))
    eventually(lambda: [each for each in sessions(standin) if "SLEEP" in each["last_sql"]])
    told = stopped(cancel(engine, listener))
    assert told == "failed: stopped by SIGTERM; the database does not answer, and rolls back what is not committed"


def test_a_stop_that_comes_during_the_commit_is_too_late_and_that_is_said(
    engine: Engine, listener: Remembering, standin: Standin
) -> None:
    before = standin.ask("/stats")["events"].get("faults", 0)
    standin.ask("/fault", {"match": "COMMIT", "stall_ms": 1_500})
    engine.launch(launch(request(standin.url, "BEGIN NULL; END;", "plsql")))
    eventually(lambda: standin.ask("/stats")["events"].get("faults", 0) > before)
    assert stopped(cancel(engine, listener)) == "committed: SIGTERM came too late"


def test_on_postgresql(engine: Engine, listener: Remembering, postgresql_url: str) -> None:
    database = Database.open(postgresql_url)

    def active() -> list[Any]:
        query = text("SELECT state, query FROM pg_stat_activity WHERE application_name = :name")
        with database.read() as connection:
            return list(connection.execute(query, {"name": f"schedsync:{JOB}"}))

    engine.launch(launch(request(postgresql_url, "SELECT pg_sleep(:seconds)", binds={"seconds": 60})))
    eventually(lambda: [row for row in active() if row.state == "active" and "pg_sleep" in row.query])
    assert stopped(cancel(engine, listener)) == CANCELLED
    eventually(lambda: not active())
    database.close()


ENDLESS = """
    INSERT INTO sql_worker_stop
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers) SELECT n FROM numbers WHERE n % 1000 = 0
"""


def test_on_sqlite(engine: Engine, listener: Remembering, sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE sql_worker_stop (id INTEGER)"))

    def is_writing() -> bool:
        with database.engine.connect() as other:
            other.exec_driver_sql("PRAGMA busy_timeout = 0")
            try:
                other.exec_driver_sql("ROLLBACK")
                other.exec_driver_sql("BEGIN IMMEDIATE")
                other.exec_driver_sql("ROLLBACK")
            except Exception as error:
                return "locked" in str(error)
        return False

    engine.launch(launch(request(sqlite_url, ENDLESS)))
    eventually(is_writing)
    assert stopped(cancel(engine, listener)) == CANCELLED
    with database.read() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM sql_worker_stop")).scalar() == 0
    database.close()


def test_a_run_over_its_time_limit_is_ended_in_the_database(
    engine: Engine, listener: Remembering, standin: Standin
) -> None:
    made = request(standin.url, "BEGIN DBMS_SESSION.SLEEP(60); END;", "plsql")
    engine.launch(launch(made, timeout=timedelta(seconds=2)))
    outcome = listener.end()
    assert (outcome.state, outcome.reason) == (RunState.TIMED_OUT, "timeout of 2s exceeded; ended by SIGTERM")
    assert eventually(lambda: not sessions(standin))


def test_a_run_that_still_connects_ends_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"oracle://me:secret@127.0.0.1:{silent.getsockname()[1]}/?service_name=x"
        with subprocess.Popen(worker_argv(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
            assert worker.stdin is not None
            worker.stdin.write(request(url, "SELECT 1 FROM dual", within=60).encoded())
            worker.stdin.close()
            connected, _ = silent.accept()
            with connected:
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(timeout=3) == 1
            assert worker.stdout is not None
            assert worker.stdout.read() == b"failed: stopped by SIGTERM while it connected\n"


def test_a_long_job_id_is_cut_for_the_databases_lists(engine: Engine, listener: Remembering, standin: Standin) -> None:
    made = replace(request(standin.url, "BEGIN DBMS_SESSION.SLEEP(60); END;", "plsql"), job_id="x" * 37 + "ä" * 30)
    engine.launch(launch(made))
    cut = "schedsync:" + "x" * 37
    eventually(lambda: [each for each in standin.ask("/sessions") if each["info"].get("module") == cut])
    assert stopped(cancel(engine, listener)) == CANCELLED


def test_the_password_is_not_in_what_others_see(engine: Engine, listener: Remembering, oracle_place_url: str) -> None:
    url = make_url(oracle_place_url)
    engine.launch(launch(request(oracle_place_url, "BEGIN DBMS_SESSION.SLEEP(60); END;", "plsql")))
    process = Path(f"/proc/{listener.starts.get(timeout=10)[1]}")
    seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes().split(b"SCHEDSYNC_TEST_")[0]
    assert str(url.password).encode() not in seen
    cancel(engine, listener)
