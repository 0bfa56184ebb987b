"""Time limits, bursts, and every kind of action."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.acceptance.harness import Folder, Service, eventually


def _alive(marker: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode().replace("\0", " ")
        except OSError:
            continue
        if marker in line and process.name != str(os.getpid()):
            found.append(line)
    return found


def test_a_timeout_ends_a_grandchild_that_ignores_sigterm(service: Service, folder: Folder) -> None:
    marker = "987.654321"
    body = f"bash -c 'trap \"\" TERM; sleep {marker} & wait; sleep {marker}' & wait"
    folder.shell("other", "true", schedule="{every: 1h}")
    service.start()
    eventually(lambda: service.job_ids() == {"other"})
    at = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    folder.shell("stubborn", body, schedule=f'{{at: "{at}"}}', more="timeout: 2s\nkill_grace: 1s\n")
    eventually(lambda: _alive(marker))
    run = eventually(lambda: service.ended("stubborn", "timed_out"))[0]
    assert _alive(marker) == []
    took = datetime.fromisoformat(run["finished_at"]) - datetime.fromisoformat(run["started_at"])
    assert timedelta(seconds=2) <= took <= timedelta(seconds=4.5)
    assert "timeout" in run["reason"]
    assert service.job("stubborn")["state"] == "finished"


def test_two_thousand_jobs_due_in_one_second_make_two_thousand_runs(service: Service, folder: Folder) -> None:
    service.start()
    at = (datetime.now(UTC) + timedelta(seconds=20)).replace(microsecond=0)
    job = '- {{id: burst.{0}, schedule: {{at: "{1}"}}, run: {{command: ["true"]}}}}'
    lines = "\n".join(job.format(number, at.isoformat()) for number in range(2_000))
    folder.write("burst.yaml", f"jobs:\n{lines}\n")
    eventually(lambda: service.get("/api/status")["counts"]["jobs"] == 2_000, within=20)
    assert datetime.now(UTC) < at

    def settled() -> bool:
        counts = service.get("/api/status")["counts"]
        return bool(datetime.now(UTC) > at and counts["finished"] == 2_000 and not counts["queued"] + counts["running"])

    eventually(settled, within=60)
    cursor, last_runs = "", []
    while cursor is not None:
        page = service.get(f"/api/jobs?limit=500{cursor and '&cursor=' + cursor}")
        last_runs += [job["last_run"] for job in page["jobs"]]
        cursor = page["next_cursor"]
    assert len(last_runs) == 2_000
    assert {run["state"] for run in last_runs} == {"succeeded"}
