"""Who may ask a service that runs: tokens that come and go, and proxies in front."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.acceptance.harness import Folder, Service, eventually
from tests.reverse_proxy import reverse_proxy

UNKNOWN = f"sst_{'0' * 12}_{'x' * 43}"
SITE = "sched.example"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def ask(url: str, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
    """Ask as any client does; in names of headers, _ stands for -."""
    place = urlsplit(url)
    connection = HTTPConnection(str(place.hostname), place.port, timeout=20)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read().decode())
    finally:
        connection.close()


@pytest.fixture
def service(tmp_path: Path, folder: Folder) -> Iterator[Service]:
    folder.shell("job", "true", schedule="{every: 1h}")
    running = Service(tmp_path, folder.path, f"sqlite:///{tmp_path}/state.db")
    yield running
    running.close()
    print("\n".join(running.log))  # noqa: T201 - pytest shows it when the test has failed


def made(service: Service, scope: str, name: str = "ci") -> str:
    done = service.cli("token", "create", name, "--scope", scope)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def audited(service: Service, action: str) -> list[tuple[str, str]]:
    with sqlite3.connect(service.database.removeprefix("sqlite:///")) as connection:
        asked = "SELECT actor, reason FROM schedsync_audit WHERE action = ? ORDER BY id"
        return connection.execute(asked, (action,)).fetchall()


def test_a_first_token_takes_control_from_those_without_one_and_a_revoked_one_ends(service: Service) -> None:
    service.start()
    eventually(lambda: service.job_ids() == {"job"})
    service.post("/api/pause")
    text = made(service, "control")
    eventually(lambda: ask(service.url, "/api/sync", "POST").status == 401, within=5)
    assert ask(service.url, "/api/resume", "POST", Authorization=f"Bearer {text}").status == 200
    assert [actor for actor, _ in audited(service, "resume")] == ["token:ci"]

    revoked = service.cli("token", "revoke", text.split("_")[1])
    assert revoked.returncode == 0, revoked.stderr
    refused = {"Authorization": f"Bearer {text}"}
    eventually(lambda: ask(service.url, "/api/pause", "POST", **refused).status == 401, within=5)
    assert ask(service.url, "/api/jobs").status == 200
    service.end()
    assert audited(service, "auth_failed")[0][0] == "api:127.0.0.1"
    used = json.loads(service.cli("token", "list", "--json").stdout)["tokens"]
    assert [token["last_used_at"] is not None for token in used] == [True]


def test_behind_a_proxy_under_a_prefix_a_browser_logs_in_and_controls(service: Service) -> None:
    service.start(API__PROXIES="1", API__HOSTS=SITE, API__READ="token")
    text = made(service, "control", "ann")
    with reverse_proxy(service.url, "/sched", name=SITE) as url:
        page = {"Origin": f"https://{SITE}", "Sec_Fetch_Site": "same-origin"}
        assert ask(url, "/sched/health").status == 200
        assert ask(url, "/sched/api/jobs").status == 401

        form = {"Content_Type": "application/x-www-form-urlencoded", **page}
        entered = ask(url, "/sched/login", "POST", urlencode({"token": text, "next": "/sched/jobs"}), **form)
        assert (entered.status, entered.headers["Location"]) == (303, "/sched/jobs")
        said = entered.headers["Set-Cookie"]
        assert said == f"schedsync_token={text}; Secure; HttpOnly; Path=/sched/; SameSite=Strict"
        assert entered.headers["Strict-Transport-Security"]

        cookie = {"Cookie": said.partition(";")[0]}
        eventually(lambda: ask(url, "/sched/api/jobs/job", **cookie).status == 200)
        assert ask(url, "/sched/api/jobs/job/pause", "POST", **cookie, **page).json["pause"]["by"] == "token:ann"
        foreign = {"Origin": f"http://{SITE}"}
        assert ask(url, "/sched/api/jobs/job/resume", "POST", **cookie, **foreign).status == 403


def test_behind_a_proxy_the_address_is_what_the_proxy_says_and_not_what_clients_say(service: Service) -> None:
    service.start(API__PROXIES="1", API__HOSTS=SITE)
    with reverse_proxy(service.url, "/sched", name=SITE) as url:
        forged = {"X_Forwarded_For": "10.9.9.9", "Authorization": f"Bearer {UNKNOWN}"}
        assert ask(url, "/sched/api/jobs", **forged).status == 401
        assert ask(url, "/sched/api/pause", "POST").status == 401
    assert ask(service.url, "/api/pause", "POST").status == 401
    service.end()
    assert [actor for actor, _ in audited(service, "auth_failed")] == ["api:127.0.0.1"]


def test_a_proxy_that_the_settings_do_not_name_is_told_what_to_set(service: Service) -> None:
    service.start()
    with reverse_proxy(service.url, "/sched", name=SITE) as url:
        refused = ask(url, "/sched/api/jobs")
        assert refused.status == 403
        assert "api.hosts" in refused.json["detail"]
        assert ask(url, "/sched/health").status == 403


def test_what_is_forwarded_is_not_believed_without_proxies(service: Service) -> None:
    service.start(API__HOSTS=SITE)
    with reverse_proxy(service.url, "/sched", name=SITE) as url:
        answer = ask(url, "/sched/logout", "POST")
        assert answer.headers["Location"] == "/login"
        assert "Strict-Transport-Security" not in answer.headers
        assert "through a proxy" in ask(url, "/sched/api/pause", "POST").json["detail"]
