"""kill -9, and what the next start makes of it."""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness import Folder, Service, eventually

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql", "oracle"], indirect=True)


RETRY = "retry: {attempts: 2, delay: 1s, on: [lost]}\n"


def _slots(service: Service, job_id: str) -> list[datetime]:
    return sorted(datetime.fromisoformat(r["scheduled_at"]) for r in service.runs(job_id) if r["attempt"] == 1)


def _slots_after(service: Service, job_id: str, instant: datetime) -> list[datetime]:
    return [slot for slot in _slots(service, job_id) if slot > instant]


def test_after_kill_9_nothing_runs_twice_and_interrupted_runs_are_lost_and_retried(
    service: Service, folder: Folder
) -> None:
    marks = folder.path.parent / "marks"
    body = f'echo "$SCHEDSYNC_SCHEDULED_AT $SCHEDSYNC_ATTEMPT" >> {marks}; sleep 3'
    retry = "retry: {attempts: 2, delay: 1s, on: [lost]}\n"
    folder.shell("retried", body, schedule="{every: 2s}", more=retry + "overlap: skip\n")
    folder.shell("single", "sleep 60", schedule="{every: 2s}")
    service.start()
    eventually(lambda: service.ended("retried", "running") and service.ended("single", "running"))
    service.kill()
    service.start()
    lost = eventually(lambda: service.ended("retried", "lost") and service.ended("single", "lost"))[0]
    assert lost["reason"]
    slot = eventually(lambda: service.ended("retried", "lost"))[0]["scheduled_at"]
    eventually(
        lambda: [r for r in service.ended("retried", "succeeded") if r["scheduled_at"] == slot and r["attempt"] == 2]
    )
    assert not [run for run in service.runs("single") if run["attempt"] > 1]
    started = Counter(marks.read_text().split("\n")[:-1])
    assert set(started.values()) == {1}


def test_a_service_whose_engine_is_killed_ends_and_the_next_start_makes_the_same_of_its_runs(
    service: Service, folder: Folder
) -> None:
    pids = folder.path.parent / "pids"
    folder.shell("lost", f"echo $$ >> {pids}; exec sleep 60", schedule="{every: 1h, start: 2020-01-01}", more=RETRY)
    folder.shell("kept", "sleep 4", schedule="{every: 1h, start: 2020-01-01}", more="orphan: adopt\n")
    service.start()
    for job_id in ("lost", "kept"):
        assert service.cli("trigger", job_id).returncode == 0
    eventually(lambda: pids.exists() and len(service.ended("lost", "running") + service.ended("kept", "running")) == 2)
    os.kill(service.engine, signal.SIGKILL)
    assert service.ended_itself() == 1
    assert any("the process of the engine is gone, nobody watches what runs" in line for line in service.log)
    service.start()
    assert eventually(lambda: service.ended("kept", "succeeded"))
    assert eventually(lambda: service.ended("lost", "lost"))
    eventually(lambda: len(pids.read_text().split()) == 2)
    first, second = (int(pid) for pid in pids.read_text().split())
    assert (_alive(first), _alive(second)) == (False, True)


def test_processes_of_a_killed_service_are_gone_before_the_retry_starts(service: Service, folder: Folder) -> None:
    pids = folder.path.parent / "pids"
    retry = "retry: {attempts: 2, delay: 1s}\n"
    folder.shell("job", f"echo $$ >> {pids}; exec sleep 60", schedule="{every: 1s}", more=retry)
    service.start()
    eventually(lambda: pids.exists() and pids.read_text())
    service.kill()
    service.start()
    eventually(lambda: len(pids.read_text().split()) == 2)
    first, second = pids.read_text().split()
    assert not _alive(int(first))
    assert _alive(int(second))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_slots_missed_while_down_follow_each_misfire_policy_and_each_has_a_row(
    service: Service, folder: Folder
) -> None:
    for policy in ("latest", "all", "skip"):
        folder.shell(policy, "true", schedule="{every: 1s}", more=f"misfire: {{policy: {policy}, grace: 1h}}\n")
    service.start()
    for policy in ("latest", "all", "skip"):
        eventually(partial(service.ended, policy, "succeeded"))
    service.kill()
    down = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    eventually(lambda: datetime.now(UTC) > down + timedelta(seconds=3))
    up = down + timedelta(seconds=2)
    service.start()
    for policy in ("latest", "all", "skip"):
        eventually(partial(_slots_after, service, policy, up + timedelta(seconds=4)))
        slots = _slots(service, policy)
        assert all(b - a == timedelta(seconds=1) for a, b in pairwise(slots)), policy

    def missed(policy: str) -> list[Any]:
        return [r for r in service.runs(policy) if down <= datetime.fromisoformat(r["scheduled_at"]) <= up]

    assert [r["reason"][:7] for r in missed("skip") if r["state"] == "skipped"] == ["misfire"] * len(missed("skip"))
    eventually(lambda: {r["state"] for r in missed("all")} == {"succeeded"})
    assert {r["cause"] for r in missed("all")} == {"catchup"}
    assert len(missed("skip")) == len(missed("all")) == 3
    eventually(lambda: [r["cause"] for r in service.ended("latest", "succeeded")].count("catchup") == 1)


def _at_least(succeeded: Callable[[], Counter[datetime]], number: int) -> bool:
    return len(succeeded()) >= number


def test_killed_again_and_again_each_slot_still_succeeds_exactly_once(service: Service, folder: Folder) -> None:
    marks = folder.path.parent / "marks"
    body = f'echo "$SCHEDSYNC_SCHEDULED_AT $SCHEDSYNC_ATTEMPT" >> {marks}; sleep 0.3'
    policy = "overlap: allow\nmisfire: {policy: all, grace: 1h}\nretry: {attempts: 9, delay: 1s}\n"
    folder.shell("job", body, schedule="{every: 1s}", more=policy)

    def succeeded() -> Counter[datetime]:
        return Counter(datetime.fromisoformat(run["scheduled_at"]) for run in service.ended("job", "succeeded"))

    for number in (1, 3, 5):
        service.start()
        eventually(partial(_at_least, succeeded, number))
        service.kill()
    service.start()
    last = _slots(service, "job")[-1]
    eventually(
        lambda: last in succeeded() and {slot for slot in _slots(service, "job") if slot <= last} <= set(succeeded())
    )
    slots = [slot for slot in _slots(service, "job") if slot <= last]
    assert all(b - a == timedelta(seconds=1) for a, b in pairwise(slots))
    assert set(succeeded().values()) == {1}
    assert set(Counter(marks.read_text().splitlines()).values()) == {1}


WITHOUT_ENGINE = """\
import sys
from schedsync.cli.main import main
from schedsync.executors import remote

remote.COMMAND = (sys.executable, "-c", "raise SystemExit('such a pity')")
sys.exit(main())
"""


def test_a_service_whose_engine_does_not_begin_says_so_and_claims_nothing(service: Service, folder: Folder) -> None:
    folder.shell("job", "true", schedule="{every: 1h, start: 2020-01-01}")
    assert service.cli("apply").returncode == 0
    service.script = str(folder.path.parent / "without_engine.py")
    Path(service.script).write_text(WITHOUT_ENGINE)
    with pytest.raises(AssertionError, match="such a pity"):  # it is not heard to run
        service.start()
    assert service.ended_itself() == 1
    assert service.log[-1].endswith("ended with exit code 1 before it served; what it printed says why")
    assert json.loads(service.cli("runs", "--json").stdout)["runs"] == []


def test_a_stopped_service_ends_its_runs_and_says_so(service: Service, folder: Folder) -> None:
    folder.shell("job", "sleep 60", schedule="{every: 1s}", more="kill_grace: 1s\n")
    service.start(RUNNER__SHUTDOWN_GRACE="1s")
    eventually(lambda: service.ended("job", "running"))
    assert service.end() == 0
    service.start()
    lost = eventually(lambda: service.ended("job", "lost"))
    assert "stopped" in lost[-1]["reason"]


def test_a_run_that_is_to_be_adopted_does_not_notice_restarts(service: Service, folder: Folder) -> None:
    go, counted = folder.path.parent / "go", folder.path.parent / "counted"
    body = f"echo begun; echo x >> {counted}; until [ -e {go} ]; do sleep 0.1; done; echo done; exit 7"
    folder.shell("job", body, schedule="{every: 1s}", more="orphan: adopt\n")
    service.start()
    run = eventually(lambda: service.ended("job", "running"))[0]
    assert service.end() == 0
    service.start()
    eventually(lambda: any("looked after again" in line for line in service.log))
    service.kill()
    service.start()
    eventually(lambda: service.get(f"/api/runs/{run['id']}/log") == "begun\n")
    assert counted.read_text() == "x\n"  # overlap: skip, so no other slot has begun beside it
    go.touch()
    ended = eventually(lambda: service.ended("job", "failed"))[-1]
    assert (ended["id"], ended["exit_code"], ended["attempt"]) == (run["id"], 7, 1)
    assert service.get(f"/api/runs/{run['id']}/log") == "begun\ndone\n"
