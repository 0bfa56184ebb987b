"""A way to a server that can be broken: connections are refused, cut, or left hanging without a word."""

import socket
import threading
from contextlib import suppress


class Proxy:
    """Forwards TCP connections on a port of this machine to a server, as long as it is told to. For one test."""

    def __init__(self, host: str, port: int) -> None:
        """Make one to a host and a port; a host with a slash is the folder of a PostgreSQL's local socket."""
        self._host, self._at = host, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._accept(self._listener)

    def refuse(self) -> None:
        """Be a server that has stopped: no connection stays, no new one is taken."""
        with self._lock:
            # Before the port is free: the thread that accepts has to notice.
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self.cut()

    def cut(self) -> None:
        """End all connections; new ones are taken."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _close(*pair)

    def stall(self) -> None:
        """Be a server that hangs: connections stay and new ones are taken, but nothing is answered."""
        self._flowing.clear()

    def heal(self) -> None:
        """Forward again; what was held back meanwhile arrives."""
        self._flowing.set()
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._accept(self._listener)

    def close(self) -> None:
        self._flowing.set()
        self.refuse()

    def _accept(self, listener: socket.socket) -> None:
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._join, args=(client, listener), daemon=True).start()

    def _join(self, client: socket.socket, listener: socket.socket) -> None:
        self._flowing.wait()
        try:
            server = self._connected()
        except OSError:
            client.close()
            return
        with self._lock:
            if listener.fileno() < 0:
                _close(client, server)
                return
            self._pairs.append((client, server))
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _connected(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, self._at))
        local = socket.socket(socket.AF_UNIX)
        local.connect(f"{self._host}/.s.PGSQL.{self._at}")
        return local

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                self._flowing.wait()
                other.sendall(data)
        self._flowing.wait()
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
