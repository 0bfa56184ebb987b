"""Who runs after whom, over the whole folder: each job that is named has to be there, and none may follow itself."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from schedsync.plan.state import Located, Snapshot
from schedsync.specs.circles import circles
from schedsync.specs.problem import Problem
from schedsync.specs.wording import quoted

_Edges = dict[str, dict[str, str]]
"""Job -> each job that it runs after, by its id now -> the same as it is written."""


def may_exist(snapshot: Snapshot, live: Iterable[str]) -> Callable[[str], bool]:
    """Return what says whether there may be a job of an id: what is not known now is not absent.

    Args:
        snapshot: what the folder says.
        live: jobs that stay live although the folder does not have them, or not for certain.
    """
    there = {*snapshot.jobs, *live}
    blind = snapshot.unavailable is not None or any(not unknown.text for unknown in snapshot.unknown)

    def exists(job_id: str) -> bool:
        return blind or job_id in there or any(unknown.mentions(job_id) for unknown in snapshot.unknown)

    return exists


def following_problems(jobs: Mapping[str, Located], exists: Callable[[str], bool]) -> dict[str, list[Problem]]:
    """Return the mistakes in what the jobs run after, by job.

    Args:
        jobs: the jobs that are to be live, by id.
        exists: says whether there may be a job of an id that is not among them.
    """
    followers = {job_id: job for job_id, job in jobs.items() if job.spec.after}
    if not followers:
        return {}
    names = {job.spec.renamed_from: job_id for job_id, job in jobs.items() if job.spec.renamed_from}
    edges: _Edges = {}
    problems: dict[str, list[Problem]] = {}
    for job_id, job in followers.items():
        now = {(names.get(written, written) if written not in jobs else written): written for written in job.upstreams}
        edges[job_id] = {upstream: written for upstream, written in now.items() if upstream in followers}
        missing = [written for upstream, written in now.items() if upstream not in jobs and not exists(written)]
        if missing:
            problems[job_id] = [_missing(job, upstream, jobs) for upstream in missing]
    for job_id, circle in circles(edges).items():
        problems.setdefault(job_id, []).append(_circular(jobs[job_id], circle, edges[job_id][circle[-2]]))
    return problems


def _missing(job: Located, upstream: str, jobs: Mapping[str, Located]) -> Problem:
    near = get_close_matches(upstream, jobs, n=1)
    hint = f'did you mean "{near[0]}"?' if near else "write the id of a job in this folder"
    return _problem(job, upstream, f"after: no job has the id {quoted(upstream)}; {hint}", "the id of a job")


def _circular(job: Located, circle: list[str], written: str) -> Problem:
    drawn = " -> ".join(circle)
    message = f"after: {job.spec.id} would run after itself: {drawn}; take one of these steps out"
    return _problem(job, written, message, "a job that does not run after this one")


def _problem(job: Located, upstream: str, message: str, expected: str) -> Problem:
    line, column = job.upstreams[upstream]
    return Problem(job.source.file, line, column, message, job.spec.id, f"after.{upstream}", quoted(upstream), expected)
