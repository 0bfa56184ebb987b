"""What is remembered, and what a page of it is."""

from datetime import datetime, timedelta

import pytest

from schedsync.plan.state import Observed
from schedsync.runs.run import Run, RunState
from schedsync.status.mirror import RUNS, Mirror
from schedsync.status.selection import Place, Wanted, choose
from schedsync.status.standing import standing
from tests.builders import NOW, observed, run

IDS = [f"job.{number:02}" for number in range(25)]


@pytest.fixture
def mirror() -> Mirror:
    mirror = Mirror()
    mirror.see_jobs(Observed({job_id: observed(id=job_id) for job_id in reversed(IDS)}), NOW)
    return mirror


@pytest.mark.parametrize("downwards", [False, True])
@pytest.mark.parametrize("limit", [1, 7, 24, 25, 26])
def test_pages_by_id_are_those_of_a_look_at_all_jobs(mirror: Mirror, limit: int, *, downwards: bool) -> None:
    behind, seen = None, list[str]()
    while True:
        wanted = Wanted(limit, downwards=downwards, behind=behind)
        found = mirror.listed(wanted, {})
        every = [standing(job, {}) for job in mirror.jobs(after="", limit=len(IDS))]
        assert found == choose(wanted, every, {})
        seen += [job.observed.id for job in found.jobs]
        if found.more is None:
            break
        behind = found.more
    assert seen == sorted(IDS, reverse=downwards)


def test_a_page_begins_behind_a_job_that_is_gone(mirror: Mirror) -> None:
    behind = Place(missing=False, rank=0, job_id="job.03a")
    up, down = (mirror.listed(Wanted(1, downwards=way, behind=behind), {}) for way in (False, True))
    assert [job.observed.id for found in (up, down) for job in found.jobs] == ["job.04", "job.03"]


def succeeded(job_id: str, slot: datetime) -> Run:
    return run(job_id=job_id, scheduled_at=slot, state=RunState.SUCCEEDED)


def test_the_newest_runs_are_remembered_and_old_ones_push_nothing_out() -> None:
    mirror = Mirror()
    for number in range(2 * RUNS):
        mirror.learn_run(succeeded(f"job.{number}", NOW - timedelta(seconds=number)))
    before = mirror.runs(job_id=None, before=None, limit=RUNS)
    assert [each.job_id for each in before] == [f"job.{number}" for number in range(RUNS)]
    mirror.learn_runs(succeeded(f"old.{number}", NOW - timedelta(days=1)) for number in range(RUNS))
    assert mirror.runs(job_id=None, before=None, limit=RUNS) == before
    running = run(job_id="old.1", scheduled_at=NOW - timedelta(days=2), state=RunState.RUNNING)
    mirror.learn_run(running)
    assert mirror.run(running.id) == running, "one that goes on is worth more than those that have ended"
