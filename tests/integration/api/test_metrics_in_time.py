"""A scrape of 10,000 jobs, and what counting costs a run: nothing that anybody has to wait for."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from statistics import median

import pytest

from schedsync.metrics.instance import Instance
from schedsync.metrics.metrics import Metrics
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run, RunState
from schedsync.status.mirror import Mirror
from tests.builders import NOW, observed, run, store
from tests.integration.api.conftest import Installation
from tests.scrape import JOB, numbers

JOBS = 10_000
LONGEST = 0.1
"""Seconds for a scrape."""
COUNTING = 100e-6
"""Seconds for counting a run, a tenth of what it takes to start its process."""


def took(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def ended(job_id: str, state: RunState) -> Run:
    return run(job_id=job_id, state=state, started_at=NOW, finished_at=NOW + timedelta(seconds=1.234))


def count(metrics: Metrics, runs: list[Run]) -> None:
    for each in runs:
        metrics.runs.started(each, JOB)
        metrics.runs.changed(each)
        metrics.runs.settled(each, JOB)
        metrics.runs.ended(each, JOB, Output())


@pytest.mark.alone
def test_ten_thousand_jobs_are_scraped_within_a_tenth_of_a_second(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror, job = Mirror(), observed()
    ids = [f"department/team-{number % 100}/job-{number}".replace("/", ".") for number in range(JOBS)]
    mirror.see_jobs(store(*(replace(job, id=job_id) for job_id in ids)), NOW)
    metrics = Metrics(Instance(mirror=mirror, clock=lambda: NOW))
    client = here.client(metrics=metrics)
    runs = [ended(job_id, state) for job_id in ids for state in (RunState.SUCCEEDED, RunState.FAILED)]
    count(metrics, runs)
    began = time.thread_time()  # of the processor alone: it is what counting takes from whoever else wants to start
    count(metrics, runs)
    each = (time.thread_time() - began) / len(runs)
    times: dict[str, list[float]] = {}
    for _ in range(5):
        count(metrics, runs)
        times.setdefault("all have run", []).append(took(lambda: client.get("/metrics")))
        count(metrics, runs[: JOBS // 10])
        times.setdefault("a twentieth has run", []).append(took(lambda: client.get("/metrics")))
        times.setdefault("none has run", []).append(took(lambda: client.get("/metrics")))
    text = client.get("/metrics").text
    with capsys.disabled():
        shown = ", ".join(f"{median(taken) * 1e3:.0f} ms when {what}" for what, taken in times.items())
        print(f"\n{len(numbers(text))} series, {len(text) >> 10} KiB: {shown}; counting {each * 1e6:.1f} us a run")  # noqa: T201
    assert len(numbers(text)) > 5 * JOBS
    assert max(median(taken) for taken in times.values()) < LONGEST
    assert each < COUNTING
