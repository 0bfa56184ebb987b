"""What schedsync costs an Oracle in round trips, counted by the server."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED

from schedsync.plan.state import PruneGuard
from schedsync.reconcile import Reconciler
from schedsync.sources.folder import JobsFolder
from tests.contract.oracle import Standin
from tests.integration.scheduler.ticking import Ticking

JOB = "- {{id: job-{0:05}, schedule: {{every: 1m}}, run: {{shell: '{1}'}}}}"


class Trips:
    """How many there were."""

    count: int = -1


@contextmanager
def counted(standin: Standin) -> Iterator[Trips]:
    trips, before = Trips(), standin.round_trips()
    yield trips
    trips.count = standin.round_trips() - before


def jobs(bench: Ticking, count: int, shell: str = "true") -> Reconciler:
    """Write so many jobs in one file; return what applies them."""
    lines = "\n".join(JOB.format(number, shell) for number in range(count))
    (bench.folder / "jobs.yaml").write_text(f"jobs:\n{lines}\n")
    return Reconciler(JobsFolder(bench.folder), bench.store, PruneGuard(allow=True), node="here", clock=bench.clock)


@pytest.mark.parametrize(("count", "most"), [(1, 5), (1_000, 12)])
def test_a_tick_whose_jobs_were_seen_coming(bench: Ticking, standin: Standin, count: int, most: int) -> None:
    bench.hold()
    jobs(bench, count).step()
    bench.clock.forward(seconds=55)
    bench.tick()
    bench.clock.forward(seconds=5)
    with counted(standin) as trips:
        bench.tick()
    assert len(bench.store.runs.unsettled()) == count
    assert trips.count <= most


def test_a_tick_whose_thousand_jobs_come_as_a_surprise(bench: Ticking, standin: Standin) -> None:
    bench.hold()
    jobs(bench, 1_000).step()
    bench.tick()
    bench.clock.forward(minutes=1)
    with counted(standin) as trips:
        bench.tick()
    assert len(bench.store.runs.unsettled()) == 1_000
    assert trips.count <= 12


def test_a_tick_that_is_due_to_renew_the_lease_costs_one_more(bench: Ticking, standin: Standin) -> None:
    bench.tick()
    bench.seconds += bench.leadership.interval
    with counted(standin) as trips:
        bench.tick()
    assert trips.count == 2


def test_a_cold_apply_of_ten_thousand_jobs(bench: Ticking, standin: Standin) -> None:
    step = jobs(bench, 10_000)
    step.folder.read()
    with counted(standin) as trips:
        report = step.step()
    assert report.counts["added"] == 10_000
    assert trips.count <= 60


@pytest.mark.parametrize("count", [1, 2_000])
def test_a_step_with_nothing_changed(bench: Ticking, standin: Standin, count: int) -> None:
    step = jobs(bench, count)
    step.step()
    with counted(standin) as trips:
        assert step.step().counts["unchanged"] == count
    assert trips.count <= 1


def test_a_hundred_runs_at_once_add_at_most_one_each_from_claim_to_recorded_result(
    bench: Ticking, standin: Standin
) -> None:
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    bench.scheduler.add_listener(lambda event: heard.put(event.job_id), EVENT_JOB_EXECUTED)
    jobs(bench, 100, "echo hello; sleep 0.3").step()
    bench.tick()
    with counted(standin) as idle:
        bench.tick()
    bench.clock.forward(minutes=1)
    with counted(standin) as trips:
        bench.tick()
        ended = {heard.get(timeout=20) for _ in range(100)}
    assert len(ended) == 100
    assert not bench.store.runs.unsettled()
    assert trips.count - idle.count <= 100
