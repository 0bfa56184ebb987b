"""What is special about Oracle: sessions that a DBA sees, and a server that answers late, wrongly or never."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import make_url, text

from schedsync.errors import DatabaseUnavailableError
from schedsync.sql.request import Request, Statement, worker_argv
from schedsync.store.address import Address
from schedsync.store.database import Database
from schedsync.store.dialects import oracle as dialect
from schedsync.store.dialects import oracle_connecting
from schedsync.store.targets import target_of
from tests.contract.oracle import Standin
from tests.listeners import THE_DRIVER_FORGETS_ITS_SOCKET, Wire, dropping_listener, refusing_oracle, silent_listener

Opener = Callable[..., Database]


@pytest.fixture
def opened(standin: Standin) -> Iterator[Opener]:
    """Opens databases of the stand-in, perhaps by another port, and closes them."""
    databases: list[Database] = []

    def open_database(**more: Any) -> Database:
        databases.append(Database.open(address_of(standin, **more)))
        return databases[-1]

    yield open_database
    for database in databases:
        database.close()


def address_of(standin: Standin, port: int | None = None, **more: Any) -> Address:
    url = make_url(standin.url)
    dsn = f"127.0.0.1:{port or url.port}/{url.query['service_name']}"
    return Address(**{"dsn": dsn, "user": url.username, "password": str(url.password)} | more)


def session_number(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(text("SELECT SYS_CONTEXT('USERENV', 'SID') FROM dual")).scalar_one())


def session_numbers(database: Database) -> set[int]:
    """Use two connections at once, so that the pool has both afterwards."""
    with database.read() as first, database.read() as second:
        ask = text("SELECT SYS_CONTEXT('USERENV', 'SID') FROM dual")
        return {int(connection.execute(ask).scalar_one()) for connection in (first, second)}


def seconds(call: Callable[[], object]) -> float:
    begin = time.monotonic()
    call()
    return time.monotonic() - begin


def test_a_dba_sees_who_is_connected_and_which_thread_asked(standin: Standin, opened: Opener) -> None:
    database = opened(client_name="node-7")
    with ThreadPoolExecutor(thread_name_prefix="a-thread-with-a-name-of-more-than-32-bytes") as threads:
        number = threads.submit(session_number, database).result(timeout=20)
    (info,) = [session["info"] for session in standin.ask("/sessions") if session["number"] == number]
    assert (info["module"], info["client_identifier"]) == ("schedsync", "node-7")
    assert info["action"] == "a-thread-with-a-name-of-more-tha"
    assert info["program"] == "schedsync"


@THE_DRIVER_FORGETS_ITS_SOCKET
def test_a_listener_that_stays_silent_is_given_up_in_time_and_blocks_nobody_else(
    standin: Standin, opened: Opener
) -> None:
    with silent_listener() as port, ThreadPoolExecutor() as threads:
        silent = opened(port=port, connect_timeout=timedelta(seconds=3))
        begin = time.monotonic()
        waiting = threads.submit(session_number, silent)
        assert seconds(lambda: session_number(opened())) < 2
        assert not waiting.done()
        with pytest.raises(DatabaseUnavailableError, match="no connection within 3 s"):
            waiting.result(timeout=20)
        assert 2.5 < time.monotonic() - begin < 5
        assert standin.ask("/health")["ok"]


@THE_DRIVER_FORGETS_ITS_SOCKET
def test_a_connection_that_is_made_too_late_is_closed_again(standin: Standin, opened: Opener) -> None:
    last, logons = session_number(opened()), standin.ask("/stats")["events"]["logons"]
    standin.latency(700)
    with pytest.raises(DatabaseUnavailableError, match="no connection within 1 s"):
        session_number(opened(connect_timeout=timedelta(seconds=1)))
    standin.latency(0)
    for thread in threading.enumerate():
        if thread.name == "schedsync-connect":
            thread.join(20)
    assert standin.ask("/stats")["events"]["logons"] == logons + 1
    assert eventually(lambda: all(session["number"] <= last for session in standin.ask("/sessions")))


def two_addresses(standin: Standin, first: int, more: str = "") -> str:
    url = make_url(standin.url)
    addresses = "".join(f"(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT={port}))" for port in (first, url.port))
    return f"(DESCRIPTION={more}{addresses}(CONNECT_DATA=(SERVICE_NAME={url.query['service_name']})))"


def test_a_second_address_is_reached_in_time_when_the_first_drops_what_is_sent_to_it(
    standin: Standin, opened: Opener
) -> None:
    with dropping_listener() as port:
        database = opened(dsn=two_addresses(standin, port), connect_timeout=timedelta(seconds=6))
        assert 1.5 < seconds(lambda: session_number(database)) < 6


def test_a_descriptor_says_itself_how_long_an_address_is_waited_for(standin: Standin, opened: Opener) -> None:
    with dropping_listener() as port:
        dsn = two_addresses(standin, port, "(TRANSPORT_CONNECT_TIMEOUT=500ms)")
        database = opened(dsn=dsn, connect_timeout=timedelta(seconds=30))
        assert seconds(lambda: session_number(database)) < 8


def test_so_does_a_connection_of_jobs(standin: Standin) -> None:
    with dropping_listener() as port:
        address = address_of(standin, dsn=two_addresses(standin, port), connect_timeout=timedelta(seconds=6))
        request = Request(target_of("erp", address), Statement("sql", "SELECT 1 FROM dual"), "job", "r", "n", 5)
        begin = time.monotonic()
        done = subprocess.run(worker_argv(), input=request.encoded(), capture_output=True, check=False, timeout=60)
        assert time.monotonic() - begin < 6
    assert (done.returncode, done.stdout.decode().splitlines()[-1]) == (0, "(1 row)")


def test_a_name_that_nobody_knows_is_an_unavailable_database() -> None:
    database = Database.open(Address(dsn="no-such-host.invalid/x", user="scott", password="tiger"))
    with pytest.raises(DatabaseUnavailableError, match="the host is not known"):
        session_number(database)
    database.close()


@pytest.mark.parametrize("connections", [1, 6])
def test_closing_does_not_wait_for_a_server_that_stops_answering(opened: Opener, wire: Wire, connections: int) -> None:
    database = opened(port=wire.port)
    with ThreadPoolExecutor(connections) as threads:
        meet = threading.Barrier(connections, timeout=20)

        def hold() -> None:
            with database.read() as connection:
                connection.execute(text("SELECT 1 FROM dual"))
                meet.wait()

        for held in [threads.submit(hold) for _ in range(connections)]:
            held.result(timeout=30)
    wire.freeze()
    assert seconds(database.close) < oracle_connecting.CLOSE_SECONDS + 1.5


def test_an_answer_that_does_not_come_ends_the_call_and_the_pool(standin: Standin, opened: Opener) -> None:
    database = opened(call_timeout=timedelta(seconds=1))
    before = session_numbers(database)
    standin.fail("SELECT 'late'", 0, stall_ms=8000)

    def ask() -> None:
        with (
            pytest.raises(DatabaseUnavailableError, match=r"DPY-4024.*did not answer within call_timeout"),
            database.read() as connection,
        ):
            connection.execute(text("SELECT 'late' FROM dual"))

    assert seconds(ask) < 5
    assert session_numbers(database).isdisjoint(before)


def test_an_idle_connection_is_asked_whether_it_lives(
    standin: Standin, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = opened()
    before = session_numbers(database)
    pings = standin.ask("/stats")["round_trips"].get("ping", 0)
    session_number(database)
    assert standin.ask("/stats")["round_trips"].get("ping", 0) == pings  # it has been used a moment ago
    standin.kill_sessions()
    monkeypatch.setattr(dialect, "PING_AFTER", -1.0)
    assert session_numbers(database).isdisjoint(before)
    session_number(database)
    assert standin.ask("/stats")["round_trips"]["ping"] > pings


@THE_DRIVER_FORGETS_ITS_SOCKET
@pytest.mark.parametrize("code", [1017, 12514, 28000, 1034])
def test_what_keeps_one_from_connecting_is_never_taken_for_a_mistake_of_ours(code: int) -> None:
    with refusing_oracle(code) as port:
        database = Database.open(Address(dsn=f"127.0.0.1:{port}/x", user="scott", password="tiger"))
        with pytest.raises(DatabaseUnavailableError):
            session_number(database)
        database.close()


def test_secrets_in_a_connect_string_are_shown_to_nobody() -> None:
    dsn = "no-such-host.invalid/x?pyo.wallet_password=tiger&pyo.stmtcachesize=5"
    database = Database.open(Address(dsn=dsn, user="scott", password="tiger"))
    with pytest.raises(DatabaseUnavailableError) as raised:
        session_number(database)
    assert "tiger" not in f"{raised.value} {database.shown} {database.engine!r}"
    database.close()


@pytest.fixture
def wire(standin: Standin) -> Iterator[Wire]:
    between = Wire(int(make_url(standin.url).port or 0))
    yield between
    between.close()


def eventually(ask: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not ask() and time.monotonic() < deadline:
        time.sleep(0.05)  # between two looks; the deadline decides
    return ask()
