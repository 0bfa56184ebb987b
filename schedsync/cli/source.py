"""Whom commands ask and tell that read and control: the database of this machine, or a service with ``--server``."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from schedsync.cli.options import Options
from schedsync.clock import rfc3339

if TYPE_CHECKING:  # they bring the store, which a command that completes words does without
    from schedsync.status.logs import AuditPage, SyncsPage
    from schedsync.status.queue import QueueView
    from schedsync.status.views import JobDetail, JobsPage, PauseView, RunsPage, RunView, StatusView


@dataclass(frozen=True, slots=True)
class JobsWanted:
    """Which jobs, in which order; None: whatever they are. The fields are called as the API calls them."""

    limit: int
    state: str | None = None
    tag: str | None = None
    owner: str | None = None
    group: str | None = None
    q: str | None = None
    stale: bool | None = None
    sort: str = "id"


@dataclass(frozen=True, slots=True)
class RunsWanted:
    """Which runs, newest slot first; None: whatever they are. The fields are called as the API calls them."""

    limit: int
    state: str | None = None
    cause: str | None = None
    node: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """The output of a run, and what a reader has to know about it."""

    run: "RunView"
    text: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The pauses in force after a decision."""

    everything: "PauseView | None"
    """Of all jobs."""
    job: "JobDetail | None" = None
    """The job that was meant; None: all were."""
    ended: bool = False
    """Whether the decision ended a pause."""

    @property
    def own(self) -> "PauseView | None":
        """The pause of the job itself."""
        return None if self.job is None or self.job.pause == self.everything else self.job.pause


class Source(Protocol):
    """Jobs and runs, as they are known and changed somewhere.

    What fails is a SchedsyncError: something is not there, or whoever is asked does not answer or does not allow it.
    """

    def status(self) -> "StatusView":
        """Return how the service is."""
        ...

    def jobs(self, wanted: JobsWanted) -> "JobsPage":
        """Return the jobs that are wanted."""
        ...

    def job(self, job_id: str) -> "JobDetail":
        """Return a job with its spec."""
        ...

    def runs(self, job_id: str | None, wanted: RunsWanted) -> "RunsPage":
        """Return the runs that are wanted, of one job or of all."""
        ...

    def run(self, run_id: str) -> "RunView":
        """Return the run of this id."""
        ...

    def find(self, name: str) -> "RunView":
        """Return the run of this id, or the latest run of the job of this id that was not skipped."""
        ...

    def last_attempt(self, run: "RunView") -> "RunView":
        """Return the last attempt at the slot of *run*."""
        ...

    def log(self, run: "RunView") -> Log:
        """Return the output of *run*, or what there is so far."""
        ...

    def follow(self, run: "RunView") -> Iterator[str]:
        """Yield the output of *run* as it comes, until it has ended."""
        ...

    def missing(self, run: "RunView") -> str | None:
        """Return why there is nothing to follow yet of *run*; None when there is."""
        ...

    def syncs(self, *, limit: int) -> "SyncsPage":
        """Return up to *limit* steps of the loop, newest first."""
        ...

    def audit(self, job_id: str | None, *, limit: int) -> "AuditPage":
        """Return up to *limit* decisions, newest first, over one job or all."""
        ...

    def queue(self, *, limit: int) -> "QueueView":
        """Return up to *limit* of the runs that wait, and what for."""
        ...

    def pause(self, job_id: str | None, *, until: datetime | None, reason: str | None) -> Standing:
        """Pause a job, or all of them with None."""
        ...

    def resume(self, job_id: str | None, *, reason: str | None) -> Standing:
        """End the pause of a job, or that of all with None."""
        ...

    def trigger(self, job_id: str, *, reason: str | None) -> "RunView":
        """Ask for a run of a job now."""
        ...


def said(wanted: JobsWanted | RunsWanted) -> dict[str, str]:
    """Return what is *wanted* as the API is asked for it, apart from how much."""
    return {name: _said(value) for name, value in asdict(wanted).items() if name != "limit" and value is not None}


def _said(value: object) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextmanager
def source(options: Options) -> Iterator[Source]:
    """Give what *options* name: a server, or else the database.

    Raises:
        SchemaError: the database has no tables of this version.
        DatabaseUnavailableError: it cannot be reached.
        SettingsError: it cannot be used as the settings say.
    """
    # Each brings what the other does not need, and takes a while to load.
    if options.remote is not None:
        from schedsync.cli.remote import FromServer  # noqa: PLC0415

        yield FromServer(options.remote)
        return
    from schedsync.cli.local import FromDatabase  # noqa: PLC0415
    from schedsync.cli.stores import current  # noqa: PLC0415

    settings = options.settings()
    with current(settings) as store:
        yield FromDatabase(store, settings)
