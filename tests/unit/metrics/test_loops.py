"""What is counted of the loops and of requests."""

import pytest

from schedsync.metrics.metrics import Metrics
from schedsync.store.syncs import SyncReport
from tests.builders import NOW
from tests.scrape import numbers

STEPS = "schedsync_reconcile_steps_total"


def scraped(metrics: Metrics) -> dict[str, float]:
    return numbers(metrics.text().decode())


@pytest.mark.parametrize(
    ("counts", "drift", "outcome"),
    [
        pytest.param({"added": 0, "unchanged": 7}, False, "unchanged", id="nothing"),
        pytest.param({"added": 1, "unchanged": 7}, False, "changed", id="a new job"),
        pytest.param({"updated": 1}, True, "changed", id="drift"),
    ],
)
def test_a_step_is_counted_by_what_it_did(counts: dict[str, int], drift: bool, outcome: str) -> None:
    metrics = Metrics()
    with metrics.loops.step() as step:
        step.report = SyncReport(NOW, "here", "r1", complete=True, counts=counts, drift=drift)
    found = scraped(metrics)
    assert {name for name, value in found.items() if name.startswith(STEPS) and value} == {
        f'{STEPS}{{outcome="{outcome}"}}'
    }
    assert found["schedsync_reconcile_drift_total"] == drift
    assert found["schedsync_reconcile_step_duration_seconds_count"] == 1


def test_a_step_that_raises_has_failed() -> None:
    metrics = Metrics()
    with pytest.raises(ValueError, match="no"), metrics.loops.step():
        raise ValueError("no")
    assert scraped(metrics)[f'{STEPS}{{outcome="failed"}}'] == 1


def test_ticks_and_transactions_are_counted_with_how_long_they_took() -> None:
    metrics = Metrics()
    metrics.loops.tick(0.25)
    metrics.loops.transaction("read", 0.5, True)
    metrics.loops.transaction("write", 2, False)
    found = scraped(metrics)
    assert found["schedsync_tick_duration_seconds_sum"] == 0.25
    took, failed = "schedsync_database_transaction_duration_seconds", "schedsync_database_transaction_failures_total"
    assert [found[f'{took}_sum{{kind="{kind}"}}'] for kind in ("read", "write")] == [0.5, 2]
    assert [found[f'{failed}{{kind="{kind}"}}'] for kind in ("read", "write")] == [0, 1]


def test_clients_cannot_make_up_series() -> None:
    metrics = Metrics()
    for method in ("GET", "BREW", "QUAFF"):
        metrics.requests.answered(None, method, 404, 0.1)
    found = scraped(metrics)
    requests = {name: value for name, value in found.items() if name.startswith("schedsync_http_requests_total")}
    assert requests == {
        'schedsync_http_requests_total{endpoint="other",method="GET",status="404"}': 1,
        'schedsync_http_requests_total{endpoint="other",method="other",status="404"}': 2,
    }


def test_a_token_that_is_refused_is_counted() -> None:
    metrics = Metrics()
    metrics.requests.authentication_failed()
    assert scraped(metrics)["schedsync_http_authentication_failures_total"] == 1
