"""What an Oracle Database says about a connection: its version, the user, the schema, and what the user may do."""

from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from schedsync.store.dialects import oracle_errors
from schedsync.store.dialects.session import CREATE_TABLES, USE_TABLES, Session

_WHO = text("""
    SELECT SYS_CONTEXT('USERENV', 'SESSION_USER') AS name, SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') AS owner FROM dual
""")
_MAY = text("SELECT privilege FROM session_privs WHERE privilege LIKE 'CREATE%'")
_GRANTED = text("SELECT privilege FROM all_tab_privs WHERE table_schema = :owner AND table_name = 'SCHEDSYNC_RUNS'")
_ANY = {"CREATE ANY TABLE", "CREATE ANY VIEW"}
_NEEDED = {"SELECT", "INSERT", "UPDATE", "DELETE"}


def session(connection: Connection) -> Session:
    """Return what the server tells this connection about itself."""
    import oracledb  # noqa: PLC0415 - an optional dependency

    driver: oracledb.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
    who = connection.execute(_WHO).one()
    mode = "thin" if driver.thin else f"thick, client {'.'.join(map(str, oracledb.clientversion()))}"
    return Session(
        version=f"Oracle Database {driver.version}",
        driver=f"python-oracledb {oracledb.__version__}, {mode}",
        user=who.name,
        schema=who.owner,
        rights=_rights(connection, who.name, who.owner),
        warnings=() if driver.warning is None else (warning_in_words(str(driver.warning)),),
    )


def _rights(connection: Connection, user: str, owner: str) -> dict[str, bool | None]:
    may, own = _privileges(connection, _MAY), user == owner
    granted = _NEEDED if own else _privileges(connection, _GRANTED, owner=owner)
    return {
        CREATE_TABLES: None if may is None else may >= ({"CREATE TABLE", "CREATE VIEW"} if own else _ANY),
        USE_TABLES: None if granted is None else granted >= _NEEDED,
    }


def _privileges(connection: Connection, query: Any, **values: str) -> set[str] | None:
    with suppress(DatabaseError):  # a DBA may have taken the view away
        return set(connection.execute(query, values).scalars())
    return None


def warning_in_words(warning: str) -> str:
    """Return what the database says when it lets one in, such as ORA-28002, and what that means; in one line."""
    explanation = oracle_errors.by_code(warning.splitlines())
    return warning.partition("\n")[0] if explanation is None else explanation.sentence
