"""What is told of each job."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from schedsync.metrics.instance import Instance
from schedsync.metrics.metrics import Metrics
from schedsync.metrics.per_job import PerJob
from schedsync.runs.run import Run, RunState
from schedsync.status.mirror import Mirror
from tests.builders import HOUR, NOW, observed, run, store
from tests.scrape import numbers

OK, FAILED, TIMED_OUT, LOST = RunState.SUCCEEDED, RunState.FAILED, RunState.TIMED_OUT, RunState.LOST
CANCELLED, SKIPPED, QUEUED = RunState.CANCELLED, RunState.SKIPPED, RunState.QUEUED


@pytest.fixture
def per_job() -> PerJob:
    return PerJob()


def succeed(per_job: PerJob, job_id: str = "job") -> None:
    per_job.note_end(run(job_id=job_id, state=RunState.SUCCEEDED, started_at=NOW, finished_at=NOW))


def test_what_changes_is_written_anew_each_time(per_job: PerJob) -> None:
    for count in (1, 2, 3):
        succeed(per_job)
        assert numbers(per_job.text(["job"], {}))['schedsync_job_runs_total{job_id="job",outcome="succeeded"}'] == count
        assert per_job.text(["job"], {}) == per_job.text(["job"], {})


def test_a_job_that_is_not_live_has_no_series(per_job: PerJob) -> None:
    for job_id in ("a", "b"):
        succeed(per_job, job_id)
    assert 'job_id="a"' in per_job.text(["a", "b"], {})
    text = per_job.text(["b"], {"a": NOW})
    assert 'job_id="b"' in text
    assert 'job_id="a"' not in text


def test_a_job_that_comes_back_begins_anew(per_job: PerJob) -> None:
    succeed(per_job)
    per_job.keep([])
    assert per_job.text(["job"], {}) == ""
    succeed(per_job)
    assert numbers(per_job.text(["job"], {}))['schedsync_job_runs_total{job_id="job",outcome="succeeded"}'] == 1


def past(*attempts: tuple[int, int, RunState]) -> list[Run]:
    """Runs of hours that are so long ago, each with its attempt and its state."""
    return [
        run(
            scheduled_at=NOW - hours * HOUR,
            attempt=attempt,
            state=state,
            started_at=NOW,
            finished_at=NOW - hours * HOUR,
        )
        for hours, attempt, state in attempts
    ]


@pytest.mark.parametrize(
    ("attempts", "failures"),
    [
        pytest.param([(1, 1, FAILED), (2, 1, LOST), (3, 1, OK), (4, 1, FAILED)], 2, id="since the last success"),
        pytest.param([(1, 2, FAILED), (1, 1, FAILED), (2, 1, TIMED_OUT)], 2, id="slots and not attempts"),
        pytest.param([(1, 2, OK), (1, 1, FAILED)], None, id="the last attempt counts"),
        pytest.param([(0, 2, QUEUED), (0, 1, FAILED), (1, 1, FAILED)], 1, id="a slot that has not ended"),
        pytest.param([(1, 1, CANCELLED), (2, 1, SKIPPED), (3, 1, FAILED)], 1, id="what neither failed nor succeeded"),
        pytest.param([(1, 1, OK)], None, id="a success"),
    ],
)
def test_failures_in_a_row_are_known_from_before(
    per_job: PerJob, attempts: list[tuple[int, int, RunState]], failures: float | None
) -> None:
    per_job.learn_past(past(*attempts))
    assert numbers(per_job.text(["job"], {})).get('schedsync_job_failures_in_a_row{job_id="job"}') == failures


def test_what_ended_here_is_known_better_than_what_is_remembered(per_job: PerJob) -> None:
    succeed(per_job)
    per_job.learn_past(past((1, 1, FAILED)))
    assert "failures" not in per_job.text(["job"], {})


def test_a_success_ends_the_row_that_is_known_from_before(per_job: PerJob) -> None:
    per_job.learn_past(past((1, 1, FAILED)))
    succeed(per_job)
    assert "failures" not in per_job.text(["job"], {})


def test_nothing_is_told_where_nothing_is_known(per_job: PerJob) -> None:
    assert per_job.text(["job"], {}) == ""


def test_since_when_a_job_is_overdue_is_told(per_job: PerJob) -> None:
    found = numbers(per_job.text(["job", "other"], {"job": NOW}))
    assert found == {'schedsync_job_overdue_since_timestamp_seconds{job_id="job"}': NOW.timestamp()}


def test_any_id_can_be_read_back_from_its_label(per_job: PerJob) -> None:
    odd = 'a\\n"b"\n\\'
    succeed(per_job, odd)
    families = text_string_to_metric_families(per_job.text([odd], {odd: NOW}))
    assert {sample.labels["job_id"] for family in families for sample in family.samples} == {odd}


def test_a_job_that_is_removed_takes_its_series_along() -> None:
    mirror = Mirror()
    metrics = Metrics(Instance(mirror=mirror))
    mirror.see_jobs(store(observed(), replace(observed(), id="other")), NOW)
    for job_id in ("job", "other"):
        succeed(metrics.per_job, job_id)
    mirror.see_jobs(store(observed()), NOW)
    text = metrics.text().decode()
    assert 'job_id="job"' in text
    assert 'job_id="other"' not in text
