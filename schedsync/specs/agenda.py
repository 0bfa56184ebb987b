"""What fires when within a span, over many jobs: an entry per slot in time order, and one for what fires often."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import merge

from schedsync.clock import from_micros
from schedsync.specs.slots import Slots


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A slot of a job, or all slots of one that has many. Entries are ordered by time, then by job."""

    at: datetime
    """The slot, or the first of them (UTC)."""
    job_id: str
    count: int = 1
    until: datetime | None = None
    """The last of them, where there are many."""


def entries(slots: Mapping[str, Slots], often: int) -> Iterator[Entry]:
    """Yield the entries of jobs in time order; it costs what is taken, not what there is.

    Args:
        slots: by job.
        often: a job with more of them is one entry, where its first slot is.
    """
    return merge(*(_of_job(job_id, found, often) for job_id, found in slots.items()))


def _of_job(job_id: str, found: Slots, often: int) -> Iterator[Entry]:
    if len(found) > often:
        yield Entry(from_micros(found[0]), job_id, len(found), from_micros(found[-1]))
        return
    for slot in found:
        yield Entry(from_micros(slot), job_id)
