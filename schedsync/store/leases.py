"""Who leads, and which instances live: leases by the database's own clock, with fencing tokens.

The row ``leader`` says who fires; its token grows with every change of hands, and a claim is refused when it was made
under an older one. Each instance has a row of its own besides, so that the runs of one that is gone can be settled.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from schedsync.errors import LeadershipLostError
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.rows import LAST

LEADER = "leader"
_REMEMBERED = timedelta(days=1)
"""How long the row of an instance whose lease has run out is kept."""
_leases = tables.leases.c
_FENCE = (
    update(tables.leases)
    .where(_leases.name == LEADER, _leases.owner == bindparam("b_owner"), _leases.token == bindparam("b_token"))
    .values(token=_leases.token)
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The leadership as the database has it."""

    owner: str
    token: int

    @property
    def node(self) -> str:
        """The node that the owner is an instance of."""
        return self.owner.partition("/")[0]


class LeaseTable:
    """The leases. Each method is one transaction and may raise DatabaseUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._now: ColumnElement[int] = literal_column(database.dialect.now_micros)

    def acquire(self, owner: str, ttl: timedelta) -> Lease:
        """Take the leadership if it is free or run out; return who has it now, whoever that is.

        Either way *owner* is noted as living.
        """
        # When two instances insert the same row, one of them finds it there at its next try.
        return self._database.retrying(lambda: self._acquire(owner, ttl), or_after=(IntegrityError,))

    def _acquire(self, owner: str, ttl: timedelta) -> Lease:
        with self._database.write() as connection:
            self._take(connection, owner, ttl)
            row = connection.execute(select(tables.leases).where(_leases.name == LEADER)).one_or_none()
            if row is None:
                self._insert(connection, LEADER, owner, ttl)
            self._note_living(connection, owner, ttl)
            return Lease(owner, 1) if row is None else Lease(row.owner, row.token)

    def _take(self, connection: Connection, owner: str, ttl: timedelta) -> None:
        run_out, own = _leases.expires_at < self._now, _leases.owner == owner
        connection.execute(
            update(tables.leases)
            .where(_leases.name == LEADER, own | run_out)
            .values(
                owner=owner,
                token=case((own & ~run_out, _leases.token), else_=_leases.token + 1),
                expires_at=self._end_of(ttl),
            )
        )

    def _note_living(self, connection: Connection, owner: str, ttl: timedelta) -> None:
        mine, expiry = _leases.name == _instance(owner), {"expires_at": self._end_of(ttl)}
        if connection.execute(update(tables.leases).where(mine).values(expiry)).rowcount:
            return
        self._insert(connection, _instance(owner), owner, ttl)
        long_ago = _leases.expires_at < self._now - _micros(_REMEMBERED)
        connection.execute(delete(tables.leases).where(_leases.name != LEADER, long_ago))

    def _insert(self, connection: Connection, name: str, owner: str, ttl: timedelta) -> None:
        row = {"name": name, "owner": owner, "token": 1, "expires_at": self._end_of(ttl)}
        connection.execute(insert(tables.leases).values(row))

    def renew(self, owner: str, ttl: timedelta) -> bool:
        """Say that the leader *owner* lives and leads on; return False when it does not lead any more.

        A lease that has run out is not renewed: somebody may have acted on that. It may be acquired anew.
        """
        return self._database.retrying(lambda: self._renew(owner, ttl))

    def _renew(self, owner: str, ttl: timedelta) -> bool:
        held = (_leases.owner == owner, _leases.expires_at >= self._now)
        renewal = update(tables.leases).where(*held).values(expires_at=self._end_of(ttl))
        with self._database.write() as connection:
            return connection.execute(renewal, execution_options=LAST).rowcount == len((LEADER, _instance(owner)))

    def leader(self) -> Lease | None:
        """Return who leads, or None when nobody does now."""
        with self._database.read() as connection:
            row = connection.execute(
                select(tables.leases).where(_leases.name == LEADER, _leases.expires_at >= self._now)
            ).one_or_none()
        return None if row is None else Lease(row.owner, row.token)

    def living(self) -> set[str]:
        """Return the owners whose lease has not run out."""
        with self._database.read() as connection:
            return set(connection.execute(select(_leases.owner).where(_leases.expires_at >= self._now)).scalars())

    def end(self, owner: str) -> None:
        """Let go of all that *owner* holds: it has stopped, or is known to be dead. Its token stays used."""
        self._database.retrying(lambda: self._end(owner))

    def _end(self, owner: str) -> None:
        with self._database.write() as connection:
            connection.execute(update(tables.leases).where(_leases.owner == owner).values(expires_at=0))

    def _end_of(self, ttl: timedelta) -> ColumnElement[int]:
        return self._now + _micros(ttl)


def fence(connection: Connection, lease: Lease) -> None:
    """Check within a transaction that *lease* still holds, and keep others from taking it until the transaction ends.

    Raises:
        LeadershipLostError: another instance leads now.
    """
    held = {"b_owner": lease.owner, "b_token": lease.token}
    if connection.execute(_FENCE, held).rowcount != 1:
        raise LeadershipLostError("another instance leads now")


def _instance(owner: str) -> str:
    return f"instance:{owner}"


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
