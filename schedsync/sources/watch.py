"""Says that something in the jobs folder has changed, and nothing more: `folder` finds out what.

An observer watches inodes, and goes blind without an error when another folder takes their place (a link is switched,
a folder is moved, a disk is mounted). So the folders are watched, too, in which the names on the way to it stand, and
each second `FolderWatch.check` compares what is there with what is watched. Files that are reached through links inside
the folder are not watched; the timer of the loop, which is the truth anyway, finds their changes.
"""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from watchdog import events
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from schedsync.sources.listing import ENDINGS, ICAL, Identity, identity_of

log = logging.getLogger(__name__)

_MOST_LINKS = 40
_CONTENT_EVENTS = {"modified", "closed"}
_CONTENT_NAMES = {"REVISION"}
# All but those that reading causes: the reader would wake itself for ever. Changed rights came with watchdog 7.
_WAKING = [
    events.FileCreatedEvent,
    events.FileModifiedEvent,
    events.FileMovedEvent,
    events.FileDeletedEvent,
    events.FileClosedEvent,
    events.DirCreatedEvent,
    events.DirMovedEvent,
    events.DirDeletedEvent,
    *(getattr(events, name) for name in ("FileAttribEvent", "DirAttribEvent") if hasattr(events, name)),
]
_CONTENT = {events.FileModifiedEvent, events.FileClosedEvent}
_NAMING = [kind for kind in _WAKING if kind not in _CONTENT]
"""What can change where a name leads. A database that lies beside the folder is written a hundred times in a second."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a path leads to a folder: what has to be watched, and what must not be exchanged unnoticed."""

    real: str | None
    """The folder; None if it is missing."""
    names: tuple[tuple[str, str], ...]
    """The folders on the way in which a name decides where it leads, and that name: links, the last name, and the first
    name that is missing."""
    identities: tuple[Identity | None, ...]
    """Of ``real`` and of the folders in ``names``."""


_NOWHERE = Way(None, (), ())


def way_to(path: Path) -> Way:
    """Return how *path*, which is absolute, leads to its folder now."""
    real, names = _follow(path)
    watched = [folder for folder, _ in names] if real is None else [real, *(folder for folder, _ in names)]
    return Way(real, names, tuple(identity_of(folder) for folder in watched))


def _follow(path: Path) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """Walk along *path* as the system does; `os.path.realpath` does not say over which links it went."""
    here, todo = "/", _parts(str(path))
    links: list[tuple[str, str]] = []
    while todo:
        name = todo.pop(0)
        below = os.path.normpath(f"{here.rstrip('/')}/{name}")
        if os.path.islink(below) and len(links) < _MOST_LINKS:  # noqa: PTH114 - each second
            links.append((here, name))
            target = os.readlink(below)  # noqa: PTH115 - likewise
            here = "/" if target.startswith("/") else here
            todo = _parts(target) + todo
        elif os.path.isdir(below):  # noqa: PTH112 - likewise
            here = below
        else:
            return None, (*links, (here, name))
    return here, (*links, (os.path.dirname(here), os.path.basename(here)))  # noqa: PTH119, PTH120 - likewise


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


class FolderWatch:
    """Watches the jobs folder, also while it is missing, and after another one has taken its place."""

    def __init__(self, path: Path, changed: Callable[[], None], *, poll: bool = False) -> None:
        """Make a watch; `start` starts it.

        Args:
            path: the folder.
            changed: called from any thread, often; has to be quick and must not wait for a lock.
            poll: look at the files each second, for network file systems, whose changes cause no events.
        """
        self._path, self._changed, self._poll = path.absolute(), changed, poll
        self._lock = threading.Lock()
        self._observer: BaseObserver | None = None
        self._way: Way | None = None
        self._warned = False

    def start(self) -> None:
        """Begin to watch."""
        logging.getLogger("watchdog.observers.inotify").addFilter(_is_news)
        with self._lock:
            self._arm(way_to(self._path))

    def stop(self) -> None:
        """Stop watching, and wait for the threads."""
        with self._lock:
            self._disarm()
            self._way = None

    def check(self) -> None:
        """Look whether what is watched is still what the path leads to, else watch that; to be called each second."""
        with self._lock:
            if self._way is None:
                return
            way = way_to(self._path)
            if way == self._way and self._is_alive():
                return
            self._disarm()
            self._arm(way)
        self._changed()

    def _is_alive(self) -> bool:
        """Whether the observer can still tell something; without one there is nothing to lose."""
        if self._observer is None:
            return True
        return self._observer.is_alive() and all(emitter.is_alive() for emitter in self._observer.emitters)

    def _arm(self, way: Way) -> None:
        self._way = way
        try:
            self._observer = PollingObserver() if self._poll else Observer()
            self._schedule(self._observer, way)
            self._observer.start()
        except OSError as error:
            self._disarm()
            self._explain(error)

    def _explain(self, error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            self._way = _NOWHERE  # it went away meanwhile: the next check tries again
        elif not self._warned:
            log.warning("no file events, changes are found by the timer", extra={"error": str(error)})
            self._warned = True

    def _schedule(self, observer: BaseObserver, way: Way) -> None:
        if way.real is not None:
            observer.schedule(_Inside(self._changed), way.real, recursive=True, event_filter=_WAKING)
        for folder in dict.fromkeys(folder for folder, _ in way.names):
            names = {name for parent, name in way.names if parent == folder}
            observer.schedule(_Named(names, self._changed), folder, event_filter=_NAMING)

    def _disarm(self) -> None:
        observer, self._observer = self._observer, None
        if observer is None:
            return
        observer.stop()
        if observer.is_alive():
            observer.join()


def _is_news(record: logging.LogRecord) -> bool:
    """Whether watchdog's *record* is no error that it reports whenever it is stopped while it works."""
    return "called when the thread is inactive" not in str(record.msg)


class _Inside(events.FileSystemEventHandler):
    """Hears what happens in the folder."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def dispatch(self, event: events.FileSystemEvent) -> None:
        # A job may write its log beside its file: what other files contain concerns nobody.
        if event.event_type not in _CONTENT_EVENTS or event.is_directory or _has_content(_name(event.src_path)):
            self._changed()


class _Named(events.FileSystemEventHandler):
    """Hears of some names in a folder."""

    def __init__(self, names: set[str], changed: Callable[[], None]) -> None:
        self._names, self._changed = names, changed

    def dispatch(self, event: events.FileSystemEvent) -> None:
        if _name(event.src_path) in self._names or _name(event.dest_path) in self._names:
            self._changed()


def _name(path: bytes | str) -> str:
    return os.fsdecode(path).rpartition("/")[2]


def _has_content(name: str) -> bool:
    return name.endswith((*ENDINGS, ICAL)) or name in _CONTENT_NAMES
