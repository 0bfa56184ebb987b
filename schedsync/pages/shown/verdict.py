"""Whether all is well: the sentence on top of the overview, and the word in the head of each page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schedsync.pages.shown.times import relative, short
from schedsync.pages.shown.wording import counted
from schedsync.specs.problem import Problem
from schedsync.status.views import PauseView, ProblemView, StatusView
from schedsync.status.vitals import Reading

_NAMED = 5
"""Of so many jobs that fail the names are told."""


class Level(StrEnum):
    """How bad it is. Each level has a colour and a shape."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is not as it should be."""

    level: Level
    short: str
    """A word or two, for the head of each page."""
    headline: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it is, and what there is to say about that."""

    level: Level
    headline: str
    detail: str = ""
    further: tuple[Complaint, ...] = ()


def of_instance(reading: Reading, now: datetime, tick_limit: timedelta) -> Iterator[Complaint]:
    """Yield what is wrong with this instance, the worst first; asks nothing.

    Args:
        reading: how its loops are.
        now: the time (UTC).
        tick_limit: the firing loop is stuck when its last tick is longer ago.
    """
    last = reading.last_tick_at
    if reading.stopping_since is not None:
        detail = "The service was told to stop; it starts nothing more and waits for what runs."
        yield Complaint(Level.WARNING, "stopping", "The service is stopping", detail)
        return
    if last is not None and now - last > tick_limit:
        detail = f"It went round last {relative(last, now)}. Look at the log of {reading.leader or 'this instance'}."
        yield Complaint(Level.BAD, "stuck", "The firing loop is stuck: nothing starts", detail)
    if reading.database_since is not None and not reading.database_ok:
        yield _of_database(reading, reading.database_since, now)
    elif last is None:
        yield Complaint(Level.WARNING, "starting", "The service is starting", "It has not looked for due jobs yet.")
    elif reading.leader is None:
        detail = "An instance takes the lead as soon as the lease of the one before has run out."
        yield Complaint(Level.BAD, "no leader", "No instance leads: nothing starts", detail)


def in_short(reading: Reading, now: datetime, tick_limit: timedelta) -> Complaint | None:
    """Return the worst that is known without asking, for the head of each page; None when all is well."""
    wrong = next(of_instance(reading, now, tick_limit), None)
    if wrong is None and reading.report is not None and reading.report.problems:
        return _of_folder(reading.report.problems)
    return wrong


def _of_database(reading: Reading, since: datetime, now: datetime) -> Complaint:
    error = f"{reading.database_error or 'It does not answer'} (since {short(since, now)} UTC)"
    if reading.database_away:
        return Complaint(Level.BAD, "database away", "The database is away: nothing new starts", error)
    return Complaint(Level.BAD, "database refuses", "The database cannot be used as it should be", error)


def of_service(status: StatusView, failing: Sequence[str], now: datetime) -> Iterator[Complaint]:
    """Yield what is wrong with the service as a whole, the worst first.

    Args:
        status: the service.
        failing: the jobs that did not succeed when they ran last.
        now: the time (UTC).
    """
    if status.paused is not None:
        yield Complaint(Level.WARNING, "paused", "Everything is paused", pause_in_words(status.paused, now))
    if status.problems:
        yield _of_folder(status.problems)
    removals = [held for held in status.held if held.window is None]
    if removals:
        headline = f"{counted(len(removals), 'removal')} held back"
        yield Complaint(Level.WARNING, headline, headline, "A person has to say that these jobs are to go.")
    if failing:
        yield _of_jobs(failing)
    if status.notices.failed:
        headline = f"{counted(status.notices.failed, 'notice')} could not be sent"
        yield Complaint(Level.WARNING, headline, headline, "`schedsync notify list --state failed` says why.")


def as_planned(status: StatusView, now: datetime) -> Iterator[Complaint]:
    """Yield what is as the settings want it, and may surprise all the same: blackouts, and what waits for a window."""
    for blackout in status.blackouts:
        ends = f"It ends {relative(blackout.until, now)}." if blackout.until else "No end of it is in sight."
        which = ", ".join([*blackout.jobs, *(f"tag {tag}" for tag in blackout.tags)]) or "all jobs"
        why = f" ({blackout.reason})" if blackout.reason else ""
        headline = f"Blackout {blackout.name}{why}"
        yield Complaint(Level.OK, "blackout", headline, f"Slots of {which} are skipped. {ends}")
    waiting = [held for held in status.held if held.window is not None]
    if waiting:
        waits = "waits" if len(waiting) == 1 else "wait"
        headline = f"{counted(len(waiting), 'change')} {waits} for a sync window"
        yield Complaint(Level.OK, headline, headline, "What is live goes on as it is.")


def _of_jobs(failing: Sequence[str]) -> Complaint:
    if len(failing) == 1:
        return Complaint(Level.WARNING, "1 job fails", f"{failing[0]} fails", "It did not succeed when it ran last.")
    headline = f"{len(failing):,} jobs fail"
    more = f" and {len(failing) - _NAMED:,} more" if len(failing) > _NAMED else ""
    detail = f"They did not succeed when they ran last: {', '.join(failing[:_NAMED])}{more}."
    return Complaint(Level.WARNING, headline, headline, detail)


def _of_folder(problems: Sequence[Problem | ProblemView]) -> Complaint:
    files = counted(len({problem.file for problem in problems}), "file")
    short = counted(len(problems), "problem")
    detail = "Jobs of these files run on as they were last right."
    return Complaint(Level.WARNING, short, f"{short} in {files}", detail)


def pause_in_words(pause: PauseView, now: datetime) -> str:
    """Return who paused, when, until when and why, in one line."""
    ends = f"ends {relative(pause.until, now)}" if pause.until else "until somebody resumes"
    why = f": {pause.reason}" if pause.reason else ""
    return f"by {pause.by}, {relative(pause.since, now)}, {ends}{why}"


def verdict(complaints: list[Complaint], status: StatusView) -> Verdict:
    """Return the worst of *complaints* as the headline, with the others behind it."""
    if all(complaint.level is Level.OK for complaint in complaints):
        return Verdict(Level.OK, "All is well", _at_ease(status), tuple(complaints))
    order = list(Level)
    worst, *others = sorted(complaints, key=lambda each: -order.index(each.level))
    return Verdict(worst.level, worst.headline, worst.detail, tuple(others))


def _at_ease(status: StatusView) -> str:
    counts = status.counts
    if not counts.jobs:
        return "There is no job yet: write a file into the jobs folder."
    waits = f", {counts.queued:,} waiting" if counts.queued else ""
    return f"{counted(counts.jobs, 'job')}, {counts.running:,} running{waits}."
