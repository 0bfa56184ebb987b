"""The store as the rest of schedsync holds it: one database, and a table object per subject."""

from schedsync.store import rights
from schedsync.store.address import Address
from schedsync.store.database import Database
from schedsync.store.jobs import JobTable, kept_jobs
from schedsync.store.leases import LeaseTable
from schedsync.store.lists import ListTable
from schedsync.store.migrate import is_new, require_current, upgrade
from schedsync.store.notices import NoticeTable
from schedsync.store.pauses import PauseTable, kept_pauses
from schedsync.store.runs import RunTable, kept_runs
from schedsync.store.syncs import AuditTable, SyncTable
from schedsync.store.tokens import TokenTable


class Store:
    """All tables of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        jobs, runs, pauses = kept_jobs(), kept_runs(), kept_pauses()
        self.jobs = JobTable(database, jobs)
        self.runs = RunTable(database, runs)
        self.pauses = PauseTable(database, pauses)
        self.lists = ListTable(database, jobs, runs, pauses)
        self.notices = NoticeTable(database)
        self.leases = LeaseTable(database)
        self.syncs = SyncTable(database)
        self.audit = AuditTable(database)
        self.tokens = TokenTable(database)

    @classmethod
    def open(cls, address: Address | str) -> "Store":
        """Return the store at *address*, or at a URL; nothing is connected yet.

        Raises:
            SettingsError: it cannot be used.
        """
        return cls(Database.open(address))

    def upgrade(self) -> bool:
        """Create the tables or bring them to this version; return whether there was something to do.

        Raises:
            DatabaseUnavailableError: the database cannot be reached.
            MissingRightError: there is something to do, and the connected user may not do it.
            SchemaError: it was made by a newer schedsync, or something is in the way.
        """
        return upgrade(self.database)

    def require_current(self) -> None:
        """Check that the tables are of this version.

        Raises:
            DatabaseUnavailableError: the database cannot be reached.
            SchemaError: they are not; the message says what to run.
        """
        require_current(self.database)

    def require_rights(self) -> None:
        """Check that the connected user may write what an instance that leads writes.

        Raises:
            DatabaseUnavailableError: the database cannot be reached.
            MissingRightError: it may not; the message says what to grant.
        """
        rights.require(self.database)

    @property
    def is_new(self) -> bool:
        """Whether schedsync has no tables there yet; asking creates nothing.

        Raises:
            DatabaseUnavailableError: the database cannot be reached.
        """
        return is_new(self.database)

    def close(self) -> None:
        """Close all idle connections."""
        self.database.close()
