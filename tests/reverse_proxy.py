"""A reverse proxy as administrators put one in front: it ends https, serves others as well, and says who asks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "host"}


@contextmanager
def reverse_proxy(upstream: str, prefix: str, *, name: str, scheme: str = "https") -> Iterator[str]:
    """Give the address of a proxy.

    Args:
        upstream: what it stands before, e.g. ``http://127.0.0.1:5000``.
        prefix: the path below which it is served, e.g. ``/sched``; it is not passed on.
        name: of the site, as browsers know it.
        scheme: by which browsers are said to ask.
    """
    place = urlsplit(upstream)
    told = {"Host": name, "X-Forwarded-Host": name, "X-Forwarded-Proto": scheme, "X-Forwarded-Prefix": prefix}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404)
                return
            status, headers, body = self._ask(self.path[len(prefix) :])
            self.send_response_only(status)
            for header, value in headers:
                if header.lower() not in _OF_THE_CONNECTION | {"content-length"}:
                    self.send_header(header, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name is the method's

        def _ask(self, path: str) -> tuple[int, list[tuple[str, str]], bytes]:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_THE_CONNECTION}
            before = f"{headers['X-Forwarded-For']}, " if "X-Forwarded-For" in headers else ""
            headers |= told | {"X-Forwarded-For": f"{before}{self.client_address[0]}"}
            connection = HTTPConnection(str(place.hostname), place.port, timeout=30)
            try:
                connection.request(self.command, path, body, headers)
                response = connection.getresponse()
                return response.status, response.getheaders(), response.read()
            finally:
                connection.close()

        def log_message(self, *_: object) -> None:
            """Say nothing: what matters is in the answers."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
