"""Processes that belong to a run wherever they went: found by the run's id in their environment (Linux)."""

import os
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

MARKER = "SCHEDSYNC_RUN_ID"
_PROC = Path("/proc")
_PAUSE = 0.02
"""Seconds between two looks at whether processes have gone."""


def processes_of(run_ids: Collection[str]) -> dict[str, list[int]]:
    """Return the living processes of each run that has some; empty where there is no ``/proc``."""
    wanted = {f"{MARKER}={run_id}".encode(): run_id for run_id in run_ids}
    found: dict[str, list[int]] = {}
    if not wanted or not _PROC.is_dir():
        return found
    for name in os.listdir(_PROC):  # noqa: PTH208 - thousands of names, no paths wanted
        if name.isdecimal() and int(name) != os.getpid():
            for entry in _environment(name):
                if entry in wanted:
                    found.setdefault(wanted[entry], []).append(int(name))
                    break
    return found


def terminate(run_ids: Collection[str], grace: timedelta) -> dict[str, int]:
    """End what is left of runs: SIGTERM, and after *grace* SIGKILL. Returns how many processes each run had."""
    found = processes_of(run_ids)
    for pids in found.values():
        send(pids, signal.SIGTERM)
    deadline = time.monotonic() + grace.total_seconds()
    while (left := processes_of(found)) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    for pids in left.values():
        send(pids, signal.SIGKILL)
    return {run_id: len(pids) for run_id, pids in found.items()}


def send(pids: Collection[int], number: signal.Signals) -> None:
    """Send a signal to processes, those that are gone already left out."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _environment(pid: str) -> list[bytes]:
    try:
        # A zombie's environment is empty, so it is never found.
        return (_PROC / pid / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
