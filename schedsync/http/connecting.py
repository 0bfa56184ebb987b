"""Connections: to the host of a request, or to the proxy that leads to it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPSConnection
from queue import SimpleQueue
from typing import Any
from urllib.parse import SplitResult

from schedsync.http.failing import told
from schedsync.http.request import Proxy, Request
from schedsync.http.tls import context_of

CONNECT_SECONDS = 10.0
"""Within this an address is connected to, and each step of the TLS handshake is answered."""


@contextmanager
def connected(request: Request, url: SplitResult) -> Iterator[HTTPConnection]:
    """Give a connection through which *url* can be asked.

    Raises:
        FailedError: there is none to be had.
    """
    proxy = None if request.proxy is None else f"the proxy {request.proxy.host}:{request.proxy.port}"
    with closing(_connection(request, url)) as connection:
        with told("connected", place(url), CONNECT_SECONDS, through=proxy):
            connection.connect()
        # Silence is bounded by the time of the whole request from here on.
        connection.sock.settimeout(request.seconds)
        yield connection


def place(url: SplitResult) -> str:
    """Return host and port that *url* leads to."""
    host = url.hostname or ""
    return f"[{host}]:{_port(url)}" if ":" in host else f"{host}:{_port(url)}"


def for_proxy(proxy: Proxy) -> dict[str, str]:
    """Return the headers that are for *proxy* alone."""
    return {} if proxy.authorization is None else {"Proxy-Authorization": proxy.authorization}


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _connection(request: Request, url: SplitResult) -> HTTPConnection:
    end = (url.hostname or "", _port(url))
    host, port = end if request.proxy is None else (request.proxy.host, request.proxy.port)
    connection = HTTPConnection(host, port, timeout=CONNECT_SECONDS)
    if url.scheme == "https":
        connection = HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=context_of(request.tls))
        if request.proxy is not None:
            connection.set_tunnel(*end, headers=for_proxy(request.proxy))
    # Where http.client asks for addresses, which no signal interrupts.
    connection._create_connection = _socket_to  # type: ignore[attr-defined] # noqa: SLF001 - the one place to do it
    return connection


def _socket_to(address: tuple[str, int], timeout: float, _source: object = None) -> socket.socket:
    """Return a connection to the first of the host's addresses that takes it."""
    failure = OSError("the host has no address")
    for family, kind, protocol, _, target in _addresses(*address):
        candidate = socket.socket(family, kind, protocol)
        try:
            candidate.settimeout(timeout)
            candidate.connect(target)
        except OSError as error:
            candidate.close()
            failure = error
        else:
            return candidate
    raise failure


def _addresses(host: str, port: int) -> list[Any]:
    """Ask for the addresses of a host, in a thread: the question cannot be interrupted, but waiting for it can."""
    answers: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except Exception as error:  # handed to the thread that waits
            answers.put(error)

    threading.Thread(target=ask, name="schedsync-addresses", daemon=True).start()
    answer = answers.get()
    if isinstance(answer, Exception):
        raise answer
    return answer
