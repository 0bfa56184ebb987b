"""Databases: for each a URL of a place without tables, and one of a store with nothing in it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from schedsync.store.store import Store
from tests.acceptance.fault_table import fault_table
from tests.contract.databases import emptied, empty, postgresql_schema, postgresql_server, with_tables
from tests.contract.oracle import Standin, drop_everything, oracle_place, standin_at, standin_place


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/contract.db"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    with_tables(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_store_url(sqlite_url: str, sqlite_template: Path) -> str:
    shutil.copy(sqlite_template, sqlite_url.removeprefix("sqlite:///"))
    return sqlite_url


@pytest.fixture(scope="session")
def postgresql() -> Iterator[URL]:
    with postgresql_server() as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: URL) -> Iterator[str]:
    with postgresql_schema(postgresql) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_tables(postgresql: URL) -> Iterator[str]:
    with postgresql_schema(postgresql) as url:
        yield with_tables(url)


@pytest.fixture
def postgresql_store_url(postgresql_tables: str) -> Iterator[str]:
    yield postgresql_tables
    empty(postgresql_tables)


@pytest.fixture
def oracle_place_url() -> Iterator[str]:
    """A user of its own, in whatever state the last test left it."""
    yield from oracle_place()


@pytest.fixture
def oracle_url(oracle_place_url: str) -> Iterator[str]:
    drop_everything(oracle_place_url)
    yield oracle_place_url
    drop_everything(oracle_place_url)  # the test may have left tables that only look current


@pytest.fixture
def oracle_store_url(oracle_place_url: str) -> str:
    return emptied(oracle_place_url)


@pytest.fixture
def standin() -> Iterator[Standin]:
    """A stand-in for Oracle, healthy and without tables, which the test may break."""
    for control in standin_place():
        server = standin_at(control)
        server.heal()
        drop_everything(server.url)
        yield server
        server.heal()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--alone", action="store_true", help="run only what measures time, which wants the machine")
    parser.addoption("--fault-table", action="store_true", help="print what became of runs whose service was killed")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.getoption("fault_table"):
        terminalreporter.section("kill -9, start again: what became of the slot")
        terminalreporter.write(fault_table(terminalreporter.stats))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs an Oracle (``-m oracle``); leave what measures time out of runs that share the machine."""
    for item in items:
        named = "oracle" in item.nodeid.rpartition("[")[2].rstrip("]").split("-")
        if named or {"oracle_place_url", "standin"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("oracle")
    alone, shared = bool(config.getoption("alone")), "PYTEST_XDIST_WORKER" in os.environ
    if alone or shared:
        wanted = [item for item in items if bool(item.get_closest_marker("alone")) is alone]
        config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
        items[:] = wanted


@pytest.fixture
def opened() -> Iterator[Callable[[str], Store]]:
    """Opens stores, each with connections of its own like another process, and closes them."""
    stores: list[Store] = []

    def open_store(url: str) -> Store:
        stores.append(Store.open(url))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()
