"""Circles among jobs: each of their jobs, the shortest way back, and no job besides."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from schedsync.specs.circles import circles
from tests.unit.specs.strategies import REPRODUCIBLE

names = st.sampled_from("abcdef")


@REPRODUCIBLE
@given(st.dictionaries(names, st.sets(names)))
def test_exactly_those_that_are_reached_from_themselves_are_named_with_a_way(upstreams: dict[str, set[str]]) -> None:
    found = circles(upstreams)
    for job_id in "abcdef":
        reached, last = set(upstreams.get(job_id, set())), None
        while reached != last:
            last, reached = reached, reached | {up for each in reached for up in upstreams.get(each, set())}
        assert (job_id in found) is (job_id in reached)
    for job_id, way in found.items():
        assert way[0] == way[-1] == job_id
        assert len(set(way)) == len(way) - 1
        assert all(before in upstreams[after] for before, after in pairwise(way))
