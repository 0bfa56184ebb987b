"""Whether the system lets this process run as much at once as it is set to, and room for it."""

import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FILES_OF_A_RUN = 3
"""Open files of the engine for each run: the read end of its output, its spool file, and what announces its end."""
OWN_FILES = 100
"""Open files besides: the log, connections to databases and of the API, the watch of the folder."""
OWN_THREADS = 40
"""Threads besides the processes of runs, which the same limit counts."""


def shortages(runs: int) -> list[str]:
    """Return a sentence for each limit that is too low for so many *runs* at once; the runs beyond it would fail."""
    return list(_shortages(runs))


def make_room(runs: int) -> None:
    """Let the system have a table for the open files of so many *runs* at once.

    Else it grows when they start, and each time all threads wait for some ten milliseconds (Linux waits until no
    processor reads the old table: ``expand_fdtable`` in ``fs/file.c``).
    """
    files = runs * FILES_OF_A_RUN + OWN_FILES
    most = _limit(resource.RLIMIT_NOFILE)
    with suppress(OSError), Path(os.devnull).open("rb") as file:
        os.close(fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, files if most is None else min(files, most - 1)))


def _shortages(runs: int) -> Iterator[str]:
    files, processes = runs * FILES_OF_A_RUN + OWN_FILES, runs + OWN_THREADS
    most = _limit(resource.RLIMIT_NOFILE)
    if most is not None and most < files:
        yield _sentence(runs, files, "open files", most, "ulimit -n, LimitNOFILE")
    most = None if os.geteuid() == 0 else _limit(resource.RLIMIT_NPROC)
    if most is not None and most < processes:
        yield _sentence(runs, processes, "processes and threads", most, "ulimit -u, LimitNPROC, TasksMax")


def _limit(kind: int) -> int | None:
    soft, _ = resource.getrlimit(kind)
    return None if soft == resource.RLIM_INFINITY else soft


def _sentence(runs: int, need: int, things: str, most: int, knobs: str) -> str:
    return (
        f"{runs} runs at once may need {need} {things}, and the limit is {most}; raise it ({knobs}), or lower"
        " runner.max_processes"
    )
