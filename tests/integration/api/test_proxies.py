"""What proxies in front are believed."""

import pytest
from flask import Flask, request, url_for

from schedsync.access import Rules, Scope
from schedsync.api.endpoint import needs
from tests.integration.api.conftest import Installation, problem

FORWARDED = {
    "X-Forwarded-For": "10.0.0.9, 10.0.0.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "sched.example",
    "X-Forwarded-Prefix": "/sched",
}
NOTHING = {"address": "127.0.0.1", "url": "http://localhost/place", "path": "/place"}


def place(here: Installation, proxies: int, headers: dict[str, str]) -> object:
    """Return where a request seems to come from and to go to."""

    @needs(Scope.OPEN)
    def seen() -> dict[str, str | None]:
        return {"address": request.remote_addr, "url": request.base_url, "path": url_for("place")}

    rules = Rules(proxies=proxies, hosts=frozenset({"sched.example"}))
    app: Flask = here.client(rules=rules).application
    app.add_url_rule("/place", "place", seen)
    return app.test_client().get("/place", headers=headers).json


def test_without_proxies_nothing_of_it_is_believed(here: Installation) -> None:
    assert place(here, 0, FORWARDED) == NOTHING


@pytest.mark.parametrize(("proxies", "address"), [(1, "10.0.0.1"), (2, "10.0.0.9"), (3, "127.0.0.1")])
def test_so_many_steps_back_stands_who_asks(here: Installation, proxies: int, address: str) -> None:
    there = {"address": address, "url": "https://sched.example/sched/place", "path": "/sched/place"}
    assert place(here, proxies, FORWARDED) == there


def test_the_nearest_proxy_says_where_the_site_is(here: Installation) -> None:
    several = {name: f"evil, {value}" for name, value in FORWARDED.items() if name != "X-Forwarded-For"}
    there = {"address": "127.0.0.1", "url": "https://sched.example/sched/place", "path": "/sched/place"}
    assert place(here, 1, several) == there


@pytest.mark.parametrize(
    "prefix",
    ["//evil.example", "/a//b", "sched", "/", "/a b", "/a\\b", "https://evil.example", "/a?b", "/a%2Fb", "/é", "/a;b"],
)
def test_a_path_that_is_none_is_not_believed(here: Installation, prefix: str) -> None:
    assert place(here, 1, {"X-Forwarded-Prefix": prefix}) == NOTHING


@pytest.mark.parametrize("prefix", ["/sched/", "/a/b", "/a.b~c_d-e"])
def test_a_path_may_have_parts_and_end_in_a_slash(here: Installation, prefix: str) -> None:
    there = NOTHING | {"path": f"{prefix.rstrip('/')}/place", "url": f"http://localhost{prefix.rstrip('/')}/place"}
    assert place(here, 1, {"X-Forwarded-Prefix": prefix}) == there


def test_a_scheme_that_is_none_is_not_believed(here: Installation) -> None:
    assert place(here, 1, {"X-Forwarded-Proto": "javascript"}) == NOTHING


def test_a_name_that_is_not_known_is_refused(here: Installation) -> None:
    client = here.client(rules=Rules(proxies=1, hosts=frozenset({"sched.example"})))
    refused = client.get("/health", headers={"X-Forwarded-Host": "evil.example"})
    assert "api.hosts" in problem(refused, 403)["detail"]


def test_a_page_under_the_public_address_may_change_things_whatever_name_the_proxy_passes_on(
    here: Installation,
) -> None:
    client = here.client(rules=Rules(origin="https://sched.example"))
    answer = client.post("/api/sync", headers={"Origin": "https://sched.example"})
    assert answer.status_code == 202
    problem(client.post("/api/sync", headers={"Origin": "https://sched.example.evil.example"}), 403)


def test_a_page_that_claims_to_come_through_a_proxy_is_refused_by_its_own_name(here: Installation) -> None:
    client = here.client(rules=Rules(proxies=1))
    headers = {"Host": "evil.example", "X-Forwarded-Host": "localhost"}
    assert "evil.example" in problem(client.get("/api/jobs", headers=headers), 403)["detail"]
