"""Pings of monitors that wait for them, in the manner of healthchecks.io: best effort, and never in a job's way.

A job's pings are sent one after the other by one of a few threads, so that an end does not arrive before its start.
"""

import heapq
import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid5
from zlib import crc32

from schedsync.errors import UnresolvedReferenceError
from schedsync.executors.references import resolve
from schedsync.notify.courier import Courier
from schedsync.notify.request import PING, Request
from schedsync.outages import Outage
from schedsync.runs.notices import is_failure
from schedsync.runs.outcome import Output
from schedsync.runs.recovery import KnownJob
from schedsync.runs.run import Run, RunState
from schedsync.specs.notify import Healthcheck

log = logging.getLogger(__name__)

THREADS = 4
SECONDS = 5.0
"""Within this a ping is taken, or tried again."""
PAUSES = (2.0, 10.0)
"""Seconds before the second and the third try of a ping that tells an end; a start is told once or not at all."""
MOST = 1_000
"""How many pings of a thread may wait; further ones are dropped."""
BODY = 10_000
"""How many bytes of an output are sent along: the last ones."""
FAREWELL = 3.0
"""Seconds that a stop waits for the pings that wait."""
_RUNS = UUID("5d1c0f7e-3c1b-4b0c-9a53-0f0d6a1f7c55")
"""The namespace of the ids by which a monitor knows which start and which end belong together."""


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


class Pings:
    """Sends pings. Methods may be called from any thread and return at once, but for ``stop``."""

    def __init__(self, folder: Path, hidden: frozenset[str] = frozenset()) -> None:
        """Make one.

        Args:
            folder: the jobs folder.
            hidden: variables of the service that jobs do not get.
        """
        self._folder = folder
        self._posts = [_Post(f"schedsync-pings-{number}", hidden) for number in range(THREADS)]

    def start(self) -> None:
        """Start the threads."""
        for post in self._posts:
            post.start()

    def started(self, run: Run, job: KnownJob) -> None:
        """Tell that a run has started, if its job has a monitor that wants to know."""
        if job.spec.healthcheck is not None and job.spec.healthcheck.start:
            self._send(run, job, job.spec.healthcheck, "/start")

    def ended(self, run: Run, job: KnownJob, output: Output) -> None:
        """Tell how a slot has ended, if its job has a monitor; one that was cancelled or skipped tells nothing."""
        if job.spec.healthcheck is None:
            return
        if run.state is RunState.SUCCEEDED or is_failure(run):
            path = "" if run.state is RunState.SUCCEEDED else "/fail"
            self._send(run, job, job.spec.healthcheck, path, _end_of(output) or run.reason or "")

    def stop(self) -> None:
        """Send what waits, for a moment, then drop the rest."""
        deadline = time.monotonic() + FAREWELL
        for post in self._posts:
            post.close()
        for post in self._posts:
            post.join(max(deadline - time.monotonic(), 0.0))

    def _send(self, run: Run, job: KnownJob, healthcheck: Healthcheck, path: str, body: str = "") -> None:
        folder = (self._folder / job.source_file).absolute().parent
        post = self._posts[crc32(run.job_id.encode()) % len(self._posts)]
        post.put(Ping(run.job_id, healthcheck, folder, path, run.id, body))


class _Post:
    """One of the threads, with the pings that wait for it."""

    def __init__(self, name: str, hidden: frozenset[str]) -> None:
        self._hidden = hidden
        self._courier = Courier()
        self._changed = threading.Condition()
        # Under the condition's lock.
        self._waiting: list[tuple[float, int, Ping]] = []
        self._numbers = count()
        self._closing = False
        # Of the thread alone.
        self._outages: dict[str, Outage] = {}
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, ping: Ping, after: float = 0.0) -> None:
        with self._changed:
            if len(self._waiting) >= MOST:
                log.warning("ping is dropped, too many wait", extra={"job_id": ping.job_id})
                return
            heapq.heappush(self._waiting, (time.monotonic() + after, next(self._numbers), ping))
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()

    def join(self, seconds: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(seconds)
        self._courier.close()

    def _loop(self) -> None:
        while (ping := self._next()) is not None:
            try:
                self._try(ping)
            except Exception:  # the boundary of one ping: the others are still to be sent
                log.exception("ping could not be sent", extra={"job_id": ping.job_id})
        self._courier.rest()

    def _next(self) -> Ping | None:
        """Wait for the ping that is due next, and return it; None at the end."""
        with self._changed:
            while True:
                wait = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0.0:
                    return heapq.heappop(self._waiting)[2]
                if self._closing:
                    return None
                self._courier.wait(self._changed, wait)

    def _try(self, ping: Ping) -> None:
        outage = self._outages.setdefault(ping.job_id, _outage(ping.job_id))
        try:
            url = _url(resolve_url(ping, self._environ()), ping)
        except UnresolvedReferenceError as error:
            outage.failed(error)
            return
        failure = self._courier.deliver(Request(PING, url, body=ping.body, seconds=SECONDS))
        if failure is None:
            outage.succeeded()
        elif ping.path != "/start" and ping.tries < len(PAUSES):
            self.put(replace(ping, tries=ping.tries + 1), after=PAUSES[ping.tries])
        else:
            outage.failed(failure)

    def _environ(self) -> Mapping[str, str]:
        return {name: value for name, value in os.environ.items() if name not in self._hidden}


def resolve_url(ping: Ping, environ: Mapping[str, str]) -> str:
    """Return where the monitor is.

    Raises:
        UnresolvedReferenceError: the file or variable that says so cannot be used.
    """
    where = ping.healthcheck.where
    url = where if isinstance(where, str) else resolve(where, ping.folder, environ).strip()
    if not url.startswith(("http://", "https://")):
        raise UnresolvedReferenceError("what healthcheck names holds no URL that begins with http:// or https://")
    return url


def _url(base: str, ping: Ping) -> str:
    parts = urlsplit(base)
    rid = f"rid={uuid5(_RUNS, ping.run_id)}"
    query = f"{parts.query}&{rid}" if parts.query else rid
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + ping.path, query, ""))


def _outage(job_id: str) -> Outage:
    return Outage(log, f'pings of "{job_id}" do not arrive', f'pings of "{job_id}" arrive again')


def _end_of(output: Output) -> str:
    kept = output.tail if output.dropped else output.head + output.tail
    return kept[-BODY:].decode(errors="replace")
