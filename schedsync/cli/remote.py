"""What commands read and control, at a service elsewhere: its API gives the views that the database gives here."""

import codecs
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from schedsync.cli.client import AbsentError, Answer, Client, NoAnswerError, ServerError
from schedsync.cli.elsewhere import Elsewhere
from schedsync.cli.following import LOOK
from schedsync.cli.output import complain
from schedsync.cli.outputs import nothing_of
from schedsync.cli.source import JobsWanted, Log, RunsWanted, Standing, said
from schedsync.clock import MICROSECOND, rfc3339
from schedsync.errors import SchedsyncError
from schedsync.status.logs import AuditPage, SyncsPage
from schedsync.status.queue import QueueView
from schedsync.status.views import JobDetail, JobsPage, RunsPage, RunView, StatusView, View

V = TypeVar("V", bound=View)
LONGEST = 500
"""So many entries has a page of the API at most."""
WAIT = 20
"""Seconds that the service holds back an answer while a run prints nothing."""
AGAIN = 1.0
"""Seconds before a service that does not answer is asked again by who follows a run."""


class FromServer:
    """Asks the API of a service."""

    def __init__(self, at: Elsewhere) -> None:
        self._client = Client(at)

    def status(self) -> StatusView:
        """Return how the service is, as it says itself."""
        return _view(StatusView, self._client.get("/api/status"))

    def jobs(self, wanted: JobsWanted) -> JobsPage:
        """Return the jobs that are wanted."""
        return self._pages(JobsPage, "jobs", "/api/jobs", wanted.limit, **said(wanted))

    def job(self, job_id: str) -> JobDetail:
        """Return a job with its spec."""
        return _view(JobDetail, self._client.get(f"/api/jobs/{job_id}"))

    def runs(self, job_id: str | None, wanted: RunsWanted) -> RunsPage:
        """Return the runs that are wanted."""
        path = "/api/runs" if job_id is None else f"/api/jobs/{job_id}/runs"
        return self._pages(RunsPage, "runs", path, wanted.limit, **said(wanted))

    def run(self, run_id: str) -> RunView:
        """Return the run of this id."""
        return _view(RunView, self._client.get(f"/api/runs/{run_id}"))

    def find(self, name: str) -> RunView:
        """Return the run of this id, or the latest of the job of this id that was not skipped."""
        try:
            return self.run(name)
        except AbsentError:
            latest = self._latest(name)
        if latest is None:
            raise SchedsyncError(f'the job "{name}" has not run yet')
        return latest

    def _latest(self, job_id: str) -> RunView | None:
        try:
            return self.job(job_id).last_run
        except AbsentError:  # it may be gone, with its runs still there
            pass
        try:
            page = self.runs(job_id, RunsWanted(LONGEST))
        except AbsentError:
            raise AbsentError(f'no run or job has the id "{job_id}"') from None
        return next((run for run in page.runs if run.state != "skipped"), None)

    def last_attempt(self, run: RunView) -> RunView:
        """Return the last attempt at the slot of *run*."""
        page = self.runs(run.job_id, RunsWanted(LONGEST, since=run.scheduled_at, until=run.scheduled_at + MICROSECOND))
        return max(page.runs, key=lambda each: each.attempt, default=run)

    def log(self, run: RunView) -> Log:
        """Return the output of *run*."""
        text = self._client.answer("GET", f"/api/runs/{run.id}/log").body.decode(errors="replace")
        if run.state == "running" and text:
            return Log(run, text, f"run {run.id} is still running; this is its output so far")
        return Log(run, text, None if text else self._nothing(run))

    def follow(self, run: RunView) -> Iterator[str]:
        """Yield the output of *run* as it comes; a service that does not answer is waited for."""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        at, done, away = 0, False, False
        while not done:
            try:
                answer = self._client.answer(
                    "GET", f"/api/runs/{run.id}/log", {"from": at, "wait": WAIT}, patience=WAIT
                )
            except NoAnswerError as error:
                if not away:
                    complain(f"{error}; asking again")
                away = True
                time.sleep(AGAIN)
                continue
            away = False
            at, done = _progress(answer)
            yield decoder.decode(answer.body, final=done)
            if not answer.body and not done:
                time.sleep(LOOK)  # too many wait there at once, so it has answered without waiting

    def missing(self, run: RunView) -> str | None:
        """Return why there is nothing to follow yet of *run*, as far as that is known before it is asked for."""
        return self._nothing(run) if run.state == "queued" else None

    def syncs(self, *, limit: int) -> SyncsPage:
        """Return up to *limit* steps of the loop, newest first."""
        return self._pages(SyncsPage, "syncs", "/api/syncs", limit)

    def audit(self, job_id: str | None, *, limit: int) -> AuditPage:
        """Return up to *limit* decisions, newest first."""
        return self._pages(AuditPage, "entries", "/api/audit", limit, job_id=job_id)

    def queue(self, *, limit: int) -> QueueView:
        """Return up to *limit* of what waits, and not more than a page."""
        return _view(QueueView, self._client.get("/api/queue", limit=min(limit, LONGEST)))

    def pause(self, job_id: str | None, *, until: datetime | None, reason: str | None) -> Standing:
        """Pause a job, or all of them, as whom the token names."""
        end = None if until is None else rfc3339(until)
        answer = self._client.post(_place(job_id, "pause"), until=end, reason=reason)
        return self._standing(job_id, answer)

    def resume(self, job_id: str | None, *, reason: str | None) -> Standing:
        """End a pause, as whom the token names."""
        before = self._standing(job_id, self._client.get("/api/status" if job_id is None else f"/api/jobs/{job_id}"))
        answer = self._client.post(_place(job_id, "resume"), reason=reason)
        paused = before.everything if job_id is None else before.own
        return self._standing(job_id, answer, ended=paused is not None)

    def trigger(self, job_id: str, *, reason: str | None) -> RunView:
        """Ask for a run, as whom the token names."""
        return _view(RunView, self._client.post(_place(job_id, "run"), reason=reason))

    def _standing(self, job_id: str | None, answer: Any, *, ended: bool = False) -> Standing:
        if job_id is None:
            return Standing(_view(StatusView, answer).paused, ended=ended)
        return Standing(self.status().paused, _view(JobDetail, answer), ended)

    def _nothing(self, run: RunView) -> str:
        return nothing_of(run, "has reached this service")

    def _pages(self, kind: type[V], name: str, path: str, limit: int, **query: object) -> V:
        """Return as much of a list as is asked for, page by page, as one page; from memory what there is."""
        page = self._client.get(path, limit=min(limit, LONGEST), **query)
        view, entries = _view(kind, page), list(page[name])
        while (cursor := page["next_cursor"]) is not None and len(entries) < limit:
            try:
                page = self._client.get(path, limit=min(limit - len(entries), LONGEST), cursor=cursor, **query)
            except NoAnswerError:
                if page.get("as_of") is None:
                    raise
                break
            view = _view(kind, page)
            entries += page[name]
        return _view(kind, page | {name: entries}) if len(entries) > len(page[name]) else view


def _view(kind: type[V], answer: Any) -> V:
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "all of it"
        raise ServerError(
            f"the answer is none that this version understands ({field}: {first['msg']}); is the service of another"
            " version, or another program?"
        ) from None


def _place(job_id: str | None, wish: str) -> str:
    return f"/api/{wish}" if job_id is None else f"/api/jobs/{job_id}/{wish}"


def _progress(answer: Answer) -> tuple[int, bool]:
    """Return from which byte on to ask next, and whether that was all."""
    try:
        return int(answer.headers["schedsync-log-next"]), answer.headers["schedsync-log-done"] == "true"
    except (KeyError, ValueError):
        raise ServerError(
            "the service does not say how far an output has been read; it is of another version: leave out --follow"
        ) from None
