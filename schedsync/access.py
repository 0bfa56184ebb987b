"""Who may do what over HTTP: scopes, and the tokens that carry them. Pure, but for the random text of a new token."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address

_TEXT = re.compile(r"sst_(?P<id>[0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")
_ID_BYTES, _SECRET_BYTES = 6, 32


class Scope(StrEnum):
    """What a request needs leave for."""

    OPEN = "open"
    """Nothing: whoever reaches the service may know whether it lives."""
    READ = "read"
    """Seeing jobs, runs and what they printed."""
    CONTROL = "control"
    """Pausing, resuming, running, asking for a step. Whoever may do this may read, too."""

    @property
    def scopes(self) -> "frozenset[Scope]":
        """This one, and those that it includes."""
        order = list(Scope)
        return frozenset(order[: order.index(self) + 1])


@dataclass(frozen=True, slots=True)
class Rules:
    """What the installation says about who may ask."""

    open_to_readers: bool = True
    """Whether reading needs no token."""
    proxies: int = 0
    """How many proxies in front are believed when they say who asks; with one, nobody counts as a local person."""
    hosts: frozenset[str] = frozenset()
    """Names, in small letters, by which this service is known besides those of loopback."""
    origin: str | None = None
    """Where people reach it, as browsers write it: ``https://schedsync.example.com``. Its name is one of ``hosts``."""

    @property
    def known_elsewhere(self) -> bool:
        """Whether other machines know it by some name: then something passes on what they ask, and need not say so."""
        return any(not is_this_machine(name) for name in self.hosts)


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: everything but its text. Times are UTC."""

    id: str
    name: str
    """Who has it, as decisions are signed."""
    scope: Scope
    digest: str
    """SHA-256 of its text, in hex digits. The text is 256 random bits, so nothing slower is needed."""
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    """To the minute or so."""
    revoked_at: datetime | None = None

    def is_text(self, text: str) -> bool:
        """Whether *text* is that of this token."""
        return compare_digest(self.digest, digest_of(text))

    def in_force(self, now: datetime) -> bool:
        """Whether it opens anything at *now*."""
        return self.state(now) == "active"

    def state(self, now: datetime) -> str:
        """Return what it is at *now*: ``active``, ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


@lru_cache(maxsize=64)  # nearly all requests have the same few
def is_this_machine(name: str) -> bool:
    """Whether *name*, in small letters, names the machine itself to programs on it; addresses are without brackets."""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def new_token(
    name: str, scope: Scope, *, by: str, now: datetime, expires_at: datetime | None = None
) -> tuple[Token, str]:
    """Return a new token, and its text, which is kept nowhere.

    Raises:
        ValueError: the name is none; the message says what to write.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"a token's name has 1 to 63 of the characters A-Z a-z 0-9 . _ @ - and begins with a letter or a digit;"
            f" found {name[:70]!r}"
        )
    token_id = secrets.token_hex(_ID_BYTES)
    text = f"sst_{token_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return Token(token_id, name, scope, digest_of(text), now, by, expires_at), text


def id_in(text: str) -> str | None:
    """Return the id of the token whose text *text* may be; None when it is none."""
    match = _TEXT.fullmatch(text)
    return None if match is None else match["id"]


def digest_of(text: str) -> str:
    """Return what is kept of a token's text."""
    return sha256(text.encode(errors="replace")).hexdigest()
