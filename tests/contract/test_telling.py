"""Whoever wants to know hears of each transaction."""

from collections.abc import Callable

import pytest
from sqlalchemy.exc import IntegrityError

from schedsync.errors import DatabaseUnavailableError, SchemaError
from schedsync.store.database import Database
from schedsync.store.store import Store
from tests.builders import NOW

Told = list[tuple[str, bool]]


def listened(database: Database) -> Told:
    told: Told = []

    def hear(kind: str, seconds: float, answered: bool) -> None:
        assert 0 < seconds < 60
        told.append((kind, answered))

    database.on_transaction = hear
    return told


def test_reading_and_writing_is_told(store_url: str, opened: Callable[[str], Store]) -> None:
    store = opened(store_url)
    told = listened(store.database)
    store.pauses.in_force(NOW)
    store.audit.record(at=NOW, actor="me", action="pause", job_id=None, reason=None)
    assert told == [("read", True), ("write", True)]


def test_what_the_database_refuses_is_an_answer(store_url: str, opened: Callable[[str], Store]) -> None:
    store = opened(store_url)
    told = listened(store.database)
    with pytest.raises((IntegrityError, SchemaError)), store.database.read() as connection:
        connection.exec_driver_sql("SELECT x FROM schedsync_nothing")
    assert told == [("read", True)]


@pytest.mark.parametrize("kind", ["read", "write"])
def test_a_database_that_cannot_be_reached_does_not_answer(kind: str) -> None:
    database = Database.open("postgresql://nobody@127.0.0.1:1/nothing")
    told = listened(database)
    with pytest.raises(DatabaseUnavailableError), getattr(database, kind)():
        pass
    assert told == [(kind, False)]
