"""What is told of each job, written by hand: the client library takes half a second for ten thousand jobs.

What there is to say of a job is written when one of its numbers changes, so that a scrape only strings it together. A
job that is not live has no series: what there is to tell is bounded by the folder.
"""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from schedsync.runs.notices import is_failure
from schedsync.runs.run import UNSETTLED, Run, RunState

OUTCOMES = tuple(state for state in RunState if state not in UNSETTLED)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with a series for each job."""

    name: str
    kind: str
    meaning: str

    def line(self, labels: str, value: float) -> str:
        """Write one series; *labels* stand between its braces."""
        return f"{self.name}{{{labels}}} {value}\n"

    def text(self, lines: Iterable[str]) -> str:
        """Write the metric with all its *lines*; nothing where there are none."""
        written = "".join(lines)
        return written and f"# HELP {self.name} {self.meaning}\n# TYPE {self.name} {self.kind}\n{written}"


RUNS = Family("schedsync_job_runs_total", "counter", "Attempts of a job that ended here, by outcome.")
SUCCESS = Family("schedsync_job_last_success_timestamp_seconds", "gauge", "When a job succeeded last.")
DURATION = Family("schedsync_job_last_run_duration_seconds", "gauge", "How long the last attempt took that ran here.")
FAILURES = Family("schedsync_job_failures_in_a_row", "gauge", "Slots that failed here since the last success, if any.")
OVERDUE = Family(
    "schedsync_job_overdue_since_timestamp_seconds", "gauge", "Since when a job has not succeeded in time."
)
OF_NUMBERS = (RUNS, SUCCESS, DURATION, FAILURES)
"""Those that tell what happened to a job here."""


@dataclass(slots=True)
class _Numbers:
    """What happened to one job here. Instants are seconds since the epoch."""

    labels: str
    """How the job is named in a series."""
    ended: dict[RunState, int] = field(default_factory=dict)
    """How many attempts, by outcome."""
    took: float | None = None
    """Seconds of the newest attempt that ran."""
    succeeded_at: float | None = None
    failed_at: float | None = None
    failures: int = 0
    """How many slots in a row have failed since the last success."""
    written: tuple[str, ...] = ("",) * len(OF_NUMBERS)
    """The lines of each of ``OF_NUMBERS``."""

    def succeeded(self, at: float) -> None:
        self.succeeded_at = max(at, self.succeeded_at or at)
        if self.failed_at is not None and self.failed_at <= at:
            self.failures, self.failed_at = 0, None

    def write(self) -> None:
        of_job, runs = self.labels, (f'{self.labels},outcome="{state.value}"' for state in self.ended)
        self.written = (
            "".join([RUNS.line(labels, count) for labels, count in zip(runs, self.ended.values(), strict=True)]),
            "" if self.succeeded_at is None else SUCCESS.line(of_job, self.succeeded_at),
            "" if self.took is None else DURATION.line(of_job, self.took),
            FAILURES.line(of_job, self.failures) if self.failures else "",
        )


class PerJob:
    """The numbers of all jobs. Methods may be called from any thread; those that note something return at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        """For changes. A scrape takes what is written as it is: no run has to wait for it."""
        self._numbers: dict[str, _Numbers] = {}

    def note_end(self, run: Run) -> None:
        """Note an attempt that has ended, or a slot that was skipped."""
        with self._lock:
            numbers = self._of(run.job_id)
            numbers.ended[run.state] = numbers.ended.get(run.state, 0) + 1
            if run.finished_at is not None and run.started_at is not None:
                numbers.took = max((run.finished_at - run.started_at).total_seconds(), 0.0)
            if run.state is RunState.SUCCEEDED and run.finished_at is not None:
                numbers.succeeded(run.finished_at.timestamp())
            numbers.write()

    def note_slot(self, run: Run) -> None:
        """Note how a slot has ended, given its last attempt."""
        if is_failure(run) and run.finished_at is not None:
            with self._lock:
                numbers = self._of(run.job_id)
                numbers.failures += 1
                numbers.failed_at = run.finished_at.timestamp()
                numbers.write()

    def learn_successes(self, successes: Mapping[str, datetime]) -> None:
        """Take over when jobs have succeeded last (UTC), here or elsewhere, by id."""
        for job_id, at in successes.items():
            with self._lock:
                numbers = self._of(job_id)
                numbers.succeeded(at.timestamp())
                numbers.write()

    def learn_past(self, runs: Iterable[Run]) -> None:
        """Take over how many slots in a row have failed, of jobs of which nothing has ended here yet.

        Args:
            runs: what is remembered of all jobs, newest slot first and of each slot the last attempt first.
        """
        for job_id, failed in _failed_in_a_row(runs).items():
            with self._lock:
                numbers = self._of(job_id)
                if not numbers.ended:
                    numbers.failures = len(failed)
                    numbers.failed_at = failed[0].timestamp()
                    numbers.write()

    def keep(self, live: Collection[str]) -> None:
        """Forget the jobs that are not *live* any more."""
        with self._lock:
            for job_id in [job_id for job_id in self._numbers if job_id not in live]:
                del self._numbers[job_id]

    def text(self, live: Collection[str], overdue: Mapping[str, datetime]) -> str:
        """Write the numbers of the *live* jobs, and since when (UTC) they are *overdue*, where they are."""
        known = map(self._numbers.get, live)
        lines = [numbers.written for numbers in known if numbers is not None]
        by_family = zip(OF_NUMBERS, zip(*lines, strict=True), strict=True) if lines else ()
        happened = "".join([family.text(each) for family, each in by_family])
        late = (OVERDUE.line(_labels(i), since.timestamp()) for i, since in overdue.items() if i in live)
        return happened + OVERDUE.text(late)

    def _of(self, job_id: str) -> _Numbers:
        """Return the numbers of a job; under the lock, and what changes them writes them down."""
        numbers = self._numbers.get(job_id)
        if numbers is None:
            numbers = self._numbers[job_id] = _Numbers(_labels(job_id))
        return numbers


def _failed_in_a_row(runs: Iterable[Run]) -> dict[str, list[datetime]]:
    """Return when the slots ended that have failed since each job's last success, newest first."""
    failed: defaultdict[str, list[datetime]] = defaultdict(list)
    over: set[str] = set()
    seen: set[tuple[str, datetime]] = set()
    for run in runs:
        slot = run.job_id, run.scheduled_at
        if run.job_id in over or slot in seen:
            continue
        seen.add(slot)
        if run.state is RunState.SUCCEEDED:
            over.add(run.job_id)
        elif is_failure(run) and run.finished_at is not None:
            failed[run.job_id].append(run.finished_at)
    return dict(failed)


def escaped(value: str) -> str:
    """Return *value* as it stands between the quotes of a label."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _labels(job_id: str) -> str:
    return f'job_id="{escaped(job_id)}"'
