"""An answer, and whether it is what was expected. Pure."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message as Headers
from http import HTTPStatus

from schedsync.http.redirects import points_on
from schedsync.http.request import Expectation

SHOWN = (
    "Content-Type",
    "Content-Length",
    "Content-Encoding",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)
"""Headers that are printed; others may hold what only the two sides should know."""
_MOST_TEXT = 1 << 20
"""Bytes that a compressed body may become."""
_LONGEST_HEADER = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    phrase: str
    headers: Headers
    text: str = ""
    """The body, or its beginning."""
    whole: bool = True

    @property
    def line(self) -> str:
        """The status in numbers and words."""
        return f"{self.status} {self.phrase or _phrase(self.status)}".rstrip()

    def shown_headers(self) -> Iterator[str]:
        """Give the headers that are worth a line."""
        for name in SHOWN:
            if (value := header(self.headers, name)) is not None:
                yield f"{name}: {value}"


def header(headers: Headers, name: str) -> str | None:
    """Return the value of a header as it may be printed."""
    value = headers.get(name)
    return None if value is None else printable(str(value))[:_LONGEST_HEADER]


def printable(text: str) -> str:
    """Return *text* without signs that steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def text_of(body: bytes, headers: Headers) -> str:
    """Return a body as text: unpacked if it is gzip, and with marks for what cannot be read."""
    if str(headers.get("Content-Encoding", "")).lower() in {"gzip", "x-gzip"}:
        body = _unpacked(body)
    charset = headers.get_content_charset() or "utf-8"
    try:
        return body.decode(charset, errors="replace")
    except LookupError:
        return body.decode(errors="replace")


def _unpacked(body: bytes) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, _MOST_TEXT)
    except zlib.error:
        return body


def mistake(answer: Answer, expectation: Expectation) -> str | None:
    """Return what is wrong with *answer*, if anything is."""
    if not any(first <= answer.status <= last for first, last in expectation.status):
        return f"status {answer.line}, expected {_spelled(expectation)}{_advice(answer)}"
    if expectation.body is not None and not re.search(expectation.body, answer.text):
        part = "" if answer.whole else " in what was read of it"
        return f"the body does not match expect.body{part}: {expectation.body}"
    return None


def _spelled(expectation: Expectation) -> str:
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in expectation.status)


def _advice(answer: Answer) -> str:
    location, after = header(answer.headers, "Location"), header(answer.headers, "Retry-After")
    if points_on(answer.status, location):
        return f"; it points to {location}: write that url, or follow_redirects: true"
    if after is not None:
        return f"; the service asks to try again after {after}{' s' if after.isdigit() else ''}"
    return ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
