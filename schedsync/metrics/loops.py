"""What is counted of the loops: ticks, steps, and the transactions that they and all others make."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram

from schedsync.store.syncs import SyncReport

TRANSACTIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
TICKS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
STEPS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Seconds, all of them."""
CHANGED, UNCHANGED, FAILED = "changed", "unchanged", "failed"


@dataclass(slots=True)
class Step:
    """One step of the reconcile loop that is under way."""

    report: SyncReport | None = None
    """What it found and did; None while it is not known."""


class LoopCounts:
    """Counts what the loops do. Methods may be called from any thread and return at once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ticks = Histogram(
            "schedsync_tick_duration_seconds", "How long ticks took.", buckets=TICKS, registry=registry
        )
        self._steps = Histogram(
            "schedsync_reconcile_step_duration_seconds", "How long steps took.", buckets=STEPS, registry=registry
        )
        outcomes = Counter("schedsync_reconcile_steps_total", "Steps, by outcome.", ["outcome"], registry=registry)
        self._outcomes = {name: outcomes.labels(name) for name in (CHANGED, UNCHANGED, FAILED)}
        self._drift = Counter(
            "schedsync_reconcile_drift_total", "Steps that healed what another hand had changed.", registry=registry
        )
        took = Histogram(
            "schedsync_database_transaction_duration_seconds",
            "How long transactions took, with the wait for a connection.",
            ["kind"],
            buckets=TRANSACTIONS,
            registry=registry,
        )
        failures = Counter(
            "schedsync_database_transaction_failures_total",
            "Transactions that ended because the database could not be reached.",
            ["kind"],
            registry=registry,
        )
        self._took = {kind: took.labels(kind) for kind in ("read", "write")}
        self._failures = {kind: failures.labels(kind) for kind in ("read", "write")}

    def tick(self, seconds: float) -> None:
        """Count a tick."""
        self._ticks.observe(seconds)

    def transaction(self, kind: str, seconds: float, answered: bool) -> None:  # noqa: FBT001 - as the database tells it
        """Count a transaction."""
        self._took[kind].observe(seconds)
        if not answered:
            self._failures[kind].inc()

    @contextmanager
    def step(self) -> Iterator[Step]:
        """Count a step, which puts its report into what is given; without one it has failed."""
        step, began = Step(), time.monotonic()
        try:
            yield step
        finally:
            self._steps.observe(time.monotonic() - began)
            self._outcomes[_outcome(step.report)].inc()
            if step.report is not None and step.report.drift:
                self._drift.inc()


def _outcome(report: SyncReport | None) -> str:
    if report is None:
        return FAILED
    return CHANGED if any(n for name, n in report.counts.items() if name != "unchanged") else UNCHANGED
