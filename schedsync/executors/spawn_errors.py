"""Why a process could not be started, in a sentence for the job's author: what is wrong and what to do about it."""

import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from schedsync.executors.base import Launch

_OF_THE_SYSTEM: Mapping[int | None, str] = {
    errno.EAGAIN: "the limit of processes is reached; raise it (ulimit -u, TasksMax) or run fewer at once",
    errno.ENOMEM: "no memory is left for another process",
    errno.EMFILE: "the service has too many files open; raise its limit (ulimit -n, LimitNOFILE)",
    errno.ENFILE: "the machine has too many files open",
    errno.E2BIG: "arguments and environment are too long; pass the data in a file",
    errno.ENOEXEC: "it is no program for this machine; a script needs a first line such as #!/bin/sh",
    errno.ETXTBSY: "the file is being written by another process",
}


def check_program(launch: Launch) -> None:
    """Refuse a program that is not there as the system would, where another one is to start it.

    Raises:
        OSError: it is not there, or nobody may execute it.
    """
    program = launch.argv[0]
    path = f"{launch.cwd or '.'}/{program}" if "/" in program and not program.startswith("/") else program
    if shutil.which(path, path=launch.env.get("PATH", os.defpath)) is None:
        number = errno.EACCES if "/" in program and os.path.lexists(path) else errno.ENOENT
        raise OSError(number, os.strerror(number), program)


def why_not_started(launch: Launch, error: Exception) -> str:
    """Return the sentence about the *error* that starting the process raised."""
    if not launch.argv:
        return "cannot start: no program is named"
    return _printable(f'cannot start "{launch.argv[0]}": {_why(launch, error)}')


def _printable(text: str) -> str:
    """Write control characters as escapes: NUL, for one, is refused by databases."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _why(launch: Launch, error: Exception) -> str:
    if not isinstance(error, OSError):
        return f"{error}"
    if launch.cwd is not None and error.filename == launch.cwd:
        return _why_not_there(launch.cwd, error)
    if isinstance(error, FileNotFoundError | PermissionError | NotADirectoryError):
        return _why_not_this_program(launch, error)
    return _OF_THE_SYSTEM.get(error.errno, error.strerror or str(error))


def _why_not_there(cwd: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f'the folder "{cwd}" (cwd) is missing; create it or correct cwd'
    if isinstance(error, NotADirectoryError):
        return f'"{cwd}" (cwd) is not a folder'
    return f'the folder "{cwd}" (cwd) cannot be entered: {error.strerror}'


def _why_not_this_program(launch: Launch, error: OSError) -> str:
    program = launch.argv[0]
    if "/" in program:
        path = Path(launch.cwd or ".", program)
        return _why_not_executed(path, error) if os.path.lexists(path) else _why_no_file(program, path)
    # A folder of the PATH that may not be searched makes a missing program look like a forbidden one.
    search = launch.env.get("PATH", os.defpath)
    found = shutil.which(program, mode=os.F_OK, path=search)
    if found is None:
        return f"no such program; install it, or write its whole path; the PATH is {search}"
    return _why_not_executed(Path(found), error)


def _why_no_file(program: str, path: Path) -> str:
    place = "" if program.startswith("/") else f'; it was looked for as "{path.absolute()}"'
    return f"no such file{place}"


def _why_not_executed(path: Path, error: OSError) -> str:
    if path.is_symlink() and not path.exists():
        return f'it is a link to "{path.readlink()}", which is missing'
    if path.is_dir():
        return "it is a folder, not a program"
    if isinstance(error, FileNotFoundError):
        return _why_no_interpreter(path)
    if not os.access(path, os.X_OK):
        return f'it is not executable; run "chmod +x {path}", or start it with its interpreter'
    return f"{error.strerror}; is its file system mounted noexec?"


def _why_no_interpreter(path: Path) -> str:
    """Say why a file that exists is not found: the system means the interpreter that its first line names."""
    try:
        with path.open("rb") as file:
            first = file.readline(256).decode(errors="replace").removesuffix("\n")
    except OSError:
        first = ""
    if first.endswith("\r"):
        return "it has Windows line ends; save it with Unix line ends (LF)"
    if first.startswith("#!"):
        return f'the interpreter in its first line is missing: "{first}"'
    return "the loader that the program needs is missing on this machine"
