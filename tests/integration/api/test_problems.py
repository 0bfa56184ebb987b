"""Mistakes and failures as the API answers them."""

import json
import logging
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from schedsync.api.app import create_app
from schedsync.api.problems import PLAIN, Kind
from schedsync.control import Control
from schedsync.runs.outcome import Output
from schedsync.store.store import Store
from tests.builders import located
from tests.integration.api.conftest import Installation, problem

GETS = (
    "/api",
    "/health",
    "/ready",
    "/openapi.json",
    "/metrics",
    "/api/status",
    "/api/jobs",
    "/api/jobs/a",
    "/api/jobs/a/runs",
    "/api/runs",
    "/api/queue",
    "/api/syncs",
    "/api/audit",
)
POSTS = (
    *("/api/jobs/a/pause", "/api/jobs/a/resume", "/api/jobs/a/run"),
    *("/api/pause", "/api/resume", "/api/sync"),
)
WRITES = ("/api/schedule-job", "/api/remove-job/a")
"""Those are tried in test_files."""
FORMS = ("/login", "/logout")
"""What browsers send, not clients of the API; see test_login.py."""
WRITES = ("/api/schedule-job", "/api/remove-job/a")
"""Those are tried in test_files."""
FROM_THE_DATABASE = [path for path in GETS if path.startswith("/api/")]


@pytest.fixture
def client(here: Installation) -> FlaskClient:
    here.apply(located(id="a"))
    here.vitals.ticked(here.clock.now, leading=True, leader="here")
    here.vitals.database(here.clock.now, error=None)
    return here.client()


def _mistake(document: dict[str, Any]) -> dict[str, str]:
    (mistake,) = document["errors"]
    assert set(mistake) == {"field", "found", "message"}
    assert mistake["field"] in document["detail"]
    assert mistake["message"] in document["detail"]
    return dict(mistake)


def test_every_route_is_covered_here(here: Installation) -> None:
    shapes = {rule.rule.replace("<job_id>", "a") for rule in create_app(here.backend).url_map.iter_rules()}
    assert {shape for shape in shapes if "<run_id>" not in shape} == {*GETS, *POSTS, *FORMS, *WRITES}


@pytest.mark.parametrize("path", GETS)
def test_an_unknown_query_parameter_is_refused(client: FlaskClient, path: str) -> None:
    assert _mistake(problem(client.get(f"{path}?surplus=1"), 400))["field"] == "surplus"


@pytest.mark.parametrize("path", POSTS)
def test_an_unknown_query_parameter_of_a_wish_is_refused_and_nothing_is_done(
    here: Installation, client: FlaskClient, path: str
) -> None:
    problem(client.post(f"{path}?reason=x"), 400)
    assert not here.woken
    assert not here.store.pauses.in_force(here.clock.now)


@pytest.mark.parametrize("path", POSTS)
def test_an_unknown_field_of_a_body_is_refused_and_nothing_is_done(
    here: Installation, client: FlaskClient, path: str
) -> None:
    assert _mistake(problem(client.post(path, json={"surplus": 1}), 400))["field"] == "surplus"
    assert not here.woken
    assert not here.store.pauses.in_force(here.clock.now)


def test_a_misspelt_name_is_answered_with_the_right_one(client: FlaskClient) -> None:
    assert 'did you mean "until"?' in problem(client.post("/api/pause", json={"untl": "2h"}), 400)["detail"]
    assert 'did you mean "limit"?' in problem(client.get("/api/jobs?limits=3"), 400)["detail"]


def test_a_resume_takes_no_end(client: FlaskClient) -> None:
    assert "this takes reason" in problem(client.post("/api/resume", json={"until": "2h"}), 400)["detail"]


@pytest.mark.parametrize("limit", ["0", "501", "-1", "ten", "", "1.0", "1_0", "%201", "9" * 5000])
def test_a_limit_that_is_none_is_refused(client: FlaskClient, limit: str) -> None:
    mistake = _mistake(problem(client.get(f"/api/jobs?limit={limit}"), 400))
    assert mistake["field"] == "limit"
    assert "a whole number from 1 to 500" in mistake["message"]


def test_a_parameter_that_is_given_twice_is_refused(client: FlaskClient) -> None:
    assert _mistake(problem(client.get("/api/jobs?limit=1&limit=2"), 400))["message"] == "give it once"


def _encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


BAD_CURSORS = {
    "nothing": "",
    "no base64": "!!!",
    "one letter": "a",
    "not ASCII": "gr%C3%B6%C3%9Fe",
    "no text": "_w",
    "another kind": _encoded("thing a"),
    "a NUL": _encoded("job a\0"),
    "no slot": _encoded("run a b"),
    "a slot beyond all years": _encoded(f"run {10**30} abc"),
    "too many digits": _encoded(f"run {'9' * 5000} abc"),
    "an id that is none": _encoded("run 0 a\0"),
    "three parts": _encoded("run 0 a b"),
}


@pytest.mark.parametrize("cursor", BAD_CURSORS.values(), ids=BAD_CURSORS)
def test_a_bad_cursor_is_refused(client: FlaskClient, cursor: str) -> None:
    for path in ("/api/jobs", "/api/runs", "/api/jobs/a/runs"):
        mistake = _mistake(problem(client.get(f"{path}?cursor={cursor}"), 400))
        assert "pass on next_cursor" in mistake["message"]


def test_a_cursor_of_another_list_is_refused(here: Installation, client: FlaskClient) -> None:
    here.claim("a")
    here.claim("a", here.clock.now + timedelta(hours=1))
    cursor = client.get("/api/runs?limit=1").json["next_cursor"]  # type: ignore[index] # it is an object
    problem(client.get(f"/api/jobs?cursor={cursor}"), 400)


BAD_WISHES = {
    "a word": ({"until": "tomorrow"}, "until", '"tomorrow" is not a time; write it like "2027-01-31T23:59:59Z"'),
    "no zone": ({"until": "2027-01-31T23:59:59"}, "until", "has no time zone"),
    "no unit": ({"until": "90"}, "until", 'or as a duration from now: "2h"'),
    "a number": ({"until": 90}, "until", 'expected a time, found 90; write it like "2027-01-31T23:59:59Z"'),
    "too late": ({"until": "9999-12-31T23:59:59-12:00"}, "until", "beyond the years"),
    "a long text": ({"until": "x" * 5000}, "until", "is not a time"),
    "a reason that is no text": ({"reason": ["x"]}, "reason", "expected text in quotes, found a list"),
    "a long reason": ({"reason": "x" * 1001}, "reason", "expected at most 1000 characters, found 1001"),
    "a list": (["until"], "body", "expected a JSON object, found a list"),
    "null": (None, "body", "expected a JSON object, found nothing"),
}


@pytest.mark.parametrize(("body", "field", "says"), BAD_WISHES.values(), ids=BAD_WISHES)
def test_a_wish_that_makes_no_sense_is_refused_with_what_to_write(
    here: Installation, client: FlaskClient, body: Any, field: str, says: str
) -> None:
    response = client.post("/api/jobs/a/pause", data=json.dumps(body), content_type="application/json")
    mistake = _mistake(problem(response, 400))
    assert mistake["field"] == field
    assert says in mistake["message"]
    assert len(response.data) < 2_000
    assert not here.store.pauses.in_force(here.clock.now)


KINDS = {
    "/api/jobs?surplus=1": Kind.MALFORMED_REQUEST,
    "/api/jobs/none": Kind.JOB_NOT_FOUND,
    "/api/runs/none": Kind.RUN_NOT_FOUND,
}


@pytest.mark.parametrize(("path", "kind"), KINDS.items())
def test_a_problem_says_of_which_kind_it_is(client: FlaskClient, path: str, kind: Kind) -> None:
    document = problem(client.get(path), kind.status, kind)
    assert document["type"].startswith("urn:schedsync:problem:")


def test_an_end_in_the_past_is_a_wish_that_cannot_be_granted(client: FlaskClient) -> None:
    problem(client.post("/api/jobs/a/pause", json={"until": "2000-01-01T00:00:00Z"}), 400, Kind.BAD_WISH)


def test_a_problem_that_its_status_says_all_about_has_no_kind(client: FlaskClient) -> None:
    assert problem(client.get("/nowhere"), 404)["type"] == PLAIN


def test_all_mistakes_are_named_at_once(client: FlaskClient) -> None:
    document = problem(client.post("/api/pause", json={"until": "soon", "reason": 1, "why": "x"}), 400)
    assert {mistake["field"] for mistake in document["errors"]} == {"until", "reason", "why"}


@pytest.mark.parametrize(
    "data",
    [b"{", b"reason=x", b" ", b"\xff", b'{"reason": "\\ud800"}', b"[" * 60_000, b'{"a":' * 10_000],
    ids=["cut", "a form", "blank", "no UTF-8", "half a character", "deep lists", "deep objects"],
)
def test_a_body_that_is_no_json_is_refused(client: FlaskClient, data: bytes) -> None:
    response = client.post("/api/pause", data=data, content_type="application/json")
    document = problem(response, 400)
    assert document["errors"][0]["field"] in {"body", "a"}


def test_null_means_absent(client: FlaskClient) -> None:
    assert client.post("/api/pause", json={"until": None, "reason": None}).status_code == 200


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_body_that_is_not_declared_to_be_json_is_refused(client: FlaskClient, media_type: str | None) -> None:
    response = client.post("/api/pause", data=b'{"reason": "x"}', content_type=media_type)
    assert "application/json" in problem(response, 415)["detail"]


def test_an_empty_body_may_be_declared_to_be_anything(client: FlaskClient) -> None:
    assert client.post("/api/pause", data=b"", content_type="text/plain").status_code == 200


def test_a_body_beyond_64_kib_is_refused(client: FlaskClient) -> None:
    problem(client.post("/api/pause", json={"reason": "x" * (64 << 10)}), 413)


@pytest.mark.parametrize("path", ["/api/", "/api/jbos", "/api/jobs/a/nothing", "/api//jobs", "/api/jobs/"])
def test_a_path_that_is_none_is_not_found(client: FlaskClient, path: str) -> None:
    problem(client.get(path), 404)


def test_a_method_that_a_path_does_not_have_is_refused_and_the_others_are_named(client: FlaskClient) -> None:
    response = client.delete("/api/jobs/a")
    problem(response, 405)
    assert {"GET", "HEAD"} <= set(response.headers["Allow"].split(", "))
    problem(client.get("/api/jobs/a/pause"), 405)


@pytest.fixture(params=["a folder that is gone", "no tables", "no database at all"])
def broken(request: pytest.FixtureRequest, here: Installation, tmp_path: Path) -> Iterator[FlaskClient]:
    path = {
        "a folder that is gone": tmp_path / "gone" / "store.db",
        "no tables": tmp_path / "empty.db",
        "no database at all": tmp_path / "text.db",
    }[request.param]
    (tmp_path / "text.db").write_text("This is a text, and it is long enough to be no database at all. " * 20)
    store = Store.open(f"sqlite:///{path}")
    yield here.client(store=store, control=Control(store, here.clock))
    store.close()


def test_without_a_database_reading_is_for_later(broken: FlaskClient) -> None:
    for path in (*FROM_THE_DATABASE, "/api/runs/abc", "/api/runs/abc/log"):
        response = broken.get(path)
        assert "sqlite" in problem(response, 503)["detail"], path
        assert int(response.headers["Retry-After"]) > 0


def test_without_a_database_wishes_are_for_later(broken: FlaskClient) -> None:
    for path in POSTS:
        problem(broken.post(path), 503)


def test_without_a_database_health_and_readiness_are_still_told(here: Installation, broken: FlaskClient) -> None:
    here.vitals.ticked(here.clock.now, leading=True, leader="here")
    here.vitals.database(here.clock.now, error="it is gone")
    assert broken.get("/health").status_code == 200
    assert broken.get("/ready").status_code == 503


def test_a_mistake_of_ours_is_in_the_log_once_and_not_in_the_answer(
    here: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    run = here.claim("a")

    def fail(_run_id: str) -> Output | None:
        raise RuntimeError("the secret inside")

    response = here.client(live_output=fail).get(f"/api/runs/{run.id}/log")
    problem(response, 500, Kind.INTERNAL_ERROR)
    assert "secret" not in response.text
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.exc_info is not None
    assert "the secret inside" in str(record.exc_info[1])


@pytest.mark.parametrize("path", [*GETS, "/nowhere", "/api/jobs/none", "/api/jobs?surplus=1"])
def test_every_answer_is_of_the_type_that_it_says(client: FlaskClient, path: str) -> None:
    assert client.get(path).headers["X-Content-Type-Options"] == "nosniff"


def test_without_the_right_to_write_reading_goes_on_and_wishes_are_refused(
    client: FlaskClient, here: Installation
) -> None:
    file = here.store.database.engine.url.database
    store = Store.open(f"sqlite:///file:{file}?mode=ro&uri=true")
    reader = here.client(store=store, control=Control(store, here.clock))
    for path in GETS:
        assert reader.get(path).json == client.get(path).json
    for path in POSTS[:-1]:
        response = reader.post(path)
        assert "let the user of this process write to" in problem(response, 503, Kind.MISSING_RIGHT)["detail"]
        assert "Retry-After" not in response.headers
    store.close()


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_beyond_the_calendar_is_refused(client: FlaskClient, moment: str) -> None:
    mistake = _mistake(problem(client.get(f"/api/runs?since={moment}"), 400))
    assert "beyond the years" in mistake["message"]


def test_thousands_of_parameters_are_refused_in_one_sentence(client: FlaskClient) -> None:
    response = client.get("/api/runs?" + "&".join(f"a{number}" for number in range(5_000)))
    assert _mistake(problem(response, 400))["found"] == "5000 parameters"
    assert len(response.data) < 1_000


def test_a_path_that_is_none_says_where_to_look(client: FlaskClient) -> None:
    assert "/api and /docs say what there is" in problem(client.get("/api/nope"), 404)["detail"]
