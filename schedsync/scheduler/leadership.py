"""Whether this instance leads: the lease, renewed in time and given up by the instance's own clock."""

import time
from collections.abc import Callable
from datetime import timedelta

from schedsync.executors.identity import is_known_dead
from schedsync.store.leases import Lease, LeaseTable


class Leadership:
    """This instance's hold on the lease. Used by the scheduler's thread, and by the service when that has stopped."""

    def __init__(
        self,
        leases: LeaseTable,
        *,
        owner: str,
        node: str,
        ttl: timedelta,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._leases, self._owner, self._node, self._ttl = leases, owner, node, ttl
        self._monotonic = monotonic
        self._asked_at: float | None = None
        self._in_touch_since: float | None = None
        """Since when the database has answered without a break; None while it does not."""
        self._answered_at = 0.0
        self._renewed_at = 0.0
        self._lease: Lease | None = None
        self.leader: str | None = None
        """The node that leads, as far as known."""

    @property
    def interval(self) -> float:
        """Seconds between two renewals."""
        return self._ttl.total_seconds() / 3

    @property
    def holds(self) -> bool:
        """Whether this instance leads, as far as was known at the last ``ensure``."""
        return self._lease is not None

    def ensure(self) -> Lease | None:
        """Return the lease if this instance leads, after renewing or taking it where that is due.

        Raises:
            DatabaseUnavailableError: it cannot be known; a held lease is given up before it can have run out.
        """
        began = self._monotonic()
        try:
            lease = self._ensure(began)
        except BaseException:
            self._in_touch_since = None
            raise
        if self._asked_at == began:  # a question was answered
            self._note_answer(self._monotonic())
        return lease

    def _note_answer(self, now: float) -> None:
        """Note that the database answers; a silence that others may have suffered too counts as if it had been away."""
        if self._in_touch_since is None or now - self._answered_at > self._ttl.total_seconds() / 2:
            self._in_touch_since = now
        self._answered_at = now

    def _ensure(self, now: float) -> Lease | None:
        if self._lease is not None and now - self._renewed_at >= self._ttl.total_seconds() * 0.8:
            self.lost()
        if self._asked_at is not None and now - self._asked_at < self.interval:
            return self._lease
        if self._lease is None or not self._leases.renew(self._owner, self._ttl):
            self._lease = self._acquire()
        self._asked_at = now
        # Counted from before the question was sent: the database cannot have begun the term earlier.
        self._renewed_at = now
        return self._lease

    def look(self) -> None:
        """Note who leads, without asking for it.

        Raises:
            DatabaseUnavailableError: it cannot be known.
        """
        lease = self._leases.leader()
        self.leader = None if lease is None else lease.node

    def keep(self) -> None:
        """Say that this instance lives, and leads if it does; take no leadership. For when the scheduler has stopped.

        Raises:
            DatabaseUnavailableError: it is not said; the lease runs on until its end.
        """
        self._leases.renew(self._owner, self._ttl)

    def ask_again(self) -> None:
        """Let the next ``ensure`` ask the database, however short a time ago it answered.

        A renewal waits for the lease's row, which a claim holds until its end: what one wrote whose answer did not
        come, and that is under way still, can be seen after it.
        """
        self._asked_at = None

    def lost(self) -> None:
        """Note that another instance leads, or may."""
        self._lease, self._asked_at = None, None

    def release(self) -> None:
        """Let another instance take over at once."""
        self._lease = None
        self._leases.end(self._owner)

    def is_dead(self) -> Callable[[str], bool]:
        """Return what says whether the instance of a name has ended. Who lives is asked when that is first needed.

        After an outage of the database all leases have run out. So for one term more an instance of another machine is
        not taken for dead: it may well live, and have results to write.
        """
        since = self._in_touch_since
        in_touch = 0.0 if since is None else self._monotonic() - since
        certain = in_touch >= self._ttl.total_seconds()
        living: list[set[str]] = []

        def dead(owner: str) -> bool:
            if certain and not living:
                living.append(self._leases.living())
            return is_known_dead(owner, self._node) or (certain and owner not in living[0])

        return dead

    def _acquire(self) -> Lease | None:
        lease = self._leases.acquire(self._owner, self._ttl)
        if lease.owner != self._owner and is_known_dead(lease.owner, self._node):
            # A restart after a crash need not wait for the dead process's term to run out.
            self._leases.end(lease.owner)
            lease = self._leases.acquire(self._owner, self._ttl)
        self.leader = lease.node
        return lease if lease.owner == self._owner else None
