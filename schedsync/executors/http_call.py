"""A request to a web service as a process: what the worker (``schedsync/http/worker.py``) reads.

Values from files and variables are in it, and nowhere else: not in the argv, the environment, the rows or the log.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from schedsync import __version__
from schedsync.clock import rfc3339
from schedsync.errors import UnresolvedReferenceError
from schedsync.executors.references import resolve
from schedsync.http.request import Expectation, Message, Proxy, Request, Tls
from schedsync.runs.run import Run
from schedsync.specs.http_request import HttpRequest, check_header_value, status_range
from schedsync.specs.references import FileReference, Reference, VariableReference

LONGEST = timedelta(minutes=5)
"""What a request may take when its job has no ``timeout``: nothing in HTTP ends a server that never ends."""
LAST_RESORT = timedelta(seconds=30)
"""How long after timeout and grace a worker ends itself that nobody has ended, neither service nor keeper."""
_LONG_WORD = 8
_FOR_PROXY = "proxy-authorization"


def looked_up(wanted: HttpRequest, job_folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the headers whose values come from files, or from the variables *environ*.

    Raises:
        UnresolvedReferenceError: a value is not to be had, or no header's.
    """
    return {
        name: _header(name, value, job_folder, environ)
        for name, value in wanted.headers.items()
        if isinstance(value, FileReference | VariableReference)
    }


def request_of(run: Run, wanted: HttpRequest, secrets: Mapping[str, str], end: timedelta, job_folder: Path) -> Request:
    """Return the request of *run*.

    Args:
        run: the attempt.
        wanted: what the job says.
        secrets: the headers that were looked up.
        end: when the worker ends itself, from its start.
        job_folder: the folder of its job file.
    """
    given = {name: value for name, value in wanted.headers.items() if isinstance(value, str)} | dict(secrets)
    return Request(
        message=_message(run, wanted, given, job_folder),
        seconds=end.total_seconds(),
        expectation=Expectation(tuple(map(status_range, wanted.expect.status)), wanted.expect.body),
        tls=_tls(wanted, job_folder),
        proxy=_proxy(wanted.proxy, given),
        follow_redirects=wanted.follow_redirects,
    )


def sources(wanted: HttpRequest) -> frozenset[str]:
    """Return the variables of the service that the request takes values from: the worker has no use for them."""
    return frozenset(value.env for value in wanted.headers.values() if isinstance(value, VariableReference))


def _header(name: str, reference: Reference, job_folder: Path, environ: Mapping[str, str]) -> str:
    try:
        return check_header_value(resolve(reference, job_folder, environ))
    except (UnresolvedReferenceError, ValueError) as error:
        raise UnresolvedReferenceError(f"headers.{name}: {error}") from None


def hidden(secrets: Mapping[str, str]) -> tuple[str, ...]:
    """Return what nothing may show: the values of *secrets*, and long words in them, as the one after ``Bearer``."""
    words = [word for value in secrets.values() for word in value.split() if len(word) >= _LONG_WORD]
    return (*secrets.values(), *words)


def _message(run: Run, wanted: HttpRequest, given: Mapping[str, str], job_folder: Path) -> Message:
    body, file, kind = _body(wanted, job_folder)
    defaults = {"User-Agent": f"schedsync/{__version__}", "Idempotency-Key": _slot(run)}
    if kind is not None:
        defaults["Content-Type"] = kind
    own = {name.lower() for name in given}
    headers = {name: value for name, value in defaults.items() if name.lower() not in own}
    headers |= {name: value for name, value in given.items() if wanted.proxy is None or name.lower() != _FOR_PROXY}
    return Message(wanted.method, wanted.url, headers, body, file)


def _slot(run: Run) -> str:
    """Return what names the slot, the same for each attempt at it: a retry is not to be taken for another request."""
    return f"{run.job_id}@{rfc3339(run.scheduled_at)}"


def _body(wanted: HttpRequest, job_folder: Path) -> tuple[str | None, str | None, str | None]:
    """Return the text of the body, or where it is, and its media type."""
    if wanted.json_body is not None:
        return json.dumps(wanted.json_body), None, "application/json"
    if isinstance(wanted.body, FileReference):
        return None, str(job_folder / wanted.body.file), "application/octet-stream"
    return wanted.body, None, None if wanted.body is None else "text/plain; charset=utf-8"


def _tls(wanted: HttpRequest, job_folder: Path) -> Tls:
    tls = wanted.tls
    ca, cert, key = (None if path is None else str(job_folder / path) for path in (tls.ca, tls.cert, tls.key))
    return Tls(ca, cert, key, tls.verify)


def _proxy(url: str | None, given: Mapping[str, str]) -> Proxy | None:
    if url is None:
        return None
    parts = urlsplit(url)
    authorization = next((value for name, value in given.items() if name.lower() == _FOR_PROXY), None)
    return Proxy(parts.hostname or "", parts.port or 80, authorization)
