"""The two sides of a comparison: what the folder says, and what the store holds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from schedsync.specs.job import JobSpec
from schedsync.specs.problem import Problem


@dataclass(frozen=True, slots=True)
class Source:
    """Where a job is written: a file relative to the jobs folder, and the line its entry begins on (from 1)."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Located:
    """A valid spec, where it is written, and its digests (computed once, when the file is parsed)."""

    spec: JobSpec
    source: Source
    digest: str
    schedule_digest: str
    upstreams: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Line and column (from 1) where each job is written that it runs after."""


@dataclass(frozen=True, slots=True)
class UnknownPath:
    """A file, or a folder with all that is below it, whose content is not (wholly) known now.

    ``text`` is what could be read of a broken file: a job that it mentions may have moved there.
    """

    path: str
    text: str = ""

    def covers(self, file: str) -> bool:
        """Whether *file* is this file or lies below this folder; ``.`` is the jobs folder itself."""
        return self.path in {".", file} or file.startswith(f"{self.path}/")

    def mentions(self, job_id: str) -> bool:
        """Whether what could be read of it names this job."""
        return re.search(rf"(?<![\w.-]){re.escape(job_id)}(?![\w.-])", self.text) is not None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the folder said at one moment."""

    jobs: Mapping[str, tuple[Located, ...]]
    """Every place that claims an id; more than one is a conflict that the diff settles."""
    problems: tuple[Problem, ...] = ()
    unknown: tuple[UnknownPath, ...] = ()
    revision: str = ""
    unavailable: str | None = None
    """Why the folder as a whole says nothing (missing, unreadable, being exchanged, empty); then no job is removed."""
    empty: bool = False
    """Whether that is because it was read and has no job file: then a person may say that all jobs are to go."""


@dataclass(frozen=True, slots=True)
class ObservedJob:
    """A job as the store has it. Times are UTC."""

    id: str
    digest: str
    schedule_digest: str
    source: Source
    anchor_at: datetime
    next_fire_at: datetime | None
    generation: int
    prune: str
    suspended: bool = False
    stale: bool = False
    revision: str | None = None
    """The revision of the folder that its spec came with."""
    follows: bool = False
    """Whether it runs after others, and has no slots."""


@dataclass(frozen=True, slots=True)
class PruneGuard:
    """Removals beyond both limits wait for a person."""

    max_jobs: int = 10
    max_fraction: float = 0.5
    allow: bool = False
    """A person has said that all may be removed that the folder certainly has no more."""

    def holds(self, removals: int, observed: int) -> bool:
        """Whether *removals* out of *observed* jobs are too many at once."""
        return not self.allow and removals > self.max_jobs and removals > observed * self.max_fraction


@dataclass(frozen=True, slots=True)
class Observed:
    """What the store holds, by job id."""

    jobs: Mapping[str, ObservedJob] = field(default_factory=dict)
