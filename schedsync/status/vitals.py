"""How this instance is: written by its loops, read by the status side. Safe to use from any thread."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from schedsync.store.syncs import SyncReport


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of the loops at one moment. Times are UTC; None means: not yet."""

    last_tick_at: datetime | None = None
    last_step_at: datetime | None = None
    leader: str | None = None
    """The node that leads, as far as this instance knows."""
    leading: bool = False
    token: int = 0
    """The fencing token of the lease under which it leads; 0 while it does not."""
    database_ok: bool = False
    database_since: datetime | None = None
    """Since when the database has been as ``database_ok`` says."""
    database_error: str | None = None
    database_away: bool = False
    """Whether it answers nothing; it may also be that this instance may not write."""
    outages: int = 0
    """How often the database stopped doing what was asked, or did not begin to."""
    outages_took: timedelta = timedelta(0)
    """How long that took together, without an outage that lasts."""
    report: SyncReport | None = None
    """The last step of the loop."""
    live_revision: str | None = None
    """The revision of the last step that made everything live."""
    stopping_since: datetime | None = None
    """When the service was told to stop."""


class Vitals:
    """The current reading."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reading = Reading()

    def read(self) -> Reading:
        """Return how things are now."""
        return self._reading

    @property
    def away(self) -> bool:
        """Whether the database is known not to answer; nobody else has to find that out then."""
        return self._reading.database_away

    def ticked(self, now: datetime, *, leading: bool, leader: str | None, token: int = 0) -> None:
        """Note that the firing loop went round."""
        self._change(lambda r: replace(r, last_tick_at=now, leading=leading, leader=leader, token=token))

    def database(self, now: datetime, *, error: str | None, forbidden: bool = False) -> bool:
        """Note whether the database did what was asked; return whether that is news.

        Args:
            now: the time (UTC).
            error: why it did not.
            forbidden: whether it is only that this instance has no right to what it asked: it answers other questions.
        """
        away = error is not None and not forbidden
        before = self._reading
        news = before.database_since is None or before.database_ok is (error is not None)
        since = now if news else before.database_since
        begins, ends = news and error is not None, news and error is None and before.database_since is not None
        took = now - (before.database_since or now) if ends else timedelta(0)
        self._change(
            lambda r: replace(
                r,
                database_ok=error is None,
                database_since=since,
                database_error=error,
                database_away=away,
                outages=r.outages + begins,
                outages_took=r.outages_took + max(took, timedelta(0)),
            )
        )
        return news

    def stepped(self, report: SyncReport) -> None:
        """Note what a step of the reconcile loop found and did."""
        self._change(
            lambda r: replace(
                r,
                last_step_at=report.at,
                report=report,
                live_revision=report.revision if report.complete else r.live_revision,
            )
        )

    def live(self, revision: str) -> None:
        """Note which revision an earlier process made live."""
        self._change(lambda r: replace(r, live_revision=r.live_revision or revision))

    def stopping(self, now: datetime) -> None:
        """Note that the service was told to stop: it fires nothing more, and waits for what runs."""
        self._change(lambda r: replace(r, stopping_since=r.stopping_since or now))

    def _change(self, change: Callable[[Reading], Reading]) -> None:
        with self._lock:
            self._reading = change(self._reading)
