"""Blackouts: times in which slots are not run. They belong to the installation, as pauses belong to its operators."""

from dataclasses import dataclass, field
from datetime import datetime

from schedsync.runs.run import SkipReason
from schedsync.specs.windows import Chosen, Window


@dataclass(frozen=True, slots=True)
class Blackout:
    """One of them."""

    name: str
    window: Window
    jobs: Chosen = field(default_factory=Chosen)
    reason: str | None = None
    """Why, for people."""

    @property
    def said(self) -> str:
        """The reason of a slot that it skips: ``blackout year-end: books are closed``."""
        return f"{SkipReason.BLACKOUT} {self.name}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, slots=True)
class Blackouts:
    """Those of an installation, in the order of its settings."""

    each: tuple[Blackout, ...] = ()

    def concerning(self, job_id: str, tags: tuple[str, ...]) -> tuple[Blackout, ...]:
        """Return those that are about the job of this id with these tags, whenever they are."""
        return tuple(blackout for blackout in self.each if blackout.jobs.has(job_id, tags))

    def over(self, job_id: str, tags: tuple[str, ...], slot: datetime) -> Blackout | None:
        """Return what skips *slot* (UTC) of the job of this id with these tags; None: nothing does."""
        return covering(self.concerning(job_id, tags), slot)

    def in_force(self, now: datetime) -> tuple[Blackout, ...]:
        """Return those that *now* (UTC) lies in."""
        return tuple(blackout for blackout in self.each if blackout.window.covers(now))


NO_BLACKOUTS = Blackouts()


def covering(blackouts: tuple[Blackout, ...], slot: datetime) -> Blackout | None:
    """Return the first of *blackouts* that *slot* (UTC) lies in."""
    return next((blackout for blackout in blackouts if blackout.window.covers(slot)), None)
