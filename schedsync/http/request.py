"""What the worker is told: what to send where, and what the answer has to be. Written by the runner's side, as JSON."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

FAILED = "failed: "
"""How the worker's last line begins when it fails."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """All that are sent, apart from those that say how; some are secrets."""
    body: str | None = field(default=None, repr=False)
    file: str | None = None
    """Where the body is, when it is not given: a path from the root."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the answer has to be."""

    status: tuple[tuple[int, int], ...] = ((200, 299),)
    """Ranges, each with its first and its last."""
    body: str | None = None
    """A regular expression."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificates; paths from the root."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Proxy:
    """Through what the request goes."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)
    """What the proxy is told about who asks."""


@dataclass(frozen=True, slots=True)
class Request:
    """One run."""

    message: Message
    seconds: float
    """After so long the worker ends, whatever the other side does."""
    expectation: Expectation = Expectation()
    tls: Tls = Tls()
    proxy: Proxy | None = None
    follow_redirects: bool = False

    def encoded(self) -> bytes:
        """Return what ``decoded`` understands."""
        return json.dumps(asdict(self)).encode()


def decoded(data: bytes) -> Request:
    """Return the request that was encoded as *data*."""
    fields = json.loads(data)
    expectation = fields["expectation"]
    ranges = tuple((first, last) for first, last in expectation["status"])
    return Request(
        message=Message(**fields["message"]),
        seconds=fields["seconds"],
        expectation=Expectation(ranges, expectation["body"]),
        tls=Tls(**fields["tls"]),
        proxy=None if fields["proxy"] is None else Proxy(**fields["proxy"]),
        follow_redirects=fields["follow_redirects"],
    )


def worker_argv() -> tuple[str, ...]:
    """Return the argv of an interpreter that waits for one request on its standard input."""
    return (sys.executable, "-P", "-m", "schedsync.http.worker")
