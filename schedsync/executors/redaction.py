"""Secrets cut out of an output on its way, before any of it is kept, whichever way it comes in pieces.

What may be the beginning of a secret is held back until more has come. So a secret is in none of the places that get
the output: the spool file, what is kept in memory, the reason of the run.
"""

import json
from collections.abc import Collection, Iterator
from urllib.parse import quote

from schedsync.specs.expressions import Expression, ExpressionError, any_of

REDACTED = "[redacted]"
"""What stands in the place of a secret."""
SHORTEST = 4
"""Characters of a secret that is cut out: a shorter one would be found everywhere, and the output unreadable."""
_FIRST_LOOK = 16
"""Bytes at the beginning of a secret that are looked for first: the whole of long ones would take too much memory."""
_REDACTED = REDACTED.encode()


class Redactor:
    """Cuts the secrets of one run out of what it prints."""

    def __init__(self, secrets: Collection[str]) -> None:
        self._words = _words_of(secrets)
        self._any = _first_look(self._words) if self._words else None
        self._held = b""
        """The end of what has come: it may be the beginning of a secret."""
        self._gone = 0
        """How many of the first bytes of that belong to a secret that was cut out already."""

    def feed(self, data: bytes) -> bytes:
        """Take what comes next, and return what may be shown by now."""
        if not self._words:
            return data
        data = self._held + data
        until = min(_beginning(word, data) for word in self._words)
        return self._cut(data, until, self._spans(data, until) if self._has_any(data) else [])

    def end(self) -> bytes:
        """Return what was held back. No more will come, so a secret that has only begun is cut out, too."""
        data = self._held
        spans = self._spans(data, len(data))
        known = max([self._gone, *(stop for _, stop in spans)])
        begun = known + min((_beginning(word, data[known:]) for word in self._words), default=0)
        if len(data) - begun >= SHORTEST:
            spans.append((begun, len(data)))
        return self._cut(data, len(data), spans)

    def _has_any(self, data: bytes) -> bool:
        # In ASCII one search finds all of them at once, at four times the speed; other bytes would have to be spelled
        # as characters first, which takes longer than to search for each.
        if self._any is not None and data.isascii():
            return self._any.found_in(data.decode())
        return any(word in data for word in self._words)

    def _spans(self, data: bytes, until: int) -> list[tuple[int, int]]:
        """Return where the secrets are that begin before *until*, in their order."""
        return sorted(span for word in self._words for span in _occurrences(word, data, until))

    def _cut(self, data: bytes, until: int, spans: list[tuple[int, int]]) -> bytes:
        """Return *data* up to *until* without *spans*, and hold back the rest."""
        pieces, done = [], self._gone
        for start, stop in spans:
            if start >= done:  # else it overlaps with the one before, and their mark stands there already
                pieces += [data[done:start], _REDACTED]
            done = max(done, stop)
        pieces.append(data[done:until])
        self._held, self._gone = data[until:], max(done - until, 0)
        return b"".join(pieces)


def redacted(text: str, secrets: Collection[str]) -> str:
    """Return *text* without *secrets*."""
    if not (text and secrets):
        return text
    redactor = Redactor(secrets)
    return (redactor.feed(_bytes(text)) + redactor.end()).decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    # Variables of the service may be no text; whatever the locale is, secrets are not lost on the way.
    return text.encode("utf-8", "surrogateescape")


def _first_look(words: Collection[bytes]) -> Expression | None:
    """Return what is found wherever one of *words* may be; None if they are too many for that."""
    try:
        return any_of(word[:_FIRST_LOOK] for word in words)
    except ExpressionError:
        return None


def _words_of(secrets: Collection[str]) -> tuple[bytes, ...]:
    """Return what to look for: each secret, its lines, and how programs spell them in messages and addresses."""
    lines = {line.strip() for secret in secrets for line in (secret, *secret.splitlines())}
    long_enough = [line for line in lines if len(line) >= SHORTEST]
    return tuple({_bytes(spelling) for line in long_enough for spelling in _spellings(line)})


def _spellings(text: str) -> Iterator[str]:
    yield text
    yield repr(text)[1:-1]
    yield json.dumps(text)[1:-1]
    yield quote(_bytes(text), safe="")


def _occurrences(word: bytes, data: bytes, until: int) -> Iterator[tuple[int, int]]:
    """Yield where *word* is in *data*, if it begins before *until*; one may overlap with the next."""
    at = data.find(word)
    while 0 <= at < until:
        yield at, at + len(word)
        at = data.find(word, at + 1)


def _beginning(word: bytes, data: bytes) -> int:
    """Return where in *data* a *word* may have begun that goes on in what comes next; its length if nowhere."""
    at = data.find(word[:1], max(len(data) - len(word) + 1, 0))
    while at >= 0:
        if word.startswith(data[at:]):
            return at
        at = data.find(word[:1], at + 1)
    return len(data)
