"""What files said when they were last read, so that a look at a folder in which nothing changed reads nothing.

A file is read again when its signature is another one, and parsed again when its content is. A signature is not
trusted while it is so young that the file could be changed once more without getting another: file systems have coarse
clocks.
"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from schedsync.clock import Clock, to_micros
from schedsync.sources.listing import FoundFile
from schedsync.sources.reading import Signature, read_file

_SETTLED = timedelta(seconds=2)
"""FAT counts in these; others are finer."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Said(Generic[T]):
    """What a file said."""

    digest: str
    """Of its bytes."""
    context: object
    """What else its meaning depends on."""
    meaning: T


@dataclass(slots=True)
class _Known(Generic[T]):
    signature: Signature
    settled: bool
    said: Said[T]


class Memory(Generic[T]):
    """The meanings of files, by path."""

    def __init__(self, limit: int, clock: Clock) -> None:
        """Make an empty memory.

        Args:
            limit: bytes; a longer file is not read.
            clock: tells how old a signature is.
        """
        self._limit, self._clock = limit, clock
        self._known: dict[str, _Known[T]] = {}

    def ask(
        self,
        found: FoundFile,
        context: object,
        parse: Callable[[bytes], T],
        still_means: Callable[[T], bool] = lambda _meaning: True,
    ) -> Said[T]:
        """Return what *found* says; the same object as before if neither its content nor *context* changed.

        Args:
            found: the file.
            context: compared by equality.
            parse: makes a meaning of bytes.
            still_means: whether what else a meaning came of is as it was, as far as *context* does not tell.

        Raises:
            UnreadableError: the file cannot be read now.
        """
        known = self._known.get(found.relative)
        same_context = known is not None and known.said.context == context and still_means(known.said.meaning)
        if known is not None and same_context and known.settled and known.signature == found.signature:
            return known.said
        data, signature = read_file(found.path, self._limit)
        digest = hashlib.sha256(data).hexdigest()
        if known is not None and same_context and known.said.digest == digest:
            said = known.said
        else:
            said = Said(digest, context, parse(data))
        self._known[found.relative] = _Known(signature, self._is_settled(signature), said)
        return said

    def keep_only(self, relative: Collection[str]) -> None:
        """Forget all files but those at these paths."""
        for path in self._known.keys() - relative:
            del self._known[path]

    def _is_settled(self, signature: Signature) -> bool:
        changed_micros = signature[-1] // 1000
        return to_micros(self._clock()) - changed_micros > _SETTLED.total_seconds() * 1_000_000
