"""Which version of the jobs folder this is, in its author's words: the Git commit, or what stands in for it.

Asked only when something changed or Git failed, since it takes milliseconds; `marks_of` tells cheaply whether it might
answer anew.
"""

import logging
import os
import re
import subprocess
from pathlib import Path

from schedsync.outages import Outage

log = logging.getLogger(__name__)

_GIT_SECONDS = 5
_COMMIT = re.compile(r"# branch\.oid ([0-9a-f]{40,64})")
_DIFFERENCE = re.compile(r"^[^#!]", re.MULTILINE)
_IGNORED_ITSELF = re.compile(r"^! \.\.?/", re.MULTILINE)
_HASH_FOLDER = re.compile(r"(?:rev-)?([0-9a-f]{40}|[0-9a-f]{64})")
"""What git-sync calls the folder that its link leads to."""
_REVISION_FILE = "REVISION"
_LONGEST = 100


def git_outage(path: Path) -> Outage:
    """Return what notes whether Git fails to tell the revision of the folder at *path*."""
    begins = f"git does not tell the revision of {path}, it is asked again at each step"
    return Outage(log, begins, f"git tells the revision of {path} again")


def revision_of(path: Path, outage: Outage | None = None) -> str | None:
    """Return the revision of the folder at *path*; None if nothing says it.

    The commit of the Git work tree that it is in, with ``-dirty`` if files in it differ from that; else the hash that a
    folder on the real way to it is named by (git-sync); else the first line of a file ``REVISION`` in it.

    Args:
        path: the folder.
        outage: is told whether Git failed: then the answer is a makeshift, and may be another one soon.
    """
    real = Path(os.path.realpath(path))
    return _commit(real, outage or git_outage(path)) or _hash_on_the_way(path, real) or _revision_file(real)


def marks_of(path: Path) -> tuple[object, ...]:
    """Return what the revision of the folder at *path* depends on besides its files; compare it with an earlier one."""
    real = Path(os.path.realpath(path))
    git = _git_folder(real)
    files = [real / _REVISION_FILE, *([] if git is None else _files_of_head(git))]
    return (str(real), *(_mark(file) for file in files))


def checkout_lock(path: Path) -> Path | None:
    """Return the lock that Git holds while it changes the work tree which *path* is in."""
    git = _git_folder(Path(os.path.realpath(path)))
    lock = None if git is None else git / "index.lock"
    return lock if lock is not None and _mark(lock) is not None else None


# --- Git -----------------------------------------------------------------------------------------


def _commit(real: Path, outage: Outage) -> str | None:
    try:
        status = "" if _git_folder(real) is None else _git_status(real)
    except (OSError, subprocess.SubprocessError) as error:
        outage.failed(error)
        return None
    outage.succeeded()
    match = _COMMIT.search(status)
    if match is None:
        return None
    if _IGNORED_ITSELF.search(status):
        return None  # the work tree is about something else
    return match.group(1) + ("-dirty" if _DIFFERENCE.search(status) else "")


def _git_status(real: Path) -> str:
    """Return what Git says of the work tree; nothing where there is no Git.

    Raises:
        OSError: it cannot be started now.
        subprocess.SubprocessError: it failed, or took too long.
    """
    # Any owner is fine (`_git_folder` has looked), and a monitor is a program: it is never started for a look.
    options = ["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "status.relativePaths=true"]
    flags = ["--porcelain=v2", "--branch", "--untracked-files=normal", "--ignored=traditional"]
    # Variables such as GIT_DIR, set while a hook runs, speak of another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *options, "status", *flags, "--", "."],
            cwd=real,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except FileNotFoundError:
        return ""
    return done.stdout.decode("utf-8", "replace")


def _git_folder(real: Path) -> Path | None:
    """Return where Git keeps the work tree that *real* is in, unless it is somebody else's.

    Its settings can name programs to run, so they have to belong to us, to root, or to the owner of the folder, who can
    write jobs anyway; not to whoever put a ``.git`` into a folder above.
    """
    for folder in (real, *real.parents):
        try:
            owner = (folder / ".git").stat().st_uid
        except OSError:
            continue
        return _follow(folder / ".git") if owner in {0, os.geteuid(), _owner(real)} else None
    return None


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None


def _follow(dot_git: Path) -> Path | None:
    """Return the folder that *dot_git* is, or that it names: in added work trees and submodules it is a file."""
    if dot_git.is_dir():
        return dot_git
    line = _first_line(dot_git)
    return dot_git.parent / line.removeprefix("gitdir:").strip() if line.startswith("gitdir:") else None


def _files_of_head(git: Path) -> list[Path]:
    """Return the files of which at least one changes when HEAD does, or when something is staged."""
    common = git / (_first_line(git / "commondir") or ".")
    branch = _first_line(git / "HEAD").removeprefix("ref:").strip()
    private = [git / "HEAD", git / "index", git / "logs" / "HEAD"]
    return [*private, common / branch, common / "packed-refs", common / "reftable" / "tables.list"]


def _mark(file: Path) -> object:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


# --- others --------------------------------------------------------------------------------------


def _hash_on_the_way(path: Path, real: Path) -> str | None:
    if real == path.absolute():
        return None
    names = (_HASH_FOLDER.fullmatch(name) for name in reversed(real.parts))
    return next((match.group(1) for match in names if match), None)


def _revision_file(real: Path) -> str | None:
    return _first_line(real / _REVISION_FILE) or None


def _first_line(file: Path) -> str:
    try:
        if not file.is_file():
            return ""
        with file.open("rb") as stream:
            line = stream.readline(4096).decode("utf-8", "replace")
    except OSError:
        return ""
    return "".join(character for character in line.strip() if character.isprintable())
