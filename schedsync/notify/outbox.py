"""Notices on their way: each channel has a thread and a process of its own, so none waits for another.

The rows are the outbox. A notice is reserved for a try before that begins, so that no two instances send it at
once; it is marked when it has arrived. A crash in between sends it again: at least once, not exactly once.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from schedsync.clock import Clock, utc_now
from schedsync.errors import DatabaseUnavailableError, RunNotFoundError, SchemaError
from schedsync.notify.channel import Channel, Surroundings, values_of
from schedsync.notify.courier import Courier
from schedsync.outages import Outage
from schedsync.runs.notices import Notice
from schedsync.runs.run import Run
from schedsync.store.runs import KeptOutput
from schedsync.store.store import Store

log = logging.getLogger(__name__)

DELAYS = (10, 30, 60, 120, 300, 600, 1800)
"""Seconds between two tries of a notice; the last one repeats."""
PATIENCE = timedelta(days=1)
"""After so long a notice is given up."""
TOO_OLD = "it could not be sent within a day"
MOST = 1_000
"""How many notices are looked at together, the oldest first."""
LEEWAY = timedelta(seconds=20)
"""How much longer than its try a notice is reserved: for a process that starts, and a mark that is written."""
AGAIN = 5.0
"""Seconds until the database is asked again that did not answer."""
_AWAY = (DatabaseUnavailableError, SchemaError)


class Outbox:
    """Sends the notices of the store while this instance leads. Methods are safe from any thread and return at once."""

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        leads: Callable[[], bool],
        *,
        public_url: str | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """Make one.

        Args:
            store: where notices are.
            channels: where they go, by name.
            leads: says whether this instance leads.
            public_url: where people reach the status API.
            clock: the time.
        """
        self._store, self._leads, self._clock = store, leads, clock
        self._senders = {n: _Sender(store, each, leads, self.wake, public_url, clock) for n, each in channels.items()}
        self._asked, self._stopping = threading.Event(), threading.Event()
        self._outage = Outage(log, "notices cannot be looked for, they wait", "notices are looked for again")
        self._thread = threading.Thread(target=self._loop, name="schedsync-outbox", daemon=True)

    def start(self) -> None:
        """Start the threads; nothing is looked for before ``wake``."""
        self._thread.start()
        for sender in self._senders.values():
            sender.start()

    def wake(self) -> None:
        """Say that there may be notices."""
        self._asked.set()

    def stop(self) -> None:
        """Stop; what is not sent waits in the store."""
        self._stopping.set()
        self._asked.set()
        for sender in self._senders.values():
            sender.close()
        self._thread.join()
        for sender in self._senders.values():
            sender.join()

    def _loop(self) -> None:
        while True:
            self._asked.wait()
            if self._stopping.is_set():
                return
            self._asked.clear()
            self._guarded_look()

    def _guarded_look(self) -> None:
        try:
            if self._leads():
                self._look()
        except _AWAY as error:
            self._outage.failed(error)
            self._stopping.wait(AGAIN)
            self._asked.set()
        except Exception:  # the boundary of the loop
            log.exception("notices could not be looked for")
        else:
            self._outage.succeeded()

    def _look(self) -> None:
        full: set[str] = set()
        while found := self._pending(full):
            by_channel, more = Counter(notice.channel for notice in found), len(found) == MOST
            for name in by_channel:
                self._hand_over(name, [notice for notice in found if notice.channel == name], more=more)
            if not more:
                return
            # A channel of which many wait must not hide what waits for others.
            full.add(by_channel.most_common(1)[0][0])

    def _pending(self, without: Collection[str]) -> Sequence[Notice]:
        """Return the oldest notices that are still to be sent; the first of them shows whether some are too old."""
        now = self._clock()
        found = self._store.notices.pending(without=without, limit=MOST)
        if found and found[0].happened_at < now - PATIENCE:
            self._give_up(now - PATIENCE, now)
            found = self._store.notices.pending(without=without, limit=MOST)
        return found

    def _give_up(self, before: datetime, now: datetime) -> None:
        for sender in self._senders.values():
            sender.forget(before)
        count = self._store.notices.given_up_before(before, now, error=TOO_OLD)
        log.error("notices are given up", extra={"count": count, "error": TOO_OLD})

    def _hand_over(self, name: str, notices: Sequence[Notice], *, more: bool) -> None:
        if name in self._senders:
            self._senders[name].offer(notices, more=more)
        else:
            self._refuse(name)

    def _refuse(self, name: str) -> None:
        known = f"known are {', '.join(sorted(self._senders))}" if self._senders else "they have none"
        error = f'the settings have no channel "{name}" ({known}); write [channels.{name}]'
        count = self._store.notices.given_up_for(name, self._clock(), error=error)
        log.error("notices are given up", extra={"channel": name, "count": count, "error": error})


class _Sender:
    """The thread of one channel."""

    def __init__(
        self,
        store: Store,
        channel: Channel,
        leads: Callable[[], bool],
        ask: Callable[[], None],
        public_url: str | None,
        clock: Clock,
    ) -> None:
        self._store, self._channel, self._leads, self._ask = store, channel, leads, ask
        self._public_url, self._clock = public_url, clock
        self._courier = Courier()
        self._changed = threading.Condition()
        # Under the condition's lock.
        self._waiting: dict[str, Notice] = {}
        self._more = False
        """Whether the store may have further ones."""
        self._closing = False
        # Of the thread alone.
        self._failures, self._rest_until = 0, 0.0
        self._outage = Outage(
            log,
            f'channel "{channel.name}" takes no notices, they wait',
            f'channel "{channel.name}" takes notices again',
        )
        self._database = Outage(log, "notices wait for the database", "notices are sent again")
        self._thread = threading.Thread(target=self._loop, name=f"schedsync-channel-{channel.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def offer(self, notices: Iterable[Notice], *, more: bool = False) -> None:
        with self._changed:
            new = {notice.id: notice for notice in notices if notice.id not in self._waiting}
            self._waiting |= new
            self._more |= more and bool(
                new
            )  # else all that was found waits for its next try, and more would find it again
            self._changed.notify()

    def forget(self, before: datetime) -> None:
        """Drop what happened before then."""
        with self._changed:
            self._waiting = {name: each for name, each in self._waiting.items() if each.happened_at >= before}

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._courier.close()

    def join(self) -> None:
        self._thread.join()

    def _loop(self) -> None:
        while (notice := self._next()) is not None:
            self._guarded_try(notice)
        self._courier.rest()

    def _next(self) -> Notice | None:
        """Wait for the notice that is due next, and return it; None at the end."""
        with self._changed:
            while not self._closing:
                wait = self._until_due()
                if wait == 0.0:
                    return self._waiting.pop(self._first().id)
                self._ask_for_more()
                self._courier.wait(self._changed, wait)
        return None

    def _ask_for_more(self) -> None:
        if self._more and self._rest_until <= time.monotonic():
            self._more = False
            self._ask()

    def _first(self) -> Notice:
        return min(self._waiting.values(), key=lambda notice: (notice.next_try_at or notice.happened_at, notice.id))

    def _until_due(self) -> float | None:
        if not self._waiting:
            return None
        first = self._first()
        due = ((first.next_try_at or first.happened_at) - self._clock()).total_seconds()
        return max(due, self._rest_until - time.monotonic(), 0.0)

    def _guarded_try(self, notice: Notice) -> None:
        try:
            if self._leads():  # who leads next finds it in the store
                self._try(notice)
        except _AWAY as error:
            self._database.failed(error)
            self._rest_until = time.monotonic() + AGAIN
            self.offer([notice])
        except Exception:  # the boundary of one notice: the others are still to be sent
            log.exception("notice could not be sent", extra={"job_id": notice.job_id, "channel": self._channel.name})
        else:
            self._database.succeeded()

    def _try(self, notice: Notice) -> None:
        now = self._clock()
        until = now + timedelta(seconds=self._channel.seconds) + LEEWAY
        if not self._store.notices.take(notice, until=until):
            return  # another instance has it, or had it
        error = self._courier.deliver(self._channel.request(self._values(notice)))
        if error is None:
            self._failures = 0
            self._outage.succeeded()
            self._store.notices.sent(notice.id, self._clock())
            fields = {"job_id": notice.job_id, "event": notice.event.value, "channel": self._channel.name}
            log.info("notice sent", extra=fields)
        elif self._closing:  # it was broken off by the stop: who comes next may try at once
            self._store.notices.postponed(notice.id, until=now, error=error)
        else:
            self._failed(notice, error, now)

    def _failed(self, notice: Notice, error: str, now: datetime) -> None:
        self._outage.failed(error)
        self._rest_until = time.monotonic() + min(2**self._failures, DELAYS[4])
        self._failures = min(self._failures + 1, 10)
        if now - notice.happened_at >= PATIENCE:
            self._store.notices.given_up(notice.id, now, error=error)
            fields = {"job_id": notice.job_id, "event": notice.event.value, "channel": self._channel.name}
            log.error("notice is given up", extra={**fields, "error": error})
            return
        until = self._clock() + timedelta(seconds=DELAYS[min(notice.tries, len(DELAYS) - 1)])
        self._store.notices.postponed(notice.id, until=until, error=error)
        self.offer([_again(notice, until)])

    def _values(self, notice: Notice) -> dict[str, str]:
        run = self._run(notice)
        kept = None if run is None else self._store.runs.output(run.id)
        job = self._store.jobs.load([notice.job_id]).get(notice.job_id)
        owner = None if job is None or job.spec is None else job.spec.owner
        return values_of(notice, Surroundings(run, _end_of(kept), owner, self._public_url))

    def _run(self, notice: Notice) -> Run | None:
        try:
            return None if notice.run_id is None else self._store.runs.get(notice.run_id)
        except RunNotFoundError:  # its history is kept for a shorter time than the channel was away
            return None


def _again(notice: Notice, until: datetime) -> Notice:
    return replace(notice, tries=notice.tries + 1, next_try_at=until)


def _end_of(kept: KeptOutput | None) -> str:
    if kept is None:
        return ""
    return kept.tail if kept.dropped else kept.head + kept.tail
