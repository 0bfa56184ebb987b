"""How a job stood is kept while nothing but its rows has to do with it, and only for the rows it was made of."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schedsync.runs.pause import Pause
from schedsync.runs.run import RunState
from schedsync.status import standing as standings
from schedsync.status.standing import KeptStandings, Standing, standing
from schedsync.store.jobs import StoredJob
from schedsync.store.lists import ListedJob
from tests.builders import NOW, located, observed, run

HERE = located()
JOB = StoredJob(observed(job=HERE), HERE.spec, "r1")
ENDED = run(state=RunState.SUCCEEDED, started_at=NOW, finished_at=NOW)
LISTED = ListedJob(JOB.observed, ENDED)
STANDING = standing(JOB, {}, ENDED)
OWN, EVERY = Pause(JOB.observed.id, "me", NOW), Pause("*", "me", NOW)
NOT_KEPT: dict[str, Standing] = {
    "paused": replace(STANDING, pause=OWN),
    "all paused": replace(STANDING, every=EVERY),
    "spec unknown": replace(STANDING, job=replace(JOB, spec=None)),
    "may be overdue": replace(
        STANDING, job=replace(JOB, spec=HERE.spec.model_copy(update={"max_time_since_success": timedelta(days=1)}))
    ),
    "runs": replace(STANDING, last_run=replace(ENDED, state=RunState.RUNNING)),
}


def test_it_is_given_again_for_the_same_rows_only() -> None:
    kept = KeptStandings()
    assert kept.of([LISTED], {}) == [None]
    kept.keep(LISTED, STANDING)
    [again] = kept.of([LISTED], {})
    assert again is STANDING
    assert kept.of([ListedJob(LISTED.job, LISTED.last_run)], {}) == [None]


@pytest.mark.parametrize("pause", [OWN, EVERY], ids=["its own", "of all"])
def test_a_pause_that_begins_is_seen(pause: Pause) -> None:
    kept = KeptStandings()
    kept.keep(LISTED, STANDING)
    assert kept.of([LISTED], {pause.job_id: pause}) == [None]
    assert kept.of([LISTED], {"another": pause}) == [STANDING]


@pytest.mark.parametrize("name", NOT_KEPT)
def test_what_may_change_beside_the_rows_is_not_kept(name: str) -> None:
    kept = KeptStandings()
    kept.keep(LISTED, NOT_KEPT[name])
    assert kept.of([LISTED], {}) == [None]


def test_no_more_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standings, "MOST", 2)
    kept = KeptStandings()
    listed: list[Any] = [ListedJob(replace(JOB.observed, id=name), ENDED) for name in "abcde"]
    for each in listed:
        kept.keep(each, STANDING)
    assert len(kept._known) <= 2
