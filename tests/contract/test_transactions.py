"""A transaction is all or nothing, and what goes wrong has one of a few names."""

from functools import partial

import pytest
from sqlalchemy import insert, literal_column, select, text, update
from sqlalchemy.exc import IntegrityError

from schedsync.errors import DatabaseUnavailableError, SchemaError
from schedsync.runs.run import Run
from schedsync.store import tables
from schedsync.store.rows import row_of
from schedsync.store.store import Store
from tests.contract.builders import TTL, at_once, lost_answer, run, runs_of


class GaveUpError(Exception):
    """Raised by a test in the middle of a transaction."""


def write(store: Store, *runs: Run) -> None:
    with store.database.write() as connection:
        connection.execute(insert(tables.runs), [row_of(each) for each in runs])


def test_what_was_written_before_an_error_is_undone(store: Store) -> None:
    def write_and_give_up() -> None:
        with store.database.write() as connection:
            connection.execute(insert(tables.runs), row_of(run()))
            raise GaveUpError

    with pytest.raises(GaveUpError):
        write_and_give_up()
    assert runs_of(store) == []


def test_a_row_that_exists_is_an_integrity_error_and_undoes_the_whole_transaction(store: Store) -> None:
    write(store, known := run("a"))
    with pytest.raises(IntegrityError):
        write(store, run("b"), run("a"))
    assert runs_of(store) == [known]


def test_a_transaction_is_not_seen_before_it_ends_and_keeps_no_reader_waiting(store: Store, other: Store) -> None:
    with store.database.write() as connection:
        connection.execute(insert(tables.runs), row_of(run()))
        assert runs_of(other) == runs_of(store) == []
    assert len(runs_of(other)) == len(runs_of(store)) == 1


def test_reads_in_one_look_share_a_transaction_that_ends_with_it(store: Store, other: Store) -> None:
    with store.database.one_look():
        with store.database.read() as first:
            assert first.execute(select(tables.runs.c.id)).all() == []
        write(other, known := run())
        with store.database.read() as second:
            assert second is first
            seen = second.execute(select(tables.runs.c.id)).all()
    # Where a transaction sees one moment. By default that is so on SQLite alone.
    assert len(seen) == (0 if store.database.dialect.name == "sqlite" else 1)
    assert runs_of(store) == [known]


def test_a_look_without_a_read_needs_no_connection(store: Store) -> None:
    held = store.database.engine.pool.checkedout()  # type: ignore[attr-defined] # of a QueuePool, which each dialect has
    with store.database.one_look():
        assert store.database.engine.pool.checkedout() == held  # type: ignore[attr-defined] # likewise


def test_an_error_ends_a_look(store: Store, other: Store) -> None:
    def fail() -> None:
        with store.database.one_look():
            runs_of(store)
            raise GaveUpError

    with pytest.raises(GaveUpError):
        fail()
    write(other, known := run())
    assert runs_of(store) == [known], "a look that went on would be of the moment before"
    assert store.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # of a QueuePool


def test_writers_of_many_threads_and_two_instances_lose_no_update(store: Store, other: Store) -> None:
    store.leases.acquire("me", TTL)
    counter = tables.leases.c.token

    def add_one(by: Store) -> None:
        for _ in range(5):
            with by.database.write() as connection:
                connection.execute(
                    update(tables.leases).where(tables.leases.c.name == "leader").values(token=counter + 1)
                )

    at_once([partial(add_one, by) for by in [store, other] * 4])
    leader = store.leases.leader()
    assert leader is not None
    assert leader.token == 1 + 8 * 5


def test_a_missing_table_is_a_schema_error(store: Store) -> None:
    with pytest.raises(SchemaError, match="schedsync apply"), store.database.read() as connection:
        connection.execute(text("SELECT 1 FROM schedsync_nowhere"))


def test_a_missing_column_is_a_schema_error(store: Store) -> None:
    with pytest.raises(SchemaError, match=r"(?i)nonsense"), store.database.write() as connection:
        connection.execute(select(literal_column("nonsense")).select_from(tables.jobs))


def test_an_unknown_end_of_a_transaction_is_an_unavailable_database(store: Store) -> None:
    with pytest.raises(DatabaseUnavailableError, match="the answer got lost"), lost_answer(store):
        write(store, run())
    assert len(runs_of(store)) == 1


def test_a_lost_race_is_run_again_until_it_is_won(store: Store) -> None:
    tries: list[int] = []

    def lose_twice() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise GaveUpError
        return "won"

    assert store.database.retrying(lose_twice, or_after=(GaveUpError,)) == "won"
    assert len(tries) == 3


def test_a_race_that_is_always_lost_is_given_up(store: Store) -> None:
    def lose() -> None:
        raise GaveUpError

    with pytest.raises(GaveUpError):
        store.database.retrying(lose, or_after=(GaveUpError,))
