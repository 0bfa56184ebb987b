"""A plan: a value that can be printed, counted, compared, and applied."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schedsync.plan.state import Located, ObservedJob
from schedsync.specs.problem import Problem


@dataclass(frozen=True, slots=True)
class Add:
    """A job that the store does not have."""

    job: Located
    next_fire_at: datetime | None
    anchor_at: datetime


@dataclass(frozen=True, slots=True)
class Update:
    """A job whose row has to change; its history, pause and phase stay.

    With a new id (``renamed_from``) the old row is renamed.
    """

    job: Located
    before: ObservedJob
    next_fire_at: datetime | None

    @property
    def reschedules(self) -> bool:
        """Whether the next fire time is set anew; otherwise it must not be written at all."""
        return self.job.schedule_digest != self.before.schedule_digest or self.next_fire_at != self.before.next_fire_at

    @property
    def renames(self) -> bool:
        """Whether the id changes."""
        return self.job.spec.id != self.before.id

    @property
    def changes_spec(self) -> bool:
        """Whether more than the place or a mark changes."""
        return self.renames or self.job.digest != self.before.digest

    @property
    def moves(self) -> bool:
        """Whether only the place changes: another file, or another line of it."""
        return not self.changes_spec and self.job.source != self.before.source

    @property
    def heals(self) -> bool:
        """Whether only marks change: the row was stale, or another hand had changed it."""
        return not self.changes_spec and not self.moves


@dataclass(frozen=True, slots=True)
class Remove:
    """A job that no file has any more."""

    before: ObservedJob


@dataclass(frozen=True, slots=True)
class Hold:
    """A removal that waits for a person, or for the folder to be readable."""

    before: ObservedJob
    why: str


class Change(StrEnum):
    """What is done to a job, as a noun."""

    ADDITION = "addition"
    UPDATE = "update"
    RENAMING = "renaming"
    REMOVAL = "removal"


@dataclass(frozen=True, slots=True)
class Wait:
    """A change that waits for a sync window."""

    job_id: str
    """The id that is live now; of an addition the one that is to be."""
    file: str
    """Where the job is written; of a removal where it was."""
    change: Change
    window: str
    """The name of the window that denies it, or that it waits for."""
    why: str


@dataclass(frozen=True, slots=True)
class Keep:
    """A job whose file says nothing valid now: it runs on from its last good spec, marked stale."""

    before: ObservedJob


MOST_NAMED = 200
"""How many ids of each kind a ``Changed`` has at most: it is kept with each step, and a plan may be for everything."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The ids of the jobs that a plan changes, by kind; of each kind the first ``MOST_NAMED``."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    """The old id and the new one."""
    removed: tuple[str, ...] = ()
    truncated: bool = False
    """Whether there were more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would make the store equal the folder. Within a kind by job id; applied in the order of the fields."""

    add: tuple[Add, ...] = ()
    update: tuple[Update, ...] = ()
    keep: tuple[Keep, ...] = ()
    remove: tuple[Remove, ...] = ()
    hold: tuple[Hold, ...] = ()
    wait: tuple[Wait, ...] = ()
    unchanged: int = 0
    problems: tuple[Problem, ...] = ()
    revision: str = ""

    @property
    def writes(self) -> bool:
        """Whether applying it changes a row."""
        return bool(self.add or self.update or self.remove or any(not keep.before.stale for keep in self.keep))

    @property
    def complete(self) -> bool:
        """Whether all that the folder says becomes live: nothing is broken and nothing is held."""
        return not (self.problems or self.hold or self.wait or self.keep)

    def counts(self) -> dict[str, int]:
        """Return how many jobs each kind of change concerns."""
        renamed = sum(update.renames for update in self.update)
        return {
            "added": len(self.add),
            "updated": sum(update.changes_spec for update in self.update) - renamed,
            "renamed": renamed,
            "moved": sum(update.moves for update in self.update),
            "healed": sum(update.heals for update in self.update),
            "removed": len(self.remove),
            "held": len(self.hold) + len(self.wait),
            "stale": len(self.keep),
            "unchanged": self.unchanged,
        }

    def changed(self) -> Changed:
        """Return which jobs it changes: as ``counts`` has them, without those that only move or heal."""
        added = [add.job.spec.id for add in self.add]
        updated = [update.before.id for update in self.update if update.changes_spec and not update.renames]
        renamed = [(update.before.id, update.job.spec.id) for update in self.update if update.renames]
        removed = [removal.before.id for removal in self.remove]
        return Changed(
            tuple(added[:MOST_NAMED]),
            tuple(updated[:MOST_NAMED]),
            tuple(renamed[:MOST_NAMED]),
            tuple(removed[:MOST_NAMED]),
            truncated=max(len(added), len(updated), len(renamed), len(removed)) > MOST_NAMED,
        )
