"""The schema's versions, through Alembic, without a config file."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from schedsync.errors import SchemaError
from schedsync.store.database import Database

VERSION_TABLE = "schedsync_version"


def upgrade(database: Database) -> None:
    """Create the tables or bring them to this version; others who try meanwhile wait.

    Raises:
        DatabaseUnavailableError: the database cannot be reached.
        SchemaError: it was made by a newer schedsync.
    """
    if database.exists and _is_current(database):
        return
    with database.write() as connection, database.dialect.schema_lock(database.engine, connection):
        if not _has_this_version(connection):
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def is_new(database: Database) -> bool:
    """Whether there are no tables of ours yet; asking creates nothing."""
    if not database.exists:
        return True
    with database.read() as connection:
        return _version(connection) is None


def require_current(database: Database) -> None:
    """Check that the tables are of this version.

    Raises:
        DatabaseUnavailableError: the database cannot be reached.
        SchemaError: they are not; the message says what to run.
    """
    if not database.exists:
        raise SchemaError(f"there is no database at {database.shown} yet; start the service with `schedsync run`")
    if not _is_current(database):
        raise SchemaError(f"the tables at {database.shown} are missing or of another version; run `schedsync apply`")


def _is_current(database: Database) -> bool:
    with database.read() as connection:
        return _has_this_version(connection)


def _has_this_version(connection: Connection) -> bool:
    """Whether the tables need no upgrade; SchemaError when they need a newer program instead."""
    version, scripts = _version(connection), ScriptDirectory.from_config(_config())
    if version not in {None, *(script.revision for script in scripts.walk_revisions())}:
        raise SchemaError(f'the database is of version "{version}", made by a newer schedsync; upgrade this program')
    return version == scripts.get_current_head()


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "schedsync.store:migrations")
    return config
