"""Jobs that say which they were: whose row gets its new id now, and whose files are wrong about it.

Pause, history and phase go with the row. So a job with ``renamed_from`` does not begin anew while the one that it was
is live, and does not take the place of another live job: either its row is renamed, or nothing changes and its file is
told why. What was written for a rename that is done may stay: a job that does not change asks for nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schedsync.plan.state import Located, Observed, ObservedJob, Snapshot
from schedsync.specs.circles import circles
from schedsync.specs.problem import Problem
from schedsync.specs.wording import quoted

_Live = Mapping[str, ObservedJob]


@dataclass(frozen=True, slots=True)
class Renames:
    """What becomes of the jobs that say which they were, and of those that are to run after them."""

    done: Mapping[str, str]
    """New id -> old id, where that is gone from the folder and wanted by nobody else."""
    refused: Mapping[str, Problem]
    """The jobs that do not become live as their files say, each with why."""


def settle_renames(desired: Mapping[str, Located], snapshot: Snapshot, observed: Observed) -> Renames:
    """Say which renames are done now, and which jobs have to wait.

    Args:
        desired: the jobs that are to be live, by id.
        snapshot: what the folder says.
        observed: what the store has.
    """
    live = observed.jobs
    were = {job_id: old for job_id, job in desired.items() if (old := job.spec.renamed_from) and old in live}
    done = _doable(were, snapshot, live)
    changing = {job_id for job_id in were if _changes(desired[job_id], live.get(job_id))}
    ways = circles({new: {old} for new, old in were.items() if old in were})
    refused: dict[str, Problem] = {}
    for job_id, old in sorted(were.items()):
        job, circle = desired[job_id], ways.get(job_id, [])
        if job_id not in live:
            if old in snapshot.jobs:
                refused[job_id] = _still_there(job, old, snapshot.jobs[old])
        elif not changing.isdisjoint(circle):
            refused[job_id] = _circular(job, old, circle)
        elif job_id in changing and old not in snapshot.jobs and old not in done.values():
            refused[job_id] = _both_live(job, old)
    refused |= _followers(desired, refused, live)
    return Renames({new: old for new, old in done.items() if new not in refused}, refused)


def _doable(were: Mapping[str, str], snapshot: Snapshot, live: _Live) -> dict[str, str]:
    """Return new id -> old id: of several jobs that were the same one, the first by id is it."""
    taken: dict[str, str] = {}
    for new in sorted(were.keys() - live.keys()):
        if were[new] not in snapshot.jobs:
            taken.setdefault(were[new], new)
    return {new: old for old, new in taken.items()}


def _changes(job: Located, before: ObservedJob | None) -> bool:
    # A job whose stored spec is lost has nothing to stay as: it is healed, which is no edit.
    return before is None or before.digest not in {"", job.digest}


def _followers(desired: Mapping[str, Located], refused: Mapping[str, Problem], live: _Live) -> dict[str, Problem]:
    """Return the jobs that change and are to run after refused ones: they would follow nothing, or another job."""
    if not refused:
        return {}
    found: dict[str, Problem] = {}
    for job_id, job in sorted(desired.items()):
        upstream = next((named for named in job.upstreams if named in refused), None)
        if upstream is not None and job_id not in refused and _changes(job, live.get(job_id)):
            found[job_id] = _follows(job, upstream)
    return found


def _still_there(job: Located, old: str, places: Iterable[Located]) -> Problem:
    there = " and ".join(f"{place.source.file}:{place.source.line}" for place in places)
    message = f"{quoted(old)} is still in {there}; remove it there, or renamed_from here"
    return _problem(job, old, message, "the id of a job that no file has any more")


def _both_live(job: Located, old: str) -> Problem:
    message = (
        f"{quoted(old)} cannot become {quoted(job.spec.id)}, which is a live job itself; first give that one another "
        f"id and apply, then rename {quoted(old)}; or remove renamed_from here, and {quoted(old)} is given up"
    )
    return _problem(job, old, message, "the id that a job had which is not live under its new one yet")


def _circular(job: Located, old: str, circle: list[str]) -> Problem:
    drawn = " -> ".join(circle)
    message = (
        f"jobs cannot change ids with each other in one step ({drawn}); first give one of them an id that is free and "
        "apply, then rename the others one after another"
    )
    return _problem(job, old, message, "the id that a job had which is not live under its new one yet")


def _problem(job: Located, old: str, message: str, expected: str) -> Problem:
    line, column = job.renamed_at or (job.source.line, 1)
    message = f"renamed_from: {message}"
    return Problem(job.source.file, line, column, message, job.spec.id, "renamed_from", quoted(old), expected)


def _follows(job: Located, upstream: str) -> Problem:
    line, column = job.upstreams[upstream]
    message = f"after: {quoted(upstream)} does not become live as its file says; set its renamed_from right first"
    field = f"after.{upstream}"
    return Problem(job.source.file, line, column, message, job.spec.id, field, quoted(upstream), "a job that is right")
