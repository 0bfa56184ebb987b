"""The spool folder: what lies there is believed, so nobody but root and the service's user may put anything into it.

The system's folders for everybody, such as ``/tmp``, will do as the place where it is made, and not as itself.
"""

import errno
import os
import stat
from pathlib import Path

from schedsync.executors.owners import group_name, user_name

MODE = 0o750
"""Of a folder that is made: what jobs print is not for everybody."""


def make(folder: Path) -> None:
    """Make the folder where there is none.

    Raises:
        OSError: it cannot be made; ``EPERM`` with a sentence: others may put things into the one that there is.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=MODE, exist_ok=True)
    danger = danger_of(folder)
    if danger is not None:
        raise PermissionError(errno.EPERM, danger, str(folder))


def danger_of(folder: Path) -> str | None:
    """Return who else than root and this user may put things into a *folder* that exists, and what to do about it.

    The group of this user itself is not counted: with a generous umask its folders are open to it, and on most systems
    nobody else is in it (``open_to_group``).

    Raises:
        OSError: it cannot be looked at.
    """
    for owner in (folder.lstat().st_uid, folder.stat().st_uid):  # of a link, and of the folder that it leads to
        if owner not in {0, os.geteuid()}:
            return (
                f"belongs to {user_name(owner)}, who could put results there that are none; run as that user, give it"
                f" to this one (chown {user_name(os.geteuid())}), or set runner.spool to another folder"
            )
    info = folder.stat()
    if info.st_mode & stat.S_IWOTH:
        return f"everybody {_MAY_WRITE}"
    if info.st_mode & stat.S_IWGRP and info.st_gid != os.getegid():
        return f"the group {group_name(info.st_gid)} {_MAY_WRITE}"
    return None


def open_to_group(folder: Path) -> str | None:
    """Return the group of this user, if it may put things into a *folder* that exists.

    Raises:
        OSError: it cannot be looked at.
    """
    info = folder.stat()
    return group_name(info.st_gid) if info.st_mode & stat.S_IWGRP and info.st_gid == os.getegid() else None


_MAY_WRITE = (
    "may write into it, and could put results there that are none; take that right away (chmod go-w), or set "
    "runner.spool to another folder, perhaps one in it, which is made then"
)
