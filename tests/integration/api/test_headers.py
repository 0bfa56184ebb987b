"""What each answer tells browsers not to do."""

import pytest
from flask.testing import FlaskClient

from schedsync.api.headers import ALWAYS, POLICY
from tests.integration.api.conftest import Installation

PATHS = ["/health", "/api/jobs", "/api/jobs/none", "/nowhere", "/api/jobs?surplus=1", "/api/runs/none/log"]


def of(client: FlaskClient, path: str, method: str = "GET", **more: object) -> dict[str, str]:
    return dict(client.open(path, method=method, **more).headers)  # type: ignore[arg-type] # any of its arguments


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_every_answer_is_protected_whatever_it_is(client: FlaskClient, path: str, method: str) -> None:
    headers = of(client, path, method)
    assert {name: headers[name] for name in ALWAYS} == ALWAYS
    assert "Strict-Transport-Security" not in headers


def test_a_refusal_is_protected_too(here: Installation) -> None:
    headers = of(here.client(), "/api/jobs", headers={"Host": "evil.example"})
    assert headers["Content-Security-Policy"] == POLICY


def test_a_mistake_of_ours_is_protected_too(here: Installation) -> None:
    client = here.client(vitals=None)
    response = client.get("/health")
    assert response.status_code == 500
    assert response.headers["Content-Security-Policy"] == POLICY


def test_only_by_https_browsers_are_told_to_stay_there(client: FlaskClient) -> None:
    assert of(client, "/health", base_url="https://localhost")["Strict-Transport-Security"].startswith("max-age=")


def test_no_script_and_no_style_but_in_files_of_our_own() -> None:
    said = dict(directive.split(" ", 1) for directive in POLICY.split("; "))
    assert said["default-src"] == "'none'"
    assert said["script-src"] == said["style-src"] == said["connect-src"] == said["form-action"] == "'self'"
    assert said["frame-ancestors"] == said["base-uri"] == "'none'"
    assert "unsafe" not in POLICY
