"""Results on disk: one file for each run that has ended and that the store does not know of yet.

They lie beside the spooled outputs and outlive the process: the next one on this node that leads gives the runs these
results instead of calling them lost.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from schedsync.executors.durable import write_whole
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run
from schedsync.store.types import printable

log = logging.getLogger(__name__)

_SUFFIX = ".result"
_UNREADABLE = ".unreadable"
"""Added to the name of a file that is no result, for a person to look at."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended: the run in its final state, and what is kept of its output."""

    run: Run
    output: Output
    remains: bool = False
    """Whether some of its processes live on, because nobody could end them: it is not tried again."""


class _Document(BaseModel):
    """What a file says."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    run: Run
    head: bytes
    tail: bytes
    total: int
    remains: bool = False

    @classmethod
    def of(cls, result: Result) -> "_Document":
        output = result.output
        run = result.run if result.run.reason is None else replace(result.run, reason=printable(result.run.reason))
        return cls(run=run, head=output.head, tail=output.tail, total=output.total, remains=result.remains)

    def result(self) -> Result:
        return Result(self.run, Output(self.head, self.tail, self.total), self.remains)


class Journal:
    """The results in a folder. A file is there as a whole or not at all, also after a power cut."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, result: Result) -> None:
        """Put *result* on disk, in place of an earlier one of the run.

        Raises:
            OSError: it is not there: disk full, or a folder that cannot be written to.
        """
        write_whole(self._path(result.run.id), _Document.of(result).model_dump_json().encode())

    def read(self) -> dict[str, Result]:
        """Return the results that are on disk, by run; a file that is none is put aside with a warning."""
        found = [(path, _read(path)) for path in self._files()]
        return {result.run.id: result for _, result in found if result is not None}

    def drop(self, run_ids: Iterable[str]) -> None:
        """Remove results; those that are not there are no mistake."""
        for run_id in run_ids:
            _remove(self._path(run_id))

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}{_SUFFIX}"

    def _files(self) -> list[Path]:
        try:
            return sorted(self._folder.glob(f"*{_SUFFIX}"))
        except OSError as error:
            log.warning("kept results cannot be listed", extra={"folder": str(self._folder), "error": str(error)})
            return []


def _read(path: Path) -> Result | None:
    try:
        return _Document.model_validate_json(path.read_bytes()).result()
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("kept result cannot be read", extra={"path": str(path), "error": str(error)})
    except ValidationError as error:
        log.warning("kept result is none, it is put aside", extra={"path": str(path), "error": str(error)})
        _put_aside(path)
    return None


def _put_aside(path: Path) -> None:
    try:
        path.rename(path.with_name(path.name + _UNREADABLE))
    except OSError as error:
        log.warning("file stays where it is", extra={"path": str(path), "error": str(error)})


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("kept result stays", extra={"path": str(path), "error": str(error)})
