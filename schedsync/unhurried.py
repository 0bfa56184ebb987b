"""Long work that nobody waits for, beside work that is urgent.

Threads share one interpreter, in which each that computes makes the others wait for their turns. So a thread that looks
at thousands of things stands back again and again, for longer than it has computed.
"""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
BITE = 0.002
"""Seconds after which it stands back."""
REST = 0.004
"""Seconds for which it does."""
_LOOK = 32
"""After how many things it looks at the clock."""


def unhurried(things: Iterable[T]) -> Iterator[T]:
    """Yield *things* in their order, and let others go first now and then."""
    began = time.monotonic()
    for number, thing in enumerate(things, 1):
        yield thing
        if number % _LOOK == 0 and time.monotonic() - began >= BITE:
            time.sleep(REST)
            began = time.monotonic()
