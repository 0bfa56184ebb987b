"""Broken files, and folders that say nothing: everything else runs on."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.harness import Folder, Service, eventually

HOURLY = "schedule: {every: 1h}\nrun: {shell: echo hello}\n"


def _unreadable(path: Path) -> None:
    # Root may read everything, so a socket stands for a file that cannot be read.
    aside = path.with_name(".s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(aside))
    aside.rename(path)


def _loop(path: Path) -> None:
    aside = path.with_name(".loop")
    aside.symlink_to(path.name)
    aside.rename(path)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)


MISTAKES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "bad YAML": (lambda p: p.write_text("schedule: {every: 1h\nrun: {shell: a}\n"), "broken.yaml:1:11", ""),
    "unknown key": (lambda p: p.write_text(HOURLY + "timeuot: 3s\n"), "broken.yaml:3:1", 'did you mean "timeout"'),
    "wrong cron": (
        lambda p: p.write_text('schedule: {cron: "61 * * * *"}\nrun: {shell: a}\n'),
        "broken.yaml:1:19",
        "0-59",
    ),
    "duplicate id": (lambda p: p.write_text("id: healthy\n" + HOURLY), "broken.yaml:1:1", "healthy.yaml:1"),
    "tab": (lambda p: p.write_text("schedule:\n\tevery: 1h\n"), "broken.yaml:2:1", "spaces"),
    "50 MB": (_huge, "broken.yaml", "52,428,800 bytes"),
    "binary": (lambda p: p.write_bytes(b"\x7fELF\x00\x01\xff\xfe"), "broken.yaml:1:", "text"),
    "symlink loop": (_loop, "broken.yaml", "symbolic link"),
    "unreadable": (_unreadable, "broken.yaml", "file"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_broken_file_is_explained_and_its_job_runs_on_also_after_a_restart(
    service: Service, folder: Folder, name: str
) -> None:
    breaks, place, hint = MISTAKES[name]
    folder.shell("healthy", "echo healthy")
    broken = folder.shell("broken", "echo last good")
    service.start()
    eventually(lambda: service.ended("broken", "succeeded"))
    breaks(broken)
    problem = eventually(lambda: service.problem_in("broken.yaml"), within=3)
    said = ":".join(str(problem[key]) for key in ("file", "line", "column") if problem[key] is not None)
    assert said.startswith(place)
    assert hint in problem["message"]
    service.end()
    service.start()
    seen = len(service.ended("broken", "succeeded"))
    eventually(lambda: len(service.ended("broken", "succeeded")) > seen)
    assert service.job("broken")["stale"]
    assert not service.job("healthy")["stale"]
    validated = service.cli("validate")
    assert validated.returncode == 1
    assert place in validated.stdout
    assert hint in validated.stdout


def _empty(folder: Path) -> Callable[[], object]:
    files = {path: path.read_text() for path in folder.iterdir()}
    for path in files:
        path.unlink()
    return lambda: [path.write_text(text) for path, text in files.items()]


def _rename(folder: Path) -> Callable[[], object]:
    away = folder.rename(folder.with_name("away"))
    return lambda: away.rename(folder)


def _lock(folder: Path) -> Callable[[], object]:
    folder.chmod(0)
    return lambda: folder.chmod(0o755)


@pytest.mark.parametrize("take_away", [_empty, _rename, _lock], ids=["emptied", "renamed away", "unreadable"])
def test_a_folder_that_says_nothing_removes_nothing(
    tmp_path: Path, folder: Folder, database: str, take_away: Callable[[Path], Callable[[], object]]
) -> None:
    # Root may read everything, so the service runs as somebody else.
    prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.geteuid() == 0 else ()
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o777)
    for parent in [*tmp_path.parents][: len(tmp_path.parents) - 2]:
        parent.chmod(parent.stat().st_mode | 0o055)
    tmp_path.chmod(0o755)
    folder.shell("one", "echo one")
    folder.shell("two", "echo two")
    database = database.replace(f"{tmp_path}/", f"{home}/")  # where that somebody may write
    service = Service(home, folder.path, database, prefix).start()
    try:
        eventually(lambda: service.ended("one", "succeeded"))
        bring_back = take_away(folder.path)
        held = eventually(lambda: service.get("/api/status")["held"], within=5)
        assert {entry["job_id"] for entry in held} == {"one", "two"}
        assert all(entry["why"] for entry in held)
        seen = len(service.ended("one", "succeeded"))
        eventually(lambda: len(service.ended("one", "succeeded")) > seen + 1)
        assert service.job_ids() == {"one", "two"}
        bring_back()
        eventually(lambda: not service.get("/api/status")["held"], within=5)
        assert service.job_ids() == {"one", "two"}
    finally:
        service.close()
        print("\n".join(service.log))  # noqa: T201 - pytest shows it when the test has failed


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_log_says_once_what_is_wrong_and_once_that_it_is_over(service: Service, folder: Folder) -> None:
    def said(sentence: str) -> list[str]:
        return [line for line in service.log if sentence in line]

    def another_step() -> None:
        before = service.get("/api/status")["last_sync_at"]
        eventually(lambda: service.get("/api/status")["last_sync_at"] != before)

    healthy = folder.shell("healthy", "echo healthy", more="prune: never\n")
    service.start(JOBS__RESCAN="1s")
    eventually(lambda: said("folder applied"))
    folder.write("broken.yaml", HOURLY + "timeuot: 3s\n")
    (wrong,) = eventually(lambda: said("the jobs folder has a problem"))
    assert "WARNING" in wrong
    assert "at=broken.yaml:3:1" in wrong
    assert "did you mean" in wrong
    healthy.unlink()
    (held,) = eventually(lambda: said("a removal is held back"))
    assert "job_id=healthy" in held
    folder.shell("healthy", "echo healthy", more="prune: never\n")
    for _ in range(3):  # which find the same again
        another_step()
    (folder.path / "broken.yaml").unlink()
    eventually(lambda: said("nothing in the jobs folder is wrong or held back any more"))
    assert len(said("the jobs folder has a problem")) == len(said("a removal is held back")) == 1
    assert len(said("folder applied")) == 1
