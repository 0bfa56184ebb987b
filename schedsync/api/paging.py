"""Pages of lists: how many entries, and the cursor where the page before ended.

A cursor is text that clients pass back and need not understand. It holds the key of the last entry, so a page begins
where the one before ended although entries came and went meanwhile.
"""

import re
from base64 import b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated

from pydantic import PlainValidator

from schedsync.api.parsing import RUN_ID, Said
from schedsync.clock import from_micros, to_micros
from schedsync.runs.run import Run
from schedsync.specs.ids import JobId, check_id
from schedsync.specs.wording import shown

LONGEST = 500
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


def job_cursor(job_id: str) -> str:
    """Return the cursor behind a job, in a list by id."""
    return _encode("job", job_id)


def run_cursor(run: Run) -> str:
    """Return the cursor behind *run*, in a list by slot."""
    return _encode("run", f"{to_micros(run.scheduled_at)} {run.id}")


def sync_cursor(sync_id: str) -> str:
    """Return the cursor behind a step, in a list by time."""
    return _encode("sync", sync_id)


def decision_cursor(decision_id: str) -> str:
    """Return the cursor behind a decision, in a list by time."""
    return _encode("decision", decision_id)


def _limit(text: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(text) or not 1 <= int(text) <= LONGEST:
        raise ValueError(f"expected a whole number from 1 to {LONGEST}, found {shown(text)}")
    return int(text)


def _job_key(cursor: str) -> str:
    try:
        return check_id(_decode("job", cursor))
    except ValueError:
        raise _bad(cursor) from None


def _run_key(cursor: str) -> tuple[datetime, str]:
    try:
        micros, run_id = _decode("run", cursor).split(" ")
        slot = from_micros(int(micros))
    except (ValueError, OverflowError):
        raise _bad(cursor) from None
    if not RUN_ID.fullmatch(run_id):
        raise _bad(cursor)
    return slot, run_id


def _sync_key(cursor: str) -> str:
    return _row_key("sync", cursor)


def _decision_key(cursor: str) -> str:
    return _row_key("decision", cursor)


def _row_key(kind: str, cursor: str) -> str:
    try:
        row_id = _decode(kind, cursor)
    except ValueError:
        raise _bad(cursor) from None
    if not RUN_ID.fullmatch(row_id):
        raise _bad(cursor)
    return row_id


def _encode(kind: str, key: str) -> str:
    return urlsafe_b64encode(f"{kind} {key}".encode()).decode().rstrip("=")


def _decode(kind: str, cursor: str) -> str:
    text = b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    found, _, key = text.partition(" ")
    if found != kind:
        raise ValueError("a cursor of another list")
    return key


def _bad(cursor: str) -> ValueError:
    return ValueError(
        f"{shown(cursor)} is no cursor of this list; pass on next_cursor as it came, or begin without one"
    )


class _Page(Said):
    limit: Annotated[int, PlainValidator(_limit)] = 100


class QueueQuery(_Page):
    """How much of the queue."""


class JobsQuery(_Page):
    """Which page of the jobs."""

    cursor: Annotated[str, PlainValidator(_job_key)] = ""
    """The id behind which the page begins."""


class RunsQuery(_Page):
    """Which page of the runs."""

    cursor: Annotated[tuple[datetime, str] | None, PlainValidator(_run_key)] = None
    """The slot and the id of the run behind which the page begins."""


class SyncsQuery(_Page):
    """Which page of the steps."""

    cursor: Annotated[str | None, PlainValidator(_sync_key)] = None
    """The id of the step behind which the page begins."""


class AuditQuery(_Page):
    """Which page of the decisions, over which job."""

    cursor: Annotated[str | None, PlainValidator(_decision_key)] = None
    """The id of the decision behind which the page begins."""
    job_id: JobId | None = None
    """The job; it may be gone."""
