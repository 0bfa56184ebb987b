"""Pings that wait, in a line for each job: which one is next, so that a monitor that hangs keeps no other from its own.

The pings of a job are sent one after the other, so that an end does not arrive before its start. A host that does not
answer in time rests, longer each time; meanwhile what waits for it is the newest end of each job, and no starts.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from schedsync.outages import Outage
from schedsync.specs.notify import Healthcheck

log = logging.getLogger(__name__)

MOST = 10
"""How many pings of a job may wait; of more, the newest end alone is kept."""
FIRST_REST, LONGEST_REST = 10.0, 300.0
"""Seconds that a host rests; each time twice as long as the time before."""


@dataclass(frozen=True, slots=True)
class Ping:
    """What a monitor is told."""

    job_id: str
    healthcheck: Healthcheck
    folder: Path
    """Of the job file."""
    path: str
    """Behind the URL: ``/start``, ``/fail``, or nothing for a success."""
    run_id: str
    body: str = ""
    tries: int = 0

    @property
    def is_start(self) -> bool:
        """Whether it tells a start: that is told once or not at all."""
        return self.path == "/start"


class _Host:
    """A host with monitors, and how well it is."""

    def __init__(self, name: str) -> None:
        self.rests_until = 0.0
        self.hung = 0
        """How many tries in a row had no answer."""
        self.asked = 0
        """How many tries are under way."""
        self.outage = Outage(log, f'monitor "{name}" hangs, it is pinged less', f'monitor "{name}" answers again')


@dataclass(slots=True)
class _Line:
    """What waits for the monitor of one job."""

    host: _Host
    pings: list[Ping] = field(default_factory=list)
    due: float = 0.0
    """When the first of them may be tried."""
    busy: bool = False
    """Whether a try is under way."""

    @property
    def waits(self) -> bool:
        """Whether the first ping may be tried as soon as it is due; a host that hung is asked by one at a time."""
        return not self.busy and not (self.host.hung and self.host.asked)

    @property
    def ready_at(self) -> float:
        return max(self.due, self.host.rests_until)

    def keep_newest_end(self) -> None:
        self.pings = [ping for ping in self.pings if not ping.is_start][-1:]


class Lines:
    """All lines. Methods may be called from any thread, and return at once but for ``next``."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._changed = threading.Condition()
        # Under the condition's lock.
        self._unknown = _Host("")
        """Where monitors are that were not looked for yet."""
        self._hosts: dict[str, _Host] = {}
        self._lines: dict[str, _Line] = {}
        self._waiting: dict[str, _Line] = {}
        """Those of the lines that have pings."""
        self._closing = False

    def put(self, ping: Ping) -> None:
        """Let *ping* wait."""
        with self._changed:
            line = self._lines.setdefault(ping.job_id, _Line(self._unknown))
            now = self._monotonic()
            if not line.pings:
                line.due = now
            line.pings.append(ping)
            if len(line.pings) > MOST or line.host.rests_until > now:
                line.keep_newest_end()
            self._sort(ping.job_id, line)

    def next(self, wait: Callable[[threading.Condition, float | None], None]) -> Ping | None:
        """Wait for the ping that may be tried next, and return it; None at the end.

        Args:
            wait: waits for the condition, at most so many seconds.
        """
        with self._changed:
            while True:
                now = self._monotonic()
                line = self._first(now)
                if line is not None and line.ready_at <= now:
                    line.busy = True
                    line.host.asked += 1
                    return line.pings.pop(0)
                if self._closing:
                    return None
                wait(self._changed, None if line is None else line.ready_at - now)

    def is_at(self, ping: Ping, name: str) -> bool:
        """Note which host *ping* is for; return False when that rests: then the ping waits."""
        with self._changed:
            line = self._lines[ping.job_id]
            line.host.asked -= 1
            line.host = self._hosts.setdefault(name, _Host(name))
            line.host.asked += 1
            rests = line.host.rests_until > self._monotonic() or (line.host.hung and line.host.asked > 1)
            if rests:
                self._leave(ping, line, again=True)
                line.keep_newest_end()
                self._sort(ping.job_id, line)
            return not rests

    def drop(self, ping: Ping) -> None:
        """Note that *ping* was not sent, and will not be."""
        with self._changed:
            self._leave(ping, self._lines[ping.job_id])

    def answered(self, ping: Ping) -> None:
        """Note that a monitor answered, and that *ping* is done with."""
        with self._changed:
            line = self._lines[ping.job_id]
            self._is_well(line.host)
            self._leave(ping, line)

    def again(self, ping: Ping, *, after: float) -> None:
        """Note that a monitor answered, but is to be told *ping* again *after* seconds, before what is newer."""
        with self._changed:
            line = self._lines[ping.job_id]
            self._is_well(line.host)
            self._leave(ping, line, again=True)
            line.due = self._monotonic() + after

    def hung(self, ping: Ping, error: str) -> None:
        """Note that a monitor did not answer in time: its host rests, and an end is told after that."""
        with self._changed:
            line = self._lines[ping.job_id]
            host, now = line.host, self._monotonic()
            host.outage.failed(error)
            if host.rests_until <= now:  # else it was another of several tries that began together
                host.rests_until = now + min(FIRST_REST * 2 ** min(host.hung, 10), LONGEST_REST)
                host.hung += 1
            self._leave(ping, line, again=True)
            for job_id, each in list(self._waiting.items()):
                if each.host is host:
                    each.keep_newest_end()
                    self._sort(job_id, each)

    def close(self) -> None:
        """Let ``next`` return what may be tried at once, and then None."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _first(self, now: float) -> _Line | None:
        """Return the line that is ready first; of several that are, not one whose host hung if there is another."""
        lines = (line for line in self._waiting.values() if line.waits)
        return min(lines, key=lambda line: (max(line.ready_at, now), line.host.hung > 0, line.due), default=None)

    def _leave(self, ping: Ping, line: _Line, *, again: bool = False) -> None:
        """End a try."""
        line.busy = False
        line.host.asked -= 1
        line.due = self._monotonic()
        if again:
            line.pings.insert(0, ping)
        self._sort(ping.job_id, line)

    def _sort(self, job_id: str, line: _Line) -> None:
        if line.pings:
            self._waiting[job_id] = line
        else:
            self._waiting.pop(job_id, None)
        self._changed.notify()

    def _is_well(self, host: _Host) -> None:
        if host.hung:
            host.hung, host.rests_until = 0, 0.0
            host.outage.succeeded()
            self._changed.notify_all()
