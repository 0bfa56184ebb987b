"""One request and its answer, over a connection of its own."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from ssl import SSLEOFError
from typing import IO
from urllib.parse import urlsplit

from schedsync.http.connecting import connected, for_proxy, place
from schedsync.http.failing import FailedError, told
from schedsync.http.request import Message, Request

MOST = 1 << 20
"""Bytes that are read of a body."""
_BITE = 1 << 16


@contextmanager
def answered(request: Request, message: Message) -> Iterator[HTTPResponse]:
    """Send *message*, which *request* is or has led to, and give the answer to it; its body is yet to be read.

    Raises:
        FailedError: there is no answer.
    """
    url = urlsplit(message.url)
    where = place(url)
    path = url._replace(scheme="", netloc="").geturl()
    target = f"/{path.removeprefix('/')}"
    if request.proxy is not None and url.scheme == "http":
        message = replace(message, headers={**message.headers, **for_proxy(request.proxy)})
        target = message.url
    with _body(message) as body, connected(request, url) as connection:
        with told("sent the request", where, request.seconds):
            _send(connection, message, target, body)
        with told("waited for the answer", where, request.seconds):
            response = connection.getresponse()
        with closing(response):
            yield response


def _send(connection: HTTPConnection, message: Message, target: str, body: bytes | IO[bytes] | None) -> None:
    headers = {**message.headers, "Connection": "close"}
    if body is not None and not isinstance(body, bytes):
        headers["Content-Length"] = str(os.fstat(body.fileno()).st_size)
    # Who hangs up before the end may have answered all the same, for example that it is too much.
    with suppress(BrokenPipeError, ConnectionResetError, SSLEOFError):
        connection.request(message.method, target, body, headers)


@contextmanager
def _body(message: Message) -> Iterator[bytes | IO[bytes] | None]:
    if message.file is None:
        yield None if message.body is None else message.body.encode()
        return
    with _opened(Path(message.file)) as file:
        yield file


def _opened(path: Path) -> IO[bytes]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise FailedError(f"body: cannot read {path}: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise FailedError(f"body: {path} is no file")
    return file


def read(response: HTTPResponse, received: bytearray, where: str, seconds: float) -> bool:
    """Add the body to *received*, up to about MOST bytes; return whether that is all of it.

    Raises:
        FailedError: the other side, or the run, ended before; what came until then is in *received*.
    """
    with told("read the body", where, seconds):
        while piece := response.read1(_BITE):
            received += piece
            if len(received) >= MOST:
                return False
    if response.length:
        missing = f"{response.length:,} more were announced"
        raise FailedError(f"the answer of {where} broke off after {len(received):,} bytes; {missing}")
    return True
