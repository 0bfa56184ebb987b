"""The description of the API as a page: whole, linked, and readable without anything else."""

from html import escape

import pytest
from flask.testing import FlaskClient

from schedsync.access import Rules
from tests.integration.api.conftest import Installation
from tests.integration.pages.conftest import Browse, client_of


def test_each_operation_and_each_shape_is_on_the_page(client: FlaskClient, browse: Browse) -> None:
    document = client.get("/openapi.json").get_json()
    page = browse("/docs")
    names = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    targets = [a["id"] for _, a in page.elements if "id" in a]
    assert {*names, *document["components"]["schemas"]} <= set(targets)
    assert len(targets) == len(set(targets))
    for path in document["paths"]:
        assert path in page.text


def test_each_link_within_the_page_leads_to_a_place_of_it(browse: Browse) -> None:
    page = browse("/docs")
    targets = {a["id"] for _, a in page.elements if "id" in a}
    links = {address.partition("#")[2] for address, _ in page.links if address.startswith("#")}
    assert len(links) > 20
    assert links - targets == set()


@pytest.mark.parametrize(
    "shown",
    [
        "curl http://localhost/api/jobs",
        "curl http://localhost/api/runs/019ab4c2e5d07f3a9c1b2d4e/log",
        "-H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' -d",
        "from 1, to 500, default 100",
        "active | paused | suspended | finished",
        "Needs a token of the scope control",
    ],
)
def test_it_says_how_to_ask_and_what_may_be_said(browse: Browse, shown: str) -> None:
    assert shown in browse("/docs").text


def test_it_is_open_as_the_document_is_also_where_reading_needs_a_token(here: Installation) -> None:
    closed = client_of(here, exposed=True, rules=Rules(open_to_readers=False))
    assert [closed.get(path).status_code for path in ("/docs", "/openapi.json", "/api/jobs")] == [200, 200, 401]


def test_a_prefix_is_part_of_what_to_ask(client: FlaskClient) -> None:
    text = client.get("/docs", environ_overrides={"SCRIPT_NAME": "/sched"}).text
    assert escape("curl http://localhost/sched/api/status") in text
