"""Tokens: what each opens, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from schedsync.access import Rules, Scope, new_token
from schedsync.api import tokens
from schedsync.api.app import create_app
from schedsync.api.attempts import ALL, EACH
from schedsync.api.keyring import REFRESH
from schedsync.errors import DatabaseUnavailableError
from schedsync.store import tables
from tests.builders import located
from tests.integration.api.conftest import Installation, problem

CLOSED = Rules(open_to_readers=False)
UNKNOWN = f"sst_{'0' * 12}_{'x' * 43}"
BAD = [UNKNOWN, "", "x", "sst_", f"sst_{'0' * 12}_", f"{UNKNOWN}x", "Bearer", "ü", "a, b"]


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture
def make(here: Installation) -> Callable[..., str]:
    """Make a token and return its text."""

    def make(scope: str = "control", *, name: str = "ci", **more: Any) -> str:
        token, text = new_token(name, Scope(scope), by="cli:ann", now=here.clock.now, **more)
        here.store.tokens.create(token)
        return text

    return make


@pytest.fixture
def client(here: Installation) -> FlaskClient:
    here.apply(located(id="a"))
    return here.client()


@pytest.fixture
def exposed(here: Installation) -> FlaskClient:
    here.apply(located(id="a"))
    return here.client(exposed=True)


def audited(here: Installation, action: str) -> list[tuple[str, str]]:
    """Who and why, of each line of the audit log with this action."""
    columns = tables.audit.c
    with here.store.database.read() as connection:
        statement = select(columns.actor, columns.reason).where(columns.action == action).order_by(columns.id)
        return [(row.actor, row.reason) for row in connection.execute(statement)]


def test_a_token_with_the_scope_control_may_do_everything_and_signs_with_its_name(
    here: Installation, exposed: FlaskClient, make: Callable[..., str]
) -> None:
    text = make(name="deploy-bot")
    assert exposed.post("/api/jobs/a/pause", headers=bearer(text)).status_code == 200
    assert here.store.pauses.in_force(here.clock.now)["a"].by == "token:deploy-bot"
    assert exposed.get("/api/jobs/a", headers=bearer(text)).status_code == 200


def test_a_token_that_reads_is_told_what_to_ask_for(
    here: Installation, exposed: FlaskClient, make: Callable[..., str]
) -> None:
    text = make("read", name="wall")
    assert exposed.get("/api/jobs", headers=bearer(text)).status_code == 200
    detail = problem(exposed.post("/api/pause", headers=bearer(text)), 403)["detail"]
    assert '"wall" may only read' in detail
    assert "--scope control" in detail
    assert not here.store.pauses.in_force(here.clock.now)


@pytest.mark.parametrize("text", BAD)
def test_a_token_that_is_none_is_refused_even_where_reading_is_open(exposed: FlaskClient, text: str) -> None:
    for response in (exposed.get("/api/jobs", headers=bearer(text)), exposed.post("/api/pause", headers=bearer(text))):
        assert "not valid" in problem(response, 401)["detail"]
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_a_token_with_another_secret_is_refused(exposed: FlaskClient, make: Callable[..., str]) -> None:
    text = make()
    other = text[:-1] + ("A" if text[-1] != "A" else "B")
    problem(exposed.post("/api/pause", headers=bearer(other)), 401)


def test_a_token_ends_when_it_expires_and_not_before(
    here: Installation, exposed: FlaskClient, make: Callable[..., str]
) -> None:
    text = make(expires_at=here.clock.now + timedelta(hours=1))
    here.clock.forward(minutes=59)
    assert exposed.post("/api/pause", headers=bearer(text)).status_code == 200
    here.clock.forward(minutes=1)
    problem(exposed.post("/api/pause", headers=bearer(text)), 401)


def test_a_token_ends_within_seconds_when_it_is_revoked(
    here: Installation, exposed: FlaskClient, make: Callable[..., str]
) -> None:
    text = make()
    assert exposed.post("/api/pause", headers=bearer(text)).status_code == 200
    (token,) = here.store.tokens.all()
    here.store.tokens.revoke(token.id, by="ann", now=here.clock.now)
    assert timedelta(seconds=5) > REFRESH
    here.clock.forward(seconds=REFRESH.total_seconds())
    problem(exposed.post("/api/pause", headers=bearer(text)), 401)


def test_a_new_token_is_known_a_second_after_the_last_look(
    here: Installation, exposed: FlaskClient, make: Callable[..., str]
) -> None:
    assert exposed.get("/api/jobs", headers=bearer(make())).status_code == 200
    text = make()
    here.clock.forward(seconds=1)
    assert exposed.get("/api/jobs", headers=bearer(text)).status_code == 200


def test_other_credentials_are_not_this_service_s(exposed: FlaskClient) -> None:
    basic = {"Authorization": "Basic YTpi"}
    assert exposed.get("/api/jobs", headers=basic).status_code == 200
    problem(exposed.post("/api/pause", headers=basic), 401)


def test_whether_somebody_lives_is_told_to_everybody(here: Installation, make: Callable[..., str]) -> None:
    make()
    client = here.client(exposed=True, rules=CLOSED)
    for headers in ({}, bearer(UNKNOWN)):
        assert client.get("/ready", headers=headers).status_code == 503  # not refused: it has ticked never
        assert client.get("/health", headers=headers).json["status"] == "starting"  # type: ignore[index] # an object


WRONG = "no route to db.intern"


@pytest.mark.parametrize("path", ["/health", "/ready"])
@pytest.mark.parametrize("forbidden", [False, True], ids=["away", "refuses"])
def test_what_the_database_says_is_told_to_those_who_may_read(
    here: Installation, make: Callable[..., str], path: str, forbidden: bool
) -> None:
    text, closed = make("read"), here.client(exposed=True, rules=CLOSED)
    assert closed.get("/api/jobs", headers=bearer(text)).status_code == 200
    here.vitals.ticked(here.clock.now, leading=True, leader="here")
    here.vitals.database(here.clock.now, error=WRONG, forbidden=forbidden)
    for headers in ({}, bearer(UNKNOWN)):
        answer = closed.get(path, headers=headers)
        assert answer.status_code == (200 if path == "/health" else 503)
        assert ("degraded" if path == "/health" else "the database cannot be used") in answer.text
        assert WRONG not in answer.text
    assert WRONG in closed.get(path, headers=bearer(text)).text
    assert WRONG in here.client(exposed=True).get(path).text


def test_errors_say_what_the_database_said_to_those_who_may_read(here: Installation) -> None:
    here.vitals.database(here.clock.now, error=WRONG)
    said = here.client(exposed=True).post("/api/pause", headers=bearer(UNKNOWN))
    assert WRONG in problem(said, 503)["detail"]
    kept = here.client(exposed=True, rules=CLOSED).post("/api/pause", headers=bearer(UNKNOWN))
    assert WRONG not in problem(kept, 503)["detail"]


def test_reading_takes_any_token_where_the_settings_say_so(here: Installation, make: Callable[..., str]) -> None:
    text, client = make("read"), here.client(exposed=True, rules=CLOSED)
    for path in ("/api/jobs", "/api/status", "/nowhere"):
        detail = problem(client.get(path), 401)["detail"]
        assert "--scope read" in detail
    assert client.get("/api/jobs", headers=bearer(text)).status_code == 200
    problem(client.get("/nowhere", headers=bearer(text)), 404)


@pytest.mark.parametrize("over", [False, True], ids=["in force", "revoked"])
def test_a_local_person_needs_a_token_as_soon_as_one_was_made(
    here: Installation, client: FlaskClient, make: Callable[..., str], over: bool
) -> None:
    assert client.post("/api/pause").status_code == 200
    assert here.store.pauses.in_force(here.clock.now)["*"].by == "api:127.0.0.1"
    make()
    if over:
        (token,) = here.store.tokens.all()
        here.store.tokens.revoke(token.id, by="ann", now=here.clock.now)
    here.clock.forward(seconds=REFRESH.total_seconds())
    assert "since tokens were made" in problem(client.post("/api/resume"), 401)["detail"]
    assert client.get("/api/jobs").status_code == 200


def test_a_local_person_reads_without_a_token_also_where_others_may_not(
    here: Installation, make: Callable[..., str]
) -> None:
    client = here.client(rules=CLOSED)
    assert client.get("/api/jobs").status_code == 200
    make()
    here.clock.forward(seconds=REFRESH.total_seconds())
    problem(client.get("/api/jobs"), 401)


def test_with_a_proxy_in_front_nobody_is_local(here: Installation) -> None:
    problem(here.client(rules=Rules(proxies=1)).post("/api/pause"), 401)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"])
def test_a_proxy_that_the_settings_do_not_name_lets_nobody_be_local(client: FlaskClient, header: str) -> None:
    response = client.post("/api/pause", headers={header: "127.0.0.1"})
    assert "through a proxy" in problem(response, 401)["detail"]


def test_under_another_name_than_this_machine_s_nobody_is_local(here: Installation) -> None:
    client = here.client(rules=Rules(hosts=frozenset({"sched.example"})))
    assert client.get("/api/jobs", headers={"Host": "sched.example:5000"}).status_code == 200
    problem(client.post("/api/pause", headers={"Host": "sched.example"}), 401)
    problem(client.get("/api/jobs", headers={"Host": "www.sched.example"}), 403)


@pytest.mark.parametrize("rules", [CLOSED, Rules()], ids=["closed", "open"])
def test_where_other_machines_know_a_name_of_it_nobody_is_local(here: Installation, rules: Rules) -> None:
    """A proxy that adds no header to what it passes on cannot be told from a program of this machine."""
    client = here.client(rules=replace(rules, hosts=frozenset({"localhost", "sched.example"})))
    detail = problem(client.post("/api/pause"), 401)["detail"]
    assert "known beyond this machine (api.public_url or api.hosts)" in detail
    assert client.get("/api/jobs").status_code == (200 if rules.open_to_readers else 401)


def test_names_of_this_machine_leave_its_programs_local(here: Installation) -> None:
    rules = replace(CLOSED, hosts=frozenset({"localhost", "127.0.0.1", "::1"}))
    assert here.client(rules=rules).post("/api/pause").status_code == 200


def test_a_token_in_a_cookie_is_as_good_but_not_for_pages_of_others(
    exposed: FlaskClient, make: Callable[..., str]
) -> None:
    exposed.set_cookie(tokens.COOKIE, make())
    assert exposed.post("/api/pause").status_code == 200
    foreign = {"Origin": "http://evil.example"}
    problem(exposed.post("/api/pause", headers=foreign), 403)
    problem(exposed.post("/api/pause", headers={"Sec-Fetch-Site": "same-site"}), 403)


def test_a_token_in_the_header_is_not_a_matter_of_origins(exposed: FlaskClient, make: Callable[..., str]) -> None:
    headers = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", **bearer(make())}
    assert exposed.post("/api/pause", headers=headers).status_code == 200


def test_the_header_counts_before_the_cookie(exposed: FlaskClient, make: Callable[..., str]) -> None:
    exposed.set_cookie(tokens.COOKIE, make())
    problem(exposed.post("/api/pause", headers=bearer(UNKNOWN)), 401)


def test_a_browser_forgets_a_token_that_is_over(exposed: FlaskClient) -> None:
    exposed.set_cookie(tokens.COOKIE, UNKNOWN)
    problem(exposed.get("/api/jobs"), 401)
    assert exposed.get_cookie(tokens.COOKIE) is None
    assert exposed.get("/api/jobs").status_code == 200


class Broken:
    """A store's tokens while the database is away, and how often they were asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def all(self) -> list[Any]:
        self.asked += 1
        raise DatabaseUnavailableError("it rains")


def test_known_tokens_outlive_an_outage_and_others_are_not_called_bad(
    here: Installation, exposed: FlaskClient, make: Callable[..., str]
) -> None:
    text = make()
    assert exposed.get("/api/jobs", headers=bearer(text)).status_code == 200
    here.vitals.database(here.clock.now, error="it rains")
    here.clock.forward(hours=1)
    assert exposed.get("/api/runs/none", headers=bearer(text)).status_code == 503
    for _ in range(2 * EACH):
        assert "it rains" in problem(exposed.get("/api/jobs", headers=bearer(UNKNOWN)), 503)["detail"]
    here.vitals.database(here.clock.now, error=None)
    assert exposed.get("/api/jobs", headers=bearer(text)).status_code == 200
    problem(exposed.get("/api/jobs", headers=bearer(UNKNOWN)), 401)


def test_nobody_is_local_while_it_is_not_known_whether_there_are_tokens(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here.store, "tokens", Broken())
    client = here.client(rules=CLOSED)
    assert "Which tokens there are is not known" in problem(client.post("/api/pause"), 503)["detail"]
    problem(client.get("/api/jobs"), 503)
    assert here.client().get("/api/jobs").status_code == 200


def fail(client: FlaskClient, times: int, address: str = "10.0.0.1", **more: Any) -> list[TestResponse]:
    where = {"REMOTE_ADDR": address}
    return [client.get("/api/jobs", headers=bearer(UNKNOWN), environ_overrides=where, **more) for _ in range(times)]


def test_after_some_failures_an_address_has_to_wait(here: Installation, exposed: FlaskClient) -> None:
    assert {response.status_code for response in fail(exposed, EACH)} == {401}
    here.clock.forward(seconds=20)
    (response,) = fail(exposed, 1)
    assert "in 40 s" in problem(response, 429)["detail"]
    assert response.headers["Retry-After"] == "40"
    here.clock.forward(seconds=40)
    assert fail(exposed, 1)[0].status_code == 401


def test_who_has_to_wait_makes_the_database_asked_once_a_second_at_most(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ask = list[datetime](), here.store.tokens.all

    def noting() -> object:
        asked.append(here.clock.now)
        return ask()

    monkeypatch.setattr(here.store.tokens, "all", noting)
    exposed = here.client(exposed=True)
    fail(exposed, EACH)
    here.clock.forward(seconds=30)
    asked.clear()
    assert {response.status_code for response in fail(exposed, 5)} == {429}
    assert len(asked) <= 1


def test_a_token_that_was_made_meanwhile_counts_while_its_address_has_to_wait(
    here: Installation, exposed: FlaskClient, make: Callable[..., str]
) -> None:
    fail(exposed, EACH + 1)
    here.clock.forward(seconds=1)
    headers, where = bearer(make()), {"REMOTE_ADDR": "10.0.0.1"}
    assert exposed.get("/api/jobs", headers=headers, environ_overrides=where).status_code == 200


def test_a_token_that_is_known_counts_whatever_else_comes_from_its_address(
    exposed: FlaskClient, make: Callable[..., str]
) -> None:
    text, where = make(), {"REMOTE_ADDR": "10.0.0.1"}
    assert exposed.get("/api/jobs", headers=bearer(text), environ_overrides=where).status_code == 200
    fail(exposed, EACH + 1)
    assert exposed.get("/api/jobs", headers=bearer(text), environ_overrides=where).status_code == 200


def test_other_addresses_need_not_wait_until_there_are_very_many(exposed: FlaskClient) -> None:
    fail(exposed, EACH)
    assert fail(exposed, 1, "10.0.0.2")[0].status_code == 401
    for number in range(ALL):
        fail(exposed, 1, f"10.1.0.{number}")
    assert fail(exposed, 1, "10.2.0.1")[0].status_code == 429


def test_requests_without_a_token_are_no_failures(exposed: FlaskClient) -> None:
    for _ in range(2 * EACH):
        assert exposed.post("/api/pause").status_code == 401


def test_failures_are_in_the_audit_log_one_line_for_each_address(here: Installation) -> None:
    backend = replace(here.backend, exposed=True)
    app = create_app(backend)
    client = app.test_client()
    fail(client, 3)
    fail(client, 1, "10.0.0.2")
    tokens.write_down(app, backend)
    tokens.write_down(app, backend)
    assert sorted(audited(here, tokens.REFUSED)) == [
        ("api:10.0.0.1", "3 requests with a token that is not valid, since 2026-11-24T02:00:00Z"),
        ("api:10.0.0.2", "1 request with a token that is not valid, since 2026-11-24T02:00:00Z"),
    ]


def test_failures_are_logged_when_they_begin_and_when_it_gets_too_many(
    exposed: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    fail(exposed, 3 * EACH)
    assert [record.message for record in caplog.records] == ["a token was refused"] * 2
    assert UNKNOWN not in caplog.text


def test_when_a_token_was_used_is_written_down_now_and_then(here: Installation, make: Callable[..., str]) -> None:
    backend = replace(here.backend, exposed=True)
    app, text = create_app(backend), make()
    assert app.test_client().get("/api/jobs", headers=bearer(text)).status_code == 200
    assert here.store.tokens.all()[0].last_used_at is None
    here.vitals.database(here.clock.now, error="it rains")
    tokens.write_down(app, backend)
    assert here.store.tokens.all()[0].last_used_at is None
    here.vitals.database(here.clock.now, error=None)
    tokens.write_down(app, backend)
    assert here.store.tokens.all()[0].last_used_at == here.clock.now


def test_a_wrong_token_in_the_form_logs_nobody_out(exposed: FlaskClient, make: Callable[..., str]) -> None:
    exposed.set_cookie(tokens.COOKIE, make())
    response = exposed.post("/login", data={"token": UNKNOWN}, headers={"Origin": "http://localhost"})
    assert response.status_code == 401
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("header", ["X-Real-IP", "Via", "CF-Connecting-IP"])
def test_what_a_proxy_passed_on_is_not_from_this_machine(here: Installation, header: str) -> None:
    response = here.client().post("/api/sync", headers={header: "10.0.0.9"})
    assert "through a proxy" in problem(response, 401)["detail"]
