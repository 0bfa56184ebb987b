"""What is told of each job."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from schedsync.metrics.instance import Instance
from schedsync.metrics.metrics import Metrics
from schedsync.metrics.per_job import PerJob
from schedsync.runs.run import RunState
from schedsync.status.mirror import Mirror
from tests.builders import NOW, observed, run, store
from tests.scrape import numbers


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
