"""What each database is special in, once. Nothing else asks which database it talks to."""

from schedsync.errors import SettingsError
from schedsync.store.dialects.base import DatabaseDialect
from schedsync.store.dialects.oracle import Oracle
from schedsync.store.dialects.postgresql import PostgreSQL
from schedsync.store.dialects.sqlite import SQLite

DIALECTS: dict[str, type[DatabaseDialect]] = {"sqlite": SQLite, "postgresql": PostgreSQL, "oracle": Oracle}


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
