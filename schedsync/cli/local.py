"""What commands read and control, in the database of this machine; and in its spool folder, for what runs here."""

from collections.abc import Iterator
from datetime import datetime

from schedsync.cli.following import output_of
from schedsync.cli.outputs import nothing_of
from schedsync.cli.source import JobsWanted, Log, RunsWanted, Standing, said
from schedsync.cli.who import who
from schedsync.clock import utc_now
from schedsync.control import Control
from schedsync.errors import RunNotFoundError, SchedsyncError
from schedsync.executors.identity import is_known_dead
from schedsync.executors.spool import OutputLimits, live, spooled
from schedsync.runs.pause import EVERYTHING
from schedsync.runs.run import UNSETTLED, Cause, Run, RunState
from schedsync.runs.selection import RunFilter
from schedsync.settings import Settings
from schedsync.status.knowledge import FromStore
from schedsync.status.logs import AuditPage, SyncsPage, audit_page, syncs_page
from schedsync.status.output import log_text
from schedsync.status.queue import ROWS, QueueView, queue_in_rows, queue_view
from schedsync.status.selection import JobFilter, Place, Sort, Wanted
from schedsync.status.views import (
    JobDetail,
    JobsPage,
    RunsPage,
    RunView,
    StatusView,
    job_shown,
    listing,
    pause_view,
    run_view,
    status_view,
)
from schedsync.status.vitals import Reading
from schedsync.store.store import Store


class FromDatabase:
    """Asks the rows, and writes wishes where the next tick finds them."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._known = FromStore(store)
        self._control = Control(store)
        self._spool = settings.runner.spool

    def status(self) -> StatusView:
        """Return what the rows say of the service; when it ticked last is known to itself alone."""
        lease = self._store.leases.leader()
        gone = lease is None or is_known_dead(lease.owner, self._settings.node)
        reading = Reading(leader=None if lease is None or gone else lease.node, database_ok=True)
        return status_view(
            self._known, reading, node=self._settings.node, now=utc_now(), blackouts=self._settings.blackout_times
        )

    def jobs(self, wanted: JobsWanted) -> JobsPage:
        """Return the jobs that are wanted."""
        chosen = JobFilter(wanted.state, wanted.tag, wanted.owner, wanted.group, wanted.q, wanted.stale)
        sort, downwards = Sort(wanted.sort.removeprefix("-")), wanted.sort.startswith("-")
        found = listing(self._known, Wanted(wanted.limit, chosen, sort, downwards), utc_now())
        return JobsPage(jobs=found.views, total=found.total, next_cursor=_behind_jobs(wanted, found.more))

    def job(self, job_id: str) -> JobDetail:
        """Return a job with its spec."""
        return job_shown(self._known, job_id, utc_now())

    def runs(self, job_id: str | None, wanted: RunsWanted) -> RunsPage:
        """Return the runs that are wanted."""
        state, cause = wanted.state and RunState(wanted.state), wanted.cause and Cause(wanted.cause)
        only = RunFilter(state or None, cause or None, wanted.node, wanted.since, wanted.until)
        found = self._known.runs(job_id=job_id, before=None, limit=wanted.limit + 1, only=only)
        page = found[: wanted.limit]
        last = page[-1] if len(found) > len(page) else None
        return RunsPage(runs=[run_view(run) for run in page], next_cursor=_behind_runs(wanted, last))

    def run(self, run_id: str) -> RunView:
        """Return the run of this id."""
        return run_view(self._store.runs.get(run_id))

    def find(self, name: str) -> RunView:
        """Return the run of this id, or the latest of the job of this id that was not skipped."""
        try:
            return self.run(name)
        except RunNotFoundError:
            latest = self._store.runs.last_of([name]).get(name)
        if latest is not None:
            return run_view(latest)
        known = self._store.jobs.load([name])
        raise SchedsyncError(f'the job "{name}" has not run yet' if known else f'no run or job has the id "{name}"')

    def last_attempt(self, run: RunView) -> RunView:
        """Return the last attempt at the slot of *run*."""
        return run_view(self._store.runs.attempts(run.job_id, run.scheduled_at)[-1])

    def log(self, run: RunView) -> Log:
        """Return the output of *run*, from its file or from the store."""
        if run.state == RunState.RUNNING:
            limits = OutputLimits(self._settings.runner.max_output, keep_head=self._settings.runner.max_output)
            so_far = spooled(live(self._spool, run.id), limits)  # all that there is
            if so_far is not None:
                return Log(run, log_text(so_far), f"run {run.id} is still running; this is its output so far")
            run = self.run(run.id)  # it may just have ended
        kept = self._store.runs.output(run.id)
        return Log(run, "", self._nothing(run)) if kept is None else Log(run, log_text(kept))

    def follow(self, run: RunView) -> Iterator[str]:
        """Yield the output of *run* as it comes."""
        return output_of(run, self._store, live(self._spool, run.id))

    def missing(self, run: RunView) -> str | None:
        """Return why there is nothing to follow yet of *run*."""
        there = run.state not in UNSETTLED or live(self._spool, run.id).exists()
        return None if there else self._nothing(run)

    def syncs(self, *, limit: int) -> SyncsPage:
        """Return up to *limit* steps of the loop, newest first."""
        views, more = syncs_page(self._known, before=None, limit=limit)
        return SyncsPage(syncs=views, next_cursor=_cursor("sync", more))

    def audit(self, job_id: str | None, *, limit: int) -> AuditPage:
        """Return up to *limit* decisions, newest first."""
        views, more = audit_page(self._known, job_id=job_id, before=None, limit=limit)
        return AuditPage(entries=views, next_cursor=_cursor("decision", more))

    def queue(self, *, limit: int) -> QueueView:
        """Return what waits, as the rows say: the leader's own order may differ."""
        told = queue_in_rows(self._known, self._settings.group_places, utc_now())
        return queue_view(told, told_by=ROWS, limit=limit)

    def pause(self, job_id: str | None, *, until: datetime | None, reason: str | None) -> Standing:
        """Pause a job, or all of them, as the user of this process."""
        self._control.pause(job_id, by=who(), reason=reason, until=until)
        return self._standing(job_id)

    def resume(self, job_id: str | None, *, reason: str | None) -> Standing:
        """End a pause, as the user of this process."""
        ended = self._control.resume(job_id, by=who(), reason=reason)
        return self._standing(job_id, ended=ended)

    def trigger(self, job_id: str, *, reason: str | None) -> RunView:
        """Ask for a run, as the user of this process."""
        return run_view(self._control.trigger(job_id, by=who(), reason=reason))

    def _standing(self, job_id: str | None, *, ended: bool = False) -> Standing:
        everything = pause_view(self._known.pauses(utc_now()).get(EVERYTHING))
        return Standing(everything, None if job_id is None else self.job(job_id), ended)

    def _nothing(self, run: RunView) -> str:
        return nothing_of(run, f"is in {self._spool}")


# What the API goes on from behind the last entry of a page: Flask is heavy, and a further page is rare.


def _behind_jobs(wanted: JobsWanted, last: Place | None) -> str | None:
    if last is None:
        return None
    from schedsync.api.selecting import JobsQuery  # noqa: PLC0415

    return JobsQuery.model_validate(said(wanted)).cursor_behind(last)


def _behind_runs(wanted: RunsWanted, last: Run | None) -> str | None:
    if last is None:
        return None
    from schedsync.api.selecting import RunsQuery  # noqa: PLC0415

    return RunsQuery.model_validate(said(wanted)).cursor_behind(last)


def _cursor(kind: str, last: str | None) -> str | None:
    if last is None:
        return None
    from schedsync.api import paging  # noqa: PLC0415

    return str(getattr(paging, f"{kind}_cursor")(last))
