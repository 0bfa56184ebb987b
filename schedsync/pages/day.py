"""``/day``: what fires when, past and coming."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from flask import Blueprint, current_app, render_template
from pydantic import Field, PlainValidator

from schedsync.api.answers import remembered
from schedsync.api.backend import Backend, backend
from schedsync.api.parsing import Said, query_of
from schedsync.api.places import PATIENCE, BusyError
from schedsync.pages.shown.day import DayPicture, picture
from schedsync.specs.ids import check_id
from schedsync.specs.moments import FIRST_YEAR, LAST_YEAR
from schedsync.specs.wording import shown
from schedsync.status.day import FEW, STEP, Day, Outlook, Past, is_busy, matches, outlook, past, rows
from schedsync.status.knowledge import Knowledge
from schedsync.status.mirror import Mirror
from schedsync.store.jobs import StoredJob

blueprint = Blueprint("day", __name__)
LINES = 50
"""How many jobs a page shows."""
KEPT = timedelta(minutes=1)
"""How long it is known what a day holds: to compute it takes up to a second where there are 10,000 jobs."""
_DAYS = 8
"""Of how many days that is known at once."""
_BATCH = 500
_KEY = "schedsync-days"


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f'{shown(text)} is not a day; write it like "2026-11-24"') from None
    if not FIRST_YEAR <= found.year < LAST_YEAR:
        raise ValueError(f"the year {found.year} is out of reach; write one from {FIRST_YEAR} to {LAST_YEAR - 1}")
    return found


_Asked = Annotated[date | None, PlainValidator(_day)]


class DayQuery(Said):
    """Which day, and which jobs."""

    date: _Asked = None
    """None: today, in UTC."""
    q: Annotated[str, Field(max_length=200)] = ""
    """Part of an id, a description, a tag or an owner."""
    after: Annotated[str, PlainValidator(check_id)] = ""
    """The id behind which the page begins."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What a day holds, of all jobs."""

    jobs: dict[str, StoredJob]
    before: Past
    coming: Outlook


class Days:
    """What days hold, remembered for a minute. Safe to use from any thread; one asks, others wait a moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[date, Whole] = {}

    def get(self, day: Day, parts: Backend, known: Knowledge) -> Whole:
        """Return what *day* holds, as it was not longer than ``KEPT`` ago.

        Raises:
            BusyError: somebody has asked for a while, and goes on.
            DatabaseUnavailableError: the database does not answer.
        """
        now = parts.clock()
        found = self._remembered(day, now)
        if found is None and isinstance(known, Mirror):
            return _whole(day, parts, known, now)  # which waits for nobody
        return found or self._asked(day, parts, known, now)

    def _asked(self, day: Day, parts: Backend, known: Knowledge, now: datetime) -> Whole:
        if not self._lock.acquire(timeout=PATIENCE):
            raise BusyError
        try:
            found = self._remembered(day, now) or _whole(day, parts, known, now)
            others = {d: whole for d, whole in self._known.items() if abs(now - whole.coming.at) < KEPT}
            self._known = dict([*others.items(), (day.date, found)][-_DAYS:])
            return found
        finally:
            self._lock.release()

    def _remembered(self, day: Day, now: datetime) -> Whole | None:
        found = self._known.get(day.date)
        return found if found is not None and abs(now - found.coming.at) < KEPT else None


@blueprint.get("/day")
def show() -> str:
    """Show a day."""
    query = query_of(DayQuery)
    day = Day(query.date or backend().clock().astimezone(UTC).date())
    page = remembered(lambda known: _picture(known, day, query))
    return render_template("day.html", page=page, q=query.q, after=query.after)


def _picture(known: Knowledge, day: Day, query: DayQuery) -> DayPicture:
    parts = backend()
    whole, now = _days().get(day, parts, known), parts.clock()
    every = sorted({*whole.before.by_job, *whole.coming.slots})
    wanted = [job_id for job_id in every if matches(job_id, whole.jobs.get(job_id), query.q)]
    behind = [job_id for job_id in wanted if job_id > query.after]
    shown_ids, counts = behind[:LINES], whole.before.by_job
    busy = [job_id for job_id in shown_ids if is_busy(counts.get(job_id, {}))]
    few = [job_id for job_id in shown_ids if job_id in counts and job_id not in busy]
    runs = known.runs_within(few, day.span, 2 * FEW * LINES) if few else []
    tallies = known.tallies_of(busy, day.span, STEP) if busy else []
    found = rows(shown_ids, whole.before, whole.coming, runs=runs, tallies=tallies, now=now)
    next_id = shown_ids[-1] if len(behind) > LINES else None
    return picture(day, now, whole.before, whole.coming, found, total=len(wanted), next_id=next_id)


def _whole(day: Day, parts: Backend, known: Knowledge, now: datetime) -> Whole:
    jobs = {job.observed.id: job for job in _jobs(parts, known)}
    unread = [job_id for job_id, job in jobs.items() if job.spec is None][:_BATCH]
    specs = known.specs(unread) if unread else {}
    jobs |= {job_id: replace(jobs[job_id], spec=spec) for job_id, spec in specs.items()}
    counted = known.tallies(day.span, STEP) if day.start <= now else []
    return Whole(jobs, past(counted, day), outlook(jobs.values(), known.pauses(now), day, now))


def _jobs(parts: Backend, known: Knowledge) -> Iterator[StoredJob]:
    """Yield all jobs: from memory, where they are as a rule; to read the specs of 10,000 takes seconds."""
    source = known if parts.mirror.as_of is None else parts.mirror
    after: str | None = ""
    while after is not None:
        page = source.jobs(after=after, limit=_BATCH)
        yield from page
        after = page[-1].observed.id if len(page) == _BATCH else None


def _days() -> Days:
    found: Days = current_app.extensions.setdefault(_KEY, Days())
    return found
