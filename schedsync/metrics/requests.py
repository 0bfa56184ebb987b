"""What is counted of HTTP: requests by endpoint, and attempts to get in that were refused."""

from prometheus_client import CollectorRegistry, Counter, Histogram

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds."""
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
OTHER = "other"
"""Stands for any method that nobody uses, and for any path that leads nowhere: clients must not make up series."""


class RequestCounts:
    """Counts requests. Methods may be called from any thread and return at once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter(
            "schedsync_http_requests_total",
            "Requests that were answered.",
            ["endpoint", "method", "status"],
            registry=registry,
        )
        self._took = Histogram(
            "schedsync_http_request_duration_seconds",
            "From a request's first look to its answer.",
            ["endpoint"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._refused = Counter(
            "schedsync_http_authentication_failures_total",
            "Requests with a token that does not count.",
            registry=registry,
        )

    def answered(self, rule: str | None, method: str, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            rule: the pattern of its path; None where no endpoint has it.
            method: what was asked for.
            status: how it was answered.
            seconds: how long that took.
        """
        endpoint = rule or OTHER
        self._answers.labels(endpoint, method if method in METHODS else OTHER, str(status)).inc()
        self._took.labels(endpoint).observe(seconds)

    def authentication_failed(self) -> None:
        """Count an attempt with a token, or a login, that was refused."""
        self._refused.inc()
