"""What references in job files stand for: looked up whenever a run starts, since secrets change, and never kept."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from schedsync.errors import UnresolvedReferenceError
from schedsync.executors.confinement import Account
from schedsync.executors.way import AlterableWayError, IrregularFileError, open_for
from schedsync.specs.references import FileReference, Reference

LONGEST = 64 << 10
"""Bytes that a file with a value may have."""


def resolve(reference: Reference, folder: Path, environ: Mapping[str, str], user: Account | None = None) -> str:
    """Return the value that *reference* stands for now.

    Args:
        reference: a file or a variable.
        folder: of the job file: what a relative path means.
        environ: the variables of the service that jobs may have.
        user: who gets the value, if that is not the service's own user: it must not choose what the service reads.

    Raises:
        UnresolvedReferenceError: there is none; the message says where it was looked for, and nothing of what is there.
    """
    if isinstance(reference, FileReference):
        return _text_of(reference.file, folder, user)
    value = environ.get(reference.env)
    if value is None:
        hint = "set it where schedsync is started, or name another"
        raise UnresolvedReferenceError(f'the service has no variable "{reference.env}" for jobs; {hint}')
    return value


def _text_of(file: str, folder: Path, user: Account | None) -> str:
    path = folder / file
    try:
        data = _bytes_of(path) if user is None else _read(open_for(user, Path(file), folder))
        if len(data) > LONGEST:
            raise _unfit(path, f"is longer than {LONGEST >> 10} KiB")
        text = data.decode()
    except OSError as error:
        hint = "; the service reads it, so its user needs the right" if isinstance(error, PermissionError) else ""
        raise UnresolvedReferenceError(f'the file "{path}" cannot be read: {error.strerror}{hint}') from None
    except UnicodeDecodeError:  # its own words would show what is in the file
        raise _unfit(path, "is not text in UTF-8") from None
    except IrregularFileError:
        raise _unfit(path, "is no regular file") from None
    except AlterableWayError as error:
        raise _unfit(path, f"is not read: {error}") from None
    if "\0" in text:
        raise _unfit(path, "has a NUL character, which no variable can have")
    value = text.removesuffix("\n").removesuffix("\r")
    if not value:
        raise _unfit(path, "is empty; write the value into it")
    return value


def _bytes_of(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for somebody who writes to it
        raise IrregularFileError
    return _read(os.open(path, os.O_RDONLY | os.O_CLOEXEC))


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        return file.read(LONGEST + 1)


def _unfit(path: Path, why: str) -> UnresolvedReferenceError:
    return UnresolvedReferenceError(f'the file "{path}" {why}')
