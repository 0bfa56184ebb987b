"""The schema's versions, through Alembic, without a config file.

Alembic is imported where the schema is changed only: each start asks which version it is, and that is one small query.
"""

from typing import Any

from sqlalchemy import Connection, Select, String, column, select, table

from schedsync.errors import SchemaError
from schedsync.store.database import Database
from schedsync.store.versions import NEWEST, VERSION_TABLE, VERSIONS

_VERSION: Select[str] = select(column("version_num", String)).select_from(table(VERSION_TABLE))


def upgrade(database: Database) -> bool:
    """Create the tables or bring them to this version; others who try meanwhile wait.

    Where the schema is of this version already nothing is tried, so that a user without the rights may do it.

    Returns:
        Whether there was something to do.

    Raises:
        DatabaseUnavailableError: the database cannot be reached.
        MissingRightError: there is something to do, and the connected user may not do it.
        SchemaError: it was made by a newer schedsync; or, where DDL cannot be undone, something else has the name of a
            table or view.
    """
    if database.exists and is_current(version(database)):
        return False
    lock = database.dialect.schema_lock
    with (
        database.write() as connection,
        database.dialect.patiently(connection),
        lock(database.engine, connection, database.address),
    ):
        if is_current(_locked_version(connection)):
            return False
        _migrate(connection)
    return True


def version(database: Database) -> str | None:
    """Return the version of the schema; None where there is none."""
    if not database.exists:
        return None
    try:
        with database.read() as connection:
            return connection.execute(_VERSION).scalar()
    except SchemaError:
        return None


def is_new(database: Database) -> bool:
    """Whether there are no tables of ours yet; asking creates nothing."""
    return version(database) is None


def require_current(database: Database) -> None:
    """Check that the tables are of this version.

    Raises:
        DatabaseUnavailableError: the database cannot be reached.
        SchemaError: they are not; the message says what to run.
    """
    if not database.exists:
        raise SchemaError(f"there is no database at {database.shown} yet; start the service with `schedsync run`")
    if not is_current(version(database)):
        raise SchemaError(
            f"the tables at {database.shown} are missing or of another version; run `schedsync apply`,"
            " or `schedsync db upgrade`"
        )


def is_current(found: str | None) -> bool:
    """Whether a schema of this version needs no upgrade; SchemaError when it needs a newer program instead."""
    if found not in {None, *VERSIONS}:
        raise SchemaError(f'the database is of version "{found}", made by a newer schedsync; upgrade this program')
    return found == NEWEST


def run_alembic(revisions: str, *, sql: bool = False, **attributes: Any) -> None:
    """Let Alembic run migrations, or print them; *attributes* are for ``migrations/env.py``."""
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "schedsync.store:migrations")
    config.attributes.update(attributes)
    command.upgrade(config, revisions, sql=sql)


def _migrate(connection: Connection) -> None:
    run_alembic("head", connection=connection)


def _locked_version(connection: Connection) -> str | None:
    """Return the version within a transaction, which a failed query would spoil."""
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - see above

    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
