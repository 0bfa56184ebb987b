"""Runs that may outlive the service: a keeper of their own reads their output and writes down how they end.

A process can be waited for by its parent only, and its output goes where it went at the start. So a run that is to be
taken up again after a crash of the service is started by a small process (``keeper.py``), which stays when the service
goes. It leaves three files in the spool folder: the output, who the keeper is, and the end. The service, and the next
one, know the run by them alone.
"""

import base64
import json
import logging
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schedsync.clock import from_micros, to_micros
from schedsync.executors.base import Confinement, Launch
from schedsync.executors.durable import write_whole
from schedsync.executors.identity import living_process
from schedsync.executors.orphans import MARKER, can_look
from schedsync.executors.spool import OutputLimits, last_line, live, recover, remove
from schedsync.runs.outcome import Output

log = logging.getLogger(__name__)

SLACK = timedelta(seconds=5)
"""How much longer than timeout and grace a keeper waits: ending a run is the service's task while there is one."""
_END = ".end"
_FOR_KEEPERS = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH")
"""Variables of the service that a keeper gets."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a keeper is asked to do."""

    launch: Launch
    spool: Path
    limits: OutputLimits

    def encoded(self) -> bytes:
        """Return it as what the keeper reads on its standard input."""
        inner = self.launch
        timeout = inner.timeout
        document = {
            "run_id": inner.run_id,
            "argv": inner.argv,
            "env": dict(inner.env),
            "cwd": inner.cwd,
            "stdin": _text(inner.stdin),
            "confinement": asdict(inner.confinement),
            "secrets": inner.secrets,
            "fail_on_output": inner.fail_on_output,
            "mark": inner.failure_mark,
            "seconds": None if timeout is None else (timeout + inner.kill_grace + SLACK).total_seconds(),
            "spool": str(self.spool),
            "limits": [self.limits.file_limit, self.limits.keep_head, self.limits.keep_tail],
        }
        return json.dumps(document).encode()

    @classmethod
    def decoded(cls, data: bytes) -> "Request":
        """Read what ``encoded`` wrote; the launch's timeout is the keeper's own."""
        told: dict[str, Any] = json.loads(data)
        launch = Launch(
            told["run_id"],
            tuple(told["argv"]),
            told["env"],
            cwd=told["cwd"],
            stdin=_bytes(told["stdin"]),
            timeout=None if told["seconds"] is None else timedelta(seconds=told["seconds"]),
            confinement=_confinement(told["confinement"]),
            secrets=tuple(told["secrets"]),
            fail_on_output=told["fail_on_output"],
            failure_mark=told["mark"],
        )
        return cls(launch, Path(told["spool"]), OutputLimits(*told["limits"]))


@dataclass(frozen=True, slots=True)
class KeptEnd:
    """How the process of a run ended, as its keeper saw it."""

    at: datetime
    code: int | None
    """The exit code (-N: signal N); None: it was ended by the keeper, because its time was over."""
    output: Output
    told: str = ""
    """What the process said itself about its failure."""
    bad_line: str | None = None
    """The line of its output that makes the run failed."""
    failure: str | None = None
    """Why the file does not hold all of the output."""
    told_to_end: bool = False
    """Whether somebody sent SIGTERM to the run and its keeper, shortly before."""

    def encoded(self) -> bytes:
        """Return it as what the file holds."""
        output = self.output
        kept = {"head": _text(output.head), "tail": _text(output.tail), "total": output.total}
        told = {"told": self.told, "bad_line": self.bad_line, "failure": self.failure, "ended": self.told_to_end}
        return json.dumps({"at": to_micros(self.at), "code": self.code, **told, **kept}).encode()

    @classmethod
    def decoded(cls, data: bytes) -> "KeptEnd":
        """Read what ``encoded`` wrote.

        Raises:
            ValueError: it is something else.
        """
        told: dict[str, Any] = json.loads(data)
        try:
            output = Output(_bytes(told["head"]), _bytes(told["tail"]), told["total"])
            return cls(
                from_micros(told["at"]),
                told["code"],
                output,
                told["told"],
                told["bad_line"],
                told["failure"],
                told["ended"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"no end of a run: {error!r}") from error


def can_keep() -> bool:
    """Whether this system shows which process is which, without which a keeper could not be recognised."""
    return can_look()


def keep(launch: Launch, spool: Path, limits: OutputLimits, environ: Mapping[str, str]) -> Launch:
    """Return the launch of a keeper that carries out *launch*.

    Args:
        launch: how the run's process is started.
        spool: where the keeper writes.
        limits: how much of the output is kept.
        environ: the service's own variables. The keeper runs as the service does, so nothing that the job's author or
            its user has a say in may tell it where to find its code.
    """
    return replace(
        launch,
        # -P: the folder that the run starts in is not on the path; -s: nor is what the home of a user has.
        argv=(sys.executable, "-P", "-s", "-m", "schedsync.executors.keeper"),
        env={name: environ[name] for name in _FOR_KEEPERS if name in environ} | {MARKER: launch.run_id},
        cwd=None,
        confinement=Confinement(),
        stdin=Request(launch, spool.absolute(), limits).encoded(),
        failure_mark="",
        kept=True,
    )


def note_keeper(spool: Path, run_id: str, name: str) -> None:
    """Write down which process keeps a run.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(_keeper_file(spool, run_id), name.encode())


def living_keeper(spool: Path, run_id: str) -> int | None:
    """Return the pid of the process that keeps a run, if it lives."""
    try:
        return living_process(_keeper_file(spool, run_id).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        log.warning("cannot be read who keeps a run", extra={"run_id": run_id, "error": str(error)})
        return None


def keeper_since(spool: Path, run_id: str) -> datetime | None:
    """Return when the keeper of a run began (UTC); None where that cannot be known."""
    try:
        written = _keeper_file(spool, run_id).stat().st_mtime
    except OSError:
        return None
    return datetime.fromtimestamp(written, UTC)


def note_end(spool: Path, run_id: str, end: KeptEnd) -> None:
    """Write down how a run ended.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(_end_file(spool, run_id), end.encoded())


def end_of(spool: Path, run_id: str) -> KeptEnd | None:
    """Return how a run ended; None where its keeper has not written that."""
    try:
        return KeptEnd.decoded(_end_file(spool, run_id).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.warning("end of a kept run cannot be read", extra={"run_id": run_id, "error": str(error)})
        return None


def ended_runs(spool: Path) -> set[str]:
    """Return the runs whose keepers have written how they ended.

    Raises:
        OSError: the folder cannot be listed.
    """
    return {path.stem for path in spool.glob(f"*{_END}")}


def forget(spool: Path, run_ids: Iterable[str]) -> None:
    """Remove the files of runs whose results the store has; those that are not there are no mistake."""
    for run_id in run_ids:
        for path in (_keeper_file(spool, run_id), _end_file(spool, run_id), live(spool, run_id)):
            remove(path)


class KeptOutput:
    """The output of a run that has a keeper, as a ``Spool``: read from the files. What the keeper prints is its own."""

    def __init__(self, folder: Path, run_id: str, limits: OutputLimits) -> None:
        self._folder, self._run_id, self._limits = folder, run_id, limits
        self._end: KeptEnd | None = None
        self._said = b""

    @property
    def end(self) -> KeptEnd | None:
        """How the run ended, when its keeper has written that, or said it because it could not write."""
        if self._end is None:
            self._end = end_of(self._folder, self._run_id) or self._heard()
        return self._end

    def _heard(self) -> KeptEnd | None:
        try:
            return KeptEnd.decoded(self._said) if self._said else None
        except ValueError:
            said = self._said.decode(errors="replace")
            log.warning("keeper of a run failed", extra={"run_id": self._run_id, "said": said})
            return None

    @property
    def failure(self) -> str | None:
        """Why the output is not complete."""
        return None if self._end is None else self._end.failure

    def append(self, data: bytes) -> None:
        """Take what the keeper prints: the end that it could not write, or why it failed."""
        self._said += data

    def read(self) -> Output:
        """Return the first and the last bytes so far."""
        return recover(live(self._folder, self._run_id), self._limits) if self.end is None else self.end.output

    def last_line(self) -> str:
        """Return the last line that is kept and has something on it; empty when there is none."""
        return last_line(self.read())

    def discard(self) -> None:
        """Leave the files: they are the result until the store has it (``forget``)."""


def _confinement(told: dict[str, Any]) -> Confinement:
    # An older service, which goes on while this version is installed, says nothing of a restorer.
    restorer, owner = (
        None if told.get(name) is None else (told[name][0], told[name][1]) for name in ("restorer", "owner")
    )
    return Confinement(tuple(told["wrapper"]), restorer, owner, told["umask"], told["limits"])


def _keeper_file(spool: Path, run_id: str) -> Path:
    return spool / f"{run_id}.keeper"


def _end_file(spool: Path, run_id: str) -> Path:
    return spool / f"{run_id}{_END}"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
