"""A page of jobs with what lists show beside them: their newest runs, and the pauses.

SQLite is asked once for all of it, and tells it in lines, a job in each. While a line is as it was, so is what it
means, and nobody looks into it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Integer, Select, String, bindparam, func, select

from schedsync.plan.state import ObservedJob
from schedsync.runs.pause import Pause
from schedsync.runs.run import Run, RunState
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.fetching import BREAK, Prepared, gives_one_by_one, in_one_text
from schedsync.store.history import last_of
from schedsync.store.kept import Kept
from schedsync.store.overview import TOTAL, overview
from schedsync.store.pauses import every_pause

MOST_LINES = 20_000
"""How many lines are kept as they were seen last; when there are more, all are forgotten and looked into again."""
_jobs, _runs = tables.jobs.c, tables.runs.c
_RAN = _runs.state != RunState.SKIPPED


@dataclass(frozen=True, slots=True, eq=False)
class ListedJob:
    """A live job as a list shows it. While nothing about it has changed it is the same object."""

    job: ObservedJob
    last_run: Run | None
    """Its newest run that was not skipped."""


@dataclass(frozen=True, slots=True)
class ListedJobs:
    """Live jobs by id, as they stood at one moment where the database lets a transaction see one."""

    jobs: Sequence[ListedJob]
    total: int
    """How many live jobs there are."""
    pauses: Sequence[Pause]
    """All of them, also those that have run out."""


class ListTable:
    """What lists show of jobs. Each method is one transaction and may raise DatabaseUnavailableError."""

    def __init__(self, database: Database, jobs: Kept[ObservedJob], runs: Kept[Run], pauses: Kept[Pause]) -> None:
        """Share what rows mean with the tables of jobs, runs and pauses."""
        self._database, self._jobs, self._runs, self._pauses = database, jobs, runs, pauses
        self._questions: dict[str, Prepared] = {}
        self._known: dict[str, tuple[str | None, ListedJob]] = {}
        """By the beginning of the line, which is the id; what is told without lines has none."""

    def page(self, *, behind: str | None, limit: int, downwards: bool) -> ListedJobs:
        """Return live jobs by id.

        Args:
            behind: the id after which they begin; None: with the first one.
            limit: how many at most.
            downwards: whether the last id comes first, so that *behind* means before it.
        """
        with self._database.read() as connection:
            if gives_one_by_one(connection):
                return self._in_lines(connection, behind, limit, downwards)
            seen = overview(connection, self._jobs, behind=behind, limit=limit, downwards=downwards)
            last = last_of(connection, self._runs, [job.id for job in seen.jobs])
            jobs = [self._as_before(job, last.get(job.id)) for job in seen.jobs]
            return ListedJobs(jobs, seen.total, every_pause(connection, self._pauses))

    def some(self, job_ids: Sequence[str]) -> ListedJobs:
        """Return those of these jobs that are live, as ``page`` does: none of them is looked into there once more.

        Where the database is not in this process that is no use: nothing is asked, and none are returned.
        """
        if not self._database.is_here:
            return ListedJobs([], 0, [])
        with self._database.read() as connection:
            given = {"ids": json.dumps(job_ids)}
            return self._told(self._asked(connection.dialect, "some").rows(connection, given)[0])

    def _in_lines(self, connection: Connection, behind: str | None, limit: int, downwards: bool) -> ListedJobs:  # noqa: FBT001 - as it is asked for
        kind = ("" if behind is None else "behind ") + ("down" if downwards else "up")
        asked = self._asked(connection.dialect, kind)
        return self._told(asked.rows(connection, {"behind": behind, "most": limit})[0])

    def _told(self, row: Sequence[Any]) -> ListedJobs:
        """Return what the answer to a question means."""
        lines, total, pauses = row
        # A slot that was tried again has a line for each attempt, and the last one counts.
        by_job = {line.partition(",")[0]: line for line in lines.split(BREAK)} if lines else {}
        jobs = [self._listed(place, line) for place, line in by_job.items()]
        return ListedJobs(jobs, total, [self._pauses.value(row[0], tuple(row)) for row in json.loads(pauses)])

    def _asked(self, dialect: Dialect, kind: str) -> Prepared:
        """Return the question, which is put together once: SQLAlchemy takes longer for that than SQLite to answer."""
        if kind not in self._questions:
            page = _PAGES[kind](select(*self._jobs.columns))
            columns = self._runs.columns, self._pauses.columns
            self._questions[kind] = Prepared(_question(page, *columns, downwards=kind.endswith("down")), dialect)
        return self._questions[kind]

    def _listed(self, place: str, line: str) -> ListedJob:
        known = self._known.get(place)
        if known is not None and known[0] == line:
            return known[1]
        row, width = json.loads(line), len(self._jobs.columns)
        run = row[width:]
        # The run is kept with the line: by its own id it would be kept until thousands of others have followed it.
        listed = ListedJob(self._jobs.value(row[0], row), None if run[0] is None else self._runs.fresh(run))
        return self._keep(place, line, listed)

    def _as_before(self, job: ObservedJob, last_run: Run | None) -> ListedJob:
        known = self._known.get(job.id)
        if known is not None and known[1].job is job and known[1].last_run is last_run:
            return known[1]
        return self._keep(job.id, None, ListedJob(job, last_run))

    def _keep(self, place: str, line: str | None, listed: ListedJob) -> ListedJob:
        if len(self._known) >= MOST_LINES:
            self._known.clear()
        self._known[place] = line, listed
        return listed


Columns = tuple[ColumnElement[Any], ...]


def _up(jobs: Select[Any]) -> Select[Any]:
    return jobs.order_by(_jobs.id).limit(bindparam("most", type_=Integer))


def _down(jobs: Select[Any]) -> Select[Any]:
    return jobs.order_by(_jobs.id.desc()).limit(bindparam("most", type_=Integer))


def _some(jobs: Select[Any]) -> Select[Any]:
    ids = func.json_each(bindparam("ids", type_=String)).table_valued("value")
    return jobs.where(_jobs.id.in_(select(ids.c.value)))


_PLACE = bindparam("behind", type_=_jobs.id.type)
_PAGES: Mapping[str, Callable[[Select[Any]], Select[Any]]] = {
    "up": _up,
    "down": _down,
    "behind up": lambda jobs: _up(jobs.where(_jobs.id > _PLACE)),
    "behind down": lambda jobs: _down(jobs.where(_jobs.id < _PLACE)),
    "some": _some,
}
"""What makes of a question for all jobs one for a page."""


def _question(page: Select[Any], runs: Columns, pauses: Columns, *, downwards: bool) -> Select[Any]:
    """Return the question whose one row holds a line for each job, the number of all jobs, and all pauses as JSON."""
    each = page.subquery("page")
    slot = select(func.max(_runs.scheduled_at)).where(_runs.job_id == each.c.id, _RAN).scalar_subquery()
    placed = select(*each.c, slot.label("slot")).subquery("placed")
    its_slot = (_runs.job_id == placed.c.id) & (_runs.scheduled_at == placed.c.slot) & _RAN
    line = func.json_array(*list(placed.c)[:-1], *runs).label("line")
    order = placed.c.id.desc() if downwards else placed.c.id
    lines = select(line).select_from(placed.outerjoin(tables.runs, its_slot)).order_by(order, _runs.attempt).subquery()
    return select(
        func.group_concat(lines.c.line, BREAK), TOTAL, in_one_text(select(*pauses)).scalar_subquery().label("pauses")
    )
