"""A program schedules a job over HTTP, follows what it prints, and removes it; a person edits the file in between."""

import re
import urllib.request

import pytest

from tests.acceptance.harness import Folder, Service, eventually

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def _followed(service: Service, run_id: str) -> tuple[str, int]:
    """What a follower is sent until it is told that this was all, and in how many answers."""
    text, start, answers = "", "0", 0
    while True:
        with urllib.request.urlopen(
            f"{service.url}/api/runs/{run_id}/log?from={start}&wait=20", timeout=40
        ) as response:
            text += response.read().decode()
            start, done = response.headers["Schedsync-Log-Next"], response.headers["Schedsync-Log-Done"]
            answers += 1
        if done == "true":
            return text, answers


def test_a_job_of_a_program_runs_is_edited_by_hand_and_is_removed(service: Service, folder: Folder) -> None:
    folder.shell("other", "true")
    service.start(API__WRITE_FILES="true")
    job = {"id": "erp.close", "schedule": {"every": "1h"}, "run": {"shell": "echo closing"}}
    assert service.ask("/api/schedule-job", job)[0] == 401
    service.token = service.cli("token", "create", "erp", "--scope", "control").stdout.strip()
    status, filed = service.ask("/api/schedule-job", job)
    assert (status, filed["file"]) == (201, "api/erp.close.yaml")
    eventually(lambda: service.job_ids() == {"other", "erp.close"}, within=2)
    assert service.ask("/api/jobs/erp.close/run", {})[0] == 202
    (run,) = eventually(lambda: service.ended("erp.close", "succeeded"))
    assert service.get(f"/api/runs/{run['id']}/log") == "closing\n"
    path = folder.path / filed["file"]
    path.write_text(path.read_text().replace("1h", "2h"))
    eventually(lambda: service.job("erp.close")["spec"]["schedule"][0]["every"] == "2h", within=2)
    assert service.ask("/api/schedule-job", job)[1]["changed"]
    eventually(lambda: service.job("erp.close")["spec"]["schedule"][0]["every"] == "1h", within=2)
    assert service.ask("/api/schedule-job", {**job, "id": "other"})[0] == 409
    assert service.ask("/api/remove-job/erp.close", method="DELETE")[0] == 200
    eventually(lambda: service.job_ids() == {"other"}, within=2)
    assert not path.exists()
    changes = [sync["changes"] for sync in service.get("/api/syncs")["syncs"]]
    assert [change["removed"] for change in changes if change["removed"]] == [["erp.close"]]
    actions = [entry["action"] for entry in service.get("/api/audit")["entries"]]
    assert actions == ["remove_job", "schedule_job", "trigger", "schedule_job", "token_create"]


def test_a_loud_run_is_followed_to_its_end_without_a_byte_twice(service: Service, folder: Folder) -> None:
    service.settings |= {"RUNNER__MAX_OUTPUT": "200000", "RUNNER__KEEP_HEAD": "1000", "RUNNER__KEEP_TAIL": "1000"}
    service.start()
    folder.shell(
        "loud", "for i in 1 2 3 4 5; do seq -f '%09.0f' $i'0000' $i'7999'; sleep 0.3; done", schedule="{every: 1s}"
    )
    run = eventually(lambda: service.ended("loud", "running"))[0]
    text, answers = _followed(service, run["id"])
    printed = "".join(f"{number:09}\n" for i in range(1, 6) for number in range(i * 10_000, i * 10_000 + 8_000))
    at = 0
    for part in re.split(r"(\n\[\.\.\. \d+ bytes not kept \.\.\.\]\n)", text):
        if missing := re.fullmatch(r"\s\[\.\.\. (\d+) bytes not kept \.\.\.\]\s", part):
            assert at >= 200_000
            at += int(missing[1])
        else:
            assert part == printed[at : at + len(part)]
            at += len(part)
    assert at == len(printed)
    assert answers > 2
    assert "bytes not kept" in text
    assert service.get(f"/api/runs/{run['id']}/log").startswith(printed[:1000])


def test_who_follows_a_silent_run_does_not_keep_the_service_from_stopping(service: Service, folder: Folder) -> None:
    service.start()
    folder.shell("silent", "sleep 60", schedule="{every: 1s}")
    run = eventually(lambda: service.ended("silent", "running"))[0]
    with urllib.request.urlopen(f"{service.url}/api/runs/{run['id']}/log?from=0&wait=0.5", timeout=20) as response:
        assert (response.read(), response.headers["Schedsync-Log-Done"]) == (b"", "false")
    assert service.end() == 0
