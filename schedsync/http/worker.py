"""``python -m schedsync.http.worker``: makes the one request that it reads on its standard input, and ends.

What is printed is the run's output: the request, the answer and the beginning of its body. An answer that is not as
expected, or none, is exit code 1, and the last line says why. Each run pays for what is imported here, so there is
Python's own client and nothing else.
"""

import sys
import time
from urllib.parse import urlsplit

from schedsync.http import redirects
from schedsync.http.answer import Answer, mistake, printable, text_of
from schedsync.http.connecting import place
from schedsync.http.exchange import answered, read
from schedsync.http.failing import FailedError, told
from schedsync.http.interrupts import EndedError, heed, heed_no_more
from schedsync.http.request import FAILED, Message, Request, decoded

MOST_SHOWN = 32 << 10
"""Characters of a body that are printed."""


def main() -> int:
    """Read the request, do what it says, and return the exit code."""
    request = decoded(sys.stdin.buffer.read())
    # A text stream; whatever comes from the other side must not end the run.
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    try:
        heed(request.seconds)
        _run(request)
    except FailedError as failure:
        why = str(failure)
    except EndedError as end:
        why = str(end)
    else:
        heed_no_more()
        return 0
    heed_no_more()
    _print(f"{FAILED}{why}")
    return 1


def _print(line: str) -> None:
    print(line)  # noqa: T201 - standard output is the run's output


def _run(request: Request) -> None:
    message = request.message
    for _ in range(redirects.MOST + 1):
        answer = _exchange(request, message)
        location = answer.headers.get("Location")
        if not request.follow_redirects or location is None or not redirects.points_on(answer.status, location):
            break
        message = redirects.followed(message, answer.status, location)
    else:
        raise FailedError(f"the answers point on more than {redirects.MOST} times, at last to {message.url}")
    with told("compared the body with expect.body", place(urlsplit(message.url)), request.seconds):
        wrong = mistake(answer, request.expectation)
    if wrong is not None:
        raise FailedError(wrong)


def _exchange(request: Request, message: Message) -> Answer:
    _print(f"{message.method} {message.url}")
    if message.url.startswith("https") and not request.tls.verify:
        _print("(the certificate is not checked: verify is false)")
    began = time.monotonic()
    with answered(request, message) as response:
        head = Answer(response.status, printable(response.reason), response.headers)
        _print(f"HTTP/{response.version // 10}.{response.version % 10} {head.line}")
        for line in head.shown_headers():
            _print(line)
        received, whole = bytearray(), False
        try:
            whole = read(response, received, place(urlsplit(message.url)), request.seconds)
        finally:
            text = text_of(bytes(received), response.headers)
            _print_body(text)
    more = "" if whole else "; the rest was not read"
    _print(f"({len(received):,} bytes, {time.monotonic() - began:.3f} s{more})")
    return Answer(head.status, head.phrase, head.headers, text, whole)


def _print_body(text: str) -> None:
    if text:
        _print("")
        _print(text[:MOST_SHOWN].rstrip("\n"))
    if len(text) > MOST_SHOWN:
        _print(f"... ({len(text) - MOST_SHOWN:,} more characters)")


if __name__ == "__main__":
    sys.exit(main())
