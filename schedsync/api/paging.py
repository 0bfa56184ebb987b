"""Pages of lists: how many entries, and the cursor where the page before ended.

A cursor is text that clients pass back and need not understand. It holds the key of the last entry, so a page begins
where the one before ended although entries came and went meanwhile.
"""

import re
from base64 import b64decode, urlsafe_b64encode
from typing import Annotated

from pydantic import PlainValidator

from schedsync.api.parsing import Said
from schedsync.specs.wording import shown

LONGEST = 500
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


def _limit(text: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(text) or not 1 <= int(text) <= LONGEST:
        raise ValueError(f"expected a whole number from 1 to {LONGEST}, found {shown(text)}")
    return int(text)


def encoded(kind: str, key: str) -> str:
    """Return the cursor of a *key* in a list of this kind."""
    return urlsafe_b64encode(f"{kind} {key}".encode()).decode().rstrip("=")


def decoded(kind: str, cursor: str) -> str:
    """Return the key that *cursor* holds.

    Raises:
        ValueError: it is none, or one of another kind of list.
    """
    text = b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    found, _, key = text.partition(" ")
    if found != kind:
        raise ValueError("a cursor of another list")
    return key


def bad_cursor(cursor: str) -> ValueError:
    """Return what to say of a cursor that is none of this list."""
    return ValueError(
        f"{shown(cursor)} is no cursor of this list; pass on next_cursor as it came, or begin without one"
    )


class Page(Said):
    """How many entries of a list."""

    limit: Annotated[int, PlainValidator(_limit)] = 100


class QueueQuery(Page):
    """How much of the queue."""
