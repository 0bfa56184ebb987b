"""As whom and within which bounds a run's processes run: the programs that set it up, or why it cannot be had.

Python could do it between fork and exec, but would then have to fork with all its memory, ten times as slow as it
starts processes otherwise, and not safe beside threads. So the system's own ``prlimit``, ``nice`` and ``setpriv`` do
it; each replaces itself by the next, and the process has the pid of the first. Where they become another user, they run
as root first: then the job's variables are kept from them (``environment.py``).
"""

import grp
import os
import pwd
import resource
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from schedsync.errors import UnavailableConfinementError
from schedsync.executors.base import Confinement
from schedsync.specs.actions import ProcessAction
from schedsync.specs.limits import Limits

CPU_GRACE = 5
"""Seconds of processor time between SIGXCPU, by which a process knows what it has met, and SIGKILL."""
_OPTIONS = {
    "memory": ("--as", resource.RLIMIT_AS),
    "cpu": ("--cpu", resource.RLIMIT_CPU),
    "files": ("--nofile", resource.RLIMIT_NOFILE),
    "processes": ("--nproc", resource.RLIMIT_NPROC),
    "file_size": ("--fsize", resource.RLIMIT_FSIZE),
    "core": ("--core", resource.RLIMIT_CORE),
}
_PACKAGES = {"env": "coreutils", "nice": "coreutils", "prlimit": "util-linux", "setpriv": "util-linux"}
_ALSO = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where the programs are, should the service have a PATH without them."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int
    home: str

    @property
    def env(self) -> dict[str, str]:
        """What a login sets to say who it is."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}


def confinement_of(action: ProcessAction, account: Account | None, environ: Mapping[str, str]) -> Confinement:
    """Return how *action* is confined.

    Args:
        action: what is to be run.
        account: its user, if it names one.
        environ: the service's own variables: the PATH for the programs that are needed.

    Raises:
        UnavailableConfinementError: it cannot be had; the message says why and what to do.
    """
    other = other_than_service(account)
    programs = (*_limiting(action.limits), *_yielding(action.nice), *_becoming(other))
    return Confinement(
        wrapper=tuple(word for program in programs for word in _found(program, environ)),
        restorer=None if other is None else (_path("user", "env", environ), _path("user", "nice", environ)),
        owner=None if other is None else (other.uid, other.gid),
        umask=-1 if action.umask is None else int(action.umask, 8),
        limits=_written(action.limits),
    )


def account_of(user: str) -> Account:
    """Return the account that *user*, a name or a number, possibly with ``:group``, means.

    Raises:
        UnavailableConfinementError: the machine has none.
    """
    name, _, group = user.partition(":")
    try:
        entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except KeyError:
        raise _refusal("user", f'this machine has no user "{name}"; create it, or correct the job') from None
    return Account(entry.pw_name, entry.pw_uid, _group_id(group) if group else entry.pw_gid, entry.pw_dir)


def _group_id(group: str) -> int:
    try:
        return (grp.getgrgid(int(group)) if group.isdecimal() else grp.getgrnam(group)).gr_gid
    except KeyError:
        raise _refusal("user", f'this machine has no group "{group}"; create it, or correct the job') from None


def other_than_service(account: Account | None) -> Account | None:
    """Return *account* if that is somebody else than the service is."""
    if account is None or (account.uid, account.gid) == (os.geteuid(), os.getegid()):
        return None
    return account


_Program = tuple[str, str, tuple[str, ...]]
"""For which field a program is needed, its name, and its arguments."""


def _becoming(account: Account | None) -> list[_Program]:
    if account is None:
        return []
    if os.geteuid() != 0:
        raise _refusal(
            "user",
            f'only root can run a job as "{account.name}", and the service is user {os.geteuid()}; '
            "start it as root, or as that user",
        )
    return [("user", "setpriv", (f"--reuid={account.uid}", f"--regid={account.gid}", "--init-groups"))]


def _yielding(niceness: int | None) -> list[_Program]:
    if niceness is None or niceness == 0:
        return []
    if niceness < 0 and os.geteuid() != 0:
        raise _refusal("nice", f"only root can put a job before others; write 0 or more instead of {niceness}")
    return [("nice", "nice", ("-n", str(niceness)))]


def _written(limits: Limits | None) -> dict[str, str]:
    """Return limits as their author writes them, by name."""
    written = {} if limits is None else limits.model_dump(mode="json", exclude_none=True)
    return {name: str(value) for name, value in written.items()}


def _limiting(limits: Limits | None) -> list[_Program]:
    if limits is None:
        return []
    wanted = {name: value for name in _OPTIONS if (value := getattr(limits, name)) is not None}
    arguments = tuple(_limit(name, value) for name, value in wanted.items())
    return [("limits", "prlimit", arguments)] if arguments else []


def _limit(name: str, value: int | timedelta) -> str:
    option, kind = _OPTIONS[name]
    soft = int(value.total_seconds()) if isinstance(value, timedelta) else value
    _, most = resource.getrlimit(kind)
    bounded = most != resource.RLIM_INFINITY and os.geteuid() != 0
    if bounded and soft > most:
        raise _refusal(
            f"limits.{name}",
            f"{soft} is wanted, and the service itself may have {most} at most; raise its own limit, or write less",
        )
    hard = soft + CPU_GRACE if name == "cpu" else soft
    return f"{option}={soft}:{min(hard, most) if bounded else hard}"


def _found(program: _Program, environ: Mapping[str, str]) -> tuple[str, ...]:
    field, name, arguments = program
    return (_path(field, name, environ), *arguments, "--")


def _path(field: str, name: str, environ: Mapping[str, str]) -> str:
    """Return where the program *name* is, which *field* needs."""
    # No relative folder of the PATH counts: it would be looked for from the folder of the job.
    folders = [*environ.get("PATH", os.defpath).split(os.pathsep), *_ALSO]
    path = shutil.which(name, path=os.pathsep.join(folder for folder in folders if folder.startswith("/")))
    if path is None:
        raise _refusal(field, f'the program "{name}" is needed for it, and is missing; install {_PACKAGES[name]}')
    return path


def _refusal(field: str, why: str) -> UnavailableConfinementError:
    return UnavailableConfinementError(f"{field}: {why}")
