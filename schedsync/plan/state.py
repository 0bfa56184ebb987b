"""The two sides of a comparison: what the folder says, and what the store holds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schedsync.frozen import Maker
from schedsync.specs.following import Follows
from schedsync.specs.job import JobSpec
from schedsync.specs.problem import Problem


@dataclass(frozen=True, slots=True)
class Source:
    """Where a job is written: a file relative to the jobs folder, and the line its entry begins on (from 1)."""

    file: str
    line: int


Wanted = tuple[str, str, str, str, int, bool, str, Follows]
"""What a row has of a spec and its place: digests, id, file, line, whether it is suspended, how it is pruned, and what
starts it."""


@dataclass(frozen=True, slots=True)
class Located:
    """A valid spec, where it is written, and its digests (computed once, when the file is parsed)."""

    spec: JobSpec
    source: Source
    digest: str
    schedule_digest: str
    upstreams: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Line and column (from 1) where each job is written that it runs after."""
    renamed_at: tuple[int, int] | None = None
    """The same of the id that it had before; None: it had none."""
    wanted: Wanted = field(init=False, repr=False, compare=False)
    """What its row should say, put together once: each step asks whether it does."""

    def __post_init__(self) -> None:
        """Put together what its row should say."""
        spec, source = self.spec, self.source
        wanted = (
            *(self.digest, self.schedule_digest, spec.id, source.file, source.line),
            *(spec.suspend, spec.prune.value, spec.follows),
        )
        object.__setattr__(self, "wanted", wanted)


@dataclass(frozen=True, slots=True)
class UnknownPath:
    """A file, or a folder with all that is below it, whose content is not (wholly) known now.

    ``text`` is what could be read of a broken file: a job that it mentions may have moved there. None: nothing could be
    read, so any job may have; of a folder whose files are read, and broken defaults alone leave unknown, it is empty.
    """

    path: str
    text: str | None = None

    def covers(self, file: str) -> bool:
        """Whether *file* is this file or lies below this folder; ``.`` is the jobs folder itself."""
        return self.path in {".", file} or file.startswith(f"{self.path}/")

    def mentions(self, job_id: str) -> bool:
        """Whether what could be read of it names this job."""
        return re.search(rf"(?<![\w.-]){re.escape(job_id)}(?![\w.-])", self.text or "") is not None


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
    follows: Follows = Follows.NOTHING
    """What starts it besides the clock: a job that runs after others has no slots."""


_MAKER = Maker(ObservedJob)


def job_of(values: Sequence[Any]) -> ObservedJob:
    """Return the job with these values, in the order of the fields."""
    return _MAKER.of(values)


def moved(job: ObservedJob, slot: datetime | None) -> ObservedJob:
    """Return *job* as it is when *slot* is its next one."""
    return _MAKER.changed(job, {"next_fire_at": slot})


@dataclass(frozen=True, slots=True)
class PruneGuard:
    """Removals beyond both limits wait for a person."""

    max_jobs: int = 10
    max_fraction: float = 0.5
    allow: bool = False
    """A person has said that all may be removed that the folder certainly has no more."""
    not_now: str | None = None
    """Why nothing is removed in this step, whatever a person has said."""

    def holds(self, removals: int, observed: int) -> bool:
        """Whether *removals* out of *observed* jobs are too many at once."""
        return not self.allow and removals > self.max_jobs and removals > observed * self.max_fraction


@dataclass(frozen=True, slots=True)
class Observed:
    """What the store holds, by job id."""

    jobs: Mapping[str, ObservedJob] = field(default_factory=dict)
