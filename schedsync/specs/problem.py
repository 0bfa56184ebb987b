"""A problem: what is wrong in which file, for the person who wrote it."""

from dataclasses import dataclass
from dataclasses import field as _field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. Lines and columns count from 1; a file is named relative to the jobs folder."""

    file: str
    line: int | None
    column: int | None
    message: str
    """A whole sentence: what was found, what is allowed, what to write instead."""
    job_id: str | None = None
    field: str | None = None
    """Dotted path of the field, e.g. ``schedule.0.cron``."""
    found: str | None = None
    expected: str | None = None
    since: datetime | None = _field(default=None, compare=False)
    """When it was first seen (UTC); two sightings of one mistake are equal."""

    @property
    def place(self) -> str:
        """``file:line:column``, as far as known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"
