"""Who is told of runs. What a listener raises is logged, and keeps nobody from anything."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

from schedsync.runs.outcome import Output
from schedsync.runs.recovery import KnownJob
from schedsync.runs.run import Run

log = logging.getLogger(__name__)

P = ParamSpec("P")


@dataclass(slots=True)
class Listeners:
    """Callables that the rest of the service puts here; all return quickly."""

    on_change: Callable[[Run], None] = lambda _run: None
    """Told of each run as it stands here now, whenever that changes, before it is written."""
    on_started: Callable[[Run, KnownJob], None] = lambda _run, _job: None
    """Told of each run whose process exists."""
    on_settled: Callable[[Run, KnownJob], None] = lambda _run, _job: None
    """Told of each attempt that has ended here, or been skipped here while it waited, before that is written."""
    on_ended: Callable[[Run, KnownJob, Output], None] = lambda _run, _job, _output: None
    """Told how each slot has ended, before that is written."""
    on_finished: Callable[[Run], None] = lambda _run: None
    """Told of each run that has ended and whose result is written."""
    on_followers: Callable[[], None] = lambda: None
    """Told when runs have been written that have no owner: the thread that claims takes them up."""

    def change(self, run: Run) -> None:
        """Tell that *run* stands as it does now."""
        _tell(self.on_change, run)

    def started(self, run: Run, job: KnownJob) -> None:
        """Tell that the process of *run* exists."""
        _tell(self.on_started, run, job)

    def settled(self, run: Run, job: KnownJob) -> None:
        """Tell that this attempt has ended."""
        _tell(self.on_settled, run, job)

    def ended(self, run: Run, job: KnownJob, output: Output) -> None:
        """Tell that the slot of *run* has ended."""
        _tell(self.on_ended, run, job, output)

    def finished(self, runs: Iterable[Run]) -> None:
        """Tell that the results of *runs* are written."""
        for run in runs:
            _tell(self.on_finished, run)


def all_of(*listeners: Callable[Concatenate[Run, P], None]) -> Callable[Concatenate[Run, P], None]:
    """Return what tells all of *listeners*, one after another, whatever one of them raises."""

    def tell(run: Run, /, *args: P.args, **kwargs: P.kwargs) -> None:
        for listener in listeners:
            _tell(listener, run, *args, **kwargs)

    return tell


def _tell(listener: Callable[Concatenate[Run, P], None], run: Run, /, *args: P.args, **kwargs: P.kwargs) -> None:
    try:
        listener(run, *args, **kwargs)
    except Exception:  # the boundary to whoever listens
        log.exception("somebody could not be told of a run", extra={"run_id": run.id})
