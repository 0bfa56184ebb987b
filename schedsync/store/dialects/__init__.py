"""What each database is special in, once. Nothing else asks which database it talks to."""

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from schedsync.errors import SettingsError
from schedsync.store.address import Address
from schedsync.store.dialects.base import DatabaseDialect
from schedsync.store.dialects.oracle import Oracle
from schedsync.store.dialects.postgresql import PostgreSQL
from schedsync.store.dialects.sqlite import SQLite

DIALECTS: dict[str, type[DatabaseDialect]] = {"sqlite": SQLite, "postgresql": PostgreSQL, "oracle": Oracle}
URL_EXAMPLES = (
    'write e.g. "sqlite:///schedsync.db", "postgresql://user:password@host/database"'
    ' or "oracle://user:password@host:1521/?service_name=service"'
)


def dialect_named(backend: str) -> DatabaseDialect:
    """Return the dialect for the backend part of a database URL.

    Raises:
        SettingsError: there is none for it.
    """
    try:
        return DIALECTS[backend]()
    except KeyError:
        raise SettingsError(
            f'database "{backend}" is not supported in this version; use one of {", ".join(DIALECTS)}'
        ) from None


def dialect_of(address: Address) -> DatabaseDialect:
    """Return the dialect of the database at *address*.

    Raises:
        SettingsError: there is none for it, or its URL is none.
    """
    if address.url is None:
        return dialect_named(Oracle.name)
    try:
        backend = make_url(address.url).get_backend_name()
    except (ArgumentError, ValueError):  # not shown: what is no URL may hold a password all the same
        raise SettingsError(f"url is not a database URL; {URL_EXAMPLES}") from None
    return dialect_named(backend)
