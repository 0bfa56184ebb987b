"""Who may ask."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from schedsync.access import Rules
from tests.builders import located
from tests.integration.api.conftest import Installation, problem


@pytest.fixture
def exposed(here: Installation) -> FlaskClient:
    here.apply(located(id="a"))
    return here.client(exposed=True)


LOOPBACK = [
    "localhost",
    "localhost:5000",
    "LocalHost:1",
    "127.0.0.1",
    "127.0.0.1:5000",
    "127.0.0.2",
    "[::1]",
    "[::1]:1",
]
FOREIGN = [
    "evil.example",
    "evil.example:5000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost.",
    "10.0.0.1:5000",
    "0.0.0.0",
    "[::]",
    "::1",
    "localhost, evil.example",
    "evil@localhost",
    "localhost:port",
    "[localhost]",
    "2130706433",
    "",
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_a_host_header_of_this_machine_is_served(client: FlaskClient, host: str) -> None:
    assert client.get("/api/jobs", headers={"Host": host}).status_code == 200
    assert client.post("/api/pause", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_any_other_host_header_is_refused(client: FlaskClient, host: str) -> None:
    for path in ("/health", "/api/jobs", "/nowhere"):
        assert "localhost" in problem(client.get(path, headers={"Host": host}), 403)["detail"]


def test_a_request_without_a_host_header_is_refused(client: FlaskClient) -> None:
    problem(client.get("/api/jobs", environ_overrides={"HTTP_HOST": None}), 403)


@pytest.mark.parametrize("origin", ["http://localhost:5000", "HTTP://LOCALHOST:5000"])
def test_a_page_of_this_api_may_change_things(client: FlaskClient, origin: str) -> None:
    headers = {"Host": "localhost:5000", "Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/pause", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "https://localhost:5000", "http://localhost", "http://localhost:5001", ""],
)
def test_a_page_of_another_origin_may_not_change_anything(here: Installation, client: FlaskClient, origin: str) -> None:
    response = client.post("/api/pause", headers={"Host": "localhost:5000", "Origin": origin})
    assert "Origin" in problem(response, 403)["detail"]
    assert not here.store.pauses.in_force(here.clock.now)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_a_page_of_another_site_may_not_change_anything(here: Installation, client: FlaskClient, site: str) -> None:
    problem(client.post("/api/sync", headers={"Sec-Fetch-Site": site}), 403)
    assert not here.woken


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_person_at_the_address_bar_may_change_things(client: FlaskClient, site: str) -> None:
    assert client.post("/api/sync", headers={"Sec-Fetch-Site": site}).status_code == 202


def test_reading_is_not_a_matter_of_origins(client: FlaskClient) -> None:
    headers = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    response = client.get("/api/jobs", headers=headers)
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("host", ["evil.example", "schedsync.intern:5000"])
def test_an_exposed_api_is_read_under_any_name(exposed: FlaskClient, host: str) -> None:
    assert exposed.get("/api/jobs/a", headers={"Host": host}).status_code == 200


NAMED = Rules(hosts=frozenset({"sched.example"}))


@pytest.mark.parametrize(
    "host", [*LOOPBACK, "sched.example", "Sched.Example:5000", "10.0.0.1:5000", "[fd00::1]:5000", "0.0.0.0", None]
)
def test_an_exposed_api_with_a_name_is_served_under_that_and_under_addresses(
    here: Installation, host: str | None
) -> None:
    client = here.client(exposed=True, rules=NAMED)
    for path in ("/api/jobs", "/api"):
        assert client.get(path, environ_overrides={"HTTP_HOST": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:5000", "10.0.0.1.evil.example", "www.sched.example", "2130706433", "", "[x]"]
)
def test_an_exposed_api_with_a_name_is_served_under_no_other_which_might_be_made_to_point_here(
    here: Installation, host: str
) -> None:
    client = here.client(exposed=True, rules=NAMED)
    for path in ("/health", "/api/jobs", "/nowhere"):
        assert "add it to api.hosts" in problem(client.get(path, headers={"Host": host}), 403)["detail"]


def test_behind_a_proxy_an_exposed_api_with_a_name_looks_at_both_names(here: Installation) -> None:
    client = here.client(exposed=True, rules=replace(NAMED, proxies=1))
    for host, status in (("10.0.0.1:5000", 200), ("sched.example", 200), ("evil.example", 403)):
        for told, passed_on in ((host, "sched.example"), ("sched.example", host)):
            headers = {"Host": told, "X-Forwarded-Host": passed_on}
            assert client.get("/api/jobs", headers=headers).status_code == status


@pytest.mark.parametrize(
    "path",
    [
        *("/api/pause", "/api/resume", "/api/sync"),
        *("/api/jobs/a/pause", "/api/jobs/a/resume", "/api/jobs/a/run"),
    ],
)
def test_an_exposed_api_changes_nothing_and_says_what_to_do(
    here: Installation, exposed: FlaskClient, path: str
) -> None:
    response = exposed.post(path, headers={"Host": "localhost"})
    detail = problem(response, 401)["detail"]
    assert "schedsync token create NAME --scope control" in detail
    assert "127.0.0.1" in detail
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")
    assert not here.woken
    assert not here.store.runs.unowned()
    assert not here.store.pauses.in_force(here.clock.now)
