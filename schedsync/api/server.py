"""waitress in a thread of this process: started and drained by `service`."""

import errno
import logging
import resource
import socket
import threading
import time
from typing import Any

from flask import Flask
from waitress import create_server, wasyncore

from schedsync.api.crowd import longest_idle
from schedsync.errors import ApiUnavailableError

log = logging.getLogger(__name__)

THREADS = 12
"""Of which 3 may wait for output, 5 for the database, 1 for it to change something, and 3 are left for the rest."""
LARGEST_HEAD = 32 << 10
"""In bytes; what is longer is refused."""
MOST_CONNECTIONS = 1_000
"""How many there may be at once; dashboards keep theirs open. Where the limit of open files is low it is half of that,
so that the rest of the service has some. Near it, connections without work make room for new ones (see `crowd`)."""
IDLE = 60
"""Seconds after which a connection is closed on which nothing comes and nothing is in work."""
LARGEST_BODY = 80 << 10
"""In bytes; what is longer is refused before it reaches the app, whose own limit is a little lower: it says more."""
_SPARE = 10
"""So many connections are kept free for those who come; one is let in at a time."""
_PATIENCE = 1
"""Seconds between two looks at idle connections."""
_IDLE_THREADS_END = 0.5
"""Seconds within which threads without work have ended."""
_CAUSES = {
    errno.EADDRINUSE: "another program listens there, perhaps another schedsync",
    errno.EACCES: "this user may not use that port",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


class ApiServer:
    """Serves an app over HTTP. One thread reads and writes all connections, ``THREADS`` others call the app."""

    def __init__(self, app: Flask, host: str, port: int, *, most_connections: int = MOST_CONNECTIONS) -> None:
        """Make a server; nothing listens yet.

        Args:
            app: what to serve.
            host: a name or an address of this machine.
            port: 0 for one that is free.
            most_connections: how many there may be at once.
        """
        self._app, self._host, self._port = app, host.strip("[]"), port
        self._most = min(most_connections, _half_of_files())
        self._crowded = False
        """Whether it was said that connections have to make room, and still would be."""
        self._server: Any = None
        self._connections: dict[int, Any] = {}
        self._stopping = threading.Event()
        self._deadline = 0.0
        self._thread = threading.Thread(target=self._serve, name="schedsync-api", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, with the real port once it is started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def start(self) -> None:
        """Listen, and serve in a thread.

        Raises:
            ApiUnavailableError: the address cannot be used; the message says why and what to set.
        """
        listener = self._listen()
        self._port = listener.getsockname()[1]
        self._server = _waitress(self._app, listener, self._connections, self._most)
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Refuse new connections, let requests that are in work end, and return.

        Args:
            timeout: seconds after which those that have not ended are cut off.
        """
        if self._server is None:
            return
        self._deadline = time.monotonic() + timeout
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join()
        self._end()
        self._server = None

    def _listen(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            # A name such as localhost may have both kinds of address, and not every client tries both.
            family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
            both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
            return socket.create_server(address, family=family, dualstack_ipv6=both)
        except (OSError, UnicodeError) as error:
            raise ApiUnavailableError(self._sentence(error)) from error

    def _sentence(self, error: OSError | UnicodeError) -> str:
        cause = str(error)
        if isinstance(error, OSError):
            cause = _CAUSES.get(error.errno or 0) or error.strerror or cause
        return (
            f"the status API cannot listen on {self.url}: {cause}; choose another address with --api HOST:PORT or in"
            " the settings api.host and api.port, or do without it with --no-api"
        )

    def _serve(self) -> None:
        while not self._stopping.is_set():
            self._go_round(_PATIENCE)
        self._refuse_new()
        while self._in_work() and (left := self._deadline - time.monotonic()) > 0:
            self._go_round(min(left, _PATIENCE))

    def _go_round(self, timeout: float) -> None:
        try:
            # With poll, because select cannot watch files beyond number 1023, and many runs have many pipes.
            wasyncore.loop(timeout=timeout, map=self._connections, use_poll=True, count=1)
            self._make_room()
        except Exception:  # the boundary of the loop: the API must not vanish for one bad connection
            log.exception("serving the API failed, it goes on")
            self._stopping.wait(_PATIENCE)

    def _make_room(self) -> None:
        """Close connections that have no work, while there are so many that new ones would not be let in."""
        channels, many = self._server.active_channels, max(self._most - _SPARE, self._most // 2)
        while len(channels) > many and (idle := longest_idle(channels.values())) is not None:
            if not self._crowded:
                log.warning(
                    "the API has too many connections, those without work make room",
                    extra={"connections": len(channels), "address": idle.addr[0]},
                )
            self._crowded = True
            # At once, by the thread that polls it: one whose client reads nothing never becomes writable, which is when
            # waitress closes those that it wants to.
            idle.handle_close()
        self._crowded &= len(channels) > many // 2

    def _refuse_new(self) -> None:
        # Closed by the thread that polls it, so that it never polls a closed one.
        self._server.accepting = False
        self._server.del_channel()
        self._server.socket.close()

    def _in_work(self) -> bool:
        # The requests are looked at first: when none is left, its answer is written or in the buffers.
        channels = self._server.active_channels.values()
        return any(channel.requests or channel.request or channel.total_outbufs_len for channel in channels)

    def _end(self) -> None:
        dispatcher = self._server.task_dispatcher
        dispatcher.shutdown(cancel_pending=True, timeout=max(self._deadline - time.monotonic(), _IDLE_THREADS_END))
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()
        if not dispatcher.threads:  # one that still works would write to whatever gets the trigger's number next
            self._server.trigger.close()


def _half_of_files() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else soft // 2


def _waitress(app: Flask, listener: socket.socket, connections: dict[int, Any], most: int) -> Any:
    # Its queue says "Task queue depth" for each burst, which is what a queue is for.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    return create_server(
        app,
        map=connections,
        sockets=[listener],
        threads=THREADS,
        ident="schedsync",
        max_request_header_size=LARGEST_HEAD,
        max_request_body_size=LARGEST_BODY,
        inbuf_overflow=LARGEST_BODY,  # no body becomes a file: that would take another descriptor for each connection
        connection_limit=most,
        channel_timeout=IDLE,
        clear_untrusted_proxy_headers=False,  # the app believes no more of them than the settings say
        log_socket_errors=False,
    )
