"""The watch: real events, and the ways in which folders are exchanged under it."""

import errno
import logging
import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from watchdog.events import FileSystemEvent

from schedsync.sources import watch as watch_module
from schedsync.sources.watch import FolderWatch, way_to

SECONDS = 10


class Ear:
    """Hears that something changed, and waits for it."""

    def __init__(self) -> None:
        self._heard: queue.SimpleQueue[None] = queue.SimpleQueue()

    def __call__(self) -> None:
        self._heard.put(None)

    def expect(self) -> None:
        try:
            self._heard.get(timeout=SECONDS)
        except queue.Empty:
            pytest.fail("nothing was heard")

    def forget(self) -> None:
        """Forget what was heard; nothing older can follow after `FolderWatch.check` has armed anew."""
        while not self._heard.empty():
            self._heard.get()

    @property
    def silent(self) -> bool:
        return self._heard.empty()


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs.d"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.yaml").write_text("a")
    (folder / "sub/b.yaml").write_text("b")
    (tmp_path / "outside.yaml").write_text("x")
    return folder


@pytest.fixture
def ear() -> Ear:
    return Ear()


Watching = Callable[[Path], FolderWatch]


@pytest.fixture
def watching(ear: Ear) -> Iterator[Watching]:
    """Start watches, and stop them after the test."""
    watches: list[FolderWatch] = []

    def start(path: Path) -> FolderWatch:
        watches.append(FolderWatch(path, ear))
        watches[-1].start()
        return watches[-1]

    yield start
    for watch in watches:
        watch.stop()


def rearm(watch: FolderWatch, ear: Ear) -> None:
    """Do what the loop does: hear, check, hear of the check; then only what is new is heard."""
    ear.expect()
    watch.check()
    ear.forget()


# --- changes in the folder -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda jobs: (jobs / "new.yaml").write_text("x"), id="create"),
        pytest.param(lambda jobs: (jobs.parent / "outside.yaml").rename(jobs / "new.yaml"), id="move in"),
        pytest.param(lambda jobs: (jobs / "a.yaml").rename(jobs.parent / "new.yaml"), id="move out"),
        pytest.param(lambda jobs: (jobs / "a.yaml").rename(jobs / "c.yaml"), id="rename"),
        pytest.param(lambda jobs: (jobs / "a.yaml").write_text("y"), id="edit"),
        pytest.param(lambda jobs: (jobs / "a.yaml").unlink(), id="delete"),
        pytest.param(lambda jobs: (jobs / "a.yaml").chmod(0o600), id="rights"),
        pytest.param(lambda jobs: (jobs / "sub/b.yaml").write_text("y"), id="edit below"),
        pytest.param(lambda jobs: (jobs / "new").mkdir(), id="create a folder"),
        pytest.param(lambda jobs: (jobs / "sub").rename(jobs.parent / "sub"), id="move a folder out"),
        pytest.param(lambda jobs: (jobs / "REVISION").write_text("1"), id="revision"),
        pytest.param(lambda jobs: (jobs / "..data").symlink_to("sub"), id="link"),
        pytest.param(lambda jobs: jobs.chmod(0o700), id="rights of the folder"),
    ],
)
def test_a_change_is_heard(jobs: Path, ear: Ear, watching: Watching, change: Callable[[Path], object]) -> None:
    watching(jobs)
    change(jobs)
    ear.expect()


def test_a_folder_that_is_new_is_watched_too(jobs: Path, ear: Ear, watching: Watching) -> None:
    watching(jobs)
    (jobs / "new").mkdir()
    (jobs / "new/c.yaml").write_text("x")
    ear.expect()


def test_what_is_written_beside_the_folder_wakes_nobody(
    jobs: Path, ear: Ear, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: queue.SimpleQueue[FileSystemEvent] = queue.SimpleQueue()
    monkeypatch.setattr(watch_module._Named, "dispatch", lambda _handler, event: told.put(event))
    database = jobs.parent / "outside.yaml"
    watching(jobs)
    for _ in range(3):
        database.write_text("more")
    database.rename(jobs.parent / "moved")
    assert told.get(timeout=SECONDS).event_type == "moved"


def test_polling_hears_too(jobs: Path, ear: Ear) -> None:
    watch = FolderWatch(jobs, ear, poll=True)
    watch.start()
    (jobs / "new.yaml").write_text("x")
    ear.expect()
    watch.stop()


Heard = list[str]


@pytest.fixture
def heard_names(monkeypatch: pytest.MonkeyPatch) -> tuple[Heard, threading.Event]:
    """The names that woke somebody, and whether "end" is among them: events keep their order."""
    names: Heard = []
    ended = threading.Event()
    for handler in (watch_module._Inside, watch_module._Named):
        real = handler.dispatch

        def dispatch(self: Any, event: FileSystemEvent, real: Callable[..., None] = real) -> None:
            name = Path(os.fsdecode(event.src_path)).name
            self._changed = lambda: names.append(name)
            real(self, event)
            if name == "end":
                ended.set()

        monkeypatch.setattr(handler, "dispatch", dispatch)
    return names, ended


def test_reading_wakes_nobody(jobs: Path, watching: Watching, heard_names: tuple[Heard, threading.Event]) -> None:
    names, ended = heard_names
    watching(jobs)
    for _ in range(50):
        assert [path.read_text() for path in jobs.glob("*.yaml")] == ["a"]
    (jobs / "end").mkdir()
    assert ended.wait(SECONDS)
    assert set(names) == {"end"}


def test_what_other_files_contain_wakes_nobody(
    jobs: Path, watching: Watching, heard_names: tuple[Heard, threading.Event]
) -> None:
    names, ended = heard_names
    (jobs / "job.log").touch()
    watching(jobs)
    for line in range(50):
        with (jobs / "job.log").open("a") as stream:
            stream.write(f"{line}\n")
    (jobs / "end").mkdir()
    assert ended.wait(SECONDS)
    assert set(names) == {"end"}


def test_other_names_beside_the_folder_wake_nobody(
    jobs: Path, watching: Watching, heard_names: tuple[Heard, threading.Event]
) -> None:
    names, ended = heard_names
    watching(jobs)
    for number in range(50):
        (jobs.parent / f"schedsync.db-{number}").write_text("x")
    (jobs.parent / "end").mkdir()
    assert ended.wait(SECONDS)
    assert names == []


# --- another folder in its place -----------------------------------------------------------------


def test_a_folder_that_is_replaced_is_watched(jobs: Path, ear: Ear, watching: Watching) -> None:
    watch = watching(jobs)
    jobs.with_name("new").mkdir()
    jobs.rename(jobs.with_name("old"))
    jobs.with_name("new").rename(jobs)
    rearm(watch, ear)
    (jobs / "c.yaml").write_text("x")
    ear.expect()


def test_a_folder_that_is_removed_and_made_anew_is_watched(jobs: Path, ear: Ear, watching: Watching) -> None:
    watch = watching(jobs)
    shutil.rmtree(jobs)
    rearm(watch, ear)
    jobs.mkdir()
    rearm(watch, ear)
    (jobs / "c.yaml").write_text("x")
    ear.expect()


def test_a_link_that_is_switched_is_followed(tmp_path: Path, ear: Ear, watching: Watching) -> None:
    for version in ("one", "two"):
        (tmp_path / "releases" / version / "jobs.d").mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/one")
    watch = watching(tmp_path / "current/jobs.d")
    (tmp_path / "next").symlink_to("releases/two")
    (tmp_path / "next").rename(tmp_path / "current")
    rearm(watch, ear)
    (tmp_path / "releases/two/jobs.d/a.yaml").write_text("x")
    ear.expect()


def test_a_folder_that_is_missing_at_first_is_found(tmp_path: Path, ear: Ear, watching: Watching) -> None:
    watch = watching(tmp_path / "srv/erp/jobs.d")
    for folder in ("srv", "srv/erp", "srv/erp/jobs.d"):
        (tmp_path / folder).mkdir()
        rearm(watch, ear)
    (tmp_path / "srv/erp/jobs.d/a.yaml").write_text("x")
    ear.expect()


def test_the_tick_finds_what_causes_no_event(tmp_path: Path, ear: Ear, watching: Watching) -> None:
    jobs = tmp_path / "srv/erp/jobs.d"
    jobs.mkdir(parents=True)
    watch = watching(jobs)
    (tmp_path / "other/erp/jobs.d").mkdir(parents=True)
    (tmp_path / "srv").rename(tmp_path / "old")
    (tmp_path / "other").rename(tmp_path / "srv")
    watch.check()
    ear.expect()
    ear.forget()
    (jobs / "a.yaml").write_text("x")
    ear.expect()


def test_an_observer_that_died_is_replaced(jobs: Path, ear: Ear, watching: Watching) -> None:
    watch = watching(jobs)
    assert watch._observer is not None
    watch._observer.stop()
    watch._observer.join()
    watch.check()
    ear.expect()
    ear.forget()
    (jobs / "c.yaml").write_text("x")
    ear.expect()


def test_a_folder_that_goes_while_it_is_armed_is_tried_again(
    jobs: Path, ear: Ear, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise FileNotFoundError(errno.ENOENT, "no such folder")

    with monkeypatch.context() as patch:
        patch.setattr(watch_module, "Observer", refuse)
        watch = watching(jobs)
    watch.check()
    ear.expect()
    ear.forget()
    (jobs / "c.yaml").write_text("x")
    ear.expect()


def test_a_check_of_what_has_not_changed_is_silent(jobs: Path, ear: Ear, watching: Watching) -> None:
    watch = watching(jobs)
    watch.check()
    assert ear.silent


# --- the way -------------------------------------------------------------------------------------


def test_the_way_names_each_link_and_the_folder(tmp_path: Path) -> None:
    real = tmp_path / "data/v1/jobs.d"
    real.mkdir(parents=True)
    (tmp_path / "data/current").symlink_to("v1")
    (tmp_path / "link").symlink_to(tmp_path / "data/x/../current/jobs.d")
    assert way_to(tmp_path / "link").real is None
    (tmp_path / "data/x").mkdir()
    way = way_to(tmp_path / "link")
    assert way.real == str(real)
    assert way.names == (
        (str(tmp_path), "link"),
        (str(tmp_path / "data"), "current"),
        (str(real.parent), "jobs.d"),
    )


def test_the_way_to_a_missing_folder_ends_at_the_nearest(tmp_path: Path) -> None:
    way = way_to(tmp_path / "a/b")
    assert (way.real, way.names) == (None, ((str(tmp_path), "a"),))


def test_a_way_in_circles_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert way_to(tmp_path / "a").real is None


# --- threads and limits --------------------------------------------------------------------------


def test_stopping_ends_the_threads(jobs: Path, ear: Ear) -> None:
    before = set(threading.enumerate())
    watch = FolderWatch(jobs, ear)
    watch.start()
    assert set(threading.enumerate()) > before
    watch.stop()
    assert set(threading.enumerate()) == before
    watch.stop()
    watch.check()
    assert ear.silent


def test_stopping_logs_no_errors_of_watchdog(jobs: Path, watching: Watching, caplog: pytest.LogCaptureFixture) -> None:
    watching(jobs)
    log = logging.getLogger("watchdog.observers.inotify")
    log.error("InotifyEmitter.queue_events() called when the thread is inactive")
    log.warning("Inotify queue overflowed")
    assert caplog.messages == ["Inotify queue overflowed"]


def test_arming_anew_leaves_no_threads(jobs: Path, ear: Ear, watching: Watching) -> None:
    watch = watching(jobs)
    before = len(threading.enumerate())
    jobs.rename(jobs.with_name("old"))
    jobs.mkdir()
    rearm(watch, ear)
    assert len(threading.enumerate()) == before


def test_without_inotify_there_is_one_warning_and_the_timer(
    jobs: Path, ear: Ear, watching: Watching, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(watch_module, "Observer", refuse)
    watch = watching(jobs)
    watch.check()
    assert ear.silent
    jobs.rename(jobs.with_name("old"))
    jobs.mkdir()
    watch.check()
    ear.expect()
    assert [record.message for record in caplog.records] == ["no file events, changes are found by the timer"]
