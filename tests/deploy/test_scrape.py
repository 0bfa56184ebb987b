"""What is written at /metrics, as Prometheus's own tool sees it."""

from datetime import timedelta

from schedsync.metrics.per_job import PerJob
from schedsync.runs.run import RunState
from tests.builders import NOW, run
from tests.scrape import full, promtool


def test_promtool_finds_no_fault_with_any_metric() -> None:
    promtool("check", "metrics", stdin=full())


def test_promtool_finds_no_fault_with_what_is_written_by_hand() -> None:
    per_job = PerJob()
    for job_id in ("a", "b"):
        for state in (RunState.SUCCEEDED, RunState.LOST):
            ended = run(job_id=job_id, state=state, started_at=NOW, finished_at=NOW + timedelta(seconds=1e-5))
            per_job.note_end(ended)
            per_job.note_slot(ended)
    promtool("check", "metrics", stdin=per_job.text(["a", "b"], {"a": NOW}))
