"""A database that hangs: TCP stays open and nothing answers, so only we can end the waiting."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import make_url, text

from schedsync.errors import DatabaseUnavailableError
from schedsync.store.address import Address
from schedsync.store.store import Store
from tests.proxy import Proxy

LIMIT = timedelta(seconds=2)
TTL = timedelta(minutes=1)


@pytest.fixture(params=["postgresql", "oracle"])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_store_url"))


@pytest.fixture
def way(place: str) -> Iterator[Proxy]:
    url = make_url(place)
    proxy = Proxy(str(url.host or url.query["host"]), url.port or 5432)
    yield proxy
    proxy.close()


@pytest.fixture
def store(place: str, way: Proxy) -> Iterator[Store]:
    url = make_url(place).set(host="127.0.0.1", port=way.port).difference_update_query(["host"])
    shown = url.render_as_string(hide_password=False)
    opened = Store.open(Address(url=shown, connect_timeout=LIMIT, call_timeout=LIMIT))
    yield opened
    way.heal()
    opened.close()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def test_a_statement_that_is_not_answered_is_given_up(store: Store, way: Proxy) -> None:
    def hang() -> None:
        with store.database.write() as connection:
            connection.execute(text("SELECT 1 FROM schedsync_leases"))
            way.stall()
            connection.execute(text("SELECT 1 FROM schedsync_leases"))

    with within(2 * LIMIT.total_seconds() + 1), pytest.raises(DatabaseUnavailableError):
        hang()
    way.heal()
    assert store.leases.acquire("me", TTL).owner == "me"


def test_a_connection_that_cannot_be_made_and_one_that_was_idle_are_given_up(store: Store, way: Proxy) -> None:
    store.leases.acquire("me", TTL)
    way.stall()
    for _ in range(2):
        with within(2 * LIMIT.total_seconds() + 2.5), pytest.raises(DatabaseUnavailableError):
            store.leases.acquire("me", TTL)
    way.heal()
    assert store.leases.acquire("me", TTL).owner == "me"


def test_closing_does_not_hang(store: Store, way: Proxy) -> None:
    store.leases.acquire("me", TTL)
    way.stall()
    with within(5):
        store.close()
