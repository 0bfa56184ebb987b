"""What a loop says while something fails again and again: when that begins and when it is over.

``Outage`` is for what is expected to be away at times, ``Faults`` for what nobody expects.
"""

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


class Faults:
    """Errors that one loop did not expect. Used by one thread at a time.

    Each is told with its traceback once, not at every try; the rests between the tries grow, so that a lasting fault
    fills neither the log nor a processor.
    """

    def __init__(self, log: logging.Logger, begins: str, over: str, *, first: float, longest: float) -> None:
        """Make one.

        Args:
            log: where to.
            begins: the sentence for an error that is not the one before.
            over: the sentence for the first success after errors.
            first: seconds to rest after the first error; twice as long after each further one, up to ...
            longest: ... so many seconds.
        """
        self._log, self._begins, self._over = log, begins, over
        self._first, self._longest = first, longest
        self._last: tuple[type[BaseException], str] | None = None
        self._tries = 0

    def met(self, error: BaseException) -> float:
        """Note a try that failed; return the seconds to rest before the next one."""
        met = (type(error), _place(error))
        self._log.log(logging.DEBUG if met == self._last else logging.ERROR, self._begins, exc_info=error)
        self._last = met
        self._tries += 1
        return float(min(self._first * 2 ** min(self._tries - 1, 20), self._longest))

    def none(self) -> None:
        """Note a try that succeeded."""
        if self._tries:
            self._log.info(self._over, extra={"after_tries": self._tries})
        self._last, self._tries = None, 0


def _place(error: BaseException) -> str:
    """Return where *error* was raised. Its text may name a run or a time, and so be another one at each try."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
