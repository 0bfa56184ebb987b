"""What is counted of runs, as they start and end here."""

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram

from schedsync.metrics.per_job import OUTCOMES, PerJob
from schedsync.runs.ledger import POOLS, pool_of
from schedsync.runs.outcome import Output
from schedsync.runs.recovery import KnownJob
from schedsync.runs.run import UNSETTLED, Cause, Run, RunState, SkipReason

DELAYS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
"""Seconds; whoever looks at starts cares for fractions of one."""
DURATIONS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 43200)
"""Seconds, up to half a day."""


class RunCounts:
    """Counts runs. Methods may be called from any thread and return at once; all times are UTC."""

    def __init__(self, registry: CollectorRegistry, per_job: PerJob) -> None:
        self._per_job = per_job
        runs = Counter("schedsync_runs_total", "Attempts that ended here, by outcome.", ["outcome"], registry=registry)
        skipped = Counter(
            "schedsync_runs_skipped_total", "Slots that were skipped here, by reason.", ["reason"], registry=registry
        )
        self._delay = Histogram(
            "schedsync_run_start_delay_seconds",
            "From when an attempt was due to the start of its process, with the time that it waited for others.",
            ["cause", "pool"],
            buckets=DELAYS,
            registry=registry,
        )
        duration = Histogram(
            "schedsync_run_duration_seconds",
            "From the start of a process to its end.",
            ["pool"],
            buckets=DURATIONS,
            registry=registry,
        )
        # Made once: a series is there, as 0, before the first thing happens, and a run looks nothing up.
        self._runs = {state: runs.labels(state.value) for state in OUTCOMES}
        self._skipped = {reason.value: skipped.labels(reason.value) for reason in SkipReason}
        self._delays = {(Cause.SCHEDULE, pool): self._delay.labels(Cause.SCHEDULE.value, pool) for pool in POOLS}
        self._duration = {pool: duration.labels(pool) for pool in POOLS}

    def started(self, run: Run, job: KnownJob) -> None:
        """Count the start of a process."""
        if run.started_at is not None:
            delay = self._delay_of(run.cause, pool_of(job.spec.run))
            delay.observe(_seconds(run.due_at or run.scheduled_at, run.started_at))

    def _delay_of(self, cause: Cause, pool: str) -> Histogram:
        if (cause, pool) not in self._delays:
            self._delays[cause, pool] = self._delay.labels(cause.value, pool)
        return self._delays[cause, pool]

    def changed(self, run: Run) -> None:
        """Count *run* if it has ended; told of each state once."""
        if run.state in UNSETTLED:
            return
        self._runs[run.state].inc()
        if run.state is RunState.SKIPPED:
            _counter_of(run.reason, self._skipped).inc()
        self._per_job.note_end(run)

    def settled(self, run: Run, job: KnownJob) -> None:
        """Count how long an attempt took."""
        if run.started_at is not None and run.finished_at is not None:
            self._duration[pool_of(job.spec.run)].observe(_seconds(run.started_at, run.finished_at))

    def ended(self, run: Run, _job: KnownJob, _output: Output) -> None:
        """Note how a slot has ended after all its attempts."""
        self._per_job.note_slot(run)


def _seconds(since: datetime, until: datetime) -> float:
    # The wall clock may have been set back in between.
    return max((until - since).total_seconds(), 0.0)


def _counter_of(reason: str | None, counters: Mapping[str, Counter]) -> Counter:
    return counters[(reason or "").partition(":")[0].partition(" ")[0]]
