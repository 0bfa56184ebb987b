"""Files in the spool folder that nobody misses: a kill -9 or a full disk left them, and their runs have long ended."""

import logging
import re
from datetime import datetime, timedelta
from pathlib import Path

from schedsync.executors.orphans import processes_of
from schedsync.executors.spool import remove
from schedsync.store.runs import RunTable

log = logging.getLogger(__name__)

AGE = timedelta(days=1)
"""How long such a file is left alone, counted from when it was written to last."""
_OURS = re.compile(r"([0-9a-f]{24})\.(log|keeper|end|(result|keeper|end)\.part)")
"""An output, what a keeper has written, or a file that was not written to its end. A whole result is for the runner,
and what else lies there is not ours."""


def sweep(folder: Path, runs: RunTable, now: datetime) -> int:
    """Remove outputs and broken results of runs that have ended, or that the store has not; return how many.

    Nothing is removed of runs that have not ended in the store, nor of those that have a living process: the folder may
    be shared with a service that has another store.

    Args:
        folder: the spool folder, which need not be there.
        runs: the store's runs; asked only when there are old files.
        now: the time (UTC).

    Raises:
        DatabaseUnavailableError: nothing was removed.
        OSError: the folder cannot be read, or the system is out of descriptors or memory.
    """
    old = _old(folder, now - AGE)
    if not old:
        return 0
    at_work = {run.id for run in runs.unsettled()}
    at_work.update(processes_of(set(old.values()) - at_work))
    left = [path for path, run_id in old.items() if run_id not in at_work]
    for path in left:
        remove(path)
    if left:
        extra = {"folder": str(folder), "files": len(left), "first": left[0].name}
        log.info("files of runs that ended long ago are removed from the spool folder", extra=extra)
    return len(left)


def _old(folder: Path, before: datetime) -> dict[Path, str]:
    """Return the files of runs that were written to last *before* that time, and the run of each."""
    if not folder.is_dir():
        return {}
    named = {path: found[1] for path in sorted(folder.iterdir()) if (found := _OURS.fullmatch(path.name))}
    return {path: run_id for path, run_id in named.items() if _written_at(path) < before.timestamp()}


def _written_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:  # removed meanwhile
        return float("inf")
