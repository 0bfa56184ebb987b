"""Which rights the connected user lacks, asked of the dictionary."""

from schedsync.errors import MissingRightError
from schedsync.store import grants, tables
from schedsync.store.database import Database


def lacking(database: Database, *, read_only: bool = False) -> dict[str, list[str]] | None:
    """Return the rights that the user lacks, by table or view; None when that cannot be known.

    Args:
        database: where.
        read_only: for a user that only looks.

    Raises:
        DatabaseUnavailableError: the database cannot be reached.
    """
    dialect = database.dialect
    wanted = grants.needed(dialect.read_right, read_only=read_only)
    with database.read() as connection:
        missing = dialect.missing_rights(connection, database.address, wanted)
    if missing is None:
        return None
    found: dict[str, list[str]] = {}
    for table, right in missing:
        found.setdefault(table, []).append(right)
    return found


def require(database: Database) -> None:
    """Check that the user may write what an instance that leads writes: an owner may forget to grant a new table.

    Raises:
        DatabaseUnavailableError: the database cannot be reached.
        MissingRightError: it may not; the message says what to grant.
    """
    lack = {table: rights for table, rights in (lacking(database) or {}).items() if table not in tables.VIEWS}
    if not lack:
        return
    user, schema = database.dialect.user(database.address), database.address.schema
    grantee = "this user" if user is None else database.dialect.identifier(user)
    who = "the connected user" if user is None else f'the user "{user}"'
    table, rights = next(iter(lack.items()))
    more = f" and {len(lack) - 1} more tables" if len(lack) > 1 else ""
    grant = "; ".join(grants.statements(lack, grantee, schema))
    raise MissingRightError(
        f"{database.shown}: {who} may not {', '.join(rights)} {table}{more}; grant it with: {grant}"
    )
