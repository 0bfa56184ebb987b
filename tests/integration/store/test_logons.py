"""A password that is changed on the server, and the service that goes on asking."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from schedsync.errors import DatabaseUnavailableError
from schedsync.settings import load
from schedsync.store.address import Address
from schedsync.store.database import Database
from tests.contract.oracle import Standin

USER = "rotating"
LOOPS = 12


@pytest.fixture
def database(standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database whose password is in a file, as settings say it."""
    change(standin, "first")
    monkeypatch.chdir(tmp_path)
    url = make_url(standin.url)
    Path("secret").write_text("first\n")
    place = f"127.0.0.1:{url.port}/{url.query['service_name']}"
    Path("schedsync.toml").write_text(f'[database]\ndsn = "{place}"\nuser = "{USER}"\npassword_file = "secret"\n')
    opened = Database.open(load().database.store_address("node"))
    yield opened
    opened.close()


def change(standin: Standin, password: str) -> None:
    standin.ask("/user", {"name": USER, "password": password})


def logons(standin: Standin) -> int:
    """How many logons were begun there."""
    return int(standin.ask("/stats")["round_trips"].get("auth", 0))


def ask(database: Database) -> str:
    try:
        with database.read() as connection:
            return str(connection.execute(text("SELECT USER FROM dual")).scalar_one())
    except DatabaseUnavailableError as error:
        return str(error)


def all_at_once(ask_one: Callable[[], str]) -> list[str]:
    together = threading.Barrier(LOOPS)

    def one() -> str:
        together.wait(10)
        return ask_one()

    with ThreadPoolExecutor(LOOPS) as pool:
        return [each.result(30) for each in [pool.submit(one) for _ in range(LOOPS)]]


def test_after_a_change_of_the_password_all_loops_together_try_once_and_the_new_file_leads_in(
    standin: Standin, database: Database
) -> None:
    assert ask(database) == USER.upper()
    change(standin, "second")
    standin.kill_sessions()
    ask(database)  # finds that its connection is gone
    before = logons(standin)
    ask(database)
    once = logons(standin) - before
    said = [text_ for _ in range(3) for text_ in all_at_once(lambda: ask(database))]
    assert logons(standin) - before == once <= 2
    assert all("ORA-01017" in each and "not tried again before 20" in each for each in said)
    Path("secret").write_text("second\n")
    assert set(all_at_once(lambda: ask(database))) == {USER.upper()}


def test_loops_that_come_together_are_one_try(standin: Standin) -> None:
    wrong = make_url(standin.url).set(password="wrong").render_as_string(hide_password=False)
    database = Database.open(wrong)
    before = logons(standin)
    ask(database)
    once = logons(standin) - before
    database.close()
    database, before = Database.open(wrong), logons(standin)
    said = all_at_once(lambda: ask(database))
    assert logons(standin) - before == once
    assert all("ORA-01017" in each for each in said)
    database.close()


def test_postgresql_says_it_in_words(postgresql_url: str) -> None:
    url = make_url(postgresql_url).set(username="nobody_of_that_name").render_as_string(hide_password=False)
    database = Database.open(Address(url=url))
    first, second = ask(database), ask(database)
    assert "nobody_of_that_name" in first
    assert "not tried again" not in first
    assert second.startswith(f"{first}; not tried again before ")
    database.close()
