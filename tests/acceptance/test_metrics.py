"""What Prometheus gets from a real service."""

import urllib.request
from datetime import UTC, datetime

import pytest

from tests.acceptance.harness import Folder, Service, eventually
from tests.scrape import kinds, numbers, promtool

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
RUNS = "schedsync_job_runs_total"


def scraped(service: Service) -> str:
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def test_a_scrape_is_valid_and_tells_what_the_api_tells(service: Service, folder: Folder) -> None:
    folder.shell("good", "true")
    folder.shell("bad", "exit 3")
    folder.shell("paused", "true")
    folder.write("broken.yaml", "run: {shell: [")
    service.start()
    eventually(lambda: "paused" in service.job_ids())
    service.post("/api/jobs/paused/pause")
    wanted: dict[str, float] = {
        f'{RUNS}{{job_id="good",outcome="succeeded"}}': 2,
        f'{RUNS}{{job_id="bad",outcome="failed"}}': 2,
        f'{RUNS}{{job_id="paused",outcome="skipped"}}': 1,
        'schedsync_job_failures_in_a_row{job_id="bad"}': 2,
        'schedsync_runs_skipped_total{reason="paused"}': 1,
        'schedsync_run_start_delay_seconds_count{cause="schedule",pool="processes"}': 4,
        'schedsync_run_duration_seconds_count{pool="processes"}': 4,
        'schedsync_jobs{state="active"}': 2,
        "schedsync_folder_problems": 1,
        "schedsync_leader": 1,
        "schedsync_database_up": 1,
        'schedsync_reconcile_steps_total{outcome="changed"}': 1,
        "schedsync_tick_duration_seconds_count": 3,
    }
    text = eventually(lambda: text if _has(text := scraped(service), wanted) else "")
    promtool("check", "metrics", stdin=text)
    (last, *_) = service.ended("good", "succeeded")
    said = datetime.fromisoformat(last["finished_at"]).timestamp()
    found = numbers(text)['schedsync_job_last_success_timestamp_seconds{job_id="good"}']
    assert said - 60 < found <= said
    (folder.path / "bad.yaml").unlink()
    eventually(lambda: 'job_id="bad"' not in scraped(service))
    assert 'job_id="good"' in scraped(service)


def test_what_became_of_jobs_before_is_known_after_a_restart(service: Service, folder: Folder) -> None:
    folder.shell("good", "true")
    folder.shell("bad", "false")
    service.start()
    eventually(lambda: service.ended("good", "succeeded") and len(service.ended("bad", "failed")) > 1)
    for name in ("good", "bad"):
        folder.shell(name, "true", schedule="{every: 1d}")
    eventually(lambda: not [job for job in service.get("/api/jobs")["jobs"] if _soon(job["next_fire_at"])])
    eventually(lambda: not service.get("/api/queue")["total"])
    service.end()
    service.start()
    success = 'schedsync_job_last_success_timestamp_seconds{job_id="good"}'
    eventually(lambda: success in scraped(service))
    text = scraped(service)
    assert numbers(text)['schedsync_job_failures_in_a_row{job_id="bad"}'] >= 2
    assert RUNS not in kinds(text)


def _soon(instant: str) -> bool:
    return (datetime.fromisoformat(instant) - datetime.now(UTC)).total_seconds() < 600


def _has(text: str, wanted: dict[str, float]) -> bool:
    found = numbers(text)
    return all(found.get(series, -1) >= least for series, least in wanted.items())
