"""Which limit a run has met, as well as that can be known: by its signal, or by what it printed at its end."""

import re
import signal
from collections.abc import Mapping

_BY_SIGNAL: Mapping[int, str] = {signal.SIGXCPU: "cpu", signal.SIGXFSZ: "file_size"}
_BY_WORDS = {
    "memory": rb"MemoryError|[Cc]annot allocate|[Oo]ut of memory|bad_alloc|OutOfMemory|virtual memory exhausted",
    "files": rb"Too many open files",
    "processes": rb"Resource temporarily unavailable",
    "file_size": rb"File too large",
}
_LOOKED_AT = 4_096
_SHELL = 128
"""Added by shells to the number of the signal that ended their last command."""


def met(limits: Mapping[str, str], code: int, output: bytes) -> str:
    """Return which of its *limits* made a run fail, in words; empty if that cannot be told.

    Args:
        limits: by name, as their author wrote them.
        code: the exit code; -N: signal N.
        output: what the run printed, or the end of it.
    """
    name = _BY_SIGNAL.get(-code if code < 0 else code - _SHELL)
    if name is not None and name in limits:
        return f"its limits.{name} of {limits[name]} is used up"
    end = output[-_LOOKED_AT:]
    said = next((name for name, words in _BY_WORDS.items() if name in limits and re.search(words, end)), None)
    return "" if said is None else f"by its output, its limits.{said} of {limits[said]} is used up"
