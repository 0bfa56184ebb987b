"""What each database is special in, once. Nothing else asks which database it talks to."""

from sqlalchemy import make_url

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


def dialect_of(address: Address) -> DatabaseDialect:
    """Return the dialect of the database at *address*; a connect string alone is Oracle's.

    Raises:
        SettingsError: the URL names another database.
        sqlalchemy.exc.ArgumentError: the URL is not one; so is ValueError.
    """
    return dialect_named("oracle" if address.url is None else make_url(address.url).get_backend_name())


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
