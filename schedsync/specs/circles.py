"""Circles among jobs that run after one another."""

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter


def circles(upstreams: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Return the shortest way from each job that runs after itself back to it, in the order in which they would run.

    Args:
        upstreams: job -> the jobs that it runs after; those that run after none may be left out.
    """
    try:
        TopologicalSorter(upstreams).prepare()
        return {}
    except CycleError:  # it names one of them
        left = _peeled(upstreams)
    ways = {job_id: _way_back(job_id, left) for job_id in sorted(left)}
    return {job_id: way for job_id, way in ways.items() if way}


def _peeled(upstreams: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """Return the upstreams of each job, without those that no circle leads to."""
    left = {job_id: set(each) for job_id, each in upstreams.items()}
    while ends := [job_id for job_id, each in left.items() if not each & left.keys()]:
        for job_id in ends:
            del left[job_id]
    return {job_id: each & left.keys() for job_id, each in left.items()}


def _way_back(start: str, upstreams: Mapping[str, set[str]]) -> list[str]:
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:  # which grows meanwhile: the shorter ones come first
        for upstream in sorted(upstreams[way[0]] - seen):
            if upstream == start:
                return [start, *way]
            seen.add(upstream)
            ways.append([upstream, *way])
    return []
