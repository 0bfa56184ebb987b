"""What the API speaks for: one value, made by `service`, that every view finds through its app."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from flask import Flask, current_app

from schedsync.access import Rules
from schedsync.clock import Clock
from schedsync.control import Control
from schedsync.filing import Filing
from schedsync.metrics.metrics import Metrics
from schedsync.runs.blackouts import NO_BLACKOUTS, Blackouts
from schedsync.runs.outcome import Output
from schedsync.runs.waiting import Waiting
from schedsync.sources.origins import Origins
from schedsync.status.knowledge import FromStore
from schedsync.status.mirror import Mirror
from schedsync.status.standing import KeptStandings
from schedsync.status.texts import JobTexts
from schedsync.status.vitals import Vitals
from schedsync.store.store import Store

_KEY = "schedsync"


@dataclass(frozen=True)
class Backend:
    """The parts of the service that the API uses."""

    store: Store
    control: Control
    vitals: Vitals
    node: str
    """The name of this instance."""
    clock: Clock
    live_output: Callable[[str], Output | None]
    """Returns what a run has printed so far; None when it does not run here."""
    wake: Callable[[], None]
    """Asks for one more step of the reconcile loop."""
    tick: Callable[[], None]
    """Asks for one more tick of the firing loop."""
    tick_limit: timedelta
    """The firing loop counts as stuck when its last tick is longer ago."""
    exposed: bool
    """Whether other machines may reach the API."""
    waiting: Callable[[], list[Waiting] | None] = lambda: None
    """Returns what waits, when this instance leads and so knows it; else None."""
    groups: Mapping[str, int] = field(default_factory=dict)
    """How many runs of a group may be unsettled, where that is not one."""
    blackouts: Blackouts = NO_BLACKOUTS
    """When slots are not run."""
    mirror: Mirror = field(default_factory=Mirror)
    """What answers while the database is away."""
    standings: KeptStandings = field(default_factory=KeptStandings)
    """How the jobs of lists stand."""
    texts: JobTexts = field(default_factory=JobTexts)
    """What lists show of jobs."""
    spooled_output: Callable[[str], Output | None] = lambda _run_id: None
    """Returns what a run of another instance has printed so far that spools to the same folder; None when none does."""
    printed: Callable[[str, int, int], bytes] = lambda _run_id, _start, _most: b""
    """Returns what the file of a run that goes on has from a byte on, and at most so many bytes of it."""
    filing: Filing | None = None
    """What writes job files for programs; None where they may not."""

    rules: Rules = field(default_factory=Rules)
    """Who may ask."""

    origins: Callable[[str, str, str], Origins | None] = lambda _job_id, _file, _digest: None
    """Returns where the values of a live job come from, given its id, its file and the digest of its spec; None where
    that is not known."""

    metrics: Metrics = field(default_factory=Metrics)
    """What is counted and measured."""

    @property
    def live(self) -> FromStore:
        """The store, as readers ask it."""
        return FromStore(self.store, self.mirror, self.standings)


def attach(app: Flask, backend: Backend) -> None:
    """Let the views of *app* find *backend*."""
    app.extensions[_KEY] = backend


def backend() -> Backend:
    """Return the backend of the app that serves the current request."""
    return cast("Backend", current_app.extensions[_KEY])
