"""Requests to a service, each bounded as a whole. What is answered goes to `remote`; what fails becomes a sentence.

No redirect is followed: the token goes to the address that was given, and to no other.
"""

import json
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from schedsync import __version__
from schedsync.cli.elsewhere import Elsewhere
from schedsync.errors import SchedsyncError
from schedsync.http.connecting import place
from schedsync.http.failing import FailedError, told

T = TypeVar("T")
SECONDS = 30.0
"""How long a request may take as a whole, beside what it is told to wait for."""
LARGEST = 64 << 20
"""Bytes; a longer answer is refused."""
_BITE = 1 << 16
_PROBLEM = "application/problem+json"


class ServerError(SchedsyncError):
    """The service cannot be asked, or does not do what it was asked for."""


class NoAnswerError(ServerError):
    """It cannot be reached, or is without its database; trying again later may help."""


class _SilentError(NoAnswerError):
    """It has been asked, and there is no answer."""


class AbsentError(ServerError):
    """It has no such job or run."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By names in small letters."""
    body: bytes

    @property
    def kind(self) -> str:
        """The media type."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Client:
    """Asks one service."""

    def __init__(self, at: Elsewhere) -> None:
        self._at = at
        self._where = place(at.url)

    def get(self, path: str, **query: object) -> Any:
        """Return the JSON at *path*, which is written in parts that are quoted here.

        Raises:
            ServerError: there is none.
        """
        return self._json(self.answer("GET", path, query))

    def post(self, path: str, **body: object) -> Any:
        """Send what of *body* is not None; return the JSON that comes back.

        Raises:
            ServerError: it was refused, or it is not known what became of it.
        """
        return self._json(self.answer("POST", path, body={name: v for name, v in body.items() if v is not None}))

    def answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        *,
        body: Mapping[str, object] | None = None,
        patience: float = 0.0,
    ) -> Answer:
        """Return a good answer.

        Args:
            method: GET or POST.
            path: below the address of the service.
            query: what is None is left out.
            body: sent as JSON.
            patience: seconds that the service may wait before it answers.

        Raises:
            ServerError: there is none.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{self._at.url.path}{quote(path)}{f'?{urlencode(given)}' if given else ''}"
        data = None if body is None else json.dumps(body).encode()
        seconds = SECONDS + patience
        try:
            got = self._bounded(lambda: self._exchange(method, target, data, seconds), seconds)
        except _SilentError as error:
            raise NoAnswerError(f"{error}{'' if data is None else '; it may have been done all the same'}") from None
        if got.status >= 300:
            raise self._refusal(got)
        return got

    def _bounded(self, ask: Callable[[], Answer], seconds: float) -> Answer:
        """Return what *ask* does in time: nothing else bounds a look-up of names, or a server that drips."""
        answers: SimpleQueue[Answer | Exception] = SimpleQueue()

        def asking() -> None:
            try:
                answers.put(ask())
            except Exception as error:  # handed to the thread that waits
                answers.put(error)

        Thread(target=asking, name="schedsync-request", daemon=True).start()
        try:
            got = answers.get(timeout=seconds)
        except Empty:
            raise _SilentError(f"{self._where} did not answer within {seconds:g} s") from None
        if isinstance(got, Exception):
            raise got
        return got

    def _exchange(self, method: str, target: str, data: bytes | None, seconds: float) -> Answer:
        with closing(self._connection(seconds)) as connection:
            try:
                with told("connected", self._where, seconds):
                    self._connect(connection)
            except FailedError as error:
                raise NoAnswerError(str(error)) from None
            try:
                with told("waited for the answer", self._where, seconds):
                    return self._asked(connection, method, target, data)
            except FailedError as error:
                raise _SilentError(str(error)) from None

    def _asked(self, connection: HTTPConnection, method: str, target: str, data: bytes | None) -> Answer:
        connection.request(method, target, data, self._headers(data))
        with closing(connection.getresponse()) as response:
            return Answer(response.status, _headers(response), self._body(response))

    def _connection(self, seconds: float) -> HTTPConnection:
        host, port = self._at.url.hostname or "", self._at.url.port
        if self._at.url.scheme == "http":
            return HTTPConnection(host, port, timeout=seconds)
        return HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context())

    def _connect(self, connection: HTTPConnection) -> None:
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            raise ServerError(
                f"the certificate of {self._where} is not trusted: {error.verify_message}; the variable SSL_CERT_FILE"
                " names a file of CAs to trust"
            ) from None
        except ssl.SSLError as error:
            reason = (error.reason or str(error)).lower().replace("_", " ")
            raise ServerError(f"no https with {self._where}: {reason}; does it speak https there?") from None

    def _headers(self, data: bytes | None) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": f"schedsync/{__version__}", "Connection": "close"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        if self._at.token is not None:
            headers["Authorization"] = f"Bearer {self._at.token}"
        return headers

    def _body(self, response: HTTPResponse) -> bytes:
        received = bytearray()
        while piece := response.read1(_BITE):
            received += piece
            if len(received) > LARGEST:
                raise ServerError(f"the answer of {self._where} is longer than {LARGEST:,} bytes")
        return bytes(received)

    def _json(self, answer: Answer) -> Any:
        with suppress(ValueError):
            return json.loads(answer.body)
        raise self._stranger(answer)

    def _stranger(self, answer: Answer) -> ServerError:
        found = answer.kind or "nothing"
        return ServerError(
            f"{self._where} does not answer as schedsync does: status {answer.status}, {found}; --server wants the"
            " address of its API, such as http://127.0.0.1:5000"
        )

    def _refusal(self, answer: Answer) -> ServerError:
        if answer.status < 400:
            to = answer.headers.get("location", "elsewhere")
            return ServerError(f"{self._where} leads on to {to}; give --server the address itself")
        problem = _problem(answer)
        detail = problem.get("detail")
        if not isinstance(detail, str):
            return self._stranger(answer)
        match answer.status:
            case 401 | 403:
                return ServerError(f"{self._where}: {detail}{_how(detail)}")
            case 404 if "job_id" in problem or "run_id" in problem:
                return AbsentError(detail)
            case 503:
                return NoAnswerError(f"{self._where}: {detail}")
            case _:
                return ServerError(f"{self._where}: {detail}")


def _headers(response: HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


def _problem(answer: Answer) -> dict[str, Any]:
    problem = None
    if answer.kind == _PROBLEM:
        with suppress(ValueError):
            problem = json.loads(answer.body)
    return problem if isinstance(problem, dict) else {}


def _how(detail: str) -> str:
    """Return how to come by a token and how to give it, as far as the service has not said so."""
    make = "" if "token create" in detail else "`schedsync token create NAME --scope read` there makes one; "
    return f" ({make}give it with --token-file FILE or in SCHEDSYNC_TOKEN)"
