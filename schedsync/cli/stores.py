"""The store that the settings name, for the length of a command."""

from collections.abc import Iterator
from contextlib import contextmanager

from schedsync.settings import Settings
from schedsync.store.store import Store


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """Give the store; nothing is connected or created yet."""
    store = Store.open(settings.database.store_address(settings.node))
    try:
        yield store
    finally:
        store.close()


@contextmanager
def current(settings: Settings) -> Iterator[Store]:
    """Give the store, whose tables are there and of this version.

    Raises:
        SchemaError: they are not.
        DatabaseUnavailableError: the database cannot be reached.
    """
    with opened(settings) as store:
        store.require_current()
        yield store
