"""Logging in with a browser, and out."""

import pytest
from flask.testing import FlaskClient

from schedsync.access import Rules, Scope, new_token
from schedsync.api.attempts import EACH
from schedsync.api.tokens import COOKIE
from tests.integration.api.conftest import Installation, problem

UNKNOWN = f"sst_{'0' * 12}_{'x' * 43}"


@pytest.fixture
def text(here: Installation) -> str:
    token, text = new_token("ann", Scope.CONTROL, by="cli:ann", now=here.clock.now)
    here.store.tokens.create(token)
    return text


@pytest.fixture
def client(here: Installation, text: str) -> FlaskClient:
    return here.client(exposed=True, rules=Rules(open_to_readers=False))


def test_a_browser_that_logged_in_may_do_what_its_token_may_until_it_logs_out(
    here: Installation, client: FlaskClient, text: str
) -> None:
    problem(client.post("/api/pause"), 401)
    response = client.post("/login", data={"token": f" {text}\n"})
    assert (response.status_code, response.location) == (303, "/")
    assert client.post("/api/pause").status_code == 200
    assert here.store.pauses.in_force(here.clock.now)["*"].by == "token:ann"
    response = client.post("/logout")
    assert (response.status_code, response.location) == (303, "/login")
    problem(client.get("/api/jobs"), 401)


def test_the_cookie_is_for_this_site_and_session_and_no_script_sees_it(client: FlaskClient, text: str) -> None:
    said = client.post("/login", data={"token": text}).headers["Set-Cookie"]
    assert said == f"{COOKIE}={text}; HttpOnly; Path=/; SameSite=Strict"


def test_by_https_the_cookie_goes_by_https_only(client: FlaskClient, text: str) -> None:
    said = client.post("/login", data={"token": text}, base_url="https://localhost").headers["Set-Cookie"]
    assert "; Secure;" in said


def test_under_a_prefix_the_cookie_and_the_ways_on_stay_below_it(client: FlaskClient, text: str) -> None:
    where = "http://localhost/sched"
    response = client.post("/login", data={"token": text}, base_url=where)
    assert response.location == "/sched/"
    assert "; Path=/sched/;" in response.headers["Set-Cookie"]
    assert (
        client.post("/login", data={"token": text, "next": "/jobs?q=a"}, base_url=where).location == "/sched/jobs?q=a"
    )
    assert client.post("/login", data={"token": text, "next": "/sched/jobs"}, base_url=where).location == "/sched/jobs"
    assert client.get("/api/jobs", base_url=where).status_code == 200
    out = client.post("/logout", base_url=where)
    assert out.location == "/sched/login"
    problem(client.get("/api/jobs", base_url=where), 401)


@pytest.mark.parametrize("path", ["/jobs", "/jobs/a?state=paused&q=%2F", "/runs#x"])
def test_after_the_login_comes_the_page_that_was_wanted(client: FlaskClient, text: str, path: str) -> None:
    assert client.post("/login", data={"token": text, "next": path}).location == path


@pytest.mark.parametrize(
    "path",
    [
        *(
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "evil.example",
        ),
        *("", " /jobs", "/\t/evil.example", "/\n/evil.example", "javascript:alert(1)", "/jobs\r\nX: y"),
    ],
)
def test_a_login_leads_nowhere_else(client: FlaskClient, text: str, path: str) -> None:
    response = client.post("/login", data={"token": text, "next": path})
    assert (response.status_code, response.location) == (303, "/")
    assert "X" not in response.headers


def test_a_token_that_is_not_valid_makes_no_cookie_and_counts(client: FlaskClient) -> None:
    for _ in range(EACH):
        response = client.post("/login", data={"token": UNKNOWN})
        assert "not valid" in problem(response, 401)["detail"]
        assert "Set-Cookie" not in response.headers
    assert "Retry-After" in client.post("/login", data={"token": UNKNOWN}).headers


def test_a_login_without_a_token_says_what_to_send(client: FlaskClient) -> None:
    (mistake,) = problem(client.post("/login", json={"token": UNKNOWN}), 400)["errors"]
    assert (mistake["field"], mistake["message"]) == ("token", "send the token as a form field of this name")


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_pages_of_others_log_nobody_in_or_out(client: FlaskClient, text: str, path: str) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        response = client.post(path, data={"token": text}, headers=headers)
        problem(response, 403)
        assert "Set-Cookie" not in response.headers


def test_while_the_database_is_away_nobody_new_logs_in(here: Installation, client: FlaskClient, text: str) -> None:
    here.vitals.database(here.clock.now, error="it rains")
    response = client.post("/login", data={"token": text})
    assert "is not known now" in problem(response, 503)["detail"]
    assert "it rains" not in response.text


def test_a_browser_with_a_token_that_is_over_can_log_in_and_out(client: FlaskClient, text: str) -> None:
    client.set_cookie(COOKIE, UNKNOWN)
    assert client.post("/login", data={"token": text}).status_code == 303
    assert client.get("/api/jobs").status_code == 200
    client.set_cookie(COOKIE, UNKNOWN)
    response = client.post("/logout")
    assert response.status_code == 303
    assert client.get_cookie(COOKIE) is None
