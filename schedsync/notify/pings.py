"""Pings of monitors that wait for them, in the manner of healthchecks.io: best effort, and never in a job's way.

A few threads send them; which ping is next is the matter of the lines in which they wait.
"""

import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid5

from schedsync.errors import UnresolvedReferenceError
from schedsync.executors.references import resolve
from schedsync.notify.courier import Courier
from schedsync.notify.lines import Lines, Ping
from schedsync.notify.request import PING, Request
from schedsync.outages import Outage
from schedsync.runs.notices import is_failure
from schedsync.runs.outcome import Output
from schedsync.runs.recovery import KnownJob
from schedsync.runs.run import Run, RunState
from schedsync.specs.notify import Healthcheck, has_user

log = logging.getLogger(__name__)

THREADS = 4
SECONDS = 5.0
"""Within this a ping is taken, or tried again."""
PAUSES = (2.0, 10.0)
"""Seconds before the second and the third try of a ping that tells an end; a start is told once or not at all."""
BODY = 10_000
"""How many bytes of an output are sent along: the last ones."""
FAREWELL = 3.0
"""Seconds that a stop waits for the pings that wait."""
_RUNS = UUID("5d1c0f7e-3c1b-4b0c-9a53-0f0d6a1f7c55")
"""The namespace of the ids by which a monitor knows which start and which end belong together."""


class Pings:
    """Sends pings. Methods may be called from any thread and return at once, but for ``stop``."""

    def __init__(self, folder: Path, hidden: frozenset[str] = frozenset()) -> None:
        """Make one.

        Args:
            folder: the jobs folder.
            hidden: variables of the service that jobs do not get.
        """
        self._folder = folder
        self._lines, outages = Lines(), dict[str, Outage]()
        self._posts = [_Post(f"schedsync-pings-{number}", self._lines, outages, hidden) for number in range(THREADS)]

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
        self._lines.close()
        for post in self._posts:
            post.join(max(deadline - time.monotonic(), 0.0))

    def _send(self, run: Run, job: KnownJob, healthcheck: Healthcheck, path: str, body: str = "") -> None:
        folder = (self._folder / job.source_file).absolute().parent
        self._lines.put(Ping(run.job_id, healthcheck, folder, path, run.id, body))


class _Post:
    """One of the threads."""

    def __init__(self, name: str, lines: Lines, outages: dict[str, Outage], hidden: frozenset[str]) -> None:
        self._lines, self._outages, self._hidden = lines, outages, hidden
        self._courier = Courier()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(seconds)
        self._courier.close()

    def _loop(self) -> None:
        while (ping := self._lines.next(self._courier.wait)) is not None:
            try:
                self._try(ping)
            except Exception:  # the boundary of one ping: the others are still to be sent
                log.exception("ping could not be sent", extra={"job_id": ping.job_id})
                self._lines.drop(ping)
        self._courier.rest()

    def _try(self, ping: Ping) -> None:
        try:
            url = resolve_url(ping, self._environ())
        except UnresolvedReferenceError as error:
            self._outage(ping).failed(error)
            self._lines.drop(ping)
            return
        if self._lines.is_at(ping, urlsplit(url).netloc):
            self._ask(ping, _url(url, ping))

    def _ask(self, ping: Ping, url: str) -> None:
        began = time.monotonic()
        failure = self._courier.deliver(Request(PING, url, body=ping.body, seconds=SECONDS))
        if failure is None:
            self._outage(ping).succeeded()
            self._lines.answered(ping)
        elif time.monotonic() - began >= SECONDS:
            self._lines.hung(ping, failure)
        elif not ping.is_start and ping.tries < len(PAUSES):
            self._lines.again(replace(ping, tries=ping.tries + 1), after=PAUSES[ping.tries])
        else:
            self._outage(ping).failed(failure)
            self._lines.answered(ping)

    def _outage(self, ping: Ping) -> Outage:
        # One thread at a time has a job's ping, so the others do not have its outage.
        return self._outages.setdefault(ping.job_id, _outage(ping.job_id))

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
    if has_user(url):
        raise UnresolvedReferenceError(
            "a monitor gets no user or password; what healthcheck names holds a URL with one"
        )
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
