"""The schema as a script, for whoever may not let a program create tables. No database is asked."""

from collections.abc import Iterable, Iterator
from functools import partial

from schedsync.errors import SettingsError
from schedsync.store import grants
from schedsync.store.address import Address
from schedsync.store.dialects.base import DatabaseDialect
from schedsync.store.migrate import run_alembic
from schedsync.store.versions import NEWEST, VERSION_TABLE, VERSIONS


def statements(
    dialect: DatabaseDialect, address: Address, *, since: str | None = None, partitioned: bool = False
) -> list[str]:
    """Return the statements that make the schema, the last of which writes its version down.

    They are those that an upgrade runs, in the tablespaces of ``address.storage``.

    Args:
        dialect: which database.
        address: where; only its storage is looked at.
        since: the version that is there; None: nothing is.
        partitioned: Oracle: whether runs are kept in partitions.

    Raises:
        SettingsError: *since* is no version, or the database has no partitioned variant.
    """
    if since not in {None, *VERSIONS}:
        raise SettingsError(f'"{since}" is not a version of the schema; there are {", ".join(VERSIONS)}')
    if since == NEWEST:
        return []
    made = _Statements()
    run_alembic(
        "head" if since is None else f"{since}:head",
        sql=True,
        dialect_name=dialect.name,
        output=made,
        furnish=partial(dialect.furnish, storage=address.storage, partitioned=partitioned),
    )
    own = dialect.own_ddl(address.storage) if since is None else ()
    return [*own, *made.found, _version_row(since)]


def script(dialect: DatabaseDialect, address: Address, made: Iterable[str]) -> Iterator[str]:
    """Yield *made*, which are ``statements``, as a script for the database's own client.

    Raises:
        SettingsError: the address names a schema, and the database knows none.
    """
    yield f"-- The tables of schedsync in version {NEWEST}, for {dialect.name}."
    yield from dialect.script(made, address.schema)


def grants_statements(dialect: DatabaseDialect, address: Address, user: str, *, read_only: bool = False) -> list[str]:
    """Return the statements that let *user* work with the tables, or read them.

    Raises:
        SettingsError: the database has no rights to grant.
    """
    return dialect.grants(grants.needed(dialect.read_right, read_only=read_only), user, address.schema)


def _version_row(since: str | None) -> str:
    if since is None:
        return f"INSERT INTO {VERSION_TABLE} (version_num) VALUES ('{NEWEST}')"  # noqa: S608 - names of versions of ours
    return f"UPDATE {VERSION_TABLE} SET version_num = '{NEWEST}' WHERE version_num = '{since}'"  # noqa: S608 - likewise


class _Statements:
    """What Alembic writes to: takes the statements apart from what surrounds them, and from its notes of versions."""

    _AROUND = ("--", "/", "BEGIN", "COMMIT", "SET TRANSACTION")
    _NOTES = (f"INSERT INTO {VERSION_TABLE}", f"UPDATE {VERSION_TABLE}")

    def __init__(self) -> None:
        self.found: list[str] = []

    def write(self, text: str) -> None:
        """Keep a statement, without blank lines, at which SQL*Plus would end it."""
        statement = "\n".join(line.rstrip() for line in text.splitlines() if line.strip()).rstrip(";")
        if statement and not statement.startswith((*self._AROUND, *self._NOTES)):
            self.found.append(statement)

    def flush(self) -> None:
        """Nothing is held back."""
