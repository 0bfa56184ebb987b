"""What Oracle's dictionary tells of the rights of the connected user."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

_WHO = "SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA'), SYS_CONTEXT('USERENV', 'SESSION_USER') FROM dual"
_GRANTED = (
    "SELECT table_name, privilege FROM all_tab_privs WHERE table_schema = :owner AND (grantee IN"
    " (SYS_CONTEXT('USERENV', 'SESSION_USER'), 'PUBLIC') OR grantee IN (SELECT role FROM session_roles))"
)
_ANYWHERE = "SELECT privilege FROM session_privs WHERE privilege LIKE '% ANY TABLE'"


def missing(connection: Connection, wanted: Mapping[str, Sequence[str]]) -> list[tuple[str, str]] | None:
    """Return which of *wanted* (table -> rights) the user lacks; None when the dictionary does not tell.

    Rights may have been granted to the user, to a role of its, to everybody, or on every table of the database.
    """
    owner, user = connection.execute(text(_WHO)).one()
    if owner == user:
        return []
    try:
        granted = {(table.lower(), right) for table, right in connection.execute(text(_GRANTED), {"owner": owner})}
        anywhere = {right.split()[0] for (right,) in connection.execute(text(_ANYWHERE))}
    except DBAPIError:  # a DBA may keep the dictionary to itself
        return None
    pairs = [(table, right) for table, rights in wanted.items() for right in rights]
    return [
        (table, right)
        for table, right in pairs
        if not any((table, each) in granted or each in anywhere for each in _that_include(right))
    ]


def _that_include(right: str) -> tuple[str, ...]:
    """Return the rights that let their holder do it: whoever may select may read."""
    return ("READ", "SELECT") if right == "READ" else (right,)
