"""Jobs of a group, queues that can be seen, and how many missed slots run."""

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness import Folder, Service, eventually

GROUP = "group: erp\noverlap: queue\nmax_queued: 3\n"


def _body(marks: Path) -> str:
    """A line of shell that leaves a mark when it begins and when it ends."""
    return f'echo "begin $SCHEDSYNC_JOB_ID" >> {marks}; sleep 0.7; echo "end $SCHEDSYNC_JOB_ID" >> {marks}'


def _beside(marks: Path) -> list[str]:
    """Return the lines of runs that began before the one before them had ended."""
    lines = marks.read_text().splitlines()
    return [b for a, b in pairwise(lines) if a.startswith("begin") and b.startswith("begin")]


@pytest.mark.parametrize("database", ["sqlite", "postgresql", "oracle"], indirect=True)
def test_jobs_of_a_group_never_run_beside_each_other_also_across_a_crash(service: Service, folder: Folder) -> None:
    marks = folder.path.parent / "marks"
    for name in ("load", "close", "report"):
        folder.shell(name, _body(marks), schedule="{every: 2s}", more=GROUP)
    service.start()
    eventually(lambda: all(service.ended(name, "succeeded") for name in ("load", "close", "report")))
    eventually(lambda: any(service.ended(name, "running") for name in ("load", "close", "report")))
    service.kill()
    # What was killed left no end; its processes are ended before anything else of the group may start.
    marks.write_text("")
    service.start()
    eventually(lambda: marks.read_text().count("end") >= 4)
    assert _beside(marks) == []


def _overlapping(service: Service, job_id: str) -> list[Any]:
    return [run for run in service.ended(job_id, "skipped") if run["reason"].startswith("overlap")]


def test_a_queue_is_seen_and_bounded_and_says_what_it_waits_for(service: Service, folder: Folder) -> None:
    folder.shell("long", "sleep 60", schedule="{every: 1s}", more="group: erp\n")
    service.start()
    running = eventually(lambda: service.ended("long", "running"))[0]
    folder.shell("waits", "true", schedule="{every: 1s}", more=GROUP)
    skipped = eventually(lambda: _overlapping(service, "waits"))[0]
    assert skipped["reason"] == "overlap: 3 runs are waiting already"
    answer = service.get("/api/queue")
    assert (answer["told_by"], answer["total"]) == ("leader", 3)
    assert [run["waiting_for"]["before"] for run in answer["queue"]] == [0, 1, 2]
    assert answer["queue"][0]["waiting_for"]["behind"] == [{"run_id": running["id"], "job_id": "long"}]
    listed = service.cli("queue")
    assert listed.returncode == 0, listed.stderr
    assert f"the end of {running['id']} (long), 2 before it" in listed.stdout
    again = eventually(lambda: _overlapping(service, "long"))[0]
    assert again["reason"] == "overlap: the run before it has not ended"


def _caught_up(service: Service, up: datetime) -> bool:
    return any(datetime.fromisoformat(run["scheduled_at"]) > up for run in service.ended("all", "succeeded"))


def _settled_catchup(service: Service) -> list[dict[str, Any]]:
    """The runs of missed slots, newest first, once each of them has ended; none until then."""
    missed = [run for run in service.runs("all") if run["cause"] == "catchup"]
    return [] if {run["state"] for run in missed} & {"queued", "running"} else missed


def test_of_slots_that_were_missed_as_many_run_as_the_limit_says(service: Service, folder: Folder) -> None:
    folder.shell("all", "true", schedule="{every: 1s}", more="misfire: {policy: all, limit: 2}\noverlap: queue\n")
    service.start()
    eventually(lambda: service.ended("all", "succeeded"))
    service.kill()
    up = datetime.now(UTC) + timedelta(seconds=5)
    eventually(lambda: datetime.now(UTC) > up)
    service.start()
    eventually(partial(_caught_up, service, up + timedelta(seconds=3)))
    missed = eventually(partial(_settled_catchup, service))
    assert [run["state"] for run in missed[:2]] == ["succeeded", "succeeded"]
    assert len(missed) >= 5
    assert {run["reason"] for run in missed[2:]} == {"misfire: of the missed slots only the newest 2 run"}


def test_a_job_that_is_renamed_while_it_runs_runs_beside_no_other_is_tried_again_and_followed(
    service: Service, folder: Folder
) -> None:
    begun, gate = (folder.path.parent / name for name in ("begun", "gate"))
    shell = f"touch {begun}; until [ -e {gate} ]; do sleep 0.05; done; exit 1"
    more = "  schedule: {every: 30d}\n  retry: {attempts: 2, delay: 1s}\n"
    job = f"{more}  run:\n    shell: |\n      {shell}\n- id: last\n  run: {{shell: 'true'}}\n"
    folder.write("jobs.yaml", f"jobs:\n- id: old\n{job}  after: {{old: any}}\n")
    service.start()
    eventually(lambda: service.job_ids() == {"old", "last"})
    _, first = service.ask("/api/jobs/old/run", {"reason": "now"}, "POST")
    eventually(begun.exists)
    folder.write("jobs.yaml", f"jobs:\n- id: new\n  renamed_from: old\n{job}  after: {{new: any}}\n")
    eventually(lambda: service.job_ids() == {"new", "last"})
    service.ask("/api/jobs/new/run", {"reason": "again"}, "POST")
    (skipped,) = eventually(lambda: service.ended("new", "skipped"))
    assert skipped["reason"] == "overlap: the run before it has not ended"
    gate.touch()
    (follower,) = eventually(lambda: service.runs("last"))
    (again,) = [run for run in service.runs("new") if run["attempt"] == 2]
    assert (again["scheduled_at"], again["state"]) == (first["scheduled_at"], "failed")
    assert follower["upstream_run_id"] == again["id"]
    assert service.runs("old") == []
