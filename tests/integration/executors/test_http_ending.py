"""Requests that do not end by themselves: whatever the service does, the job's timeout is the end."""

import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Event

import pytest

from schedsync.executors.base import Engine
from schedsync.http.request import Request, decoded
from schedsync.runs.run import RunState
from tests.integration.executors.conftest import RUN, Remembering
from tests.integration.executors.web import Handler, Respond, Web, launch, made, serving

QUICK = 3.0
"""Seconds; much less than the grace, and than the services take."""


@contextmanager
def slow(respond: Respond) -> Iterator[Web]:
    """Give a service that answers slowly; it stops when the test does."""
    over.clear()
    with serving(respond) as web:
        yield web
        over.set()


over = Event()


def drip(handler: Handler) -> None:
    """Answer with a byte now and then, more often than any timeout of a socket would notice."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(600):
        handler.wfile.write(b".")
        if over.wait(0.1):
            return


def drip_headers(handler: Handler) -> None:
    """Send headers without end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for number in range(600):
        handler.wfile.write(b"\r\nX: " if number % 8 == 7 else b"y")
        if over.wait(0.1):
            return


def continue_for_ever(handler: Handler) -> None:
    """Ask for patience without end."""
    for _ in range(600):
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if over.wait(0.1):
            return


def hang(handler: Handler) -> None:
    """Say nothing."""
    over.wait(60)


@pytest.mark.alone
@pytest.mark.parametrize("respond", [drip, drip_headers, continue_for_ever, hang])
def test_the_timeout_of_the_job_is_the_end(engine: Engine, listener: Remembering, respond: Respond) -> None:
    with slow(respond) as web:
        began = time.monotonic()
        engine.launch(launch(web.url, timeout="2s"))
        outcome = listener.end()
        assert time.monotonic() - began < 2.5
    assert (outcome.state, outcome.reason) == (RunState.TIMED_OUT, "timeout of 2s exceeded; ended by SIGTERM")
    assert outcome.output.head.decode().splitlines()[-1].startswith("failed: stopped by SIGTERM while it ")


def test_what_came_until_the_end_is_kept(engine: Engine, listener: Remembering) -> None:
    with slow(drip) as web:
        engine.launch(launch(web.url, timeout="2s"))
        output = listener.end().output.head.decode()
    assert "\nHTTP/1.0 200 OK\n\n....." in output
    assert output.endswith("failed: stopped by SIGTERM while it read the body\n")


def worker_time(request: Request) -> str:
    """Return the last line of a worker that nobody ends, and see that it has ended itself in time."""
    template = launch("http://127.0.0.1:1")
    began = time.monotonic()
    code, output = made(replace(template, stdin=request.encoded()))
    assert code == 1
    assert time.monotonic() - began < 1 + QUICK
    return output.splitlines()[-1]


@pytest.mark.parametrize(
    ("respond", "doing"),
    [(drip, "read the body"), (drip_headers, "waited for the answer"), (hang, "waited for the answer")],
)
def test_a_worker_that_nobody_ends_ends_itself(respond: Respond, doing: str) -> None:
    with slow(respond) as web:
        request = replace(decoded(launch(web.url).stdin), seconds=1.0)
        assert worker_time(request) == f"failed: not done within 1 s while it {doing}"


def test_a_pattern_that_is_compared_for_ever_ends_too() -> None:
    def respond(handler: Handler) -> None:
        handler.answer(200, b"a" * 60)

    with serving(respond) as web:
        request = replace(decoded(launch(web.url, expect={"body": "^(a+)+$b"}).stdin), seconds=1.0)
        assert worker_time(request) == "failed: not done within 1 s while it compared the body with expect.body"


@contextmanager
def full_listener() -> Iterator[int]:
    """Give the port of a listener that accepts no more: connecting to it takes for ever."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            waiting.append(client)
        yield port
        for client in waiting:
            client.close()


def stopped(url: str, when: Callable[[], object]) -> str:
    """Return the last line of a worker that gets SIGTERM when *when* returns."""
    launched = launch(url)
    with Popen(launched.argv, stdin=PIPE, stdout=PIPE, env=launched.env) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(launched.stdin)
        worker.stdin.close()
        assert worker.stdout.readline().startswith(b"GET ")
        when()
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        last = worker.stdout.read().decode().splitlines()[-1]
        assert worker.wait(QUICK) == 1
        assert time.monotonic() - began < QUICK
    return last


def test_a_stop_is_heard_while_it_connects() -> None:
    with full_listener() as port:
        said = stopped(f"http://127.0.0.1:{port}", lambda: None)
    assert re.fullmatch(r"failed: stopped by SIGTERM( while it connected)?", said)


@pytest.mark.parametrize(
    ("scheme", "doing"), [("https", "connected"), ("http", "sent the request|waited for the answer")]
)
def test_a_stop_is_heard_when_something_was_sent(scheme: str, doing: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ExitStack() as clients:

        def heard() -> None:
            client = clients.enter_context(silent.accept()[0])
            assert client.recv(1)

        said = stopped(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}", heard)
    assert re.fullmatch(rf"failed: stopped by SIGTERM while it ({doing})", said)


def test_secrets_are_in_no_argv_and_no_environment(engine: Engine, listener: Remembering, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter3-of-erp")
    headers = {"Authorization": {"env": "TOKEN"}, "X-Key": {"file": "key"}}
    with slow(hang) as web:
        engine.launch(launch(web.url, tmp_path, {"TOKEN": "Bearer hunter2-of-erp"}, headers=headers))
        _, pid = listener.starts.get(timeout=20)
        deadline = time.monotonic() + 20
        while not web.asked:
            assert time.monotonic() < deadline
            time.sleep(0.02)  # between two questions, not for luck: the deadline decides
        seen = b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
        assert b"schedsync.http.worker" in seen
        assert RUN.encode() in seen
        assert b"hunter" not in seen
        engine.cancel(RUN, "no longer wanted")
        assert listener.end().state is RunState.CANCELLED
