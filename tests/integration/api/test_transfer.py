"""How answers travel: asked for again they are not sent twice, and long ones are compressed for those who want that."""

import gzip
from pathlib import Path

import pytest
from flask import Response, send_file
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from schedsync.api.app import create_app
from schedsync.api.transfer import SMALLEST
from schedsync.runs.outcome import Output
from tests.builders import located
from tests.integration.api.conftest import Installation

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
LONG = "/api/jobs"


@pytest.fixture
def client(here: Installation) -> FlaskClient:
    here.apply(*(located(id=f"job-{number}") for number in range(20)))
    return here.client()


def again(client: FlaskClient, path: str, tag: str, **headers: str) -> TestResponse:
    return client.get(path, headers={"If-None-Match": tag, **headers})


@pytest.mark.parametrize("path", ["/health", "/api/status", "/api/jobs", "/api/jobs/job-1", "/api/runs"])
def test_what_has_not_changed_is_not_sent_again(here: Installation, client: FlaskClient, path: str) -> None:
    here.vitals.ticked(here.clock.now, leading=True, leader="here")
    first = client.get(path)
    second = again(client, path, first.headers["ETag"])
    assert (second.status_code, second.data) == (304, b"")
    assert not {"Content-Length", "Content-Type"} & set(second.headers.keys())
    for name in ("ETag", "Cache-Control", "Vary"):
        assert second.headers[name] == first.headers[name]
    assert first.headers["Cache-Control"] == "private, no-cache"


def test_what_has_changed_is_sent_with_another_validator(client: FlaskClient) -> None:
    tag = client.get("/api/jobs/job-1").headers["ETag"]
    client.post("/api/jobs/job-1/pause")
    changed = again(client, "/api/jobs/job-1", tag)
    assert changed.get_json()["state"] == "paused"
    assert changed.headers["ETag"] != tag


@pytest.mark.parametrize("known", ['"another", {tag}', "W/{tag}", "*"])
def test_a_validator_is_found_among_others_weak_ones_and_by_a_star(client: FlaskClient, known: str) -> None:
    tag = client.get(LONG).headers["ETag"]
    assert again(client, LONG, known.format(tag=tag)).status_code == 304


@pytest.mark.parametrize("known", ['"another"', "", "no tag at all", '""'])
def test_another_validator_gets_the_whole_answer(client: FlaskClient, known: str) -> None:
    assert again(client, LONG, known).get_json()["jobs"]


def test_output_has_a_validator_too(here: Installation, client: FlaskClient) -> None:
    run = here.end(here.claim("job-1"), Output(b"printed", total=7))
    path = f"/api/runs/{run.id}/log"
    assert again(client, path, client.get(path).headers["ETag"]).status_code == 304


@pytest.mark.parametrize("path", ["/nowhere", "/api/jobs/none", "/api/jobs?surplus=1", "/api/runs/none/log"])
def test_errors_have_none_and_are_not_kept(client: FlaskClient, path: str) -> None:
    response = again(client, path, "*")
    assert response.status_code >= 400
    assert "ETag" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"


def test_the_answer_to_a_wish_has_none_and_is_not_kept(client: FlaskClient) -> None:
    response = client.post("/api/pause", headers={"If-None-Match": "*"})
    assert response.status_code == 200
    assert "ETag" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"


def test_a_long_answer_is_compressed_for_those_who_take_that(client: FlaskClient) -> None:
    plain, packed = client.get(LONG), client.get(LONG, headers=GZIP)
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 4
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Content-Length"] == str(len(packed.data))
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["ETag"] == f"W/{plain.headers['ETag']}"


@pytest.mark.parametrize("compressed", [True, False])
def test_either_form_is_known_by_the_validator_of_the_other(client: FlaskClient, compressed: bool) -> None:
    tag = client.get(LONG, headers=GZIP if compressed else {}).headers["ETag"]
    assert again(client, LONG, tag).status_code == 304
    assert again(client, LONG, tag, **GZIP).status_code == 304


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip;q=0, *", "*;q=0"])
def test_nothing_is_compressed_for_others(client: FlaskClient, accepted: str) -> None:
    response = client.get(LONG, headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in response.headers
    assert response.get_json()["jobs"]


@pytest.mark.parametrize("accepted", ["gzip", "GZIP", "*", "identity;q=0.5, gzip;q=1.0"])
def test_each_way_to_take_it_is_understood(client: FlaskClient, accepted: str) -> None:
    assert client.get(LONG, headers={"Accept-Encoding": accepted}).headers["Content-Encoding"] == "gzip"


def test_a_short_answer_is_not_compressed(client: FlaskClient) -> None:
    response = client.get("/ready", headers=GZIP)
    assert len(response.data) < SMALLEST
    assert "Content-Encoding" not in response.headers
    assert response.headers["Vary"] == "Accept-Encoding"


def test_a_long_error_is_compressed_without_getting_a_validator(client: FlaskClient) -> None:
    response = client.post("/api/pause", json={f"x{number}": 1 for number in range(50)}, headers=GZIP)
    assert (response.status_code, response.headers["Content-Encoding"]) == (400, "gzip")
    assert "ETag" not in response.headers


@pytest.mark.parametrize("path", [LONG, "/api/status", "/api/jobs/none"])
def test_head_is_answered_as_get_without_a_body(client: FlaskClient, path: str) -> None:
    for headers in ({}, GZIP):
        whole, head = client.get(path, headers=headers), client.head(path, headers=headers)
        assert head.data == b""
        assert (head.status_code, head.headers) == (whole.status_code, whole.headers)


def test_a_part_of_a_log_travels_as_it_is(here: Installation) -> None:
    app = create_app(here.backend)
    whole = b"x" * 10_000

    @app.get("/part")
    def part() -> Response:
        return Response(whole[:5_000], 206, {"Content-Range": "bytes 0-4999/10000"}, mimetype="text/plain")

    response = app.test_client().get("/part", headers={"If-None-Match": "*", **GZIP})
    assert (response.status_code, response.data) == (206, whole[:5_000])
    assert "ETag" not in response.headers


def test_a_file_keeps_its_own_validator_and_is_compressed_when_it_is_text(here: Installation, tmp_path: Path) -> None:
    app = create_app(here.backend)
    (tmp_path / "style.css").write_text("a { color: red }\n" * 500)
    (tmp_path / "picture.png").write_bytes(b"\0" * 5_000)

    @app.get("/<name>")
    def file(name: str) -> Response:
        return send_file(tmp_path / name, max_age=60)

    client = app.test_client()
    plain, packed = (client.get("/style.css", headers=headers, buffered=True) for headers in ({}, GZIP))
    assert gzip.decompress(packed.data) == plain.data == (tmp_path / "style.css").read_bytes()
    assert packed.headers["ETag"] == f"W/{plain.headers['ETag']}"
    assert packed.headers["Cache-Control"] == plain.headers["Cache-Control"] == "public, max-age=60"
    known = {"If-None-Match": packed.headers["ETag"], **GZIP}
    assert client.get("/style.css", headers=known, buffered=True).status_code == 304
    assert "Content-Encoding" not in client.get("/picture.png", headers=GZIP, buffered=True).headers
