"""What is counted of runs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schedsync.metrics.instance import Instance
from schedsync.metrics.metrics import Metrics
from schedsync.running.listeners import all_of
from schedsync.runs.outcome import Output
from schedsync.runs.recovery import KnownJob
from schedsync.runs.run import Cause, Run, RunState, SkipReason
from schedsync.status.mirror import Mirror
from tests.builders import NOW, observed, run, spec, store
from tests.scrape import JOB, numbers

SECOND = timedelta(seconds=1)


@pytest.fixture
def metrics() -> Metrics:
    mirror = Mirror()
    mirror.see_jobs(store(observed()), NOW)
    return Metrics(Instance(mirror=mirror))


def scraped(metrics: Metrics) -> dict[str, float]:
    return numbers(metrics.text().decode())


def end(metrics: Metrics, state: RunState, *, last: bool = True, at: float = 2, **fields: object) -> Run:
    """Let an attempt end as the desk tells it."""
    ended = run(state=state, **{"started_at": NOW + SECOND, "finished_at": NOW + SECOND * at, **fields})
    metrics.runs.changed(ended)
    metrics.runs.settled(ended, JOB)
    if last:
        metrics.runs.ended(ended, JOB, Output())
    return ended


@pytest.mark.parametrize("state", ["succeeded", "failed", "timed_out", "cancelled", "lost"])
def test_an_attempt_is_counted_by_how_it_ended(metrics: Metrics, state: str) -> None:
    end(metrics, RunState(state))
    found = scraped(metrics)
    assert found[f'schedsync_runs_total{{outcome="{state}"}}'] == 1
    assert found[f'schedsync_job_runs_total{{job_id="job",outcome="{state}"}}'] == 1
    assert sum(value for name, value in found.items() if name.startswith("schedsync_runs_total")) == 1
    assert found['schedsync_run_duration_seconds_sum{pool="processes"}'] == 1
    assert found['schedsync_job_last_run_duration_seconds{job_id="job"}'] == 1


def test_what_has_not_ended_is_not_counted(metrics: Metrics) -> None:
    before = scraped(metrics)
    for state in (RunState.QUEUED, RunState.RUNNING):
        metrics.runs.changed(run(state=state))
    after = scraped(metrics)
    changed = {name for name in after if after[name] != before.get(name)}
    assert {name for name in changed if not name.startswith("process_")} == set()


@pytest.mark.parametrize("words", [": and more words", " year-end: books are closed", ""])
@pytest.mark.parametrize("reason", list(SkipReason))
def test_a_skipped_slot_is_counted_by_its_reason(metrics: Metrics, reason: SkipReason, words: str) -> None:
    metrics.runs.changed(run(state=RunState.SKIPPED, reason=f"{reason}{words}", finished_at=NOW))
    found = scraped(metrics)
    assert found[f'schedsync_runs_skipped_total{{reason="{reason}"}}'] == 1
    assert found['schedsync_runs_total{outcome="skipped"}'] == 1
    assert 'schedsync_job_last_run_duration_seconds{job_id="job"}' not in found


@pytest.mark.parametrize(
    ("fields", "pool", "labels"),
    [
        pytest.param({}, {"shell": "true"}, 'cause="schedule",pool="processes"', id="a slot"),
        pytest.param(
            {"cause": Cause.MANUAL}, {"http": {"url": "http://x/"}}, 'cause="manual",pool="http"', id="a request"
        ),
    ],
)
def test_a_start_is_counted_by_how_late_it_was(
    metrics: Metrics, fields: dict[str, object], pool: dict[str, object], labels: str
) -> None:
    metrics.runs.started(run(started_at=NOW + SECOND * 0.2, **fields), KnownJob(spec(run=pool), "job.yaml"))
    found = scraped(metrics)
    assert found[f"schedsync_run_start_delay_seconds_sum{{{labels}}}"] == 0.2
    cause, _, pool_label = labels.partition(",")
    buckets = [f'schedsync_run_start_delay_seconds_bucket{{{cause},le="{le}",{pool_label}}}' for le in (0.1, 0.25)]
    assert [found[bucket] for bucket in buckets] == [0, 1]


def test_a_further_attempt_is_late_from_when_it_was_due(metrics: Metrics) -> None:
    due = NOW + SECOND * 30
    metrics.runs.started(run(cause=Cause.RETRY, attempt=2, due_at=due, started_at=due + SECOND), JOB)
    assert scraped(metrics)['schedsync_run_start_delay_seconds_sum{cause="retry",pool="processes"}'] == 1


def test_a_clock_that_was_set_back_makes_nothing_negative(metrics: Metrics) -> None:
    metrics.runs.started(run(started_at=NOW - SECOND), JOB)
    end(metrics, RunState.SUCCEEDED, started_at=NOW, finished_at=NOW - SECOND)
    found = scraped(metrics)
    assert found['schedsync_run_start_delay_seconds_sum{cause="schedule",pool="processes"}'] == 0
    assert found['schedsync_run_duration_seconds_sum{pool="processes"}'] == 0
    assert found['schedsync_job_last_run_duration_seconds{job_id="job"}'] == 0


def test_slots_that_fail_in_a_row_are_counted_and_not_their_attempts(metrics: Metrics) -> None:
    def in_a_row() -> float | None:
        return scraped(metrics).get('schedsync_job_failures_in_a_row{job_id="job"}')

    end(metrics, RunState.FAILED, last=False)
    assert in_a_row() is None
    end(metrics, RunState.TIMED_OUT)
    end(metrics, RunState.CANCELLED)
    end(metrics, RunState.LOST)
    assert in_a_row() == 2
    end(metrics, RunState.SUCCEEDED)
    assert in_a_row() is None


def test_a_success_elsewhere_ends_the_row_of_failures_if_it_came_later(metrics: Metrics) -> None:
    failed = end(metrics, RunState.FAILED)
    assert failed.finished_at is not None
    for later, failures in ((-SECOND, 1.0), (SECOND, None)):
        metrics.per_job.learn_successes({"job": failed.finished_at + later})
        found = scraped(metrics)
        assert found.get('schedsync_job_failures_in_a_row{job_id="job"}') == failures
        at = (failed.finished_at + later).timestamp()
        assert found['schedsync_job_last_success_timestamp_seconds{job_id="job"}'] == at


def test_an_older_success_does_not_take_the_place_of_a_newer_one(metrics: Metrics) -> None:
    ended = end(metrics, RunState.SUCCEEDED)
    assert ended.finished_at is not None
    metrics.per_job.learn_successes({"job": NOW - SECOND})
    at = scraped(metrics)['schedsync_job_last_success_timestamp_seconds{job_id="job"}']
    assert at == ended.finished_at.timestamp()


def test_each_listener_hears_of_a_run_whatever_another_one_raises(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Run] = []

    def broken(_run: Run) -> None:
        raise ValueError

    tell = all_of(broken, heard.append)
    started = replace(run(), started_at=NOW)
    tell(started)
    assert heard == [started]
    assert "somebody could not be told of a run" in caplog.text
