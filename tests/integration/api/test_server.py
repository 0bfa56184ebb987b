"""The real server on real sockets."""

import gc
import logging
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from flask import Flask, Response, request

from schedsync.api.app import create_app
from schedsync.api.server import LARGEST_BODY, THREADS, ApiServer
from schedsync.errors import ApiUnavailableError
from tests.integration.api.conftest import Installation
from tests.needs import do_without

PATIENCE = 10.0


class Slow:
    """An app with an answer that waits for leave, and one that does not."""

    def __init__(self) -> None:
        self.begun, self.leave = threading.Semaphore(0), threading.Event()
        self.app = Flask(__name__)
        self.app.add_url_rule("/slow", "slow", self._slow)
        self.app.add_url_rule("/quick", "quick", lambda: "quick")
        self.app.add_url_rule("/large", "large", lambda: Response(b"x" * (32 << 20)))
        self.app.add_url_rule("/long", "long", lambda: Response(b"x" * (12 << 20)))
        self.app.add_url_rule("/body", "body", lambda: str(len(request.get_data())), methods=["POST"])

    def _slow(self) -> str:
        self.begun.release()
        assert self.leave.wait(PATIENCE)
        return "slow, but here"


@pytest.fixture
def slow() -> Iterator[Slow]:
    app = Slow()
    yield app
    app.leave.set()


@pytest.fixture
def server(slow: Slow) -> Iterator[ApiServer]:
    started = ApiServer(slow.app, "127.0.0.1", 0)
    started.start()
    yield started
    started.stop(timeout=PATIENCE)


@pytest.fixture(autouse=True)
def _no_complaint(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test after which the log has a warning that it did not take note of."""
    yield
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def _get(server: ApiServer, path: str) -> str:
    with urlopen(server.url + path, timeout=PATIENCE) as response:
        return str(response.read().decode())


def _address(server: ApiServer) -> tuple[str, int]:
    place = urlsplit(server.url)
    assert place.hostname is not None
    assert place.port is not None
    return place.hostname, place.port


def _refused(server: ApiServer) -> bool:
    try:
        socket.create_connection(_address(server), timeout=PATIENCE).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


def _eventually(ask: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ask():
        assert time.monotonic() < deadline


class Asking(threading.Thread):
    """A request in a thread of its own."""

    def __init__(self, server: ApiServer, path: str) -> None:
        super().__init__()
        self._server, self._path = server, path
        self.answer: str | None = None
        self.start()

    def run(self) -> None:
        with suppress(OSError):
            self.answer = _get(self._server, self._path)

    def wait(self) -> str | None:
        self.join(PATIENCE)
        return self.answer


class Stopping(threading.Thread):
    """A stop in a thread of its own."""

    def __init__(self, server: ApiServer, timeout: float = PATIENCE) -> None:
        super().__init__()
        self._server, self._timeout = server, timeout
        self.start()

    def run(self) -> None:
        self._server.stop(timeout=self._timeout)


def test_the_api_is_served_on_a_free_port(here: Installation) -> None:
    server = ApiServer(here.client().application, "127.0.0.1", 0)
    server.start()
    try:
        assert not server.url.endswith(":0")
        assert '"jobs":[]' in _get(server, "/api/jobs")
    finally:
        server.stop(timeout=PATIENCE)


def test_a_request_in_work_is_finished_while_new_connections_are_refused(slow: Slow, server: ApiServer) -> None:
    asking = Asking(server, "/slow")
    assert slow.begun.acquire(timeout=PATIENCE)
    stopping = Stopping(server)
    _eventually(lambda: _refused(server))
    assert stopping.is_alive()
    slow.leave.set()
    assert asking.wait() == "slow, but here"
    stopping.join(PATIENCE)
    assert not stopping.is_alive()


def test_requests_that_wait_for_a_thread_are_finished_too(slow: Slow, server: ApiServer) -> None:
    asking = [Asking(server, "/slow") for _ in range(THREADS + 3)]
    for _ in range(THREADS):
        assert slow.begun.acquire(timeout=PATIENCE)
    _eventually(lambda: len(server._connections) >= len(asking) + 2)
    stopping = Stopping(server)
    _eventually(lambda: _refused(server))
    slow.leave.set()
    assert {one.wait() for one in asking} == {"slow, but here"}
    stopping.join(PATIENCE)


def test_an_answer_that_is_being_sent_is_sent_to_its_end(server: ApiServer) -> None:
    connection = HTTPConnection(*_address(server), timeout=PATIENCE)
    connection.request("GET", "/large")
    response = connection.getresponse()
    stopping = Stopping(server)
    _eventually(lambda: _refused(server))
    assert len(response.read()) == 32 << 20
    stopping.join(PATIENCE)
    connection.close()


def test_an_idle_connection_does_not_hold_the_stop_back(server: ApiServer) -> None:
    connection = HTTPConnection(*_address(server), timeout=PATIENCE)
    connection.request("GET", "/quick")
    assert connection.getresponse().read() == b"quick"
    began = time.monotonic()
    server.stop(timeout=PATIENCE)
    assert time.monotonic() - began < PATIENCE / 2
    connection.close()


def test_nothing_of_it_is_left_after_the_stop(server: ApiServer) -> None:
    assert _get(server, "/quick") == "quick"
    server.stop(timeout=PATIENCE)
    assert not server._connections
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("waitress", "schedsync-api"))]


def test_a_request_that_does_not_end_is_cut_off(
    slow: Slow, server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    asking = Asking(server, "/slow")
    assert slow.begun.acquire(timeout=PATIENCE)
    trigger = server._server.trigger
    server.stop(timeout=0.1)
    assert [record.getMessage() for record in caplog.records] == ["1 thread(s) still running"]
    caplog.clear()
    assert asking.wait() is None
    slow.leave.set()
    _eventually(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("waitress")])
    trigger.close()  # left to the thread that was cut off, which used it at its end


def test_stopping_again_or_before_the_start_does_nothing(slow: Slow, server: ApiServer) -> None:
    ApiServer(slow.app, "127.0.0.1", 0).stop(timeout=PATIENCE)
    server.stop(timeout=PATIENCE)
    server.stop(timeout=PATIENCE)


def test_a_client_that_goes_away_is_no_matter_for_the_log(slow: Slow, server: ApiServer) -> None:
    client = socket.create_connection(_address(server), timeout=PATIENCE)
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert slow.begun.acquire(timeout=PATIENCE)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # so that close resets
    client.close()
    slow.leave.set()
    assert _get(server, "/quick") == "quick"


def test_a_service_with_thousands_of_open_files_is_served(server: ApiServer) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1_400:
        do_without("this user may not open that many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1_400), hard))
    try:
        with ExitStack() as files:
            for _ in range(1_100):
                files.callback(os.close, os.dup(0))
            assert _get(server, "/quick") == "quick"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_body_without_end_is_refused_before_the_app(server: ApiServer) -> None:
    connection = HTTPConnection(*_address(server), timeout=PATIENCE)
    connection.putrequest("POST", "/body")
    connection.putheader("Content-Length", str(10 << 20))
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 413
    response.read()
    connection.close()


def _chunked(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 4096):
        yield body[start : start + 4096]


@pytest.mark.parametrize("chunked", [False, True])
def test_no_more_of_a_body_is_taken_than_the_app_could_want(
    here: Installation, server: ApiServer, chunked: bool
) -> None:
    most = create_app(here.backend).config["MAX_CONTENT_LENGTH"]
    assert most < LARGEST_BODY <= most + (16 << 10)
    for size, status in ((most + 1, 200), (LARGEST_BODY + 1, 413)):
        body = b"x" * size
        assert _posted(server, _chunked(body) if chunked else body) == status


def _posted(server: ApiServer, body: bytes | Iterator[bytes]) -> int:
    """Return the status of the answer; 413 also where the server has hung up before all was said."""
    with closing(HTTPConnection(*_address(server), timeout=PATIENCE)) as connection:
        try:
            connection.request("POST", "/body", body)
            return connection.getresponse().status
        except (BrokenPipeError, ConnectionResetError):
            return 413


def _files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_bodies_that_come_slowly_take_no_files(server: ApiServer) -> None:
    assert _get(server, "/quick") == "quick"
    _eventually(lambda: not _channels(server))
    gc.collect()  # sockets of earlier tests may still wait for it
    before = _files()
    with socket.create_connection(_address(server), timeout=PATIENCE) as client:
        head = f"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LARGEST_BODY - 1}\r\n\r\n"
        client.sendall(head.encode() + b"x" * (LARGEST_BODY - 2))
        _eventually(lambda: any(_come(channel) == LARGEST_BODY - 2 for channel in _channels(server)))
        assert _files() <= before + 2
        client.sendall(b"x")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 OK")


def _channels(server: ApiServer) -> list[Any]:
    return list(server._server.active_channels.values())


def _come(channel: Any) -> int:
    """How many bytes of a body have come."""
    return 0 if channel.request is None else int(channel.request.body_bytes_received)


MOST = 40
"""Connections of a server that is crowded soon."""


@pytest.fixture
def narrow(slow: Slow) -> Iterator[ApiServer]:
    started = ApiServer(slow.app, "127.0.0.1", 0, most_connections=MOST)
    started.start()
    yield started
    started.stop(timeout=PATIENCE)


def _crowd(server: ApiServer, files: ExitStack, count: int, source: str, said: bytes = b"") -> list[socket.socket]:
    """Connect so often from *source*, an address of this machine, and say the beginning of a request on each."""
    opened = []
    for _ in range(count):
        client = socket.create_connection(_address(server), timeout=PATIENCE, source_address=(source, 0))
        opened.append(files.enter_context(client))
        client.sendall(said)
    return opened


@pytest.mark.parametrize("said", [b"", b"GET /quick HTTP/1.1\r\n"], ids=["silent", "begun"])
@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.9"], ids=["the same address", "another one"])
def test_whoever_holds_all_connections_keeps_nobody_out(
    narrow: ApiServer, caplog: pytest.LogCaptureFixture, source: str, said: bytes
) -> None:
    with ExitStack() as files:
        _crowd(narrow, files, 3 * MOST, source, said)
        assert _get(narrow, "/quick") == "quick"
        assert len(narrow._connections) <= MOST
    assert [record.message for record in caplog.records] == [
        "the API has too many connections, those without work make room"
    ]
    caplog.clear()


def test_who_holds_few_connections_keeps_them_and_what_is_in_work_is_finished(
    slow: Slow, narrow: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as files:
        asking = Asking(narrow, "/slow")
        assert slow.begun.acquire(timeout=PATIENCE)
        kept = HTTPConnection(*_address(narrow), timeout=PATIENCE)
        kept.request("GET", "/quick")
        assert kept.getresponse().read() == b"quick"
        _crowd(narrow, files, 3 * MOST, "127.0.0.9")
        assert _get(narrow, "/quick") == "quick"
        held = kept.sock
        kept.request("GET", "/quick")
        assert kept.getresponse().read() == b"quick"
        assert kept.sock is held
        kept.close()
        slow.leave.set()
        assert asking.wait() == "slow, but here"
    caplog.clear()


def test_who_reads_no_answer_makes_room_as_well(narrow: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    with ExitStack() as files:
        _crowd(narrow, files, 2, "127.0.0.9", b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _eventually(lambda: len([channel for channel in _channels(narrow) if _is_left_lying(channel)]) == 2)
        _crowd(narrow, files, 2 * MOST, "127.0.0.9")
        assert _get(narrow, "/quick") == "quick"
        assert not [channel for channel in _channels(narrow) if _is_left_lying(channel)]
    caplog.clear()


def _is_left_lying(channel: Any) -> bool:
    """Whether there is an answer that was made and is not fetched."""
    return not channel.requests and channel.total_outbufs_len > 0


def test_connections_leave_the_service_half_of_its_files(slow: Slow) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (600, hard))
    try:
        assert ApiServer(slow.app, "127.0.0.1", 0)._most == 300
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_port_in_use_is_explained(slow: Slow, server: ApiServer) -> None:
    _, port = _address(server)
    second = ApiServer(slow.app, "127.0.0.1", port)
    with pytest.raises(ApiUnavailableError) as caught:
        second.start()
    message = str(caught.value)
    assert message.startswith(f"the status API cannot listen on http://127.0.0.1:{port}: another program listens there")
    assert "api.port" in message
    assert "--no-api" in message


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("192.0.2.1", "no such address"),
        ("no-such-name.invalid", "not known|resolution|No address"),
        ("a" * 80, "label|not known|resolution"),
    ],
    ids=["another machine's", "no name", "too long"],
)
def test_an_address_that_cannot_be_used_is_explained(slow: Slow, host: str, why: str) -> None:
    with pytest.raises(ApiUnavailableError, match=why):
        ApiServer(slow.app, host, 0).start()


def test_a_name_for_this_machine_is_served_where_most_clients_look(slow: Slow) -> None:
    server = ApiServer(slow.app, "localhost", 0)
    server.start()
    assert server.url.startswith("http://localhost:")
    with urlopen(server.url.replace("localhost", "127.0.0.1") + "/quick", timeout=PATIENCE) as response:
        assert response.read() == b"quick"
    server.stop(timeout=PATIENCE)


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_ipv6_address_is_served_and_shown_in_brackets(slow: Slow, host: str) -> None:
    server = ApiServer(slow.app, host, 0)
    try:
        server.start()
    except ApiUnavailableError:
        pytest.skip("this machine has no IPv6")
    assert server.url.startswith("http://[::1]:")
    assert _get(server, "/quick") == "quick"
    server.stop(timeout=PATIENCE)
