"""Python's search for garbage, kept short: it stops all threads, for a third of a second with 10,000 jobs in memory.

Nearly all of what is in memory stays there: specs, and what was loaded to run them. So what has outlived one search of
everything is not looked through by the next ones (``gc.freeze``), which are made more often instead. What is let go of
is freed at once all the same, except for cycles among what was that old; for those everything is looked through now
and then.
"""

import gc
import time
from typing import Any

YOUNG, LATER, OLD = 1_000, 2, 1
"""After how many new objects Python looks for garbage among them, and after how many such searches, and how many of
these, it looks through older ones, instead of 10. To look through more, and less often, costs as much, since all of it
is set aside; but each time takes longer."""
WHOLLY = 3600.0
"""Seconds after which everything is looked through again."""


def keep_short() -> None:
    """Keep the searches of this process short, from now on."""
    gc.freeze()  # what is loaded by now stays
    gc.set_threshold(YOUNG, LATER, OLD)
    gc.callbacks.append(_Searches())


class _Searches:
    """Is told of each search, by Python, while no other one can begin."""

    def __init__(self) -> None:
        self._wholly_at = time.monotonic()

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        """Set aside what is left after a search of everything."""
        if phase == "stop" and info["generation"] == len(gc.get_threshold()) - 1:
            now = time.monotonic()
            if now - self._wholly_at < WHOLLY:
                gc.freeze()
            else:
                gc.unfreeze()  # for the next one
                self._wholly_at = now
