"""Who sees what: the login page, and pages for those who may only read."""

import pytest
from flask.testing import FlaskClient

from schedsync.access import Rules, Scope, new_token
from schedsync.api.tokens import COOKIE
from tests.builders import located
from tests.integration.api.conftest import Installation
from tests.integration.pages.conftest import BROWSER, client_of
from tests.integration.pages.reading import Page, read


@pytest.fixture
def exposed(here: Installation) -> FlaskClient:
    here.apply(located(id="a"))
    return client_of(here, exposed=True)


def _open(client: FlaskClient, path: str, status: int = 200) -> Page:
    response = client.get(path, headers=BROWSER)
    assert response.status_code == status
    return read(response.text)


@pytest.mark.parametrize("path", ["/", "/jobs/a"])
def test_who_may_only_read_sees_no_controls_but_how_to_get_them(exposed: FlaskClient, path: str) -> None:
    page = _open(exposed, path)
    assert page.forms == []
    assert page.link("log in") == f"/login?next={path}"
    assert "Pause" not in page.text


def test_the_login_page_says_how_to_get_a_token(exposed: FlaskClient) -> None:
    page = _open(exposed, "/login?next=/jobs/a")
    (form,) = page.forms
    assert (form.action, form.method, form.fields) == ("/login", "post", {"next": "/jobs/a", "token": ""})
    assert "schedsync token create NAME --scope read" in page.text


def _token(here: Installation, scope: Scope) -> str:
    token, text = new_token("ann", scope, by="cli:ann", now=here.clock.now)
    here.store.tokens.create(token)
    return text


def test_who_logs_in_gets_the_controls_and_may_log_out(here: Installation, exposed: FlaskClient) -> None:
    text = _token(here, Scope.CONTROL)
    response = exposed.post("/login", data={"token": text, "next": "/jobs/a"}, headers=BROWSER)
    assert (response.status_code, response.location) == (303, "/jobs/a")
    page = _open(exposed, "/jobs/a")
    assert {form.action for form in page.forms} == {"/logout", "/jobs/a/run", "/jobs/a/pause"}
    assert "ann Log out" in page.text
    exposed.post("/jobs/a/pause", data={"reason": "why"}, headers=BROWSER)
    assert here.store.pauses.in_force(here.clock.now)["a"].by == "token:ann"
    exposed.post("/logout", headers=BROWSER)
    assert _open(exposed, "/jobs/a").forms == []


def test_a_token_that_may_only_read_shows_no_controls(here: Installation, exposed: FlaskClient) -> None:
    exposed.post("/login", data={"token": _token(here, Scope.READ)}, headers=BROWSER)
    page = _open(exposed, "/")
    assert [form.action for form in page.forms] == ["/logout"]
    response = exposed.post("/pause", headers=BROWSER)
    assert response.status_code == 403
    assert "may only read" in read(response.text).text


def test_where_reading_needs_a_token_the_login_comes_first_and_leads_on(here: Installation) -> None:
    client = client_of(here, exposed=True, rules=Rules(open_to_readers=False))
    page = _open(client, "/jobs?q=a", 401)
    (form,) = page.forms
    assert (form.action, form.fields["next"]) == ("/login", "/jobs?q=a")
    assert "Reading needs a token here" in page.text
    for path in ("/login", "/static/style.css"):
        with client.get(path, headers=BROWSER) as response:
            assert response.status_code == 200


def test_a_token_that_is_not_valid_is_asked_for_again(exposed: FlaskClient) -> None:
    response = exposed.post("/login", data={"token": "sst_x_y", "next": "/jobs/a"}, headers=BROWSER)
    assert response.status_code == 401
    page = read(response.text)
    assert page.forms[0].fields["next"] == "/jobs/a"
    assert page.headings[0] == ("h1", "Log in")
    assert "sst_x_y" not in response.text


def test_a_host_that_is_none_is_a_mistake_of_the_request_for_browsers_too(client: FlaskClient) -> None:
    response = client.get("/", headers={"Host": "a..b", "Accept": "text/html"})
    assert response.status_code in {400, 403}


def test_a_form_that_is_too_large_needs_a_token_like_any_other(here: Installation) -> None:
    client = client_of(here, exposed=True)
    response = client.post("/pause", data={"reason": "x" * (1 << 17)}, headers={"Accept": "text/html"})
    assert response.status_code == 401


@pytest.mark.parametrize("path", ["/login", "/docs", "/"])
def test_how_the_instance_is_and_its_name_are_for_those_who_may_read(here: Installation, path: str) -> None:
    here.vitals.database(here.clock.now, error="no route to db.intern")
    client = client_of(here, exposed=True, node="sched-7.intern", rules=Rules(open_to_readers=False))
    text = client.get(path, headers=BROWSER).text
    assert ("sched-7.intern" in text, "database away" in text, "db.intern" in text) == (False, False, False)
    here.vitals.database(here.clock.now, error=None)
    client.set_cookie(COOKIE, _token(here, Scope.READ))
    here.clock.forward(seconds=5)
    assert client.get("/api/jobs").status_code == 200
    here.vitals.database(here.clock.now, error="no route to db.intern")
    text = client.get(path, headers=BROWSER).text
    assert ("sched-7.intern" in text, "database away" in text) == (True, True)


def test_a_page_under_a_name_that_is_not_known_tells_nothing_of_the_instance(here: Installation) -> None:
    client = client_of(here, node="sched-7.intern")
    response = client.get("/", headers=BROWSER | {"Host": "evil.example"})
    assert response.status_code == 403
    assert "sched-7.intern" not in response.text
