"""Processes that belong to a run wherever they went: found by the run's id in their environment (Linux).

A process that leaves its session (``setsid``, a daemon) is out of reach of a signal to its process group, but it keeps
its environment. The engine asks here whom else to end; after a crash of the service the runner does, for what the dead
service's runs left behind. Not found are processes that wiped or overwrote their environment, and those of other users.
"""

import errno
import os
import signal
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

MARKER = "SCHEDSYNC_RUN_ID"

_ASSIGNMENT = b"\0" + MARKER.encode() + b"="
_PROC = Path("/proc")
_LOOK = 0.05
"""Seconds between two looks at whether processes have gone."""
_LAST_WAIT = 2.0
"""Seconds after SIGKILL within which a process has to be gone; one that is stuck in the kernel may never be."""


def can_look() -> bool:
    """Whether this system shows the environment of processes."""
    return (_PROC / "self" / "environ").exists()


def processes_of(run_ids: Collection[str], leaders: Mapping[int, str] | None = None) -> dict[str, list[int]]:
    """Return the pids of each run that has living processes; empty where there is no ``/proc``.

    Args:
        run_ids: the runs to look for.
        leaders: session leaders that have not been reaped, and their runs: every process in such a session counts too,
            whatever its environment.

    Raises:
        OSError: the system is out of descriptors or memory, so nobody knows; that is not the same as none.
    """
    wanted = {run_id.encode(): run_id for run_id in run_ids}
    found: dict[str, list[int]] = {}
    if wanted and can_look():
        for pid in _others():
            run_id = wanted.get(_named_run(pid)) or (_session_run(pid, leaders) if leaders else None)
            if run_id is not None:
                found.setdefault(run_id, []).append(pid)
    return found


def terminate(run_ids: Collection[str], grace: timedelta) -> dict[str, int]:
    """End what is left of runs: SIGTERM, SIGKILL to those that are there when *grace* is over. Waits until then.

    Returns:
        How many processes of each run were ended; runs without any are left out.

    Raises:
        OSError: the system is out of descriptors or memory.
    """
    seen: dict[str, set[int]] = {}
    kill_at = time.monotonic() + grace.total_seconds()
    while left := processes_of(run_ids):
        late = time.monotonic() - kill_at
        if late > _LAST_WAIT:
            break
        for run_id, pids in left.items():
            known = seen.setdefault(run_id, set())
            new = [pid for pid in pids if pid not in known]
            # A second SIGTERM tells some programs to skip their cleaning up, so each process gets one.
            send(new if late < 0 else pids, run_id, signal.SIGTERM if late < 0 else signal.SIGKILL)
            known.update(new)
        time.sleep(_LOOK)
    return {run_id: ended for run_id, pids in seen.items() if (ended := len(pids.difference(left.get(run_id, ()))))}


def send(pids: Collection[int], run_id: str, number: signal.Signals, leader: int | None = None) -> None:
    """Send a signal to those of *pids* that still are processes of the run; what may not be signalled is left out.

    Args:
        pids: as ``processes_of`` found them.
        run_id: their run.
        number: the signal.
        leader: the run's session leader, if it has not been reaped.
    """
    for pid in pids:
        pidfd = _pidfd(pid)
        with suppress(OSError):  # gone meanwhile, not ours to signal, or nobody can tell now whose it is
            # Asked after the pidfd was opened: from then on it means this process, even if the pid is used again.
            if _session(pid) == leader or _named_run(pid) == run_id.encode():
                os.kill(pid, number) if pidfd is None else signal.pidfd_send_signal(pidfd, number)
        if pidfd is not None:
            os.close(pidfd)


def _pidfd(pid: int) -> int | None:
    """Open a process; None where the system has no such thing, forbids it, or has no descriptor left."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _others() -> Iterator[int]:
    """Yield the pids of all processes but this one."""
    me = os.getpid()
    with os.scandir(_PROC) as entries:
        yield from (pid for entry in entries if entry.name.isdecimal() and (pid := int(entry.name)) != me)


def _named_run(pid: int) -> bytes:
    """Return the run that the environment of a process names; empty for zombies, which have no environment any more."""
    try:
        environment = b"\0" + (_PROC / str(pid) / "environ").read_bytes()
    except OSError as error:
        if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM}:
            raise
        return b""  # gone meanwhile, or not ours to read
    return environment.partition(_ASSIGNMENT)[2].partition(b"\0")[0]


def _session_run(pid: int, leaders: Mapping[int, str]) -> str | None:
    run_id = leaders.get(_session(pid))
    return run_id if run_id is not None and _lives(pid) else None


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return 0


def _lives(pid: int) -> bool:
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # The name, in parentheses, may itself hold spaces and parentheses.
    return stat.rpartition(b")")[2].split()[0] not in {b"Z", b"X"}
