"""What the errors mean that keep one from working with PostgreSQL: by SQLSTATE, or by words where there is none.

Until a connection is made there is no SQLSTATE, and libpq's sentences are all that is known.
"""

import re

from schedsync.store.dialects.explanation import Advice, Explanation, by_fragment, lines

_STARTING: Advice = ("the server is being started or stopped", "wait; schedsync tries again by itself")
_FULL: Advice = ("the server takes no more connections", "end idle ones, raise max_connections, or lower pool_size")
_READ_ONLY: Advice = (
    "this server only reads: a standby",
    "name the primary, e.g. with target_session_attrs=read-write",
)

BY_STATE: dict[str, Advice] = {
    "25006": _READ_ONLY,
    "42501": (
        "the user has no right to do this",
        "let the owner grant it: CREATE on the schema, or SELECT, INSERT, UPDATE, DELETE on the tables",
    ),
    "53100": ("the server's disk is full", "free space there"),
    "53300": _FULL,
    "57P01": ("the server ended the connection", "schedsync connects again by itself"),
    "57P03": _STARTING,
    "3F000": ("there is no such schema", "create it, or check database.schema"),
}
BY_WORDS: dict[str, Advice] = {
    "Connection refused": (
        "no server at that host and port",
        "check both, listen_addresses in postgresql.conf, and that the server runs",
    ),
    "failed to resolve host": ("the host is not known", "check its name in the URL, and the name service"),
    "could not translate host name": ("the host is not known", "check its name in the URL, and the name service"),
    "timeout expired": ("nobody answered in time", "check host, port and firewalls; connect_timeout says how long"),
    "password authentication failed": ("user or password is wrong", "check both, and the file or variable they are in"),
    "no password supplied": ("the server wants a password", "set password_file, password_env or a .pgpass"),
    "no pg_hba.conf entry": (
        "the server does not let this user in from this machine",
        "add a line to its pg_hba.conf, or check sslmode",
    ),
    "does not exist": ("there is no such database or user", "create it, or check the URL"),
    "too many clients": _FULL,
    "remaining connection slots": _FULL,
    "the database system is": _STARTING,
    "certificate": ("the certificates do not match", "check sslmode, sslrootcert and the host name"),
    "server closed the connection unexpectedly": (
        "the other side ended the connection",
        "check that a PostgreSQL is at that port, and its log",
    ),
}

_REFUSED = frozenset({"28P01", "28000"})
"""invalid_password, invalid_authorization_specification."""
_REFUSED_WORDS = re.compile(
    r'authentication failed for user|no pg_hba\.conf entry|\brole ".*" (?:does not exist|is not permitted to log in)'
)
"""How a server says them."""


def refuses(error: BaseException) -> bool:
    """Whether *error*, of a logon, is about who wants to log on."""
    state = getattr(error, "sqlstate", None)
    return state in _REFUSED if state else _REFUSED_WORDS.search(str(error)) is not None


def explain(error: BaseException) -> Explanation | None:
    """Return what *error* means."""
    state = getattr(error, "sqlstate", None)
    if state in BY_STATE:
        meaning, remedy = BY_STATE[state]
        return Explanation(state, lines(error)[0], meaning, remedy)
    return None if state else by_fragment(error, BY_WORDS)
