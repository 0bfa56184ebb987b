"""Reading one file so that nothing about it can hurt: pipes, huge files, files that change while they are read."""

import os
import stat
from typing import Final

Signature = tuple[int, int, int, int, int]
"""Device, inode, size, mtime and ctime in nanoseconds: while it stays, so does the content (see `remembering`)."""

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_TRIES = 3


class UnreadableError(Exception):
    """A file cannot be read now; the text is the sentence for its author."""


def signature_of(status: os.stat_result) -> Signature:
    """Return what tells whether a file may have changed."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def read_file(path: str, limit: int) -> tuple[bytes, Signature]:
    """Return the bytes of the regular file at *path*, and the signature that it had all the while.

    Raises:
        UnreadableError: it is not there, not allowed, no regular file, longer than *limit*, or being written.
    """
    try:
        # First, since opening a device can have effects.
        _check(os.stat(path), limit)  # noqa: PTH116 - for each file, and a Path costs more than the call
        for _ in range(_TRIES):
            data, before, after = _read(path, limit)
            if before == after:
                return data, after
    except OSError as error:
        raise UnreadableError(why_unreadable(path, error)) from None
    raise UnreadableError("the file is being written to; it is read again at the next look")


def why_unreadable(path: str, error: OSError) -> str:
    """Return *error*, met at *path*, as a sentence for its author."""
    if not isinstance(error, FileNotFoundError):
        return f"the file cannot be read: {reason(error)}"
    try:
        target = os.readlink(path)  # noqa: PTH115 - like the other calls here
    except OSError:
        return "the file vanished while it was being read; it is looked for again at the next look"
    shown = os.fsencode(target).decode("utf-8", "backslashreplace")
    return f"the link leads to {shown}, and nothing is there; mend the link, or remove it"


def reason(error: OSError) -> str:
    """Return why the system refused, in words for a person who can change it."""
    if isinstance(error, PermissionError):
        return "permission denied; allow it to the user that schedsync runs as"
    text = error.strerror or type(error).__name__
    return text[:1].lower() + text[1:]


def _read(path: str, limit: int) -> tuple[bytes, Signature, Signature]:
    descriptor = os.open(path, _FLAGS)
    try:
        before = os.fstat(descriptor)
        _check(before, limit)
        data = b""
        while chunk := os.read(descriptor, limit + 1 - len(data)):
            data += chunk
        return data, signature_of(before), signature_of(os.fstat(descriptor))
    finally:
        os.close(descriptor)


def _check(status: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError("this is no regular file; remove it, or give it another ending")
    if status.st_size > limit:
        raise UnreadableError(
            f"the file has {status.st_size:,} bytes, and the limit is {limit:,}; split it, or raise jobs.max_file_size"
        )
