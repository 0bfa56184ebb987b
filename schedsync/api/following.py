"""The output of a run as it comes: what there is behind a byte, at once or as soon as there is some."""

import re
import time
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from schedsync.api.answers import remembered
from schedsync.api.backend import backend
from schedsync.api.parsing import Said
from schedsync.api.places import seat, without_place
from schedsync.runs.run import UNSETTLED, Run, RunState
from schedsync.specs.wording import shown
from schedsync.status.knowledge import Knowledge
from schedsync.status.output import Stretch, stretch, stretch_of

MOST = 256 << 10
"""How many bytes an answer to a follower has at most."""
LOOK = 0.1
"""Seconds between two looks at what is in memory and on disk."""
ASK = 1.0
"""Seconds between two questions to the store, for a run that is not here."""
LONGEST_WAIT = 20
"""Seconds."""
_BYTE = re.compile(r"[0-9]{1,15}")
_SECONDS = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,3})?")


def _byte(text: str) -> int:
    if not _BYTE.fullmatch(text):
        raise ValueError(f"expected the number of a byte, 0 or more, found {shown(text)}")
    return int(text)


def _seconds(text: str) -> float:
    if not _SECONDS.fullmatch(text) or float(text) > LONGEST_WAIT:
        raise ValueError(f"expected seconds, from 0 to {LONGEST_WAIT}, found {shown(text)}")
    return float(text)


class LogQuery(Said):
    """Which part of a log; without these all that is kept, or the part that a header ``Range`` names."""

    start: Annotated[
        int | None, PlainValidator(_byte), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 10**15 - 1})
    ] = Field(None, alias="from", description="The byte of what the run printed that the answer begins with.")
    wait: Annotated[
        float | None,
        PlainValidator(_seconds),
        WithJsonSchema({"type": "number", "minimum": 0, "maximum": LONGEST_WAIT}),
    ] = Field(None, description="How many seconds to wait for it if it is not there yet.")

    @property
    def follows(self) -> bool:
        """Whether what comes is asked for, and not a finished text."""
        return self.start is not None or self.wait is not None


@dataclass(frozen=True, slots=True)
class Part:
    """What a request for a log is answered with."""

    stretch: Stretch
    done: bool
    """Whether the run has ended, and there is nothing behind this."""


def whole(run_id: str) -> Part:
    """Return all that is kept of what a run printed; while it runs on this machine, what there is so far.

    Raises:
        RunNotFoundError: there is no such run.
        DatabaseUnavailableError: the database is away, and it is not in memory.
    """
    return remembered(lambda known: _kept(known.run(run_id), known, 0))


def behind(run_id: str, start: int, wait: float) -> Part:
    """Return what there is from byte *start* on; while there is nothing, wait for it up to *wait* seconds.

    Nobody waits when the run has ended, when too many do already, or when the service stops.

    Raises:
        RunNotFoundError: there is no such run.
        DatabaseUnavailableError: the database is away, and it is not in memory.
    """
    deadline = time.monotonic() + wait
    part = _now(run_id, start)
    with seat() as seated:
        while seated and not (part.stretch.text or part.done or _is_over(deadline)):
            with without_place():
                _sleep(run_id, start, deadline)
            part = _now(run_id, start)
    return part


def _now(run_id: str, start: int) -> Part:
    return remembered(lambda known: _look(known, run_id, start))


def _look(known: Knowledge, run_id: str, start: int) -> Part:
    run = known.run(run_id)
    here = _here(run_id, start) if run.state in UNSETTLED else None
    return _kept(run, known, start) if here is None else Part(here, done=False)


def _here(run_id: str, start: int) -> Stretch | None:
    """Return what is here behind *start* of a run that goes on; None when it is not here. The store is not asked."""
    live = backend().live_output(run_id)
    # The file has what memory dropped. It is written a moment later than memory, so it is looked at afterwards.
    in_file = stretch_of(backend().printed(run_id, start, MOST), start)
    if in_file.text:
        return in_file
    live = live or backend().spooled_output(run_id)
    return None if live is None else stretch(live, start, ended=False)


def _kept(run: Run, known: Knowledge, start: int) -> Part:
    live = backend().live_output(run.id)  # asked first: a run that ends in between has its output in the store
    if live is None and run.state is RunState.RUNNING:
        live = backend().spooled_output(run.id)
    ended = run.state not in UNSETTLED
    return Part(stretch(live or known.output(run.id), start, ended=ended), done=ended)


def _sleep(run_id: str, start: int, deadline: float) -> None:
    """Wait until there is news here, or it is time to ask the store whether there is elsewhere."""
    ask_at, was_here = time.monotonic() + ASK, False
    while not _is_over(deadline):
        time.sleep(LOOK)
        here = _here(run_id, start)
        if here is not None and here.text:
            return
        if here is None and (was_here or time.monotonic() >= ask_at):
            return
        was_here = here is not None


def _is_over(deadline: float) -> bool:
    return time.monotonic() >= deadline or backend().vitals.read().stopping_since is not None
