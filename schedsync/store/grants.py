"""Rights on the tables: who needs which, the statements that give them, and the sentence that asks for them."""

import re
from collections.abc import Iterator, Mapping, Sequence

from schedsync.store import tables
from schedsync.store.versions import VERSION_TABLE

WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_$#]*")
_OURS = re.compile(r"\bschedsync_\w+", re.IGNORECASE)
_DDL = frozenset({"CREATE", "ALTER", "DROP", "COMMENT"})
_READS = frozenset({"SELECT", "WITH"})


def needed(read: str, *, read_only: bool = False) -> dict[str, tuple[str, ...]]:
    """Return the rights that a user of the tables needs, by table or view.

    Args:
        read: the right to read.
        read_only: for a user that only looks.
    """
    each = (read,) if read_only else WRITE
    return {**dict.fromkeys(tables.metadata.tables, each), **dict.fromkeys((VERSION_TABLE, *tables.VIEWS), (read,))}


def statements(rights: Mapping[str, Sequence[str]], grantee: str, schema: str | None) -> Iterator[str]:
    """Yield the statements that give *rights* (table -> rights)."""
    for table, each in rights.items():
        yield f"GRANT {', '.join(each)} ON {qualified(table, schema)} TO {grantee}"


def sentence(
    statement: str, message: str, *, user: str | None, grantee: str | None, schema: str | None, read: str
) -> str:
    """Return what a user may not do, and the statement that lets it.

    Args:
        statement: what was refused.
        message: what the database said; it may be in any language.
        user: who asked, if that is known.
        grantee: the same as a statement names it.
        schema: the owner of the tables, if it was named.
        read: the right to read.
    """
    who = "the connected user" if user is None else f'the user "{user}"'
    verb = (statement.split() or [""])[0].upper()
    if verb in _DDL:
        return (
            f"{who} may not change the tables ({' '.join(statement.split()[:3])}: {message.strip().splitlines()[0]});"
            " let their owner run `schedsync db upgrade`, or a DBA what `schedsync db ddl` prints"
        )
    found = _OURS.search(message) or _OURS.search(statement)
    table = "the tables" if found is None else found.group().lower()
    rights, may = ((read,), "read") if verb in _READS else (WRITE, "write to")
    grant = next(statements({table: rights}, grantee or "this user", schema))
    return f"{who} may not {may} {table}; grant it with: {grant}"


def identifier(name: str) -> str:
    """Return *name*, quoted unless it is plain."""
    return name if _PLAIN.fullmatch(name) else '"{}"'.format(name.replace('"', '""'))


def qualified(table: str, schema: str | None) -> str:
    """Return the name of a table with its owner."""
    return table if schema is None else f"{schema}.{table}"
