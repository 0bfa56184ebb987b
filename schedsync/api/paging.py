"""Pages of lists: how many entries, and the cursor where the page before ended.

A cursor is text that clients pass back and need not understand. It holds the key of the last entry, so a page begins
where the one before ended although entries came and went meanwhile.
"""

import re
from base64 import b64decode, urlsafe_b64encode
from typing import Annotated

from pydantic import PlainValidator

from schedsync.api.parsing import RUN_ID, Said
from schedsync.specs.ids import JobId
from schedsync.specs.wording import shown

LONGEST = 500
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


def sync_cursor(sync_id: str) -> str:
    """Return the cursor behind a step, in a list by time."""
    return encoded("sync", sync_id)


def decision_cursor(decision_id: str) -> str:
    """Return the cursor behind a decision, in a list by time."""
    return encoded("decision", decision_id)


def _limit(text: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(text) or not 1 <= int(text) <= LONGEST:
        raise ValueError(f"expected a whole number from 1 to {LONGEST}, found {shown(text)}")
    return int(text)


def _sync_key(cursor: str) -> str:
    return _row_key("sync", cursor)


def _decision_key(cursor: str) -> str:
    return _row_key("decision", cursor)


def _row_key(kind: str, cursor: str) -> str:
    try:
        row_id = decoded(kind, cursor)
    except ValueError:
        raise bad_cursor(cursor) from None
    if not RUN_ID.fullmatch(row_id):
        raise bad_cursor(cursor)
    return row_id


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


class SyncsQuery(Page):
    """Which page of the steps."""

    cursor: Annotated[str | None, PlainValidator(_sync_key)] = None
    """The id of the step behind which the page begins."""


class AuditQuery(Page):
    """Which page of the decisions, over which job."""

    cursor: Annotated[str | None, PlainValidator(_decision_key)] = None
    """The id of the decision behind which the page begins."""
    job_id: JobId | None = None
    """The job; it may be gone."""
