"""The JSON of a job is made again when something about it is different, and only then."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from schedsync.runs.pause import Pause
from schedsync.runs.run import RunState
from schedsync.status import texts
from schedsync.status.standing import Standing
from schedsync.status.texts import JobTexts
from schedsync.status.views import JobsPage, Listing, standing_view
from schedsync.store.jobs import StoredJob
from tests.builders import HOUR, NOW, located, observed, run

HERE = located(description="grüße", tags=["a"])
JOB = StoredJob(observed(job=HERE), HERE.spec, "r1")
ENDED = run(state=RunState.SUCCEEDED, started_at=NOW, finished_at=NOW)
STANDING = Standing(JOB, last_run=ENDED)
OTHERS = {
    "next slot": replace(STANDING, job=replace(JOB, observed=replace(JOB.observed, next_fire_at=NOW + HOUR))),
    "spec": replace(STANDING, job=replace(JOB, spec=located(description="edited").spec)),
    "pause": replace(STANDING, pause=Pause("job", "me", NOW)),
    "pause of all": replace(STANDING, every=Pause("*", "me", NOW)),
    "last run": replace(STANDING, last_run=replace(ENDED, exit_code=3)),
    "overdue": replace(STANDING, overdue_since=NOW),
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Standing]:
    """What has been made into JSON."""
    told: list[Standing] = []

    def telling(standing: Standing, at: datetime) -> Any:
        told.append(standing)
        return standing_view(standing, at)

    monkeypatch.setattr(texts, "standing_view", telling)
    return told


def page(kept: JobTexts, *standings: Standing, cursor: str | None = None) -> Any:
    return json.loads(kept.page(Listing(list(standings), len(standings), None, NOW), cursor))


def test_a_page_is_what_the_model_says() -> None:
    shown = JobsPage(jobs=[standing_view(STANDING, NOW)], total=1, next_cursor='a"b')
    assert page(JobTexts(), STANDING, cursor='a"b') == shown.model_dump(mode="json", exclude={"as_of"})
    assert page(JobTexts()) == {"jobs": [], "total": 0, "next_cursor": None}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_different_is_made_again(made: list[Standing], name: str) -> None:
    kept = JobTexts()
    for standing in (STANDING, replace(STANDING), OTHERS[name], STANDING):
        assert page(kept, standing)["jobs"] == [standing_view(standing, NOW).model_dump(mode="json")]
    assert made == [STANDING, OTHERS[name], STANDING]


def test_a_run_that_lasts_may_become_late_and_is_not_kept(made: list[Standing]) -> None:
    lasting = replace(STANDING, last_run=replace(ENDED, state=RunState.RUNNING, late_at=NOW + timedelta(days=9)))
    kept = JobTexts()
    for _ in range(2):
        page(kept, lasting)
    assert made == [lasting] * 2


def test_no_more_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MOST", 2)
    kept = JobTexts()
    jobs = [replace(JOB, observed=replace(JOB.observed, id=name)) for name in "abcde"]
    assert [job["id"] for job in page(kept, *map(Standing, jobs))["jobs"]] == [*"abcde"]
    assert len(kept._texts) <= 2
