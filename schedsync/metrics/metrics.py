"""All metrics of a service, and how they are written out."""

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from schedsync.metrics.instance import Instance, InstanceCollector
from schedsync.metrics.loops import LoopCounts
from schedsync.metrics.per_job import PerJob
from schedsync.metrics.requests import RequestCounts
from schedsync.metrics.runs import RunCounts

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# For the whole process, the library knows no other way: each counter would have a second series, with its age.
disable_created_metrics()  # type: ignore[no-untyped-call] # it has no types


class Metrics:
    """The metrics of one service. Safe to use from any thread."""

    def __init__(self, instance: Instance | None = None) -> None:
        """Make the metrics of *instance*, by default of one that does nothing, with nothing counted yet."""
        self._instance, self._registry = instance or Instance(), CollectorRegistry()
        self._registry.register(InstanceCollector(self._instance))
        self.per_job = PerJob()
        self.runs = RunCounts(self._registry, self.per_job)
        self.loops = LoopCounts(self._registry)
        self.requests = RequestCounts(self._registry)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """Return all of them in Prometheus's text format."""
        jobs = self.per_job.text(self._instance.mirror.live(), self._instance.overdue())
        return generate_latest(self._registry) + jobs.encode()
