"""The same store on every database.

A further database is a further name in the list below, with the fixtures ``<name>_url`` and ``<name>_store_url``.
"""

from collections.abc import Callable, Iterator

import pytest

from schedsync.store.leases import Lease
from schedsync.store.store import Store
from tests.contract.builders import TTL
from tests.contract.processes import Processes

Opener = Callable[[str], Store]


@pytest.fixture(params=["sqlite", "postgresql", "oracle"])
def database(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def empty_url(database: str, request: pytest.FixtureRequest) -> str:
    """A place without tables."""
    url: str = request.getfixturevalue(f"{database}_url")
    return url


@pytest.fixture
def store_url(database: str, request: pytest.FixtureRequest) -> str:
    """A place with tables and nothing in them."""
    url: str = request.getfixturevalue(f"{database}_store_url")
    return url


@pytest.fixture
def store(store_url: str, opened: Opener) -> Store:
    return opened(store_url)


@pytest.fixture
def other(store_url: str, opened: Opener) -> Store:
    """The same store, as another instance holds it."""
    return opened(store_url)


@pytest.fixture
def lease(store: Store) -> Lease:
    """The leadership, held by "me"."""
    return store.leases.acquire("me", TTL)


@pytest.fixture(scope="session")
def processes() -> Iterator[Processes]:
    pool = Processes()
    yield pool
    pool.stop()
