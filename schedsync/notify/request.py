"""What the worker is told, and what it answers: lines of JSON. Loads nothing that a worker does not need."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

WEBHOOK, SERVICE, PING = "webhook", "service", "ping"
"""What can be done: post to a webhook, hand over to Apprise, ping a monitor."""
FAILURE, WARNING, SUCCESS = "failure", "warning", "success"
"""How grave a notice is, as Apprise calls it: what is no trouble rings no pager."""
READY = "ready"
"""The worker's first line."""
SHOWN = 500
"""The longest error that is told."""


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to tell one place."""

    kind: str
    url: str = field(repr=False)
    title: str = ""
    body: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What a webhook is told besides, for programs."""
    secret: str | None = field(default=None, repr=False)
    """What a webhook's requests are signed with."""
    severity: str = FAILURE
    seconds: float = 10.0
    """Within this it is done, or given up."""

    def encoded(self) -> bytes:
        """Return the line that ``decoded`` understands."""
        return json.dumps(asdict(self)).encode() + b"\n"


def decoded(line: bytes) -> Request:
    """Return the request that was encoded as *line*."""
    return Request(**json.loads(line))


def kind_of(url: str) -> str:
    """Return what a channel's URL is for: one of the web is a webhook, all others are Apprise's."""
    return WEBHOOK if urlsplit(url).scheme in {"http", "https"} else SERVICE


def worker_argv() -> tuple[str, ...]:
    """Return the argv of an interpreter that answers requests until its standard input ends."""
    return (sys.executable, "-P", "-m", "schedsync.notify.worker")
