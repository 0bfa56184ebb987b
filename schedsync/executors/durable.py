"""Files of the spool folder that are there as a whole or not at all, also after a power cut."""

import os
from contextlib import suppress
from pathlib import Path

from schedsync.executors.spool_folder import make

PART = ".part"
"""Added to the name of a file that is not complete yet."""


def write_whole(path: Path, data: bytes) -> None:
    """Put *data* into the file at *path*, in place of an earlier one; others than its owner and group may not read it.

    Raises:
        OSError: it is not there, or the earlier one still is.
    """
    part = path.with_name(path.name + PART)
    make(path.parent)  # somebody may have removed it
    try:
        _write(part, data)
        part.rename(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _write(path: Path, data: bytes) -> None:
    # Not for everybody: jobs print what they should not.
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o640)
    with open(fd, "wb") as file:  # noqa: PTH123 - there is no path to open, only a descriptor with its mode
        file.write(data)
        file.flush()
        os.fsync(fd)


def _sync(folder: Path) -> None:
    """Write the folder's entries down, without which a renamed file may be gone after a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
