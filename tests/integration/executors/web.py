"""Web services for requests, each for one test, and the worker that asks them."""

import os
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from schedsync.executors.base import Launch
from schedsync.executors.prepare import inherited, prepare
from tests.builders import run, spec
from tests.integration.executors.conftest import RUN

NOWHERE = Path("/nowhere")


class Asked(NamedTuple):
    """A request as the service saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    """Reads a request and lets the service answer it."""

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def handle_request(self) -> None:
        service = self.server
        assert isinstance(service, _Server)
        service.web.asked.append(self.read())
        service.respond(self)

    def read(self) -> Asked:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return Asked(self.command, self.path, dict(self.headers), body)

    do_GET = do_HEAD = do_POST = do_PUT = do_CONNECT = handle_request  # noqa: N815 - named by the base

    def log_message(self, *args: object) -> None:
        del args


Respond = Callable[[Handler], None]


class Web:
    """A service on this machine."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    web: Web

    def __init__(self, respond: Respond, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.respond, self._context = respond, context

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the thread of the connection: a handshake that fails must not end the service.
        if self._context is None:
            super().finish_request(request, client_address)
            return
        with self._context.wrap_socket(request, server_side=True) as safe:
            super().finish_request(safe, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: here clients go away on purpose."""


@contextmanager
def serving(respond: Respond, context: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Give a service that answers with *respond*; with a *context* it speaks https."""
    with _Server(respond, context) as server:
        scheme = "http" if context is None else "https"
        server.web = Web(f"{scheme}://127.0.0.1:{server.server_address[1]}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.web
        finally:
            server.shutdown()
            thread.join()


def fine(handler: Handler) -> None:
    """Answer that all is well."""
    handler.answer(200, b"done\n", Content_Type="text/plain")


def launch(
    url: str,
    folder: Path = NOWHERE,
    environ: Mapping[str, str] | None = None,
    *,
    timeout: str | None = None,
    **request: Any,
) -> Launch:
    """Return the launch of a request, as the runner makes it."""
    job = spec(run={"http": {"url": url, **request}}, timeout=timeout, kill_grace="10s")
    return prepare(run(id=RUN), job, folder, inherited({**os.environ, **(environ or {})}))


def ask(url: str, folder: Path = NOWHERE, environ: Mapping[str, str] | None = None, **request: Any) -> tuple[int, str]:
    """Return the exit code and the output of a request."""
    return made(launch(url, folder, environ, **request))


def made(launched: Launch) -> tuple[int, str]:
    """Return the exit code and the output of what was launched."""
    done = subprocess.run(
        launched.argv,
        input=launched.stdin,
        env=launched.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout.decode()


def reason(url: str, folder: Path = NOWHERE, **request: Any) -> str:
    """Return why a request failed."""
    code, output = ask(url, folder, **request)
    assert code == 1, output
    last = output.splitlines()[-1]
    assert last.startswith("failed: "), output
    return last.removeprefix("failed: ")
