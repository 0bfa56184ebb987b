"""A full disk under the spool folder, under the database, under both: no slot is lost or doubled, nothing is silent."""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness import Folder, Service, eventually
from tests.needs import do_without

ALL = "overlap: allow\nmisfire: {policy: all, grace: 1h}\n"


class Disk:
    """A small file system that can be filled and emptied."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Take all the room that there is, also what is freed meanwhile."""
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def free(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.geteuid() != 0:
        do_without("only root may mount the small file system that this test fills")
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,mode=755", "tmpfs", path], capture_output=True, check=False
    )
    if mounted.returncode:
        do_without(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield Disk(path)
    subprocess.run(["umount", "--lazy", path], check=True)


@pytest.fixture
def database(request: pytest.FixtureRequest, disk: Disk, tmp_path: Path) -> str:
    """The database lies on the small disk or beside it."""
    return f"sqlite:///{disk.path if request.param == 'there' else tmp_path}/state.db"


def _on_disk(**where: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "database", [where["database"]], indirect=True, ids=[f"database {where['database']}"]
    )


def _job(folder: Folder) -> Path:
    marks = folder.path.parent / "marks"
    folder.shell("job", f"echo $SCHEDSYNC_SCHEDULED_AT >> {marks}; echo said", more=ALL)
    return marks


def _degraded(service: Service) -> bool:
    return bool(service.get("/health")["database"]["status"] == "degraded")


def _fill_until_degraded(disk: Disk, service: Service) -> None:
    """Leave no room to the database, which has some in its own files for a while."""

    def degraded() -> bool:
        disk.fill()
        return _degraded(service)

    eventually(degraded, within=60)


def _slots(runs: list[Any]) -> list[datetime]:
    return sorted(datetime.fromisoformat(run["scheduled_at"]) for run in runs)


def _each_slot_succeeded_once(service: Service, marks: Path, until: datetime) -> None:
    eventually(lambda: max(_slots(service.ended("job", "succeeded"))) > until, within=30)
    runs = [run for run in service.runs("job") if datetime.fromisoformat(run["scheduled_at"]) <= until]
    assert {run["state"] for run in runs} == {"succeeded"}
    assert all(b - a == timedelta(seconds=1) for a, b in pairwise(_slots(runs)))
    assert set(Counter(marks.read_text().split()).values()) == {1}


@_on_disk(database="elsewhere")
def test_a_full_spool_folder_costs_the_live_output_only_and_the_run_says_so(
    service: Service, folder: Folder, disk: Disk
) -> None:
    service.settings["RUNNER__SPOOL"] = str(disk.path)
    _job(folder)
    service.start()
    eventually(lambda: service.ended("job", "succeeded"))
    disk.fill()
    since = len(service.runs("job"))
    eventually(lambda: len(service.ended("job", "succeeded")) >= since + 2)
    run = service.ended("job", "succeeded")[0]
    assert run["reason"] == "its output could not be spooled: No space left on device"
    assert service.get(f"/api/runs/{run['id']}/log") == "said\n"
    disk.free()
    eventually(lambda: service.ended("job", "succeeded")[0]["reason"] is None)


@_on_disk(database="there")
@pytest.mark.parametrize("spool", ["elsewhere", "there"])
def test_a_database_without_room_is_waited_for_and_nothing_is_lost_or_doubled(
    service: Service, folder: Folder, disk: Disk, spool: str
) -> None:
    service.settings["RUNNER__SPOOL"] = str(disk.path if spool == "there" else service.home / "spool")
    marks = _job(folder)
    service.start()
    eventually(lambda: len(service.ended("job", "succeeded")) >= 2)
    _fill_until_degraded(disk, service)
    assert "no room on the disk" in service.get("/health")["database"]["error"]
    full_since = datetime.now(UTC)
    eventually(lambda: datetime.now(UTC) > full_since + timedelta(seconds=3))
    assert service.get("/health")["status"] == "ok"
    assert service.get("/api/status")["database"]["ok"] is False
    disk.free()
    eventually(lambda: not _degraded(service))
    until = max(_slots(service.runs("job")))
    _each_slot_succeeded_once(service, marks, until)
    meanwhile = [slot for slot in _slots(service.runs("job")) if full_since < slot < full_since + timedelta(seconds=3)]
    assert len(meanwhile) >= 2
    tracebacks = [line for line in service.log if line.startswith("Traceback")]
    assert not tracebacks


@_on_disk(database="there")
def test_results_that_fit_nowhere_are_kept_in_memory_and_written_when_there_is_room(
    service: Service, folder: Folder, disk: Disk
) -> None:
    service.settings["RUNNER__SPOOL"] = str(disk.path)
    go = folder.path.parent / "go"
    folder.shell("job", f"while [ ! -e {go} ]; do sleep 0.05; done; echo the end; exit 3", more="overlap: skip\n")
    service.start()
    (run,) = eventually(lambda: service.ended("job", "running"))
    _fill_until_degraded(disk, service)
    go.touch()
    eventually(lambda: any("they wait in memory" in line for line in service.log))
    assert service.get(f"/api/runs/{run['id']}")["state"] == "failed"
    disk.free()
    eventually(lambda: not _degraded(service))
    told = eventually(lambda: [r for r in service.ended("job", "failed") if r["id"] == run["id"]])
    assert (told[0]["exit_code"], told[0]["attempt"]) == (3, 1)
    assert service.get(f"/api/runs/{run['id']}/log") == "the end\n"


@_on_disk(database="there")
def test_results_that_a_stop_has_no_room_for_are_named_in_the_log(service: Service, folder: Folder, disk: Disk) -> None:
    service.settings["RUNNER__SPOOL"] = str(disk.path)
    folder.shell("job", "exec sleep 60", more="kill_grace: 1s\n")
    service.start()
    (run,) = eventually(lambda: service.ended("job", "running"))
    _fill_until_degraded(disk, service)
    service.tell(signal.SIGTERM)
    assert service.ended_itself() == 0
    (said,) = [line for line in service.log if "results were not written" in line]
    assert run["id"] in said
    disk.free()
    service.start()
    lost = eventually(lambda: [each for each in service.ended("job", "lost") if each["id"] == run["id"]])
    assert lost[0]["reason"]
