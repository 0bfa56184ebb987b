"""Column types that mean the same on every database.

No Boolean, JSON, Float or DateTime: what those compile to depends on the database and on its version, and Oracle's
``DATE`` has neither fractions nor a zone.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, SmallInteger, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from schedsync.clock import from_micros, to_micros
from schedsync.specs.following import Follows

_FOLLOWS = {int(follows): follows for follows in Follows}
"""Looked up in a third of the time that an enumeration takes."""


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as epoch microseconds in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return the microseconds of *value*; a naive one is refused with ValueError."""
        del dialect
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return the instant."""
        del dialect
        return instant_or_none(value)


class Flag(TypeDecorator[bool]):
    """True or false, kept as 1 or 0."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:  # noqa: FBT001 - SQLAlchemy's signature
        """Return 1 or 0."""
        del dialect
        return None if value is None else int(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> bool | None:
        """Return the truth value."""
        del dialect
        return None if value is None else bool(value)


class Upon(TypeDecorator[Follows]):
    """What starts a job besides the clock, kept as its number."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Follows | None, dialect: Dialect) -> int | None:
        """Return the number."""
        del dialect
        return None if value is None else int(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Follows | None:
        """Return what has that number."""
        del dialect
        return None if value is None else _FOLLOWS[int(value)]


class ShortText(TypeDecorator[str]):
    """Text of a stated length; what is longer is cut, since these columns are for people to read.

    The empty string is NULL on Oracle, so it is written as NULL everywhere; NUL is no text on PostgreSQL.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return *value*, cut to the column's length."""
        del dialect
        if not value:
            return None
        length = self.impl_instance.length or 0  # type: ignore[attr-defined] # String has a length
        clean = printable(value)
        return clean if len(clean) <= length else clean[: length - 3] + "..."


def instant_or_none(value: Any | None) -> datetime | None:
    """Return what ``Instant.process_result_value`` does, with one call less: lists have hundreds of them."""
    return None if value is None else from_micros(int(value))


def printable(text: str) -> str:
    """Return *text* without what databases refuse in text: NUL and lone surrogates."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()
