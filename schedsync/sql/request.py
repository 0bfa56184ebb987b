"""What the worker is told: where to connect, what to execute, and who asks. Written by the runner's side, as JSON."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

FAILED = "failed: "
"""How the worker's last line begins when it fails."""
Scalar = str | int | float | bool | None
"""What a bind variable may be."""


@dataclass(frozen=True, slots=True)
class Target:
    """A database, in the words of its driver."""

    database: str
    """``oracle``, ``postgresql`` or ``sqlite``."""
    arguments: Mapping[str, Any] = field(repr=False)
    """Of the driver's ``connect``, passwords included; of kinds that JSON has."""
    connect_seconds: float = 10.0
    """Within this a connection is made, or given up."""
    call_seconds: float = 0.0
    """Oracle: within this one round trip is answered, or the connection is given up; 0: without bound."""
    client_libraries: Mapping[str, str | None] | None = None
    """Oracle: how its client libraries are initialised; None: the driver's own code is used."""

    @property
    def passwords(self) -> tuple[str, ...]:
        """What nobody may see of the arguments."""
        return tuple(str(value) for name, value in self.arguments.items() if "password" in name and value)


@dataclass(frozen=True, slots=True)
class Statement:
    """What to execute."""

    kind: str
    """``sql`` or ``plsql``."""
    text: str | None = None
    file: str | None = None
    """Where the text is, when it is not given: a path from the root."""
    binds: Mapping[str, Scalar] = field(default_factory=dict, repr=False)
    out: Mapping[str, str] = field(default_factory=dict)
    """OUT binds of a block: name -> ``string`` or ``number``."""


@dataclass(frozen=True, slots=True)
class Request:
    """One run."""

    target: Target
    statement: Statement
    job_id: str
    run_id: str
    node: str
    kill_grace: float
    """Seconds between SIGTERM and SIGKILL."""

    def encoded(self) -> bytes:
        """Return what ``decoded`` understands."""
        return json.dumps(asdict(self)).encode()


def decoded(data: bytes) -> Request:
    """Return the request that was encoded as *data*."""
    fields = json.loads(data)
    return Request(**fields | {"target": Target(**fields["target"]), "statement": Statement(**fields["statement"])})


def worker_argv() -> tuple[str, ...]:
    """Return the argv of an interpreter that waits for one request on its standard input."""
    return (sys.executable, "-P", "-m", "schedsync.sql.worker")
