"""``python -m schedsync.notify.worker``: tells what it is asked to, line by line, until its standard input ends.

A process of its own, because nothing else ends a client that hangs: whoever asks kills it when the time is over.
"""

import json
import os
import re
import sys
from urllib.parse import quote, unquote

from schedsync.executors.redaction import redacted
from schedsync.notify.request import PING, READY, SHOWN, WEBHOOK, Request, decoded
from schedsync.notify.web import DeliveryError, ping, post_webhook

_SHORT = 6
"""What is shorter than this in a URL is no secret."""
_KEPT = "!#$%&'()*+,/:;=?@[]~"
"""What clients leave as it is when they encode a whole URL."""


def main() -> int:
    """Answer requests."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print is no answer
    answers.write(READY.encode() + b"\n")
    for line in sys.stdin.buffer:
        answers.write(json.dumps({"error": _error(decoded(line))}).encode() + b"\n")
    return 0


def _error(asked: Request) -> str | None:
    try:
        _do(asked)
    except DeliveryError as error:
        return _without_secrets(str(error), asked)
    except Exception as error:  # the boundary to libraries that raise what they like
        return _without_secrets(f"{type(error).__name__}: {error}", asked)
    return None


def _do(asked: Request) -> None:
    if asked.kind == WEBHOOK:
        post_webhook(asked)
    elif asked.kind == PING:
        ping(asked)
    else:
        from schedsync.notify.services import notify  # noqa: PLC0415 - it takes longer than all the rest

        notify(asked)


def _without_secrets(told: str, asked: Request) -> str:
    """Return *told* without the parts of the URL but for its host: any of them may be a token."""
    rest = asked.url.partition("://")[2]
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].partition(":")[0]
    parts = {asked.secret or "", *re.split(r"[/:@?&=#;]", rest)}
    plain = host if "." in host else ""  # else it is a token that stands in its place
    meant = {unquote(part) for part in parts}
    spelled = parts | meant | {quote(part, safe=_KEPT) for part in meant} | {ascii(part)[1:-1] for part in meant}
    return redacted(told, [part for part in spelled if len(part) >= _SHORT and part not in plain])[:SHOWN]


if __name__ == "__main__":
    sys.exit(main())
