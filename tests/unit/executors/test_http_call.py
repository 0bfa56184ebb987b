"""From a job that makes a request to what its worker reads."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schedsync import __version__
from schedsync.errors import UnresolvedReferenceError
from schedsync.executors.base import Launch
from schedsync.executors.prepare import inherited, prepare
from schedsync.http.request import Expectation, Message, Proxy, Request, Tls, decoded
from tests.builders import NOW, run, spec

URL = "https://erp.example.com/close"
FOLDER = Path("/jobs/erp")
ENVIRON = {"HOME": "/root", "TOKEN": "Bearer hunter2-of-erp"}
SLOT = {"User-Agent": f"schedsync/{__version__}", "Idempotency-Key": "job@2026-11-24T02:00:00Z"}


def launched(folder: Path = FOLDER, *, attempt: int = 1, timeout: str | None = None, **request: Any) -> Launch:
    job = spec(run={"http": {"url": URL, **request}}, timeout=timeout)
    return prepare(run(attempt=attempt, scheduled_at=NOW), job, folder, inherited(ENVIRON))


def requested(folder: Path = FOLDER, **request: Any) -> Request:
    return decoded(launched(folder, **request).stdin)


def test_a_request_comes_back_as_it_was() -> None:
    request = requested(
        expect={"status": [200, "300-399"], "body": "ok"},
        tls={"ca": "ca.pem", "cert": "/etc/client.pem"},
        proxy="http://proxy:3128",
        follow_redirects=True,
    )
    assert request == Request(
        Message("GET", URL, SLOT),
        seconds=340,
        expectation=Expectation(((200, 200), (300, 399)), "ok"),
        tls=Tls("/jobs/erp/ca.pem", "/etc/client.pem"),
        proxy=Proxy("proxy", 3128),
        follow_redirects=True,
    )


def test_each_attempt_at_a_slot_has_the_same_key() -> None:
    keys = [requested(attempt=attempt).message.headers["Idempotency-Key"] for attempt in (1, 2)]
    assert keys == ["job@2026-11-24T02:00:00Z"] * 2


@pytest.mark.parametrize(
    ("fields", "body", "file", "kind"),
    [
        ({"json": {"month": 1}}, '{"month": 1}', None, "application/json"),
        ({"body": "month=1"}, "month=1", None, "text/plain; charset=utf-8"),
        ({"body": {"file": "close.xml"}}, None, "/jobs/erp/close.xml", "application/octet-stream"),
        ({}, None, None, None),
        ({"body": "<x/>", "headers": {"content-type": "text/xml"}}, "<x/>", None, None),
    ],
)
def test_a_body_says_what_it_is(fields: dict[str, Any], body: str | None, file: str | None, kind: str | None) -> None:
    message = requested(method="POST", **fields).message
    assert (message.body, message.file, message.headers.get("Content-Type")) == (body, file, kind)


def test_headers_of_the_author_take_the_place_of_ours() -> None:
    headers = requested(headers={"user-agent": "mine", "Idempotency-Key": "own", "Accept": "text/csv"}).message.headers
    assert headers == {"user-agent": "mine", "Idempotency-Key": "own", "Accept": "text/csv"}


def test_what_a_proxy_is_told_is_not_for_the_service() -> None:
    headers = {"proxy-authorization": {"env": "TOKEN"}, "Accept": "text/csv"}
    request = requested(proxy="http://proxy", headers=headers)
    assert request.proxy == Proxy("proxy", 80, "Bearer hunter2-of-erp")
    assert request.message.headers == SLOT | {"Accept": "text/csv"}
    assert requested(headers=headers).message.headers["proxy-authorization"] == "Bearer hunter2-of-erp"


def test_a_secret_is_in_the_request_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter3-of-erp\n")
    launch = launched(tmp_path, headers={"Authorization": {"env": "TOKEN"}, "X-Key": {"file": "key"}})
    request = decoded(launch.stdin)
    assert request.message.headers["Authorization"] == "Bearer hunter2-of-erp"
    assert request.message.headers["X-Key"] == "hunter3-of-erp"
    assert set(launch.secrets) == {"Bearer hunter2-of-erp", "hunter2-of-erp", "hunter3-of-erp"}
    assert "hunter" not in f"{launch!r}{launch.argv}{launch.env}{launch.cwd}{request!r}"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            {"env": "NONE"},
            'headers.X: the service has no variable "NONE" for jobs; ',
        ),
        ({"file": "none"}, 'headers.X: the file "{folder}/none" cannot be read: No such file or directory'),
        (
            {"file": "lines"},
            "headers.X: the value of a header is one line of ASCII; ",
        ),
    ],
)
def test_a_value_that_is_not_to_be_had_is_refused(tmp_path: Path, value: dict[str, str], sentence: str) -> None:
    (tmp_path / "lines").write_text("hunter2\r\nEvil: yes\n")
    with pytest.raises(UnresolvedReferenceError, match=re.escape(sentence.format(folder=tmp_path))) as refused:
        launched(tmp_path, headers={"X": value})
    assert "hunter2" not in str(refused.value)


def test_a_request_without_a_timeout_has_one_all_the_same() -> None:
    assert launched().timeout == timedelta(minutes=5)
    launch = launched(timeout="2s")
    assert (launch.timeout, decoded(launch.stdin).seconds) == (timedelta(seconds=2), 42)
