"""What a loop says while something fails again and again: a line when that begins and one when it is over."""

import logging
import time
from collections.abc import Callable


class Outage:
    """One thing that may be away for a while, as one loop sees it. Used by one thread at a time.

    Tries in between are said on DEBUG, so that an hour without a database is two lines of each loop and not thousands.
    """

    def __init__(
        self,
        log: logging.Logger,
        begins: str,
        over: str,
        *,
        level: int = logging.WARNING,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make one.

        Args:
            log: where to.
            begins: the sentence for the first failure.
            over: the sentence for the first success after failures.
            level: of the first sentence.
            monotonic: a clock that never goes back, in seconds.
        """
        self._log, self._begins, self._over, self._level = log, begins, over, level
        self._monotonic = monotonic
        self._since: float | None = None

    @property
    def lasts(self) -> bool:
        """Whether the last try failed."""
        return self._since is not None

    def failed(self, error: object) -> None:
        """Note a try that failed."""
        begins = self._since is None
        if begins:
            self._since = self._monotonic()
        self._log.log(self._level if begins else logging.DEBUG, self._begins, extra={"error": str(error)})

    def succeeded(self, **fields: object) -> None:
        """Note a try that succeeded; *fields* stand in the line that says so, if failures came before it."""
        if self._since is not None:
            seconds = round(self._monotonic() - self._since, 1)
            self._since = None
            self._log.info(self._over, extra={"after_seconds": seconds, **fields})
