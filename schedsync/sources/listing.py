"""What lies in the jobs folder: one walk over names, that opens no file.

A name may be a link, also to a folder. What cannot be listed becomes a problem and an unknown path, so that the jobs
which came from there are kept. `folder` reads what is found here.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, field

from schedsync.plan.state import UnknownPath
from schedsync.sources.reading import Signature, reason, signature_of, why_unreadable
from schedsync.specs.calendars import FOLDER as CALENDARS
from schedsync.specs.problem import Problem

ENDINGS = (".yaml", ".yml")
ICAL = ".ics"
"""How the names of iCalendar files end."""
DEFAULTS = frozenset(f"_defaults{ending}" for ending in ENDINGS)
_LONGEST_PATH = 1000
"""Bytes of a path below the folder: what the store has room for."""

Identity = tuple[int, int]
"""Device and inode."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that is to be read."""

    relative: str
    """Below the jobs folder, with ``/``; empty for the folder itself."""
    path: str
    signature: Signature | None
    """None if the file could not be looked at: reading it will say why."""

    @property
    def folder(self) -> str:
        """The folder that it is in, relative like itself; empty for the jobs folder."""
        return self.relative.rpartition("/")[0]


@dataclass(slots=True)
class Listing:
    """What one walk found."""

    files: list[FoundFile] = field(default_factory=list)
    defaults: dict[str, list[FoundFile]] = field(default_factory=dict)
    """By folder; more than one is an error of its author."""
    calendars: list[FoundFile] = field(default_factory=list)
    """What lies in the folder of calendars, iCalendar files included."""
    problems: list[Problem] = field(default_factory=list)
    unknown: list[UnknownPath] = field(default_factory=list)
    links: list[tuple[str, Identity]] = field(default_factory=list)
    """What each link led to."""

    def has_moved(self) -> bool:
        """Whether a link leads elsewhere now: then what was read may be half the old and half the new."""
        return any(identity_of(path) != identity for path, identity in self.links)


def identity_of(path: str) -> Identity | None:
    """Return what is at *path*, so that it is noticed when something else takes its place; None for nothing."""
    try:
        status = os.stat(path)  # noqa: PTH116 - for each link and folder, and a Path costs more than the call
    except OSError:
        return None
    return status.st_dev, status.st_ino


def list_folder(root: str) -> Listing:
    """Return what lies at and below *root*, in the order of the paths.

    Raises:
        OSError: *root* itself cannot be listed.
    """
    walk = _Walk()
    walk.run(root)
    walk.listing.files.sort(key=lambda found: found.relative)
    return walk.listing


def list_context(root: str, folder: str) -> Listing:
    """Return what jobs in *folder*, which is below *root*, depend on: the defaults on the way to it, and calendars."""
    listing, parts = _calendars_below(root), folder.split("/") if folder else []
    for relative in ("/".join(parts[:depth]) for depth in range(len(parts) + 1)):
        for name in sorted(DEFAULTS):
            below = f"{relative}/{name}".lstrip("/")
            if os.path.lexists(path := os.path.join(root, below)):  # noqa: PTH118 - like the other calls here
                listing.defaults.setdefault(relative, []).append(FoundFile(below, path, None))
    return listing


def _calendars_below(root: str) -> Listing:
    walk = _Walk()
    with suppress(OSError):  # it need not be there, and what cannot be read is said by whoever reads all
        walk.list_calendars(root)
    return walk.listing


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    relative: str
    above: frozenset[Identity]
    """Itself and the folders on the way to it: a link to one of them is a loop."""

    def below(self, name: str) -> str:
        return f"{self.relative}/{name}" if self.relative else name


class _Walk:
    """Lists folder after folder; a stack instead of recursion, for trees deeper than Python's."""

    def __init__(self) -> None:
        self.listing = Listing()
        self._todo: list[_Folder] = []

    def run(self, root: str) -> None:
        self._list(_Folder(root, "", frozenset(filter(None, [identity_of(root)]))))
        while self._todo:
            folder = self._todo.pop()
            try:
                self._list(folder)
            except OSError as error:
                self._give_up(folder.relative, f"the folder cannot be read: {reason(error)}")

    def list_calendars(self, root: str) -> None:
        """List the folder of calendars alone."""
        self._list(_Folder(os.path.join(root, CALENDARS), CALENDARS, frozenset()))  # noqa: PTH118 - like the others

    def _list(self, folder: _Folder) -> None:
        with os.scandir(folder.path) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if folder.relative == CALENDARS:
                    self._add_calendar(entry, folder)
                elif entry.name in DEFAULTS:
                    self._add_defaults(entry, folder)
                elif entry.name[0] not in "._#" and entry.name[-1] not in "~#":
                    self._add(entry, folder)

    def _add_defaults(self, entry: os.DirEntry[str], folder: _Folder) -> None:
        self._note_link(entry)
        found = FoundFile(folder.below(entry.name), entry.path, _signature(entry))
        self.listing.defaults.setdefault(folder.relative, []).append(found)

    def _add_calendar(self, entry: os.DirEntry[str], folder: _Folder) -> None:
        relative, is_named = folder.below(entry.name), entry.name.endswith((*ENDINGS, ICAL))
        if entry.name[0] in "._#" or entry.name[-1] in "~#" or not (is_named or _is_folder(entry)):
            return
        self._note_link(entry)
        if refusal := _refuse_name(relative):
            self.listing.problems.append(Problem(refusal[0], None, None, refusal[1]))
        elif _is_folder(entry):
            message = f"calendars lie in {CALENDARS}/ itself, and jobs elsewhere; move what is in this folder"
            self._give_up(relative, message)
        else:
            self.listing.calendars.append(FoundFile(relative, entry.path, _signature(entry)))

    def _add(self, entry: os.DirEntry[str], folder: _Folder) -> None:
        is_folder, is_link, is_job = _is_folder(entry), entry.is_symlink(), entry.name.endswith(ENDINGS)
        if not (is_folder or is_link or is_job):
            return
        relative = folder.below(entry.name)
        if refusal := _refuse_name(relative):
            self._give_up(refusal[0], refusal[1])
        elif is_folder:
            self._note_link(entry)
            self._descend(entry, relative, folder)
        elif is_job:
            self._note_link(entry)
            self.listing.files.append(FoundFile(relative, entry.path, _signature(entry)))
        else:
            self._check_link(entry, relative)

    def _descend(self, entry: os.DirEntry[str], relative: str, folder: _Folder) -> None:
        identity = identity_of(entry.path)
        if identity is not None and identity in folder.above:
            # What is behind it is read where it lies, so no job can have moved there.
            self._give_up(relative, "the link leads back to a folder above it; remove it", text="")
        else:
            above = folder.above if identity is None else folder.above | {identity}
            self._todo.append(_Folder(entry.path, relative, above))

    def _check_link(self, entry: os.DirEntry[str], relative: str) -> None:
        try:
            entry.stat()
        except OSError as error:
            # It may have led to a folder with jobs, e.g. on a disk that is not mounted now.
            self._give_up(relative, why_unreadable(entry.path, error))

    def _note_link(self, entry: os.DirEntry[str]) -> None:
        identity = identity_of(entry.path) if entry.is_symlink() else None
        if identity is not None:
            self.listing.links.append((entry.path, identity))

    def _give_up(self, relative: str, message: str, text: str | None = None) -> None:
        self.listing.problems.append(Problem(relative, None, None, message))
        self.listing.unknown.append(UnknownPath(relative, text))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _signature(entry: os.DirEntry[str]) -> Signature | None:
    try:
        return signature_of(entry.stat())
    except OSError:
        return None


def _refuse_name(relative: str) -> tuple[str, str] | None:
    """Return a name that can be shown, and why it cannot be used; None if it can."""
    try:
        length = len(relative.encode())
    except UnicodeEncodeError:
        shown = os.fsencode(relative).decode("utf-8", "backslashreplace")
        return shown, "the name is not UTF-8; rename it"
    if length > _LONGEST_PATH:
        return relative, f"the path has {length:,} bytes, and {_LONGEST_PATH:,} are allowed; use shorter names"
    return None
