"""The ids of jobs, for a shell that completes a word: guessed from files, quickly, and without a word about what fails.

Parsing thousands of files takes longer than people wait for a word, and so does loading a database. So an id is what
stands behind ``id:`` in a file, or follows from its path; files that time does not suffice for go by their paths.
"""

import os
import re
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

BUDGET = 0.1
"""Seconds for reading files."""
_LONGEST = 1 << 16
"""Bytes; of a longer file the rest is not looked at."""
_ENDINGS = (".yaml", ".yml")
_ID = re.compile(rb"""^(?:[ ]*-[ ]+|[ ]{0,4})id:[ ]*["']?([A-Za-z0-9][A-Za-z0-9._-]*)""", re.MULTILINE)


def job_ids(given: Mapping[str, Any], begun: str) -> list[str]:
    """Return the ids that begin with *begun*, sorted.

    Args:
        given: the options of the command line.
        begun: what has been typed; it may be empty.
    """
    if given.get("server"):
        return []
    try:
        return sorted({job_id for job_id in _ids(_folder(given), begun) if job_id.startswith(begun)})
    except Exception:  # the boundary to a shell in the middle of a line: nothing may be printed there
        return []


def _folder(given: Mapping[str, Any]) -> Path:
    """Return the jobs folder as the settings will have it, without the time that it takes to load them."""
    if given.get("jobs"):
        return Path(given["jobs"])
    if variable := os.environ.get("SCHEDSYNC_JOBS__PATH"):
        return Path(variable)
    settings: dict[str, Any] = {}
    with suppress(OSError):
        settings = tomllib.loads(Path(given.get("config") or "schedsync.toml").read_text(encoding="utf-8"))
    return Path(settings.get("jobs", {}).get("path", "jobs.d"))


def _ids(root: Path, begun: str) -> Iterator[str]:
    by_path = dict(_files(root, ""))
    # Those first whose paths say that they are meant.
    order = sorted(by_path, key=lambda path: not by_path[path].startswith(begun))
    deadline = time.monotonic() + BUDGET
    for path in order:
        said = _said(path) if time.monotonic() < deadline else []
        yield from said or [by_path[path]]


def _files(folder: Path | str, before: str) -> Iterator[tuple[str, str]]:
    """Yield each job file with the id that follows from its path."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name[0] in "._#":
                continue
            stem, ending = os.path.splitext(entry.name)  # noqa: PTH122 - for each of thousands, and a Path costs more
            if entry.is_dir():
                with suppress(OSError):
                    yield from _files(entry.path, f"{before}{entry.name}.")
            elif ending in _ENDINGS:
                yield entry.path, f"{before}{stem}"


def _said(path: str) -> list[str]:
    with suppress(OSError), open(path, "rb") as file:  # noqa: PTH123 - likewise
        return [found.decode() for found in _ID.findall(file.read(_LONGEST))]
    return []
