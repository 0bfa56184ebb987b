"""Where a database is and how to get in: a value that `settings` makes and `Database.open` understands."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class OracleClient:
    """What only Oracle's driver asks for."""

    config_dir: str | None = None
    """Folder of ``tnsnames.ora``."""
    wallet_dir: str | None = None
    """Folder of ``ewallet.pem`` (thin) or ``cwallet.sso`` (thick), for mutual TLS."""
    wallet_password: str | None = field(default=None, repr=False)
    thick: bool = False
    """Whether Oracle's client libraries are used instead of the driver's own code."""
    library_dir: str | None = None
    """Where those libraries are; None: where the system looks for them."""
    external_auth: bool = False
    """Whether the database knows us by a wallet or by the operating system: no user, no password."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Where new tables are put; None: where the database puts them by itself. Oracle only."""

    table_tablespace: str | None = None
    index_tablespace: str | None = None
    lob_tablespace: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A database.

    Either ``url`` (SQLAlchemy's) or ``dsn`` (an Oracle connect string: easy connect, a full descriptor, or an alias of
    ``tnsnames.ora``) is given. ``user`` and ``password`` are used where the URL has none.
    """

    url: str | None = field(default=None, repr=False)
    dsn: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    read_password: Callable[[], str | None] | None = field(default=None, repr=False, compare=False)
    """What reads the password anew, for each new connection; None: it stays what it is. May raise SettingsError."""
    schema: str | None = None
    """The owner of the tables, when that is not the connecting user."""
    client_name: str = "schedsync"
    """Who asks, for the database's own lists of sessions: the node."""
    connect_timeout: timedelta = timedelta(seconds=10)
    """Within this a connection is made, or given up."""
    call_timeout: timedelta = timedelta(seconds=20)
    """Within this one round trip is answered, or the connection is given up; zero: without bound."""
    pool_size: int = 10
    """Connections that are kept; as many again may be made for a burst."""
    untouched: bool = False
    """Whether a file is left as it is, down to its journal mode, because somebody only looks. SQLite only."""
    oracle: OracleClient = OracleClient()
    storage: Storage = Storage()
