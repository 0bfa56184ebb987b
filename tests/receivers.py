"""Servers on this machine that are told something, and keep what they were told; and some that are not well."""

import email
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.listeners import free_port


@dataclass(frozen=True, slots=True)
class Received:
    """A request."""

    method: str
    path: str
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Web:
    """A web server, and what it was asked."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    status: int = 200
    """What it answers."""
    drips: threading.Event = field(default_factory=threading.Event)
    """While it is set, answers come byte by byte and never end."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [each.path for each in self.received]


@contextmanager
def web_server(port: int = 0) -> Iterator[Web]:
    """Give a web server that takes everything."""
    web, over = Web(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            web.received.append(Received(self.command, self.path, self.headers, body))
            if web.drips.is_set():
                self._drip()
                return
            self.send_response(web.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _drip(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while web.drips.is_set() and not over.wait(0.2):
                self.wfile.write(b"x")
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Clients that are killed hang up."""

    server = Server(("127.0.0.1", port), Handler)
    web.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


@dataclass(slots=True)
class Mailbox:
    """A mail server, and what it took."""

    port: int = 0
    taken: list[tuple[str, list[str], Message]] = field(default_factory=list)
    """Sender, recipients, message."""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        message = email.message_from_bytes(bytes(envelope.original_content or b""))
        self.taken.append((envelope.mail_from or "", envelope.rcpt_tos, message))
        return "250 OK"


@contextmanager
def mail_server(password: str | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Mailbox]:
    """Give a mail server.

    Args:
        password: it takes nothing from whoever does not know it.
        tls: it takes nothing before STARTTLS.
    """
    box = Mailbox(free_port())

    def authenticate(*given: Any) -> AuthResult:
        data = given[-1]
        known = isinstance(data, LoginPassword) and data.password == (password or "").encode()
        return AuthResult(success=known, handled=False)

    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    guards: dict[str, Any] = {}
    if password is not None:
        guards |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": tls is not None}
    if tls is not None:
        guards |= {"tls_context": tls, "require_starttls": True}
    controller.factory = partial(SMTP, box, **guards)  # type: ignore[method-assign]
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
