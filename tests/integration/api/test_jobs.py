"""Jobs as the API shows them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from schedsync.runs.run import RunState
from tests.builders import located
from tests.integration.api.conftest import Installation, problem

Ask = Callable[..., Any]


def test_a_job_is_shown_with_its_place_its_next_fire_time_and_its_whole_spec(here: Installation, get: Ask) -> None:
    here.apply(located(id="backup", description="Nightly", tags=["db"], owner="ops", timeout="5m"))
    job = get("/api/jobs/backup")
    spec, slots = job.pop("spec"), job.pop("next_slots")
    assert job == {
        "id": "backup",
        "description": "Nightly",
        "tags": ["db"],
        "owner": "ops",
        "state": "active",
        "schedule": "every 1h",
        "next_fire_at": "2026-11-24T03:00:00Z",
        "at_boot": False,
        "source": {"file": "backup.yaml", "line": 1},
        "revision": "r1",
        "stale": False,
        "pause": None,
        "overdue_since": None,
        "last_run": None,
    }
    assert spec["timeout"] == "5m"
    assert spec["overlap"] == "skip"
    assert slots[:2] == ["2026-11-24T03:00:00Z", "2026-11-24T04:00:00Z"]


def test_a_job_that_does_not_succeed_for_too_long_says_since_when(here: Installation, get: Ask) -> None:
    here.apply(located(id="a", max_time_since_success="1d"), located(id="b", max_time_since_success="1d"))
    here.store.notices.raise_overdue("a", here.clock.now, ())
    assert [job["overdue_since"] for job in get("/api/jobs")["jobs"]] == ["2026-11-24T02:00:00Z", None]
    assert get("/api/jobs/a")["overdue_since"] == "2026-11-24T02:00:00Z"


def test_a_list_shows_jobs_by_id_without_their_specs(here: Installation, get: Ask) -> None:
    here.apply(located(id="b"), located(id="a"))
    answer = get("/api/jobs")
    assert [job["id"] for job in answer["jobs"]] == ["a", "b"]
    assert "spec" not in answer["jobs"][0]
    assert answer["next_cursor"] is None


def test_fields_come_in_the_order_of_the_reference(here: Installation, client: FlaskClient) -> None:
    here.apply(located(id="a"))
    assert list(client.get("/api/jobs/a").json or {})[:4] == ["id", "description", "tags", "owner"]


def test_a_job_shows_its_last_run_that_was_not_skipped(here: Installation, get: Ask) -> None:
    here.apply(located(id="a"))
    ran = here.end(here.claim("a"), exit_code=3)
    here.clock.forward(hours=1)
    here.claim("a", state=RunState.SKIPPED)
    last = get("/api/jobs/a")["last_run"]
    assert (last["id"], last["state"], last["exit_code"]) == (ran.id, "failed", 3)
    assert get("/api/jobs")["jobs"][0]["last_run"] == last


def test_pages_of_250_jobs_have_each_job_once(here: Installation, client: FlaskClient) -> None:
    ids = [f"job-{number:03}" for number in range(250)]
    here.apply(*(located(id=job_id) for job_id in ids))
    seen, sizes, cursor = [], [], ""
    while True:
        answer = client.get("/api/jobs", query_string={"cursor": cursor} if cursor else {}).json or {}
        seen += [job["id"] for job in answer["jobs"]]
        sizes.append(len(answer["jobs"]))
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == ids
    assert sizes == [100, 100, 50]


def test_a_page_goes_on_where_the_one_before_ended_although_its_last_job_is_gone(here: Installation, get: Ask) -> None:
    here.apply(*(located(id=job_id) for job_id in "abcd"))
    cursor = get("/api/jobs?limit=2")["next_cursor"]
    here.apply(*(located(id=job_id) for job_id in "acd"))
    assert [job["id"] for job in get(f"/api/jobs?limit=2&cursor={cursor}")["jobs"]] == ["c", "d"]


def test_a_page_that_ends_with_the_last_job_has_no_next_one(here: Installation, get: Ask) -> None:
    here.apply(located(id="a"), located(id="b"))
    assert get("/api/jobs?limit=2")["next_cursor"] is None


def test_a_suspended_job_does_not_fire(here: Installation, get: Ask) -> None:
    here.apply(located(id="a", suspend=True))
    job = get("/api/jobs/a")
    assert (job["state"], job["next_fire_at"], job["pause"]) == ("suspended", None, None)


def test_a_job_without_slots_left_is_finished(here: Installation, get: Ask) -> None:
    here.apply(located(id="a", schedule={"at": "2026-01-01T00:00:00Z"}))
    job = get("/api/jobs/a")
    assert (job["state"], job["next_fire_at"]) == ("finished", None)


def test_a_stored_spec_that_cannot_be_read_hides_nothing_else(here: Installation, get: Ask) -> None:
    here.apply(located(id="a"))
    with here.store.database.write() as connection:
        connection.execute(text("UPDATE schedsync_specs SET spec_text = '{}'"))
    job = get("/api/jobs/a")
    assert (job["id"], job["state"], job["spec"]) == ("a", "active", None)


@pytest.mark.parametrize("job_id", ["none", "-", "a%00b", "x" * 201, "gr%C3%B6%C3%9Fe"])
def test_a_job_that_is_not_there_is_named(client: FlaskClient, job_id: str) -> None:
    response = client.get(f"/api/jobs/{job_id}")
    assert 'no job has the id "' in problem(response, 404)["detail"]


def test_an_edit_does_not_end_a_pause(here: Installation, get: Ask, post: Ask) -> None:
    here.apply(located(id="a"))
    post("/api/jobs/a/pause", reason="storage is being moved")
    here.apply(located(id="a", description="edited", schedule={"every": "2h"}))
    job = get("/api/jobs/a")
    assert (job["description"], job["state"], job["pause"]["reason"]) == ("edited", "paused", "storage is being moved")


def test_a_paused_job_says_who_why_since_when_and_until_when(here: Installation, post: Ask) -> None:
    here.apply(located(id="a"))
    job = post("/api/jobs/a/pause", reason="storage is being moved", until="2026-11-24T05:30:00+01:00")
    assert job["state"] == "paused"
    assert job["pause"] == {
        "by": "api:127.0.0.1",
        "reason": "storage is being moved",
        "until": "2026-11-24T04:30:00Z",
        "since": "2026-11-24T02:00:00Z",
    }
    assert "spec" in job


def test_a_paused_job_fires_next_after_its_pause(here: Installation, post: Ask) -> None:
    here.apply(located(id="a"))
    assert post("/api/jobs/a/pause", until="2026-11-24T04:30:00Z")["next_fire_at"] == "2026-11-24T05:00:00Z"


def test_a_slot_at_the_end_of_a_pause_fires(here: Installation, post: Ask) -> None:
    here.apply(located(id="a"))
    assert post("/api/jobs/a/pause", until="2026-11-24T05:00:00Z")["next_fire_at"] == "2026-11-24T05:00:00Z"


def test_a_job_that_is_paused_without_end_does_not_fire(here: Installation, post: Ask) -> None:
    here.apply(located(id="a"))
    job = post("/api/jobs/a/pause")
    assert (job["next_fire_at"], job["pause"]["until"], job["pause"]["reason"]) == (None, None, None)


ENDLESS: list[dict[str, Any]] = [
    {"every": "1h"},
    {"cron": "0 0 * * *"},
    {"cron": "@daily", "jitter": "1h"},
    {"calendar": {"days": 1}, "timezone": "America/New_York"},
    {"cron": "0 0 * * *", "only": {"weekdays": ["mon"]}, "shift": "next", "timezone": "Pacific/Kiritimati"},
]


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999Z"])
@pytest.mark.parametrize("schedule", ENDLESS)
def test_a_pause_may_last_as_long_as_there_are_years(
    here: Installation, post: Ask, schedule: dict[str, str], until: str
) -> None:
    here.apply(located(id="a", schedule=schedule))
    job = post("/api/jobs/a/pause", until=until)
    assert (job["state"], job["next_fire_at"]) == ("paused", None)


def test_until_may_be_a_duration_from_now(here: Installation, post: Ask) -> None:
    here.apply(located(id="a"))
    assert post("/api/jobs/a/pause", until="1h30m")["pause"]["until"] == "2026-11-24T03:30:00Z"


def test_pausing_again_replaces_reason_and_end_and_keeps_since_when(here: Installation, post: Ask) -> None:
    here.apply(located(id="a"))
    post("/api/jobs/a/pause", reason="first", until="2h")
    here.clock.forward(minutes=5)
    pause = post("/api/jobs/a/pause", reason="second")["pause"]
    assert (pause["reason"], pause["until"], pause["since"]) == ("second", None, "2026-11-24T02:00:00Z")


def test_a_pause_that_has_ended_is_not_shown_and_the_next_one_begins_anew(
    here: Installation, get: Ask, post: Ask
) -> None:
    here.apply(located(id="a"))
    post("/api/jobs/a/pause", until="10m")
    here.clock.forward(minutes=10)
    assert (get("/api/jobs/a")["state"], get("/api/jobs/a")["pause"]) == ("active", None)
    assert post("/api/jobs/a/pause")["pause"]["since"] == "2026-11-24T02:10:00Z"


def test_resuming_makes_a_job_active_and_may_be_repeated(here: Installation, post: Ask) -> None:
    here.apply(located(id="a"))
    post("/api/jobs/a/pause")
    for _ in range(2):
        job = post("/api/jobs/a/resume", reason="done")
        assert (job["state"], job["pause"], job["next_fire_at"]) == ("active", None, "2026-11-24T03:00:00Z")


def test_pause_and_resume_need_no_body(here: Installation, client: FlaskClient) -> None:
    here.apply(located(id="a"))
    assert client.post("/api/jobs/a/pause").json["state"] == "paused"  # type: ignore[index] # it is an object
    assert client.post("/api/jobs/a/resume").json["state"] == "active"  # type: ignore[index] # likewise


@pytest.mark.parametrize("wish", ["pause", "resume"])
def test_a_job_that_is_not_there_can_be_neither_paused_nor_resumed(client: FlaskClient, wish: str) -> None:
    assert problem(client.post(f"/api/jobs/none/{wish}"), 404)["job_id"] == "none"


def test_a_pause_in_the_past_is_refused_and_changes_nothing(here: Installation, client: FlaskClient, get: Ask) -> None:
    here.apply(located(id="a"))
    for until in ("2026-11-24T01:59:59Z", "2026-11-24T02:00:00Z", "0s"):
        detail = problem(client.post("/api/jobs/a/pause", json={"until": until}), 400)["detail"]
        assert "until (2026-11-24T0" in detail
        assert "must be in the future" in detail
    assert get("/api/jobs/a")["pause"] is None


def test_a_pause_of_everything_is_shown_on_each_job(here: Installation, get: Ask, post: Ask) -> None:
    here.apply(located(id="a"), located(id="b", suspend=True))
    post("/api/pause", reason="night shift", until="2h")
    for job in get("/api/jobs")["jobs"]:
        assert (job["state"], job["pause"]["reason"]) == ("paused", "night shift")
    assert get("/api/jobs/a")["next_fire_at"] == "2026-11-24T04:00:00Z"
    assert get("/api/jobs/b")["next_fire_at"] is None


def test_a_job_that_is_paused_twice_fires_after_the_later_end(here: Installation, get: Ask, post: Ask) -> None:
    here.apply(located(id="a"))
    post("/api/pause", until="4h30m")
    post("/api/jobs/a/pause", until="2h", reason="its own")
    job = get("/api/jobs/a")
    assert (job["pause"]["reason"], job["next_fire_at"]) == ("its own", "2026-11-24T07:00:00Z")


def test_resuming_everything_leaves_a_job_paused_that_is_paused_itself(here: Installation, get: Ask, post: Ask) -> None:
    here.apply(located(id="a"), located(id="b"))
    post("/api/pause")
    post("/api/jobs/a/pause")
    post("/api/resume")
    assert [job["state"] for job in get("/api/jobs")["jobs"]] == ["paused", "active"]


def test_a_late_slot_is_shown_as_the_next_one(here: Installation, get: Ask) -> None:
    here.apply(located(id="a"))
    slot = here.clock.now + timedelta(hours=1)
    here.clock.forward(hours=1, seconds=1)
    assert get("/api/jobs/a")["next_fire_at"] == f"{slot:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("more", [{}, {"suspend": True}], ids=["active", "suspended"])
def test_a_single_job_shows_its_next_slots_also_while_it_is_paused(
    here: Installation, get: Ask, post: Ask, more: dict[str, Any]
) -> None:
    here.apply(located(id="a", schedule={"cron": "30 * * * *"}, **more))
    expected = [f"2026-11-24T{hour:02}:30:00Z" for hour in range(2, 12)]
    assert get("/api/jobs/a")["next_slots"] == expected
    assert post("/api/jobs/a/pause")["next_slots"] == expected


def test_a_job_without_a_schedule_has_no_next_slots(here: Installation, get: Ask) -> None:
    here.apply(located(id="a"), located(id="b", schedule=(), after={"a": "any"}))
    assert get("/api/jobs/b")["next_slots"] == []
