"""The way to a file that root reads for somebody else: nobody else may have a say in where it leads.

A link that the user of a job may make could lead to what is root's alone. So the way is walked folder by folder, each
opened from the one before it, and what was looked at is what is read. It is good when nobody can change it but root,
the service's user and the owner of the job's folder, who may run anything as anybody. Where others can, a file of the
user's own is read all the same: it could read that itself.
"""

import errno
import os
import stat
from collections import deque
from pathlib import Path

from schedsync.executors.confinement import Account
from schedsync.executors.owners import group_name, user_name

_MOST_LINKS = 40
"""So many links the system itself follows on one way."""
_OF_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC


class AlterableWayError(Exception):
    """Somebody else may change where the way leads; the text says who and where, and what to do."""


class IrregularFileError(Exception):
    """It is a folder, a pipe, a device: nothing that holds a value."""


def open_for(user: Account, path: Path, folder: Path) -> int:
    """Open a regular file to be read for a job of *user*, and return the descriptor.

    Args:
        user: whose job it is; not the service's own user.
        path: of the file; one that is relative begins in *folder*.
        folder: of the job file, an absolute path.

    Raises:
        AlterableWayError: others may change where the way leads, and it leads to no file of the user's own.
        IrregularFileError: it is no regular file.
        OSError: there is no such file, or it cannot be read.
    """
    way = _Way(path, folder)
    try:
        way.walk()
        descriptor = way.opened()
    finally:
        way.close()
    if way.doubt is not None and os.fstat(descriptor).st_uid != user.uid:
        os.close(descriptor)
        raise AlterableWayError(
            f'{way.doubt}, so others than root may decide what a job of the user "{user.name}" is given; let only root '
            f'change that (chown root, chmod go-w), put the file elsewhere, or let it belong to "{user.name}"'
        )
    return descriptor


class _Way:
    """A walk: the folder where it has come to, and the first thing on it that others may change."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.doubt: str | None = None
        self._left = deque(path.parts)
        self._links = 0
        self._name = ""
        # Who can change the folder of the job can change the job: that folder itself is not looked at.
        self._here, self._at = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), folder
        self._trusted = {0, os.geteuid(), os.fstat(self._here).st_uid}
        self._shared = False
        """Whether others may put things into this folder, and may not touch what is not theirs."""

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._here)

    def walk(self) -> None:
        """Go to the folder that has the file."""
        while self._left:
            name = self._left.popleft()
            entry = os.open(name, os.O_PATH | _NO_LINK, dir_fd=self._here)
            try:
                info = os.fstat(entry)
                self._look_at_entry(name, info)
                if stat.S_ISLNK(info.st_mode):
                    self._follow(os.readlink("", dir_fd=entry))
                elif self._left:
                    self._enter(entry, name, info)
                    entry = -1
                else:
                    self._name = name
                    _check_regular(info)
            finally:
                if entry >= 0:
                    os.close(entry)

    def opened(self) -> int:
        """Open the file to read it."""
        # Should it be another one by now, it is none to wait for: opening a pipe would wait for somebody who writes.
        descriptor = os.open(self._name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | _NO_LINK, dir_fd=self._here)
        try:
            info = os.fstat(descriptor)
            self._look_at_entry(self._name, info)
            _check_regular(info)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _follow(self, target: str) -> None:
        self._links += 1
        if self._links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        self._left.extendleft(reversed(Path(target).parts))

    def _enter(self, entry: int, name: str, info: os.stat_result) -> None:
        if not stat.S_ISDIR(info.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        os.close(self._here)
        self._here, self._at = entry, self._at / name
        others = info.st_mode & _OF_OTHERS
        self._shared = bool(others) and bool(info.st_mode & stat.S_ISVTX)
        if info.st_uid not in self._trusted:
            self._note(f'the folder "{self._at}" belongs to "{user_name(info.st_uid)}"')
        elif others and not self._shared:
            who = "everybody" if others & stat.S_IWOTH else f'the group "{group_name(info.st_gid)}"'
            self._note(f'{who} may write into the folder "{self._at}"')

    def _look_at_entry(self, name: str, info: os.stat_result) -> None:
        """Note what somebody may have put into a folder that is shared."""
        if not self._shared or stat.S_ISDIR(info.st_mode):  # at folders it looks when it enters them
            return
        if info.st_uid not in self._trusted:
            owner = user_name(info.st_uid)
            self._note(f'"{self._at / name}" lies in a folder of everybody\'s and belongs to "{owner}"')
        elif info.st_nlink > 1:  # anybody may give a file of root's a further name
            self._note(f'"{self._at / name}" lies in a folder of everybody\'s and has further names elsewhere')

    def _note(self, doubt: str) -> None:
        self.doubt = self.doubt or doubt


def _check_regular(info: os.stat_result) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise IrregularFileError
