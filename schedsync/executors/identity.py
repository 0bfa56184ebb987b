"""Which process this is, and whether another one still lives: names that no later process can have."""

import os
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_NO_BOOT, _NO_NAMESPACE, _NO_START = "unknown", "0", "0"
"""What stands in a name for what could not be read when it was made."""


def this_instance(node: str) -> str:
    """Return the name of this process: node, machine start, pid, and its own start, so that it never returns."""
    return f"{node}/{process_name(os.getpid()) or f'{_machine()}/{os.getpid()}/{_NO_START}'}"


def process_name(pid: int) -> str | None:
    """Return a name of a living process that no later one can have; None where that cannot be known."""
    started = _started(pid)
    return None if started is None else f"{_machine()}/{pid}/{started}"


def living_process(name: str) -> int | None:
    """Return the pid of the process that ``process_name`` named, if it lives on this machine and can be seen."""
    pid = name.split("/")[1] if name.count("/") == 2 else ""
    return int(pid) if pid.isdecimal() and process_name(int(pid)) == name else None


def is_known_dead(owner: str, node: str) -> bool:
    """Whether *owner* was a process of this machine and has certainly ended; False where that cannot be known."""
    try:
        its_node, machine, pid, started = owner.rsplit("/", 3)
        number = int(pid)
    except ValueError:
        return False
    boot, _, namespace = machine.partition(".")
    if its_node != node or boot == _NO_BOOT or namespace == _NO_NAMESPACE:
        return False
    # Pids of another namespace (a container beside this one) say nothing here. Neither do those of another boot: it may
    # be that of another machine, whose node has the same name.
    return machine == _machine() and _has_ended(number, started)


def _has_ended(pid: int, started: str) -> bool:
    """Whether the process of this machine that had *pid* since *started* is gone; False where that cannot be seen."""
    try:
        with suppress(PermissionError):  # which says that it is there, as another user's
            os.kill(pid, 0)
        now = _start_of(pid)
    except ProcessLookupError:
        return True
    except OSError:  # no descriptor is left, or processes of other users are hidden here
        return False
    return now is None or started not in {now, _NO_START}


def _machine() -> str:
    return f"{_boot()}.{_namespace()}"


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return _NO_BOOT


def _namespace() -> str:
    try:
        return (_PROC / "self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        return _NO_NAMESPACE


def _started(pid: int) -> str | None:
    """Return when a living process began, in clock ticks since the machine's start; None where that cannot be seen."""
    try:
        return _start_of(pid)
    except OSError:
        return None


def _start_of(pid: int) -> str | None:
    """Return when a process began; None: it has ended, and its parent does not know yet.

    Raises:
        OSError: it is not there, or cannot be seen.
    """
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]
