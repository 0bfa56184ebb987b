"""What a run printed, as text from any byte on.

The number of a byte is its place in what the run printed, whatever of that is kept. So it means the same in the file of
a run that goes on, in memory, and in the store when the run has ended. Where bytes are missing a line says how many;
whoever asks on from ``Stretch.next`` never gets a byte twice.
"""

import codecs
from dataclasses import dataclass

from schedsync.runs.outcome import Output
from schedsync.store.runs import KeptOutput

_NO_CHARACTER = "\ufffd".encode()
_NO_BYTE = b"\xff"
"""What is no text in UTF-8 anywhere."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an output."""

    text: str
    next: int
    """The byte that follows it."""
    has_gap: bool = False
    """Whether bytes are missing in it, which a line of the text says."""


def log_text(output: Output | KeptOutput | None) -> str:
    """Show what is kept of an output as text; what was not kept is marked where it was."""
    return stretch(output, 0, ended=True).text


def stretch(output: Output | KeptOutput | None, start: int, *, ended: bool) -> Stretch:
    """Return what is kept of an output from byte *start* on.

    Args:
        output: what is kept; None for nothing.
        start: from 0 on; behind the end there is nothing.
        ended: whether nothing will be added. Else a character that has only begun at the end is left for later.
    """
    parts = _parts(output)
    if start >= parts.total:
        return Stretch("", start)
    head, tail = parts.head[start:], parts.tail[max(start - parts.tail_start, 0) :]
    missing = parts.dropped if head else min(max(parts.tail_start - start, 0), parts.dropped)
    if not missing:
        return _decoded(head + tail, parts.total, ended=ended)
    mark = _not_kept(missing).removeprefix("\n" if head.endswith(b"\n") else "")
    end = _decoded(tail, parts.total, ended=ended)
    return Stretch(head.decode(errors="replace") + mark + end.text, end.next, has_gap=True)


def stretch_of(data: bytes, start: int) -> Stretch:
    """Return *data*, of which the first byte is number *start*, up to the last whole character."""
    return _decoded(data, start + len(data), ended=False)


@dataclass(frozen=True, slots=True)
class _Parts:
    head: bytes
    tail: bytes
    total: int
    dropped: int

    @property
    def tail_start(self) -> int:
        return self.total - len(self.tail)


def _parts(output: Output | KeptOutput | None) -> _Parts:
    if output is None:
        return _Parts(b"", b"", 0, 0)
    if isinstance(output, Output):
        return _Parts(output.head, output.tail, output.total, output.dropped)
    head, tail = output.head.encode(), output.tail.encode()
    if len(head) + len(tail) != output.total - output.dropped:
        # The store has text. What was no text is a replacement character there, mostly for one byte.
        head, tail = (part.replace(_NO_CHARACTER, _NO_BYTE) for part in (head, tail))
    if not output.dropped:  # then places are counted from the end, which a follower is near
        head, tail = b"", head + tail
    return _Parts(head, tail, output.total, output.dropped)


def _decoded(data: bytes, end: int, *, ended: bool) -> Stretch:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    text = decoder.decode(data, final=ended)
    begun, _ = decoder.getstate()
    return Stretch(text, end - len(begun))


def _not_kept(count: int) -> str:
    """Mark where so many bytes of an output are missing."""
    return f"\n[... {count} bytes not kept ...]\n"
