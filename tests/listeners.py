"""Things that listen on a socket and are not well: for whoever connects to them."""

import gc
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

THE_DRIVER_FORGETS_ITS_SOCKET = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""python-oracledb leaves it to the garbage collector when the other side hangs up while connecting."""
_REFUSE = 4
"""The type of the packet by which an Oracle listener says no."""


def free_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@contextmanager
def silent_listener() -> Iterator[int]:
    """Give the port of a listener that lets one connect and never says a word."""
    with _listening(lambda _client: None) as port:
        yield port


@contextmanager
def closing_listener() -> Iterator[int]:
    """Give the port of a listener that ends each connection at once."""
    with _listening(lambda client: client.close()) as port:
        yield port


@contextmanager
def dropping_listener() -> Iterator[int]:
    """Give the port of a listener that does not even answer who wants to connect, as behind a firewall."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)  # and nobody accepts: once the few places for those who wait are taken, packets are dropped
        place: tuple[str, int] = server.getsockname()
        with suppress(TimeoutError):
            while True:
                stack.enter_context(socket.create_connection(place, timeout=0.3))
        yield place[1]
        _abandoned_connects_end()


@contextmanager
def refusing_oracle(code: int) -> Iterator[int]:
    """Give the port of an Oracle listener that refuses everybody with this number."""

    def refuse(client: socket.socket) -> None:
        client.recv(65536)
        said = f"(DESCRIPTION=(TMP=)(VSNNUM=0)(ERR={code})(ERROR_STACK=(ERROR=(CODE={code})(EMFI=4))))".encode()
        body = b"\x22\0" + struct.pack(">H", len(said)) + said
        client.sendall(struct.pack(">HHBBH", len(body) + 8, 0, _REFUSE, 0, 0) + body)
        client.close()

    with _listening(refuse) as port:
        yield port


@contextmanager
def _listening(greet: Callable[[socket.socket], None]) -> Iterator[int]:
    clients: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):  # closed at the end of the test
                while True:
                    client, _ = server.accept()
                    clients.append(client)
                    with suppress(OSError):
                        greet(client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    for client in clients:
        client.close()
    _abandoned_connects_end()


def _abandoned_connects_end() -> None:
    """Let what still waited for this listener end within the test that made it wait."""
    for each in threading.enumerate():
        if each.name == "schedsync-connect":
            each.join(10)
    gc.collect()


class Wire:
    """A way to a server that may be cut off in the middle: bytes go nowhere, and nobody is told."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._passes = threading.Event()
        self._passes.set()
        self._sockets: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def freeze(self) -> None:
        """Hold back everything from here on."""
        self._passes.clear()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._passes.set()
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._server.accept()
                there = socket.create_connection(("127.0.0.1", self._to))
                self._sockets += [here, there]
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._passes.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)
