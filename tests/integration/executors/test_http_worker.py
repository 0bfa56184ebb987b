"""Requests to web services, each in a process of its own, and what is said when they fail."""

import gzip
import json
import re
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from schedsync import __version__
from schedsync.executors.base import Engine
from tests.integration.executors.conftest import Remembering
from tests.integration.executors.web import Handler, ask, fine, launch, made, reason, serving
from tests.listeners import closing_listener, free_port


def test_a_request_and_its_answer_are_the_output() -> None:
    def respond(handler: Handler) -> None:
        handler.answer(200, b'{"ok": true}', Content_Type="application/json", Set_Cookie="session=1", Server="x")

    with serving(respond) as web:
        code, output = ask(f"{web.url}/close?month=1")
    assert code == 0, output
    pattern = rf"""GET {web.url}/close\?month=1
HTTP/1.0 200 OK
Content-Type: application/json
Content-Length: 12

{{"ok": true}}
\(12 bytes, 0\.\d\d\d s\)
"""
    assert re.fullmatch(pattern, output), output


def test_a_service_sees_who_asks_and_for_which_slot() -> None:
    with serving(fine) as web:
        assert ask(web.url)[0] == 0
    (asked,) = web.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/", b"")
    assert asked.headers == {
        "Host": web.url.removeprefix("http://"),
        "Accept-Encoding": "identity",
        "User-Agent": f"schedsync/{__version__}",
        "Idempotency-Key": "job@2026-11-24T02:00:00Z",
        "Connection": "close",
    }


@pytest.mark.parametrize(
    ("fields", "body", "kind"),
    [
        ({"json": {"month": 1, "name": "Jänner"}}, b'{"month": 1, "name": "J\\u00e4nner"}', "application/json"),
        ({"body": "Jänner\n"}, "Jänner\n".encode(), "text/plain; charset=utf-8"),
        ({"body": {"file": "close.xml"}}, b"<close/>\xff", "application/octet-stream"),
        ({}, b"", None),
    ],
)
def test_a_body_is_sent_as_it_is(tmp_path: Path, fields: dict[str, Any], body: bytes, kind: str | None) -> None:
    (tmp_path / "close.xml").write_bytes(b"<close/>\xff")
    with serving(fine) as web:
        assert ask(web.url, tmp_path, method="POST", **fields)[0] == 0
    (asked,) = web.asked
    assert (asked.method, asked.body, asked.headers.get("Content-Type")) == ("POST", body, kind)
    assert asked.headers["Content-Length"] == str(len(body))


@pytest.mark.parametrize(
    ("file", "why"),
    [("none", "cannot read {folder}/none: No such file or directory"), ("folder", "cannot read {folder}/folder: ")],
)
def test_a_body_that_cannot_be_read_is_not_sent(tmp_path: Path, file: str, why: str) -> None:
    (tmp_path / "folder").mkdir()
    with serving(fine) as web:
        said = reason(web.url, tmp_path, method="POST", body={"file": file})
    assert said.startswith(f"body: {why.format(folder=tmp_path)}")
    assert web.asked == []


def test_another_status_is_a_failure_that_shows_the_answer() -> None:
    with serving(lambda handler: handler.answer(503, b"closed for today", Retry_After="120")) as web:
        code, output = ask(web.url)
    assert code == 1
    assert "\nclosed for today\n" in output
    said = "status 503 Service Unavailable, expected 200-299; the service asks to try again after 120 s"
    assert output.splitlines()[-1] == f"failed: {said}"


def test_what_is_expected_may_be_another_status_and_a_body() -> None:
    expect = {"status": [404], "body": "no s.ch job"}
    with serving(lambda handler: handler.answer(404, b"no such job")) as web:
        assert ask(web.url, expect=expect)[0] == 0
        assert reason(web.url, expect=expect | {"body": "none"}) == "the body does not match expect.body: none"


def test_an_answer_without_a_body_is_one() -> None:
    with serving(lambda handler: handler.answer(204)) as web:
        assert "HTTP/1.0 204 No Content" in ask(web.url, method="PUT")[1]
    with serving(lambda handler: handler.answer(200, Content_Length="1000")) as web:
        assert ask(web.url, method="HEAD")[0] == 0


def test_a_packed_body_is_shown_unpacked() -> None:
    packed = gzip.compress(b"closed " * 3)
    with serving(lambda handler: handler.answer(200, packed, Content_Encoding="gzip")) as web:
        code, output = ask(web.url, expect={"body": "closed closed"})
    assert code == 0
    assert "closed closed closed" in output


def test_only_the_beginning_of_a_long_body_is_printed() -> None:
    with serving(lambda handler: handler.answer(200, b"a" * 100_000 + b"the end")) as web:
        code, output = ask(web.url, expect={"body": "the end"})
    assert code == 0
    assert len(output) < 40_000
    assert "... (67,239 more characters)" in output


def test_of_an_endless_body_only_the_beginning_is_read() -> None:
    def respond(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        bite = b"x" * (1 << 20)
        for _ in range(1 << 10):  # a gigabyte, if somebody takes it
            handler.wfile.write(bite)

    with serving(respond) as web:
        launched = launch(web.url)
        # With less memory than the body has.
        limited = replace(launched, argv=("bash", "-c", f"ulimit -v {200 << 10}; exec {shlex.join(launched.argv)}"))
        code, output = made(limited)
        assert code == 0, output
        assert re.search(r"\n\(1,\d\d\d,\d\d\d bytes, .* s; the rest was not read\)\n", output)
        assert reason(web.url, expect={"body": "y"}) == "the body does not match expect.body in what was read of it: y"


# Redirects


def test_a_redirect_is_not_followed_and_said() -> None:
    with serving(lambda handler: handler.answer(302, Location="/login")) as web:
        said = reason(web.url)
    assert said == "status 302 Found, expected 200-299; it points to /login: write that url, or follow_redirects: true"
    assert len(web.asked) == 1


def test_a_redirect_is_followed_on_request() -> None:
    def respond(handler: Handler) -> None:
        if handler.path == "/there":
            fine(handler)
        else:
            handler.answer(303, Location="/there")

    with serving(respond) as web:
        code, output = ask(f"{web.url}/here", method="POST", json=1, follow_redirects=True)
    assert code == 0
    assert [(asked.method, asked.path) for asked in web.asked] == [("POST", "/here"), ("GET", "/there")]
    assert re.findall(r"^(?:POST|GET|HTTP).*", output, re.MULTILINE) == [
        f"POST {web.url}/here",
        "HTTP/1.0 303 See Other",
        f"GET {web.url}/there",
        "HTTP/1.0 200 OK",
    ]


def test_another_host_does_not_get_what_says_who_asks(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2-of-erp")
    with serving(fine) as elsewhere, serving(lambda h: h.answer(307, Location=f"{elsewhere.url}/x")) as web:
        headers = {"Authorization": {"file": "token"}, "X-Key": "1", "Accept": "text/csv"}
        assert ask(web.url, tmp_path, headers=headers, follow_redirects=True)[0] == 0
    assert web.asked[0].headers["Authorization"] == "hunter2-of-erp"
    assert {"Authorization", "X-Key"} & set(elsewhere.asked[0].headers) == set()
    assert elsewhere.asked[0].headers["Accept"] == "text/csv"


def test_another_host_does_not_get_the_body() -> None:
    with serving(fine) as elsewhere, serving(lambda h: h.answer(308, Location=f"{elsewhere.url}/x")) as web:
        said = reason(web.url, method="POST", body="hunter2-of-erp", follow_redirects=True)
    assert said == f"the answer points to {elsewhere.url}/x, elsewhere, where no body is sent: write that url"
    assert (len(web.asked), elsewhere.asked) == (1, [])


def test_a_circle_of_redirects_ends() -> None:
    with serving(lambda handler: handler.answer(302, Location="/again")) as web:
        said = reason(web.url, follow_redirects=True)
    assert said == f"the answers point on more than 5 times, at last to {web.url}/again"
    assert len(web.asked) == 6


# Services that are not well


def test_nobody_listens() -> None:
    port = free_port()
    said = reason(f"http://127.0.0.1:{port}")
    assert said == f"cannot connect to 127.0.0.1:{port}: connection refused; does the service listen there?"


def test_nobody_knows_the_host() -> None:
    assert reason("http://nosuch.invalid/x").startswith("cannot find nosuch.invalid: ")


def test_a_connection_that_is_closed_without_an_answer() -> None:
    with closing_listener() as port:
        said = reason(f"http://127.0.0.1:{port}")
    assert re.fullmatch(
        rf"127\.0\.0\.1:{port} closed the connection without an answer|the connection to .* failed while it .*", said
    )


@contextmanager
def saying(*words: bytes) -> Iterator[str]:
    """Give the address of a listener that says the same to everybody, after it was asked, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(1 << 16)
                for each in words:
                    client.sendall(each)

        thread = Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param(
            b"SSH-2.0-x\r\n", "the answer of {at} is no HTTP; does it speak https there?", id="another protocol"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc",
            "the answer of {at} broke off after 3 bytes; 997 more were announced",
            id="less than announced",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
            "the answer of {at} broke off in the middle",
            id="half a chunk",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n",
            "the answer of {at} is no valid HTTP: got more than 100 headers",
            id="too many headers",
        ),
    ],
)
def test_an_answer_that_is_none(said: bytes, why: str) -> None:
    with saying(said) as url:
        assert reason(url) == why.format(at=url.removeprefix("http://"))


def test_what_came_before_an_answer_broke_off_is_printed() -> None:
    with saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc") as url:
        assert "\n\nabc\nfailed: " in ask(url)[1]


def test_an_answer_that_comes_before_all_is_sent_is_heard(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(20 << 20))

    def refuse(handler: Handler) -> None:
        handler.answer(413, b"too much")

    with serving(refuse) as web, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Handler, "read", lambda handler: None)  # it looks at the headers only
        said = reason(web.url, tmp_path, method="POST", body={"file": "large"})
    assert said.startswith("status 413 ")


# Secrets


def test_secrets_do_not_come_out_whatever_the_service_says(
    engine: Engine, listener: Remembering, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("hunter3-of-erp\n")

    def respond(handler: Handler) -> None:
        seen = json.dumps(dict(handler.headers)).encode()
        handler.answer(302, seen, Location=f"/?key={handler.headers['X-Key']}")

    headers = {"Authorization": {"env": "TOKEN"}, "X-Key": {"file": "key"}}
    with serving(respond) as web:
        engine.launch(launch(web.url, tmp_path, {"TOKEN": "Bearer hunter2-of-erp"}, headers=headers))
        outcome = listener.end()
    assert web.asked[0].headers["Authorization"] == "Bearer hunter2-of-erp"
    assert web.asked[0].headers["X-Key"] == "hunter3-of-erp"
    assert '"Authorization": "[redacted]"' in outcome.output.head.decode()
    assert "it points to /?key=[redacted]: write that url" in (outcome.reason or "")
    assert "hunter" not in f"{outcome}"


# Proxies


def test_a_proxy_is_asked_only_when_the_job_says_so() -> None:
    with serving(fine) as web, serving(fine) as proxy:
        environ = {"http_proxy": proxy.url, "HTTP_PROXY": proxy.url, "all_proxy": proxy.url}
        assert ask(web.url, environ=environ)[0] == 0
        assert (len(web.asked), len(proxy.asked)) == (1, 0)
        assert ask("http://erp.invalid/close?a=1", proxy=proxy.url)[0] == 0
    (asked,) = proxy.asked
    assert (asked.path, asked.headers["Host"]) == ("http://erp.invalid/close?a=1", "erp.invalid")


def test_a_proxy_knows_who_asks(tmp_path: Path) -> None:
    (tmp_path / "proxy").write_text("Basic aHVudGVyMg==")
    headers = {"Proxy-Authorization": {"file": "proxy"}}
    with serving(lambda handler: handler.answer(407)) as proxy:
        for url in ("http://erp.invalid", "https://erp.invalid"):
            reason(url, tmp_path, headers=headers, proxy=proxy.url)
    assert [asked.method for asked in proxy.asked] == ["GET", "CONNECT"]
    assert [asked.headers["Proxy-Authorization"] for asked in proxy.asked] == ["Basic aHVudGVyMg=="] * 2


def test_a_proxy_that_is_not_well_is_named() -> None:
    with serving(lambda handler: handler.answer(407)) as proxy:
        said = reason("https://erp.invalid/close", proxy=proxy.url)
    assert said == (
        f"the connection to the proxy 127.0.0.1:{proxy.port} failed while it connected: "
        "Tunnel connection failed: 407 Proxy Authentication Required"
    )
    port = free_port()
    said = reason("http://erp.invalid/close", proxy=f"http://127.0.0.1:{port}")
    assert said.startswith(f"cannot connect to the proxy 127.0.0.1:{port}: connection refused")
