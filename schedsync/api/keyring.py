"""The tokens as the API knows them: in memory, so that a request costs no round trip and an outage locks nobody out."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from schedsync.access import Token
from schedsync.clock import Clock
from schedsync.errors import DatabaseUnavailableError, SchedsyncError
from schedsync.outages import Outage

log = logging.getLogger(__name__)

REFRESH = timedelta(seconds=3)
"""What is known is that old at most while requests come and the database answers; so a token ends that soon."""
NEWS = timedelta(seconds=1)
"""For a token that is not known it is looked at again after so long, since it may have been made just now."""
PATIENCE = 0.5
"""Seconds that a request waits for a look; what was known before does then."""
FIRST_PATIENCE = 3.0
"""The same while nothing is known yet."""
USED = timedelta(minutes=1)
"""How often it is noted that a token was used."""


@dataclass(frozen=True, slots=True)
class _Known:
    tokens: dict[str, Token] = field(default_factory=dict)
    at: datetime | None = None
    """When the store answered last; None: never."""
    tried_at: datetime | None = None
    """When it was asked last."""
    error: str | None = None
    """Why that brought nothing."""


class Keyring:
    """All tokens of the store. Methods may be called from any thread; none waits for a database that hangs."""

    def __init__(
        self, load: Callable[[], Iterable[Token]], clock: Clock, away: Callable[[], str | None] = lambda: None
    ) -> None:
        """Make one that knows nothing yet.

        Args:
            load: asks the store for all tokens.
            clock: tells the time.
            away: says why the database is known not to answer; None when it may.
        """
        self._load, self._clock, self._away = load, clock, away
        self._known = _Known()
        self._lock = threading.Lock()
        self._look: threading.Event | None = None
        """Set when the look that is under way has ended."""
        self._hangs = False
        """Whether somebody has waited for that look in vain; then nobody else does."""
        self._used: dict[str, datetime] = {}
        self._outage = Outage(
            log, "the tokens cannot be looked at, those that are known stay", "tokens are known again"
        )

    def find(self, token_id: str) -> Token | None:
        """Return the token of this id, also one that is over; None when there is none.

        Raises:
            DatabaseUnavailableError: it is not known, and the store cannot be asked.
        """
        self._refresh(REFRESH)
        if token_id not in self._known.tokens:
            self._refresh(NEWS)
        token = self._known.tokens.get(token_id)
        if token is None:
            self._require_news()
        return token

    @property
    def is_empty(self) -> bool:
        """Whether no token was ever made. One that is over counts, too: nothing opens because it ended.

        Raises:
            DatabaseUnavailableError: that is not known.
        """
        self._refresh(REFRESH)
        if self._known.at is None:
            self._require_news()
        return not self._known.tokens

    def note_use(self, token: Token) -> None:
        """Note that *token* was used now; ``take_uses`` tells."""
        now = self._clock()
        if token.last_used_at is None or now - token.last_used_at >= USED:
            with self._lock:
                self._used[token.id] = now

    def take_uses(self) -> dict[str, datetime]:
        """Return when tokens were used last, of those that were since the last call."""
        with self._lock:
            self._used, used = {}, self._used
        return used

    def give_back(self, uses: Mapping[str, datetime]) -> None:
        """Take back what ``take_uses`` told, because it could not be written."""
        with self._lock:
            self._used = {**uses, **self._used}

    def _require_news(self) -> None:
        known = self._known
        if known.at is None or known.error is not None or self._hangs:
            why = known.error or "the database does not answer"
            raise DatabaseUnavailableError(f"which tokens there are is not known now: {why}")

    def _refresh(self, after: timedelta) -> None:
        """Look again if the last look is longer ago than *after*, and wait for it for a moment."""
        with self._lock:
            why = self._away()
            if why is not None:
                self._known = replace(self._known, error=why)
                return
            if self._look is None and not self._is_fresh(after):
                self._begin()
            look, hangs = self._look, self._hangs
        if look is not None and not hangs:
            self._wait(look)

    def _begin(self) -> None:
        look = threading.Event()
        try:
            threading.Thread(target=self._ask, args=(look,), name="schedsync-tokens", daemon=True).start()
        except RuntimeError as error:  # the system lets this process have no more threads
            self._known = replace(self._known, error=str(error), tried_at=self._clock())
        else:
            self._look = look

    def _wait(self, look: threading.Event) -> None:
        if not look.wait(FIRST_PATIENCE if self._known.at is None else PATIENCE):
            with self._lock:
                self._hangs = self._look is look

    def _is_fresh(self, after: timedelta) -> bool:
        known = self._known
        limit = after if known.error is None else NEWS
        return known.tried_at is not None and timedelta(0) <= self._clock() - known.tried_at < limit

    def _ask(self, look: threading.Event) -> None:
        at = self._clock()
        known = replace(self._known, tried_at=at)
        try:
            known = _Known({token.id: token for token in self._load()}, at, at)
        except SchedsyncError as error:
            known = replace(known, error=str(error))
            self._outage.failed(error)
        except Exception:  # the boundary of the thread: requests wait for its end
            log.exception("the tokens cannot be looked at")
            known = replace(known, error="the log says why")
        else:
            self._outage.succeeded()
        with self._lock:
            self._known, self._look, self._hangs = known, None, False
        look.set()
