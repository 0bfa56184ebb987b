"""What is special about PostgreSQL: a server, which can go away at any moment."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg.errors
import pytest
from sqlalchemy import Connection, event, make_url, text, update
from sqlalchemy.exc import DBAPIError

from schedsync.errors import DatabaseUnavailableError
from schedsync.store import tables
from schedsync.store.dialects.base import Failure
from schedsync.store.dialects.postgresql import PostgreSQL
from schedsync.store.store import Store
from tests.contract.builders import SLOT, TTL, advance, at_once, live, observed, run, runs_of


@pytest.fixture
def store(postgresql_store_url: str) -> Iterator[Store]:
    store = Store.open(postgresql_store_url)
    yield store
    store.close()


@contextmanager
def server_gone_at(store: Store, word: str) -> Iterator[None]:
    """The server ends the connection that is about to send a statement with this word."""

    def kill(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if word in statement:
            pid = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
            with store.database.engine.connect() as killer:
                killer.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    event.listen(store.database.engine, "before_cursor_execute", kill)
    yield
    event.remove(store.database.engine, "before_cursor_execute", kill)


@pytest.mark.parametrize("moment", ["schedsync_leases", "INSERT INTO schedsync_runs", "UPDATE schedsync_jobs"])
def test_a_server_that_goes_away_in_the_middle_of_a_claim_has_claimed_nothing(store: Store, moment: str) -> None:
    live(store, "a", "b")
    lease = store.leases.acquire("me", TTL)
    runs, moves = [run("a"), run("b")], [advance("a"), advance("b")]
    with server_gone_at(store, moment), pytest.raises(DatabaseUnavailableError):
        store.runs.claim(lease, runs, moves)
    assert runs_of(store) == []
    assert observed(store, "a").next_fire_at == SLOT
    assert store.runs.claim(lease, runs, moves) == runs


def test_idle_connections_that_the_server_has_ended_are_replaced(store: Store) -> None:
    with store.database.read() as first, store.database.read() as second:
        pids = [connection.execute(text("SELECT pg_backend_pid()")).scalar() for connection in (first, second)]
    killer = Store.open(store.database.engine.url.render_as_string(hide_password=False))
    with killer.database.read() as connection:
        for pid in pids:
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    killer.close()
    assert store.leases.acquire("me", TTL).owner == "me"


def test_transactions_that_block_each_other_both_succeed(store: Store) -> None:
    for owner in ("a", "b"):
        store.leases.acquire(owner, TTL)

    def touch_both(first: str, second: str) -> None:
        with store.database.write() as connection:
            for name in (first, second):
                own = tables.leases.c.name == f"instance:{name}"
                connection.execute(update(tables.leases).where(own).values(token=tables.leases.c.token + 1))
                connection.execute(text("SELECT pg_sleep(0.1)"))

    at_once([partial(store.database.retrying, partial(touch_both, *pair)) for pair in [("a", "b"), ("b", "a")]])
    with store.database.read() as connection:
        instances = connection.execute(tables.leases.select().where(tables.leases.c.name != "leader"))
        assert [row.token for row in instances] == [3, 3]


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    store = Store.open(f"postgresql://me:secret@127.0.0.1:{port}/nowhere")
    with pytest.raises(DatabaseUnavailableError, match="refused") as raised:
        store.upgrade()
    assert "secret" not in str(raised.value)
    store.close()


def test_a_database_that_is_not_there_is_unavailable(postgresql_url: str) -> None:
    url = make_url(postgresql_url).set(database="schedsync_nowhere").render_as_string(hide_password=False)
    store = Store.open(url)
    with pytest.raises(DatabaseUnavailableError, match="schedsync_nowhere"):
        store.upgrade()
    store.close()


def test_claims_rely_on_read_committed_whatever_the_server_prefers(postgresql_url: str) -> None:
    url = make_url(postgresql_url)
    options = f"{url.query['options']} -cdefault_transaction_isolation=serializable"
    store = Store.open(url.update_query_dict({"options": options}).render_as_string(hide_password=False))
    with store.database.write() as connection:
        assert connection.execute(text("SHOW transaction_isolation")).scalar() == "read committed"
    store.close()


def test_a_dba_sees_who_is_connected_and_the_url_may_name_it_otherwise(postgresql_url: str) -> None:
    url = make_url(postgresql_url)
    named = url.update_query_dict({"application_name": "schedsync-eu", "connect_timeout": "3"})
    for shown, each in (("schedsync", url), ("schedsync-eu", named)):
        store = Store.open(each.render_as_string(hide_password=False))
        with store.database.read() as connection:
            assert connection.execute(text("SHOW application_name")).scalar() == shown
        store.close()


@pytest.mark.parametrize(
    ("sqlstate", "failure"),
    [
        ("40001", Failure.LOST_RACE),
        ("40P01", Failure.LOST_RACE),
        ("42P01", Failure.NO_SCHEMA),
        ("42703", Failure.NO_SCHEMA),
        ("42501", Failure.FORBIDDEN),
        ("53100", Failure.UNAVAILABLE),
        ("53300", Failure.UNAVAILABLE),
        ("57P01", Failure.UNAVAILABLE),
        ("25006", Failure.UNAVAILABLE),
        ("22001", Failure.OUR_MISTAKE),
        ("42601", Failure.OUR_MISTAKE),
    ],
)
def test_an_error_is_known_by_its_state_in_any_language(sqlstate: str, failure: Failure) -> None:
    original = psycopg.errors.lookup(sqlstate)("en français")
    error = DBAPIError.instance("SELECT 1", None, original, psycopg.Error)
    assert isinstance(error, DBAPIError)
    assert PostgreSQL().classify(error) is failure
