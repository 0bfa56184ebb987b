"""What leave each view needs: what it says, and if it says nothing, more rather than less."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, event

from schedsync.access import Rules, Scope, new_token
from schedsync.api.app import create_app
from schedsync.api.endpoint import Endpoint, described, endpoint, needs
from schedsync.api.guard import caller, may, sender
from tests.integration.api.conftest import Installation, problem

METHODS = ["GET", "POST"]
OPENS = {Scope.OPEN: 200, Scope.READ: 401, Scope.CONTROL: 401}


@pytest.fixture
def app(here: Installation) -> Flask:
    """An API that is closed to whoever has no token."""
    client = here.client(exposed=True, rules=Rules(open_to_readers=False))
    return client.application


def answer(app: Flask, view: Callable[[], str], method: str) -> int:
    app.add_url_rule("/new", "new", view, methods=METHODS)
    return app.test_client().open("/new", method=method).status_code


@pytest.mark.parametrize("method", METHODS)
def test_a_view_that_says_nothing_is_closed(app: Flask, method: str) -> None:
    assert answer(app, lambda: "", method) == 401


@pytest.mark.parametrize("scope", OPENS)
@pytest.mark.parametrize("method", METHODS)
def test_a_page_needs_what_it_says(app: Flask, method: str, scope: Scope) -> None:
    assert answer(app, needs(scope)(lambda: ""), method) == OPENS[scope]


def test_what_changes_something_needs_control_although_it_forgot_to_say_so(here: Installation) -> None:
    client = here.client(exposed=True)
    forgetful = endpoint(Endpoint(None))(lambda: "")
    client.application.add_url_rule("/new", "new", forgetful, methods=METHODS)
    assert client.get("/new").status_code == 200
    assert client.post("/new").status_code == 401


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
def test_what_there_is_not_needs_control_to_be_changed(here: Installation, method: str) -> None:
    for path in ("/nowhere", "/api/jobs"):
        problem(here.client(exposed=True).open(path, method=method), 401)


def test_static_files_are_open(here: Installation, tmp_path: Path) -> None:
    (tmp_path / "site.css").write_text("main {}")
    client = here.client(exposed=True, rules=Rules(open_to_readers=False))
    client.application.register_blueprint(Blueprint("pages", "schedsync", static_folder=tmp_path, static_url_path="/s"))
    client.application.add_url_rule("/s/new", "other.static", lambda: "", methods=METHODS)
    assert client.get("/s/site.css", buffered=True).text == "main {}"
    assert client.get("/s/new").status_code == 200
    problem(client.post("/s/new"), 401)


def test_each_view_that_changes_something_says_that_it_needs_control(here: Installation) -> None:
    """Without that it would need it, too, but the description would not say so."""
    app = create_app(here.backend)
    for rule in app.url_map.iter_rules():
        said = described(app.view_functions[rule.endpoint])
        if said is not None and not {"GET"} & (rule.methods or set()):
            assert said.scope is Scope.CONTROL, rule


@pytest.fixture
def asked(here: Installation) -> Iterator[list[str]]:
    """The statements that the database is asked."""
    sent: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(here.store.database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(here.store.database.engine, "before_cursor_execute", note)


def test_a_token_costs_requests_no_round_trip(here: Installation, asked: list[str]) -> None:
    token, text = new_token("ci", Scope.CONTROL, by="ann", now=here.clock.now)
    here.store.tokens.create(token)
    client = here.client(exposed=True, rules=Rules(open_to_readers=False))
    asked.clear()
    for _ in range(20):
        assert client.post("/api/sync", headers={"Authorization": f"Bearer {text}"}).status_code == 202
    assert len([statement for statement in asked if "schedsync_tokens" in statement]) == 1


def test_reading_what_is_open_does_not_ask_for_tokens(here: Installation, asked: list[str]) -> None:
    assert here.client().get("/api/jobs").status_code == 200
    assert not [statement for statement in asked if "schedsync_tokens" in statement]


def views(client: FlaskClient) -> FlaskClient:
    """Add a page that says who one is."""

    @needs(Scope.OPEN)
    def who() -> dict[str, object]:
        found = caller()
        return {"name": found.name, "via": found.via, "control": may(Scope.CONTROL), "sender": sender()}

    client.application.add_url_rule("/who", "who", who)
    return client


def test_a_page_may_show_who_one_is_and_what_one_may(here: Installation) -> None:
    local = {"name": "127.0.0.1", "via": "local", "control": True, "sender": "api:127.0.0.1"}
    assert views(here.client()).get("/who").json == local
    client = views(here.client(exposed=True))
    nobody = {"name": "127.0.0.1", "via": "nobody", "control": False, "sender": "api:127.0.0.1"}
    assert client.get("/who").json == nobody
    assert client.get("/who", headers={"Authorization": "Bearer none"}).json == nobody
    token, text = new_token("wall", Scope.READ, by="ann", now=here.clock.now)
    here.store.tokens.create(token)
    here.clock.forward(seconds=5)
    known = {"name": "wall", "via": "token", "control": False, "sender": "token:wall"}
    assert client.get("/who", headers={"Authorization": f"Bearer {text}"}).json == known


def test_while_it_is_not_known_who_one_is_one_is_nobody(here: Installation) -> None:
    client = views(here.client())
    here.vitals.database(here.clock.now, error="it rains")
    shown = client.get("/who").json
    assert shown == {"name": "127.0.0.1", "via": "nobody", "control": False, "sender": "api:127.0.0.1"}
