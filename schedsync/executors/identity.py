"""Which process this is, and whether another one still lives: names that no later process can have."""

import os
from pathlib import Path

_PROC = Path("/proc")


def this_instance(node: str) -> str:
    """Return the name of this process: node, machine start, pid, and its own start, so that it never returns."""
    return f"{node}/{process_name(os.getpid()) or f'{_machine()}/{os.getpid()}/0'}"


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
    except ValueError:
        return False
    if its_node != node or not (_PROC / "self").exists():
        return False
    boot, _, namespace = machine.partition(".")
    if boot != _boot():
        return True
    # Pids of another namespace (a container beside this one) say nothing here.
    return namespace == _namespace() and _started(int(pid)) != started


def _machine() -> str:
    return f"{_boot()}.{_namespace()}"


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return "unknown"


def _namespace() -> str:
    try:
        return (_PROC / "self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        return "0"


def _started(pid: int) -> str | None:
    """Return when a living process began, in clock ticks since the machine's start."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]
