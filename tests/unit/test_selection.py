"""Which jobs are listed, in which order, and where a page goes on."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from schedsync.runs.pause import Pause
from schedsync.runs.run import Cause, RunState
from schedsync.runs.selection import RunFilter
from schedsync.status.selection import Found, JobFilter, Place, Sort, Wanted, choose
from schedsync.status.standing import Standing, standing
from schedsync.store.jobs import StoredJob
from tests.builders import HOUR, NOW, located, observed, run

PAUSE = Pause("*", "me", NOW - HOUR)


def job(job_id: str, *, pause: Pause | None = None, known: bool = True, hot: Any = None, **fields: Any) -> Standing:
    """How a job stands whose next slot is now; *hot* is what its row has."""
    there = located(id=job_id, **fields)
    stored = StoredJob(observed(job=there, **(hot or {})), there.spec if known else None, "r1")
    return standing(stored, {} if pause is None else {job_id: replace(pause, job_id=job_id)})


def ids(found: Found) -> list[str]:
    return [stored.observed.id for stored in found.jobs]


ERP = job("erp.dump", tags=["erp", "backup"], owner="dba", description="Dump the Schema", group="nightly")
WEB = job("web", tags=["erp-web"], owner="web-team", hot={"stale": True})
HELD = job("held", pause=PAUSE)
DONE = job("done", hot={"next_fire_at": None})
OFF = job("off", suspend=True)
UNREAD = job("unread", known=False)
JOBS = [ERP, WEB, HELD, DONE, OFF, UNREAD]

FILTERS: dict[str, tuple[JobFilter, list[Standing]]] = {
    "all": (JobFilter(), JOBS),
    "active": (JobFilter(state="active"), [ERP, WEB, UNREAD]),
    "paused": (JobFilter(state="paused"), [HELD]),
    "suspended": (JobFilter(state="suspended"), [OFF]),
    "finished": (JobFilter(state="finished"), [DONE]),
    "a whole tag": (JobFilter(tag="erp"), [ERP]),
    "an owner": (JobFilter(owner="dba"), [ERP]),
    "a group": (JobFilter(group="nightly"), [ERP]),
    "stale": (JobFilter(stale=True), [WEB]),
    "not stale": (JobFilter(stale=False), [ERP, HELD, DONE, OFF, UNREAD]),
    "part of an id": (JobFilter(q="REA"), [UNREAD]),
    "part of a description": (JobFilter(q="the schema"), [ERP]),
    "part of a tag": (JobFilter(q="ERP-"), [WEB]),
    "part of an owner": (JobFilter(q="-Team"), [WEB]),
    "several": (JobFilter(q="erp", state="active", stale=False), [ERP]),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_takes_what_it_says(name: str) -> None:
    chosen, expected = FILTERS[name]
    found = choose(Wanted(10, chosen), JOBS, {})
    assert sorted(ids(found)) == sorted(each.job.observed.id for each in expected)
    assert found.total == len(expected)


def slots(**moments: int) -> dict[str, datetime]:
    return {name: NOW + minute * timedelta(minutes=1) for name, minute in moments.items()}


TIMED = [
    *(job("b", hot={"next_fire_at": NOW + HOUR}), job("a", hot={"next_fire_at": NOW + HOUR})),
    *(job("c"), job("d", pause=PAUSE), job("e", suspend=True)),
]
ORDERS: dict[str, tuple[Sort, bool, list[str]]] = {
    "id": (Sort.ID, False, ["a", "b", "c", "d", "e"]),
    "-id": (Sort.ID, True, ["e", "d", "c", "b", "a"]),
    "next_fire_at": (Sort.NEXT_FIRE, False, ["c", "a", "b", "d", "e"]),
    "-next_fire_at": (Sort.NEXT_FIRE, True, ["b", "a", "c", "e", "d"]),
    "last_run_at": (Sort.LAST_RUN, False, ["d", "b", "a", "c", "e"]),
    "-last_run_at": (Sort.LAST_RUN, True, ["a", "b", "d", "e", "c"]),
    "state": (Sort.STATE, False, ["a", "b", "c", "d", "e"]),
    "-state": (Sort.STATE, True, ["e", "d", "c", "b", "a"]),
}
LAST = slots(d=1, b=2, a=3)


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_puts_jobs_without_such_a_time_last(name: str) -> None:
    sort, downwards, expected = ORDERS[name]
    assert ids(choose(Wanted(10, sort=sort, downwards=downwards), TIMED, LAST)) == expected


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_have_each_job_once_in_any_order(name: str, limit: int) -> None:
    sort, downwards, expected = ORDERS[name]
    seen: list[str] = []
    wanted = Wanted(limit, sort=sort, downwards=downwards)
    while True:
        found = choose(wanted, TIMED, LAST)
        seen += ids(found)
        assert found.total == len(TIMED)
        if found.more is None:
            break
        wanted = replace(wanted, behind=found.more)
    assert seen == expected


def test_a_page_goes_on_at_its_place_although_jobs_came_and_went() -> None:
    place = Place(missing=False, rank=2_000_000, job_id="b")
    wanted = Wanted(10, sort=Sort.LAST_RUN, behind=place)
    last = {name: datetime.fromtimestamp(second, NOW.tzinfo) for name, second in {"a": 1, "c": 2, "new": 3}.items()}
    assert ids(choose(wanted, [job("a"), job("c"), job("new")], last)) == ["c", "new"]


RUN = run(state=RunState.FAILED, cause=Cause.RETRY, node="n1", scheduled_at=NOW)
RUN_FILTERS = {
    "all": (RunFilter(), True),
    "its state": (RunFilter(state=RunState.FAILED), True),
    "another state": (RunFilter(state=RunState.LOST), False),
    "its cause": (RunFilter(cause=Cause.RETRY), True),
    "another cause": (RunFilter(cause=Cause.MANUAL), False),
    "its node": (RunFilter(node="n1"), True),
    "another node": (RunFilter(node="n"), False),
    "since then": (RunFilter(since=NOW), True),
    "since later": (RunFilter(since=NOW + HOUR), False),
    "until later": (RunFilter(until=NOW + HOUR), True),
    "until then": (RunFilter(until=NOW), False),
}


@pytest.mark.parametrize("name", RUN_FILTERS)
def test_a_run_is_taken_or_not(name: str) -> None:
    chosen, taken = RUN_FILTERS[name]
    assert chosen.takes(RUN) is taken
