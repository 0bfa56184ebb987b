"""What is read from memory when somebody asks: how the loops of this instance are, and what there is to do."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from schedsync import __version__
from schedsync.clock import Clock, utc_now
from schedsync.runs.ledger import POOLS
from schedsync.runs.waiting import Load, WaitsFor
from schedsync.status.mirror import Mirror
from schedsync.status.vitals import Reading, Vitals

JOB_STATES = ("active", "paused", "suspended", "finished")
NOTICE_STATES = ("pending", "failed")
Values = Iterable[tuple[tuple[str, ...], float]]
"""The values of labels, each with the number that they stand for."""


@dataclass(frozen=True)
class Instance:
    """The parts of the service that are asked. All answer at once, and without the database."""

    node: str = ""
    vitals: Vitals = field(default_factory=Vitals)
    mirror: Mirror = field(default_factory=Mirror)
    load: Callable[[], Load] = lambda: Load({}, {}, {})
    """Returns how many runs wait, and how many places are taken."""
    kept: Callable[[], tuple[int, int]] = lambda: (0, 0)
    """Returns how many results wait for the database in memory alone, and how many on disk."""
    overdue: Callable[[], Mapping[str, datetime]] = field(default=dict)
    """Returns since when jobs are overdue, by id."""
    clock: Clock = utc_now


class InstanceCollector:
    """Shows an instance to prometheus_client."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def collect(self) -> Iterator[Metric]:
        """Yield what there is to tell at this moment."""
        instance, reading = self._instance, self._instance.vitals.read()
        now = instance.clock()
        yield _labelled(
            "schedsync_build_info",
            "1, with the version and the node.",
            ("version", "node"),
            [((__version__, instance.node), 1)],
        )
        yield from _loops(reading)
        yield from _database(reading, now)
        yield from _jobs(instance.mirror, now)
        yield from _load(instance.load())
        memory, disk = instance.kept()
        yield _labelled(
            "schedsync_results_waiting",
            "Results that the database has not taken yet, by where they are.",
            ("place",),
            [(("memory",), memory), (("disk",), disk)],
        )


def _loops(reading: Reading) -> Iterator[Metric]:
    yield GaugeMetricFamily("schedsync_leader", "Whether this instance leads.", reading.leading)
    yield GaugeMetricFamily(
        "schedsync_leader_lease_token", "The fencing token under which it leads; 0 while it does not.", reading.token
    )
    yield GaugeMetricFamily(
        "schedsync_stopping", "Whether the service was told to stop.", reading.stopping_since is not None
    )
    yield _instant(
        "schedsync_last_tick_timestamp_seconds", "When the firing loop went round last.", reading.last_tick_at
    )
    yield _instant(
        "schedsync_reconcile_last_step_timestamp_seconds",
        "When this instance compared the folder with the database last.",
        reading.last_step_at,
    )
    report = reading.report
    yield GaugeMetricFamily(
        "schedsync_folder_problems",
        "Mistakes in the folder, as of the last step.",
        len(report.problems) if report else 0,
    )
    yield GaugeMetricFamily(
        "schedsync_held_removals",
        "Removals that wait for a person, as of the last step.",
        sum(held.window is None for held in report.held) if report else 0,
    )


def _database(reading: Reading, now: datetime) -> Iterator[Metric]:
    took = reading.outages_took.total_seconds()
    if not reading.database_ok and reading.database_since is not None:
        took += max((now - reading.database_since).total_seconds(), 0.0)
    yield GaugeMetricFamily("schedsync_database_up", "Whether the database does what is asked.", reading.database_ok)
    yield CounterMetricFamily("schedsync_database_outages", "How often it stopped to.", reading.outages)
    yield CounterMetricFamily("schedsync_database_outage_seconds", "How long it did not, in all.", took)


def _jobs(mirror: Mirror, now: datetime) -> Iterator[Metric]:
    counts, notices = mirror.job_counts(now), mirror.notice_counts()
    states = [((state,), counts.by_state.get(state, 0)) for state in JOB_STATES]
    yield _labelled("schedsync_jobs", "Live jobs, by state.", ("state",), states)
    yield GaugeMetricFamily("schedsync_jobs_stale", "Jobs that run on although their files are broken.", counts.stale)
    waiting = [((state,), notices.get(state, 0)) for state in NOTICE_STATES]
    yield _labelled("schedsync_notices", "Notices that have not arrived, by state.", ("state",), waiting)


def _load(load: Load) -> Iterator[Metric]:
    waiting = [((kind.value, pool), load.waiting.get((kind, pool), 0)) for kind in WaitsFor for pool in POOLS]
    yield _labelled("schedsync_runs_waiting", "Runs that wait here, by what for.", ("waits_for", "pool"), waiting)
    places = [((pool,), count) for pool, count in load.places.items()]
    yield _labelled("schedsync_pool_places", "How many runs may be running at once.", ("pool",), places)
    taken = [((pool,), count) for pool, count in load.taken.items()]
    yield _labelled("schedsync_pool_places_taken", "How many of those places are taken.", ("pool",), taken)


def _instant(name: str, meaning: str, at: datetime | None) -> Metric:
    """Return a metric without a value while there is none: 0 would be half a century ago."""
    return GaugeMetricFamily(name, meaning, None if at is None else at.timestamp())


def _labelled(name: str, meaning: str, labels: tuple[str, ...], values: Values) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for names, value in values:
        family.add_metric(names, value)
    return family
